"""Limits: never more holders than slots, measured in the work itself and over kills of the daemon; who holds and who waits; no lock, no bypass."""
import json
import os
import time

import pytest

from batchtest.wait import until

# Says when it begins and when it ends: who reads the marks in order knows how many were at it at once.
WORK = """#!/bin/sh
echo "+ $BATCH_RUN $BATCH_STEP" >>FOLDER/marks
[ "$1" != hold ] || until [ -e FOLDER/go ]; do sleep 0.02; done
sleep ${2:-0.1}
echo "- $BATCH_RUN $BATCH_STEP" >>FOLDER/marks
"""

JOBS = {
    "writer": "[Job]\nOverlap=allow\n[Step load]\nExec=FOLDER/work hold 0.2\nLimit=warehouse\n",
    "whole": "[Job]\nOverlap=allow\nLimit=warehouse:3\n[Step load]\nExec=FOLDER/work hold\n",
    "holder": "[Job]\nOverlap=allow\n[Step load]\nExec=FOLDER/work hold\nLimit=gpu\n",
    "run_holder": "[Job]\nOverlap=allow\nLimit=gpu\n[Step load]\nExec=FOLDER/work hold\n",
    "urgent": "[Job]\nOverlap=allow\nPriority=10\n[Step load]\nExec=FOLDER/work short 0.02\nLimit=gpu\n",
    "usual": "[Job]\nOverlap=allow\n[Step load]\nExec=FOLDER/work short 0.02\nLimit=gpu\n",
    "retried": "[Job]\nOverlap=allow\n[Step load]\nExec=/bin/sh -c 'FOLDER/work short 0.02; [ $BATCH_ATTEMPT = 2 ]'\nRetries=1\nRetryDelaySec=100ms\nLimit=gpu\n",
    "gpu_then_disk": "[Job]\nLimit=gpu\n[Step load]\nExec=FOLDER/work short 0.3\nLimit=disk\n",
    "disk_then_gpu": "[Job]\nLimit=disk\n[Step load]\nExec=FOLDER/work short 0.3\nLimit=gpu\n",
}
LIMITS = "[Limit warehouse]\nSlots=20\n[Limit gpu]\nSlots=1\n[Limit disk]\nSlots=2\n"


def configure(instance, limits):
    instance.write_config()
    with open(instance.config, "a", encoding="ascii") as file:
        file.write(limits)


@pytest.fixture
def batch(make_instance):
    instance = make_instance()
    with open(instance.path("work"), "w", encoding="ascii") as file:
        file.write(WORK.replace("FOLDER", instance.folder))
    os.chmod(instance.path("work"), 0o755)
    for name, text in JOBS.items():
        instance.write_job(name, text.replace("FOLDER", instance.folder))
    configure(instance, LIMITS)
    return instance.start()


def start(instance, job, **params):
    return instance.call("run.start", job=job, **params)["run_number"]


def marks(instance):
    with open(instance.path("marks"), "a+", encoding="ascii") as file:
        file.seek(0)
        return [line.split() for line in file]


def most_at_once(instance, weight=1):
    now = most = 0
    for sign, _, _ in marks(instance):
        now += weight if sign == "+" else -weight
        most = max(most, now)
    return most


def limit(instance, name):
    return next(limit for limit in instance.call("limit.list")["limits"] if limit["limit"] == name)


def begun(instance, number):
    until(lambda: any(run == str(number) and sign == "+" for sign, run, _ in marks(instance)), f"run {number} is at it")


def go(instance):
    with open(instance.path("go"), "w", encoding="ascii"):
        pass


def test_thirty_writers_never_take_more_than_twenty_slots(batch):
    """Their warehouse took 20 writers at once and they ran 30, which failed 66,000 times."""
    numbers = [start(batch, "writer") for _ in range(30)]
    shown = until(lambda: limit(batch, "warehouse")["used"] == 20 and limit(batch, "warehouse"), "all slots are held")
    assert len(shown["holders"]) == 20 and shown["waiters_total"] == 10
    step = batch.show(numbers[-1])["steps"][0]
    assert step["status"] == "pending" and step["waits_for"]["kind"] == "limit" and step["waits_for"]["limit"] == "warehouse"
    assert step["waits_for"]["used"] == 20 and len(step["waits_for"]["holders"]) == 10
    for moment in range(4):
        if moment == 2:
            until(lambda: len(marks(batch)) == 20, "twenty are at it")
            go(batch)
        time.sleep(0.05 * moment)
        batch.kill()
        batch.start()
        assert limit(batch, "warehouse")["used"] <= 20
    for number in numbers:
        assert batch.wait_for_run(number)["run"]["status"] == "success"
    assert most_at_once(batch) == 20
    assert [sum(sign == wanted for sign, _, _ in marks(batch)) for wanted in "+-"] == [30, 30]
    waited = batch.show(numbers[-1])["steps"][0]["metadata"]
    assert waited["waited_seconds"] > 0.1 and "waiting_since" not in waited


def test_runs_hold_from_their_start_to_their_end(batch):
    numbers = [start(batch, "whole") for _ in range(12)]
    assert limit(batch, "warehouse")["used"] == 18
    waiting = batch.show(numbers[-1])["run"]
    assert waiting["status"] == "queued" and waiting["waits_for"]["kind"] == "limit" and waiting["waits_for"]["wants"] == 3
    batch.kill()
    batch.start()
    assert limit(batch, "warehouse")["used"] == 18
    go(batch)
    for number in numbers:
        assert batch.wait_for_run(number)["run"]["status"] == "success"
    assert most_at_once(batch, 3) == 18


def test_priority_then_age_also_after_a_kill(batch):
    first = start(batch, "holder")
    begun(batch, first)
    waiting = [start(batch, job) for job in ("usual", "usual", "urgent")]
    assert [waiter["run_number"] for waiter in sorted(limit(batch, "gpu")["waiters"], key=lambda waiter: -waiter["priority"])][0] == waiting[2]
    batch.kill()
    batch.start()
    assert limit(batch, "gpu")["holders"][0]["run_number"] == first
    go(batch)
    for number in waiting:
        batch.wait_for_run(number)
    assert [int(run) for sign, run, _ in marks(batch) if sign == "+"] == [first, waiting[2], waiting[0], waiting[1]]


def test_slots_change_with_a_reload(batch):
    first = start(batch, "run_holder")
    second, third = start(batch, "holder"), start(batch, "holder")
    begun(batch, first)
    assert batch.show(second)["steps"][0]["waits_for"]["holders"][0]["run_number"] == first
    configure(batch, LIMITS.replace("[Limit gpu]\nSlots=1", "[Limit gpu]\nSlots=2"))
    batch.ctl("reload")
    begun(batch, second)
    assert batch.show(third)["steps"][0]["status"] == "pending"
    # Closed: nothing more begins, what holds slots goes on.
    configure(batch, LIMITS.replace("[Limit gpu]\nSlots=1", "[Limit gpu]\nSlots=0"))
    batch.ctl("reload")
    go(batch)
    assert batch.wait_for_run(second)["run"]["status"] == "success"
    until(lambda: batch.show(third)["steps"][0]["waits_for"]["slots"] == 0, "it waits for one that is closed")
    assert "closed (Slots=0)" in batch.ctl("status", str(third)).stdout
    configure(batch, LIMITS)
    batch.ctl("reload")
    assert batch.wait_for_run(third)["run"]["status"] == "success"


def test_a_limit_that_jobs_name_does_not_vanish(batch):
    configure(batch, "[Limit disk]\nSlots=1\n")
    result = batch.ctl("reload", check=False)
    assert result.returncode == 1 and "there is no limit gpu" in result.stderr and "add [Limit gpu]" in result.stderr
    assert limit(batch, "gpu")["slots"] == 1
    first, second = start(batch, "holder"), start(batch, "usual")
    begun(batch, first)
    assert batch.show(second)["steps"][0]["status"] == "pending"
    go(batch)
    assert batch.wait_for_run(second)["run"]["status"] == "success"


def test_between_attempts_the_slots_are_free(batch):
    number, other = start(batch, "retried"), start(batch, "usual")
    assert batch.wait_for_run(number)["run"]["status"] == "success"
    assert batch.wait_for_run(other)["run"]["status"] == "success"
    assert [int(run) for sign, run, _ in marks(batch) if sign == "+"] == [number, other, number]
    assert most_at_once(batch) == 1


def test_what_waits_for_slots_can_be_cancelled(batch):
    first = start(batch, "holder")
    second, third = start(batch, "usual"), start(batch, "run_holder")
    begun(batch, first)
    batch.call("run.cancel", run=str(second))
    batch.call("run.cancel", run=str(third))
    shown = batch.show(second)
    assert (shown["run"]["status"], shown["steps"][0]["status"], shown["attempts"]) == ("cancelled", "cancelled", [])
    assert batch.status_of(third) == "cancelled"
    assert limit(batch, "gpu")["waiters"] == []
    go(batch)
    assert batch.wait_for_run(first)["run"]["status"] == "success"


def test_two_jobs_that_could_lock_each_other_take_turns(batch):
    numbers = [start(batch, job) for job in ("gpu_then_disk", "disk_then_gpu")]
    assert batch.show(numbers[1])["run"]["waits_for"]["kind"] == "limit_order"
    assert f"for gpu_then_disk #{numbers[0]}" in batch.ctl("status").stdout
    for number in numbers:
        assert batch.wait_for_run(number)["run"]["status"] == "success"


def test_batchctl_shows_holders_and_waiters(batch):
    first = start(batch, "holder")
    second = start(batch, "urgent")
    begun(batch, first)
    text = batch.ctl("limits").stdout
    assert "HELD BY" in text and "WAITING" in text and "holder" in text and "urgent" in text
    assert "waits for 1 of limit gpu, 1 of 1 slots taken, by holder" in batch.ctl("status", str(second)).stdout
    assert json.loads(batch.ctl("-o", "json", "limits").stdout)["limits"][1]["limit"] == "gpu"
    go(batch)


def test_mistakes_are_told_with_their_place(make_instance):
    instance = make_instance({"bad": "[Job]\nLimit=gpo\n[Step a]\nExec=/bin/true\nLimit=gpu:0\n",
                              "both": "[Job]\nLimit=gpu\n[Step a]\nExec=/bin/true\nLimit=gpu\n",
                              "near": "[Step a]\nExec=/bin/true\nLimit=gpo:2\n"})
    configure(instance, LIMITS)
    instance.start()
    errors = {(os.path.basename(error["file"]), error["line"]): error["message"] for error in instance.call("daemon.status")["job_errors"]}
    assert "gpu:0" in errors["bad.job", 5] and "number of slots" in errors["bad.job", 5]
    assert "holds gpu already" in errors["both.job", 5]
    assert errors["near.job", 3] == "Limit=: there is no limit gpo; did you mean gpu?"
