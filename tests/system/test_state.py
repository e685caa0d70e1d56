"""state.db and its mirror under a whole daemon: what PostgreSQL shows of runs, and state folders that cannot be used."""
import json
import os
import signal
import sqlite3
import subprocess
import time

from batchtest import paths
from batchtest.instance import Instance
from batchtest.wait import until

WORK = """
[Job]
Type=weekly_update
[Parameter season]
Type=integer
[Parameter week]
Type=integer
[Parameter season_type]
Type=string
Default=reg
[Step fetch]
Exec=/bin/sh -c "echo fetching; {report} --metric games_processed+=16 --metric games_processed+=2; echo gone wrong >&2; exit $$FAIL"
Environment=FAIL=%d
Retries=1
RetryDelaySec=0
[Step publish]
Exec=/bin/echo published
"""

COUNTER = """
[Step count]
Exec=/bin/sh -c "i=0; while [ $$i -lt 40 ]; do i=$$((i+1)); echo line $$i; sleep 0.05; done"
"""


def work(fail):
    return (WORK % fail).replace("{report}", f"{paths.BATCHCTL} report")


def mirrored(instance, database, number, seconds=60):
    """The run's row when PostgreSQL has its end."""

    def ended():
        rows = database.dicts("SELECT * FROM batch_runs WHERE run_number = %s AND completed_at IS NOT NULL", (number,)) \
            if database.value("SELECT to_regclass('batch_runs')") else None
        return rows[0] if rows else None

    return until(ended, lambda: f"run {number} is in PostgreSQL\n{instance.log}", seconds)


def mirror_of(instance):
    status = instance.call("daemon.status")
    return status["mirror"]


def test_postgres_shows_what_run_show_shows(make_instance, database):
    instance = make_instance({"weekly": work(0)}, database=database).start()
    shown = instance.run("weekly", params={"season": 2024, "week": 9})
    run = shown["run"]
    row = mirrored(instance, database, run["run_number"])
    assert str(row["run_id"]) == run["run_id"]
    assert (row["job"], row["batch_type"], row["status"], row["reason"]) == ("weekly", "weekly_update", "success", None)
    assert (row["season_year"], row["week"], row["season_type"], row["games_processed"]) == (2024, 9, "reg", 18)
    assert abs(row["duration_seconds"] - run["duration_seconds"]) < 0.001
    steps = database.dicts("SELECT * FROM batch_execution_steps ORDER BY step_order")
    assert [(step["step_name"], step["attempt"], step["status"], step["exit_status"]) for step in steps] == \
        [("fetch", 1, "success", 0), ("publish", 1, "success", 0)]
    assert steps[0]["output_log"].splitlines() == ["fetching", "[stderr] gone wrong"]
    assert database.value("SELECT count(*) FROM batch_audit WHERE method = 'run.start' AND outcome = 'ok'") == 1


def test_failures_and_attempts_are_in_postgres(make_instance, database):
    instance = make_instance({"weekly": work(7)}, database=database).start()
    number = instance.run("weekly")["run"]["run_number"]
    row = mirrored(instance, database, number)
    assert row["status"] == "failed" and row["error_message"]
    rows = database.query("SELECT step_name, attempt, status, reason, exit_status FROM batch_execution_steps ORDER BY 1, 2")
    assert [row for row in rows if row[0] == "fetch"] == [("fetch", 1, "failed", "exit", 7), ("fetch", 2, "failed", "exit", 7)]


def test_runs_are_found_by_the_work_that_they_did(make_instance):
    """A2: a weekly run that predicted is found among the prediction runs."""
    job = "[Job]\nType=weekly_update\n[Step predict]\nExec=/bin/sh -c '" + paths.BATCHCTL + \
        " report --result \"{\\\\\"batch_type\\\\\": \\\\\"prediction_generation\\\\\"}\"'\n"
    instance = make_instance({"weekly": job, "count": COUNTER}).start()
    number = instance.run("weekly")["run"]["run_number"]
    instance.run("count")
    for wanted in ("weekly_update", "prediction_generation"):
        assert [run["run_number"] for run in instance.call("run.list", type=wanted)["runs"]] == [number], instance.show(number)


def test_a_run_without_postgres_is_there_when_it_comes_back(make_instance, own_postgres):
    database = own_postgres.create_database()
    own_postgres.stop()
    instance = make_instance({"weekly": work(0)}, database=database.conninfo).start()
    number = instance.run("weekly")["run"]["run_number"]
    until(lambda: mirror_of(instance)["rows_waiting"] > 0, lambda: str(mirror_of(instance)))
    assert mirror_of(instance)["state"] == "down"
    assert instance.call("run.list")["runs"][0]["status"] == "success"
    own_postgres.start()
    assert mirrored(instance, database, number, 30)["status"] == "success"
    until(lambda: mirror_of(instance)["rows_waiting"] == 0, lambda: str(mirror_of(instance)))


def test_killed_daemon_leaves_the_truth_in_postgres(make_instance, database):
    instance = make_instance({"count": COUNTER}, database=database).start()
    number = instance.run("count", wait=False)["run_number"]
    until(lambda: instance.call("run.tail", run=number)["lines"], "the first line")
    instance.kill()
    time.sleep(0.3)
    instance.start()
    assert instance.wait_for_run(number)["run"]["status"] == "success"
    assert mirrored(instance, database, number)["status"] == "success"
    output = database.value("SELECT output_log FROM batch_execution_steps")
    assert output.splitlines() == [f"line {i}" for i in range(1, 41)]
    assert database.value("SELECT count(*) FROM batch_runs") == 1


def refused(instance):
    """What the daemon says when it does not start."""
    instance.start(wait=False)
    assert instance.process.wait(paths.patience()) != 0, instance.log
    return instance.log


def test_second_daemon_names_the_first(make_instance):
    first = make_instance().start()
    second = Instance(settings={"StateDirectory": first.state})
    try:
        text = refused(second)
    finally:
        second.remove()
    assert f"in use by process {first.process.pid}" in text and first.state in text


def test_newer_state_is_left_alone(make_instance):
    instance = make_instance({"count": COUNTER}).start()
    instance.stop()
    path = os.path.join(instance.state, "state.db")
    with sqlite3.connect(path) as state:
        state.execute("PRAGMA user_version = 1000")
    state.close()
    with open(path, "rb") as file:
        before = file.read()
    text = refused(instance)
    assert "version 1000" in text and "newer batchd" in text
    with open(path, "rb") as file:
        assert file.read() == before


def test_damaged_state_is_left_alone(make_instance):
    instance = make_instance({"count": COUNTER}).start()
    instance.stop()
    path = os.path.join(instance.state, "state.db")
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(os.urandom(4000))
    text = refused(instance)
    assert path in text and "damaged" in text and "move it" in text


def test_state_folder_that_cannot_be_written(make_instance):
    instance = make_instance()
    os.chmod(instance.state, 0o500)
    try:
        text = refused(instance)
    finally:
        os.chmod(instance.state, 0o700)
    assert instance.state in text and "Permission denied" in text


def test_wrong_database_setting(make_instance):
    """The daemon says so, without the text itself: a password may stand in it."""
    instance = make_instance(settings={"Database": "hots=nowhere"})
    instance.start(wait=False)
    until(lambda: "Database= is no connection string" in instance.log, lambda: instance.log)
    assert "nowhere" not in instance.log


def test_answers_while_the_disk_is_read(make_instance):
    """History is read beside the loop: a burst of questions for whole lists does not hold up a small one."""
    instance = make_instance({"count": COUNTER}).start()
    questions = [subprocess.Popen([paths.BATCHCTL, "--socket", instance.socket, "history", "-o", "json"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) for _ in range(20)]
    begin = time.monotonic()
    instance.call("daemon.hello", client="test")
    assert time.monotonic() - begin < paths.patience(10)
    for question in questions:
        question.wait(paths.patience())
    assert json.dumps(instance.call("run.list")["runs"]) == "[]"
    instance.stop(signal.SIGTERM)
