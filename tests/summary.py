"""Adds up what Meson's test logs in a folder tell: FOLDER PARTS_FAILED. The last line is the sum alone; the exit status is 1 when something failed.
With --again LOG: the names of the programs that deserve a second run, alone; the exit status is 1 when there are none.

A test program holds many cases: those of cmocka and pytest are counted one by one, any other program is one case. PART-again.json tells of the
programs of PART that were run once more: what passed then counts, and is named with its first complaint.
"""
import json
import os
import re
import sys

CMOCKA = re.compile(r"^\[\s*(PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)", re.M)
PYTEST = re.compile(r"^(?=.*\bin [\d.]+s)(?:=+ )?((?:\d+ \w+(?:, )?)+)", re.M)
WORDS = {"passed": "passed", "failed": "failed", "error": "failed", "errors": "failed", "skipped": "skipped", "xfailed": "skipped"}

# What a program complains of, in the words of pytest and cmocka.
COMPLAINT = re.compile(r"^(?:E   .*|FAILED .*|ERROR .*|\[\s+(?:ERROR|LINE)\s+\].*)$", re.M)
COMPLAINT_LINES = 12
# What is a fault however seldom it shows: memory, undefined behaviour, an assertion of a program, its end by SIGABRT, SIGBUS, SIGFPE or SIGSEGV.
NEVER_CHANCE = re.compile(r"(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: |Assertion .* failed|Segmentation fault"
                          r"|ended with -(?:6|7|8|11)\b")
# More than this many at once have not failed by chance.
CHANCES = 3


def output(test):
    return test.get("stdout", "") + "\n" + test.get("stderr", "")


def outcome_of(test):
    return {"OK": "passed", "SKIP": "skipped", "EXPECTEDFAIL": "passed"}.get(test["result"], "failed")


def cases(test):
    """{"passed": n, "failed": n, "skipped": n} of one program."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for word, number in CMOCKA.findall(output(test)):
        counts[word.lower()] += int(number)
    for line in PYTEST.findall(output(test)):
        for number, word in re.findall(r"(\d+) (\w+)", line):
            if word in WORDS:
                counts[WORDS[word]] += int(number)
    outcome = outcome_of(test)
    if sum(counts.values()) == 0 or outcome == "failed" and counts["failed"] == 0:
        counts[outcome] += 1
    return counts


def read(path):
    """The programs of a log."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def worth_another_run(tests):
    """Names as Meson takes them; none unless few of many failed, and none of them in a way that is no chance."""
    failed = [test for test in tests if outcome_of(test) == "failed"]
    if not 0 < len(failed) <= CHANCES or len(failed) == len(tests):
        return []
    if any(test.get("returncode", 0) < 0 and test["result"] != "TIMEOUT" or NEVER_CHANCE.search(output(test)) for test in failed):
        return []
    return [test["name"].rpartition(" / ")[2] for test in failed]


def complaint(test):
    """The first lines of what a program complained of, else the last that it said."""
    lines = COMPLAINT.findall(output(test)) or output(test).strip().splitlines()[-COMPLAINT_LINES:]
    return lines[:COMPLAINT_LINES]


def tell_part(name, tests, again):
    """Prints what became of one part; its sums."""
    part = {"passed": 0, "failed": 0, "skipped": 0}
    for first in tests:
        test = again.get(first["name"], first)
        counts = cases(test)
        for key, number in counts.items():
            part[key] += number
        if counts["failed"]:
            print(f"FAILED {name}: {test['name']} ({test['result']}{', alone too' if test is not first else ''})")
        elif test is not first:
            print(f"UNSTEADY {name}: {test['name']} failed beside others ({first['result']}) and passed alone; it complained:")
            print("\n".join("    " + line for line in complaint(first)))
        for reason in re.findall(r"^SKIPPED (.*)$", test.get("stdout", ""), re.M):
            print(f"skipped {name}: {reason}")
    unsteady = sum(cases(test)["failed"] == 0 for test in again.values())
    print(f"{name}: {len(tests)} programs, {sentence(part)}" + (f"; {unsteady} of the programs unsteady" if unsteady else ""))
    return part


def tell(folder, parts_failed):
    total = {"passed": 0, "failed": 0, "skipped": 0}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json") or name.endswith("-again.json"):
            continue
        name = name[:-5]
        again = {test["name"]: test for test in read(os.path.join(folder, f"{name}-again.json"))}
        for key, number in tell_part(name, read(os.path.join(folder, f"{name}.json")), again).items():
            total[key] += number
    if parts_failed and not total["failed"]:
        total["failed"] = parts_failed
    print(sentence(total))
    return 1 if total["failed"] or not total["passed"] else 0


def sentence(counts):
    return ", ".join(f"{number} {word}" for word, number in counts.items())


def main():
    if sys.argv[1] == "--again":
        names = worth_another_run(read(sys.argv[2]))
        print(*names)
        return 0 if names else 1
    return tell(sys.argv[1], int(sys.argv[2]))


sys.exit(main())
