"""What must hold after everything that was broken: of a run, of its log, of the processes, and of the two records."""
import json
import os
import re
import sqlite3

from .protocol import Client
from .wait import until

# Columns of state.db that PostgreSQL has too, with what "none" is in state.db.
RUN_COLUMNS = {"run_id": None, "run_number": None, "job": None, "batch_type": None, "batch_mode": None, "triggered_by": None,
               "triggered_by_user": None, "status": None, "reason": None, "created_at": 0, "started_at": 0, "completed_at": 0,
               "duration_usec": -1, "error_message": None, "parameters": None, "metrics": None, "warnings": None, "notes": None,
               "retry_of": None, "parent_run_id": None, "due_at": 0, "definition_hash": None, "version": None}
ATTEMPT_COLUMNS = {"run_id": None, "step_name": None, "item": None, "attempt": None, "step_order": None, "version": None,
                   "status": None, "reason": None, "started_at": 0, "completed_at": 0, "duration_usec": -1, "records_processed": -1,
                   "exit_status": -1, "signal_number": 0, "error_message": None, "output_log": None, "metrics": None,
                   "metadata": None, "processes_ended": None, "created_at": 0, "updated_at": 0}
INSTANTS = {"created_at", "started_at", "completed_at", "updated_at", "due_at"}
DOCUMENTS = {"parameters", "metrics", "warnings", "notes", "metadata"}
FINAL = {"success", "partial", "failed", "cancelled", "skipped"}


class StateFile:
    """state.db, read beside the daemon or without one."""

    def __init__(self, instance):
        self.path = os.path.join(instance.state, "state.db")

    def query(self, sql, *parameters):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=60)
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()

    def status_of(self, run_id):
        rows = self.query("SELECT status FROM runs WHERE run_id = ?", run_id)
        return rows[0][0] if rows else None

    def rows_waiting(self):
        return sum(self.query(f"SELECT count(*) FROM {table} WHERE version > mirrored")[0][0] for table in ("runs", "attempts", "audit"))

    def table(self, name, columns, key):
        rows = self.query(f"SELECT {', '.join(columns)} FROM {name}")
        return keyed([{column: plain(column, value, columns[column]) for column, value in zip(columns, row)} for row in rows], key)


def plain(column, value, none):
    if value is None or value == none and none is not None:
        return None
    return json.loads(value) if column in DOCUMENTS and isinstance(value, str) else value


def keyed(rows, key):
    table = {tuple(row[column] for column in key): row for row in rows}
    assert len(table) == len(rows), f"{len(rows) - len(table)} rows are doubled"
    return table


def mirrored(database, name, columns, key):
    """The same columns as PostgreSQL has them."""
    def expression(column):
        if column in INSTANTS:
            return f"(extract(epoch FROM {column}) * 1000000)::bigint"
        if column == "duration_usec":
            return "round(duration_seconds * 1000000)::bigint"
        if column == "run_id" and name == "batch_execution_steps":
            return "batch_run_id::text"
        return f"{column}::text" if column in ("run_id", "retry_of", "parent_run_id") else column

    rows = database.query(f"SELECT {', '.join(expression(column) for column in columns)} FROM {name}")
    return keyed([{column: plain(column, value, columns[column]) for column, value in zip(columns, row)} for row in rows], key)


def differences(left, right):
    """Rows that are on one side only or not the same, in words."""
    told = []
    for key in sorted(set(left) | set(right), key=str):
        ours, theirs = left.get(key), right.get(key)
        if ours is None or theirs is None:
            told.append(f"{key}: only in {'PostgreSQL' if ours is None else 'state.db'}")
        else:
            told += [f"{key}: {column}: {ours[column]!r} in state.db, {theirs[column]!r} in PostgreSQL"
                     for column in ours if ours[column] != theirs[column]]
    return told


def records_are_equal(instance, database, seconds=60):
    """Every row of a run and of an attempt is the same in state.db and in PostgreSQL, once, and has an end. How many there are."""
    state = StateFile(instance)
    until(lambda: state.rows_waiting() == 0, lambda: f"the mirror has caught up\n{instance.log[-4000:]}", seconds)
    runs = state.table("runs", RUN_COLUMNS, ("run_id",))
    attempts = state.table("attempts", ATTEMPT_COLUMNS, ("run_id", "step_name", "item", "attempt"))
    told = differences(runs, mirrored(database, "batch_runs", RUN_COLUMNS, ("run_id",)))
    told += differences(attempts, mirrored(database, "batch_execution_steps", ATTEMPT_COLUMNS, ("run_id", "step_name", "item", "attempt")))
    assert not told, "\n".join(told)
    audit = state.query("SELECT count(*) FROM audit")[0][0]
    assert database.value("SELECT count(*) FROM batch_audit") == audit, "the audit has lost or doubled an entry"
    unended = [key for key, row in [*runs.items(), *attempts.items()] if row["status"] not in FINAL or row["completed_at"] is None]
    assert not unended, f"without an end: {unended}"
    numbers = sorted(row["run_number"] for row in runs.values())
    assert len(set(numbers)) == len(numbers), "two runs have one number"
    return len(runs), len(attempts)


def untidy(instance):
    """Folders of runs that were never recorded, and what an ended run needs no more: its TMPDIR, what its attempt files and its clock hold."""
    known = {run for run, in StateFile(instance).query("SELECT run_id FROM runs")}
    root = os.path.join(instance.state, "runs")
    folders = set(os.listdir(root)) if os.path.isdir(root) else set()
    found = sorted(folders - known)
    for folder in sorted(folders & known):
        found += [f"{folder}/{entry.name}" for entry in os.scandir(os.path.join(root, folder))
                  if entry.name == "tmp" or entry.name.endswith((".attempt", "clock")) and entry.stat().st_size > 0]
    return found


def all_lines(instance, run):
    """All lines of a run, page by page."""
    lines, after = [], 0
    with Client(instance.socket) as client:
        while after is not None:
            page = client.call("run.tail", run=run, after=after)
            lines += page["lines"]
            after = page.get("next") if page["lines"] and not page["following"] else None
    return lines


LINE = re.compile(r"(\w+) (\d+) line (\d+) of (\d+)")


def lines_are_whole(instance, shown):
    """Sequence numbers without gap or repeat; each attempt's lines in order, each once, all of them where the attempt ended well; and
    the same as in the log files. Returns the lines."""
    run = shown["run"]["run_id"]
    lines = all_lines(instance, run)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1)), "sequence numbers have a gap or a repeat"
    seen, totals = {}, {}
    for line in lines:
        match = LINE.fullmatch(line["text"])
        assert match, f"a line that nobody wrote: {line}"
        step, attempt, number, total = match[1], int(match[2]), int(match[3]), int(match[4])
        assert step == line["step"], f"a line of another step: {line}"
        assert number == seen.get((step, attempt), 0) + 1, f"after line {seen.get((step, attempt), 0)} of {step} {attempt} comes {line}"
        seen[step, attempt], totals[step, attempt] = number, total
    for attempt in shown["attempts"]:
        key = attempt["step_name"], attempt["attempt"]
        if attempt["status"] == "success":
            assert seen.get(key) == totals.get(key, 0), f"{key} ended well and has {seen.get(key)} lines"
        assert file_lines(instance, attempt) == seen.get(key, 0), f"{key}: the file has other lines than the tail"
    return lines


def file_lines(instance, attempt):
    """Whole lines in the log file of an attempt; what a killed monitor left of its last write is none."""
    path = os.path.join(instance.state, attempt["log_path"]) if attempt.get("log_path") else None
    if not path or not os.path.exists(path):
        return 0
    with open(path, "rb") as log:
        return log.read().count(b"\n")


def durations_are_sane(shown):
    for row in [shown["run"], *shown["attempts"]]:
        if row.get("duration_seconds") is not None:
            assert 0 <= row["duration_seconds"] < 300, row
        if row.get("started_at"):
            assert row["started_at"] > "2020", row
