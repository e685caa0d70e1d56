"""Keep=: ended runs go, rows and logs; active ones and those that PostgreSQL does not have stay; what a crash leaves about is swept."""
import os
import signal
import sqlite3
import time
import uuid

from batchtest.protocol import ProtocolError
from batchtest.wait import until

ECHO = "[Job]\nKeep=runs=3\n[Step one]\nExec=/bin/echo hello\n"
OTHER = "[Step one]\nExec=/bin/echo other\n"
SLEEP = "[Step one]\nExec=/bin/sleep 300\n"


def numbers(instance, job):
    return [run["run_number"] for run in instance.call("run.list", job=job)["runs"]]


def folders(instance):
    return set(os.listdir(os.path.join(instance.state, "runs")))


def ids(instance):
    return {run["run_id"] for run in instance.call("run.list")["runs"]}


def rows(instance, sql):
    with sqlite3.connect(os.path.join(instance.state, "state.db")) as state:
        return state.execute(sql).fetchone()[0]


def sweep(instance, job, expected):
    """A run whose end has just been told may be counted a moment later: then it takes another sweep."""

    def swept():
        instance.call("daemon.reload")
        time.sleep(0.1)
        return numbers(instance, job) == expected

    until(swept, lambda: f"of {job} stay {expected}, not {numbers(instance, job)}\n{instance.log}")


def test_a_job_keeps_its_last_runs(make_instance):
    instance = make_instance({"echo": ECHO, "other": OTHER, "sleep": SLEEP}).start()
    instance.run("sleep", wait=False)
    instance.run("other")
    for _ in range(6):
        instance.run("echo")
    sweep(instance, "echo", [8, 7, 6])
    assert numbers(instance, "other") == [2] and numbers(instance, "sleep") == [1]
    assert instance.status_of(1) == "running"
    until(lambda: folders(instance) == ids(instance), lambda: f"the folders are those of the runs\n{instance.log}")
    assert rows(instance, "SELECT count(*) FROM attempts") == 5
    try:
        instance.call("run.show", run="3")
        raise AssertionError("run 3 is still there")
    except ProtocolError as error:
        assert error.kind == "not_found"


def test_the_daemon_keeps_so_much_of_all(make_instance):
    """By size; and after SIGHUP by what batchd.conf says then."""
    instance = make_instance({"loud": "[Step one]\nExec=/bin/sh -c \"yes | head -c 300000\"\n", "other": OTHER},
                             settings={"Keep": "size=7M"}).start()
    for _ in range(5):
        instance.run("loud")
    # A line of "y" takes 42 bytes in the file: 6.3 MB a run.
    sweep(instance, "loud", [5])
    for _ in range(4):
        instance.run("other")
    instance.settings["Keep"] = "runs=2"
    instance.write_config()
    instance.process.send_signal(signal.SIGHUP)
    sweep(instance, "other", [9, 8])
    assert numbers(instance, "loud") == [5], "and the newest of each job"


def test_what_is_not_mirrored_stays(make_instance, own_postgres):
    database = own_postgres.create_database()
    instance = make_instance({"echo": ECHO}, database=database).start()
    own_postgres.stop()
    for _ in range(6):
        instance.run("echo")
    instance.call("daemon.reload")
    instance.run("echo")
    instance.call("daemon.reload")
    assert numbers(instance, "echo") == [7, 6, 5, 4, 3, 2, 1]
    own_postgres.start()
    until(lambda: instance.call("daemon.status")["mirror"].get("rows_waiting") == 0, lambda: f"all is mirrored\n{instance.log}")
    sweep(instance, "echo", [7, 6, 5])
    assert database.value("SELECT count(*) FROM batch_runs") == 7


def test_what_a_killed_daemon_left_is_swept(make_instance):
    """A folder without a row, and attempt files and temporary files of an ended run."""
    instance = make_instance({"echo": ECHO, "sleep": SLEEP}).start()
    ended = instance.run("echo")["run"]["run_id"]
    active = instance.run("sleep", wait=False)["run_id"]
    instance.kill()
    stray = os.path.join(instance.state, "runs", str(uuid.uuid4()))
    os.makedirs(os.path.join(stray, "tmp"))
    foreign = os.path.join(instance.state, "runs", "notes")
    os.mkdir(foreign)
    left = os.path.join(instance.state, "runs", ended, "01-one.1.attempt")
    with open(left, "wb") as file:
        file.write(b"old")
    with sqlite3.connect(os.path.join(instance.state, "state.db")) as state:
        state.execute("DELETE FROM ended_runs")
    instance.start()
    until(lambda: not os.path.exists(stray) and os.path.getsize(left) == 0, lambda: f"the leftovers are gone\n{instance.log}")
    assert os.path.exists(foreign), "what is no run's is left alone"
    assert os.path.exists(os.path.join(instance.state, "runs", active, "01-one.1.attempt"))
    assert instance.status_of(active) == "running"
    until(lambda: rows(instance, "SELECT count(*) FROM ended_runs") == 1, "the ended run is counted")
    assert os.path.exists(os.path.join(instance.state, "runs", ended, "01-one.1.log"))


def test_sweeps_while_runs_end(make_instance):
    """From the daemon's first second on, when leftovers are looked for, and asked for again and again."""
    instance = make_instance({"echo": ECHO.replace("[Job]", "[Job]\nOverlap=allow")}).start()
    client = instance.client()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if client.call("daemon.status")["runs_active"] < 4:
            client.call("run.start", job="echo")
        client.call("daemon.reload")
    until(lambda: not client.call("run.current")["runs"], "all have ended")

    def swept():
        client.call("daemon.reload")
        time.sleep(0.1)
        return len(numbers(instance, "echo")) == 3 and folders(instance) == ids(instance)

    until(swept, lambda: f"three runs and their folders stay: {numbers(instance, 'echo')}, {len(folders(instance))}\n{instance.log[-3000:]}")
