"""Adds up what Meson's test logs in a folder tell. The last line is the sum alone; the exit status is 1 when something failed.

A test program holds many cases: those of cmocka and pytest are counted one by one, any other program is one case.
"""
import json
import os
import re
import sys

CMOCKA = re.compile(r"^\[\s*(PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)", re.M)
PYTEST = re.compile(r"^(?=.*\bin [\d.]+s)(?:=+ )?((?:\d+ \w+(?:, )?)+)", re.M)
WORDS = {"passed": "passed", "failed": "failed", "error": "failed", "errors": "failed", "skipped": "skipped", "xfailed": "skipped"}


def cases(test):
    """{"passed": n, "failed": n, "skipped": n} of one program."""
    output = test.get("stdout", "") + "\n" + test.get("stderr", "")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for word, number in CMOCKA.findall(output):
        counts[word.lower()] += int(number)
    for line in PYTEST.findall(output):
        for number, word in re.findall(r"(\d+) (\w+)", line):
            if word in WORDS:
                counts[WORDS[word]] += int(number)
    outcome = {"OK": "passed", "SKIP": "skipped", "EXPECTEDFAIL": "passed"}.get(test["result"], "failed")
    if sum(counts.values()) == 0 or outcome == "failed" and counts["failed"] == 0:
        counts[outcome] += 1
    return counts


def main():
    folder, parts_failed = sys.argv[1], int(sys.argv[2])
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        part = dict.fromkeys(total, 0)
        with open(os.path.join(folder, name), encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
        for test in tests:
            counts = cases(test)
            for key, number in counts.items():
                part[key] += number
                total[key] += number
            if counts["failed"]:
                print(f"FAILED {name[:-5]}: {test['name']} ({test['result']})")
            for reason in re.findall(r"^SKIPPED (.*)$", test.get("stdout", ""), re.M):
                print(f"skipped {name[:-5]}: {reason}")
        print(f"{name[:-5]}: {len(tests)} programs, {sentence(part)}")
    if parts_failed and not total["failed"]:
        total["failed"] = parts_failed
    print(sentence(total))
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


def sentence(counts):
    return ", ".join(f"{number} {word}" for word, number in counts.items())


main()
