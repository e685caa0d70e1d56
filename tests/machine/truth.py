"""Run in the machine as root: holds what state.db, the logs and PostgreSQL say of all runs against each other.

Prints {"runs": how many, "lines": how many, "wrong": [text]}."""
import glob
import json
import re
import sqlite3
import subprocess

STATE = "/var/lib/batchd/state.db"
PSQL = ["setpriv", "--reuid", "batchd", "--regid", "batchd", "--init-groups", *sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1:], "-X", "-At", "-F", "\t",
        "-h", "/run/batchtest-pg", "-d", "batchd", "-c"]
wrong = []


def ask(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def rows(sql):
    return {tuple(line.split("\t")) for line in ask(*PSQL, sql).splitlines()}


def check_lines(number):
    """Each attempt's lines are a beginning of what it wrote, without a hole and without rubbish; their numbers go up."""
    count = 0
    text = ask("batchctl", "logs", str(number))
    expected = 1
    for line in text.splitlines():
        found = re.search(r"line (\d+)$", line)
        if not found:
            continue
        if int(found.group(1)) not in (expected, 1):
            wrong.append(f"run {number}: {line!r} where line {expected} was expected")
        expected = int(found.group(1)) + 1
        count += 1
    if "\0" in text:
        wrong.append(f"run {number}: zeros in its log")
    return count


def main():
    runs = json.loads(ask("batchctl", "history", "-n", "100000", "-o", "json"))
    open_ends = [run["run_number"] for run in runs if run["status"] in ("queued", "running") or not run["completed_at"]]
    if open_ends:
        wrong.append(f"runs without an end: {open_ends}")
    database = sqlite3.connect(f"file:{STATE}?mode=ro", uri=True)
    for said, in database.execute("PRAGMA integrity_check"):
        if said != "ok":
            wrong.append(f"state.db: {said}")
    numbers = sorted(run["run_number"] for run in runs)
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append("run numbers have holes or repeat")
    here = {(str(run["run_number"]), run["run_id"], run["status"], run["reason"] or "") for run in runs}
    there = rows("SELECT run_number, run_id, status, coalesce(reason, '') FROM batch_runs")
    if here != there:
        wrong.append(f"only in state.db: {sorted(here - there)[:5]}; only in PostgreSQL: {sorted(there - here)[:5]}")
    print(json.dumps({"runs": len(runs), "lines": sum(check_lines(number) for number in numbers[-60:]), "wrong": wrong}))


main()
