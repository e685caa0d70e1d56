"""What a second start does: the four policies of Overlap=, the queue with its order, its bound and its reasons, and all of it over kills."""
import contextlib
import datetime
import os
import signal
import sqlite3

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until

# Says that it has begun, and runs until it is told to end.
WORK = """#!/bin/sh
echo $BATCH_RUN >>FOLDER/order
while [ ! -e FOLDER/go.$BATCH_RUN ] && [ ! -e FOLDER/go.all ]; do sleep 0.02; done
"""


def job(overlap, more=""):
    return f"[Job]\nOverlap={overlap}\n{more}[Step work]\nExec=FOLDER/work\nKillGraceSec=1s\n"


@pytest.fixture
def batch(make_instance):
    """An instance whose runs end when they are told to."""
    instance = make_instance()
    with open(instance.path("work"), "w", encoding="ascii") as file:
        file.write(WORK.replace("FOLDER", instance.folder))
    os.chmod(instance.path("work"), 0o755)
    for name in ("reject", "queue", "replace", "allow"):
        instance.write_job(name, job(name).replace("FOLDER", instance.folder))
    instance.write_job("low", job("queue", "Priority=-5\n").replace("FOLDER", instance.folder))
    return instance.start()


def go(instance, what="all"):
    with open(instance.path(f"go.{what}"), "w", encoding="ascii"):
        pass


def order(instance):
    with open(instance.path("order"), "a+", encoding="ascii") as file:
        file.seek(0)
        return [int(line) for line in file]


def start(instance, name, **params):
    return instance.call("run.start", job=name, **params)


def begun(instance, number):
    until(lambda: number in order(instance), f"run {number} has begun")


def test_reject_names_the_run_and_force_starts_beside_it(batch):
    first = start(batch, "reject")["run_number"]
    with pytest.raises(ProtocolError) as refused:
        start(batch, "reject")
    assert refused.value.data["kind"] == "already_running" and refused.value.data["run_number"] == first
    assert start(batch, "reject", force=True)["status"] == "running"
    assert start(batch, "allow")["status"] == start(batch, "allow")["status"] == "running"
    go(batch)


def test_queued_runs_begin_in_order_over_kills(batch):
    numbers = [start(batch, "queue")["run_number"] for _ in range(4)]
    shown = batch.show(numbers[1])["run"]
    assert shown["status"] == "queued" and shown["started_at"] is None
    assert shown["waits_for"]["kind"] == "run" and shown["waits_for"]["run_number"] == numbers[0]
    assert batch.show(numbers[3])["run"]["waits_for"]["run_number"] == numbers[0]
    assert batch.call("daemon.status")["runs_queued"] == 3
    begun(batch, numbers[0])
    batch.kill()
    batch.start()
    assert [run["status"] for run in batch.call("run.current")["runs"]] == ["running", "queued", "queued", "queued"]
    go(batch, numbers[0])
    begun(batch, numbers[1])
    batch.kill()
    go(batch, numbers[1])
    batch.start()
    begun(batch, numbers[2])
    assert batch.status_of(numbers[3]) == "queued"
    # One that waits can be cancelled; it never began.
    batch.call("run.cancel", run=str(numbers[3]))
    cancelled = batch.show(numbers[3])["run"]
    assert (cancelled["status"], cancelled["reason"], cancelled["started_at"], cancelled["duration_seconds"]) == ("cancelled", "request", None, None)
    go(batch)
    for number in numbers[:3]:
        assert batch.wait_for_run(number)["run"]["status"] == "success"
    assert order(batch) == numbers[:3]


def test_replace_ends_the_active_run_first(batch):
    first = start(batch, "replace")["run_number"]
    begun(batch, first)
    second = start(batch, "replace")
    assert second["status"] == "queued" and second["waits_for"]["run_number"] == first
    assert batch.wait_for_run(first)["run"]["reason"] == "replaced"
    begun(batch, second["run_number"])
    # A third and a fourth: the third never begins, whatever is killed in between.
    third = start(batch, "replace")["run_number"]
    fourth = start(batch, "replace")["run_number"]
    batch.kill()
    batch.start()
    ended = [batch.wait_for_run(number)["run"] for number in (second["run_number"], third)]
    assert [(run["status"], run["reason"]) for run in ended] == [("cancelled", "replaced")] * 2
    begun(batch, fourth)
    go(batch)
    assert batch.wait_for_run(fourth)["run"]["status"] == "success"
    assert order(batch) == [first, second["run_number"], fourth]
    first_end = batch.show(first)["run"]["completed_at"]
    assert first_end <= batch.show(second["run_number"])["run"]["started_at"]


def test_the_queue_is_bounded(batch):
    first = start(batch, "queue")["run_number"]
    with batch.client() as client:
        for _ in range(100):
            assert client.call("run.start", job="queue")["status"] == "queued"
        with pytest.raises(ProtocolError, match="100 runs of queue wait already") as refused:
            client.call("run.start", job="queue")
    assert refused.value.data["kind"] == "already_running" and refused.value.data["waiting"] == 100
    result = batch.ctl("run", "queue", check=False)
    assert result.returncode == 5 and "no more than 100 may" in result.stderr
    assert batch.call("run.current", job="queue")["runs"][0]["run_number"] == first
    assert "WAITING" in batch.ctl("status").stdout


def test_pause_and_drain_hold_what_is_queued(batch):
    first, second = (start(batch, "queue")["run_number"] for _ in range(2))
    begun(batch, first)
    batch.call("job.pause", job="queue", reason="audit")
    go(batch, first)
    batch.wait_for_run(first)
    until(lambda: batch.show(second)["run"]["waits_for"]["kind"] == "paused", "the next waits for the end of the pause")
    assert batch.show(second)["run"]["waits_for"]["reason"] == "audit"
    assert "waits" in batch.ctl("status", str(second)).stdout and "audit" in batch.ctl("status").stdout
    batch.kill()
    batch.start()
    assert batch.show(second)["run"]["waits_for"]["kind"] == "paused"
    batch.call("daemon.drain", reason="upgrade")
    batch.call("job.resume", job="queue")
    assert batch.show(second)["run"]["waits_for"]["kind"] == "drained"
    batch.call("daemon.drain", off=True)
    begun(batch, second)
    go(batch)
    assert batch.wait_for_run(second)["run"]["status"] == "success"


def test_a_pause_that_ends_lets_the_queue_go(batch):
    first, second = (start(batch, "queue")["run_number"] for _ in range(2))

    def pause(seconds):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
        batch.call("job.pause", job="queue", until=end.isoformat().replace("+00:00", "Z"))

    pause(3600)
    go(batch, first)
    batch.wait_for_run(first)
    until(lambda: batch.show(second)["run"]["waits_for"]["kind"] == "paused", "the next waits for the end of the pause")
    pause(1)
    begun(batch, second)
    go(batch)


def test_batchctl_says_what_a_queued_run_waits_for(batch):
    first = start(batch, "queue")["run_number"]
    told = batch.ctl("run", "queue").stdout
    assert f"queue #{first + 1} is queued: it waits for queue #{first}, running since" in told
    go(batch)
    assert batch.ctl("run", "queue", "--wait").returncode == 0


def due_records(instance):
    with contextlib.closing(sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True)) as db:
        return db.execute("SELECT job, outcome, run_number FROM due_times").fetchall()


def due_together(instance, n, step):
    """So many jobs that are due in one second, which comes soon after the daemon knows of them."""
    for ahead in (2, 8, 30):
        due = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead)).replace(microsecond=0)
        for i in range(n):
            instance.write_job(f"job{i:03}", f"[Job]\nOnCalendar={due:%Y-%m-%d %H:%M:%S} UTC\n[Step work]\n{step}\n")
        instance.call("daemon.reload")
        if datetime.datetime.now(datetime.timezone.utc) < due:
            return
        # It took too long to know of them, what is past by then is not due any more.
        assert not due_records(instance)


def test_many_jobs_due_in_the_same_second_run_once_each(make_instance):
    """Each is decided durably with its run, on time or late, and goes on from there whoever is killed."""
    instance = make_instance().start()
    due_together(instance, 200, f"Exec=/bin/sh -c 'echo $BATCH_RUN >>{instance.folder}/order'")
    until(lambda: len(due_records(instance)) == 200, lambda: f"all are decided: {len(due_records(instance))}")
    records = due_records(instance)
    assert {outcome for _, outcome, _ in records} <= {"ran", "ran_late"}
    instance.kill()
    instance.start()
    until(lambda: not instance.call("run.current")["runs"], "all have ended")
    assert sorted(order(instance)) == sorted(number for _, _, number in records)


def test_a_cancel_reaches_what_has_not_been_launched_yet(make_instance):
    instance = make_instance().start()
    due_together(instance, 60, "Exec=/bin/sleep 60\nKillGraceSec=1s")
    until(lambda: len(due_records(instance)) > 20, "some are decided")
    instance.stop(signal.SIGINT)
    with contextlib.closing(sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True)) as db:
        assert set(db.execute("SELECT status, reason FROM runs")) == {("cancelled", "stopped")}
    assert instance.leftovers() == [] or all("--launcher" in line for line in instance.leftovers())
