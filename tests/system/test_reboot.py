"""The machine goes down under runs: all processes are gone at once, the boot id is another, the state folder is the same. (The real thing, with
systemd, is in tests/systemd.)"""
import os
import random
import signal
import time
import uuid

import pytest

from batchtest import chaos, invariants, paths, processes, sanitizer
from batchtest.wait import until

SHIM = os.path.join(paths.BUILD, "tests", "support", "libboot_shim.so")
TWO_STEPS = """
[Job]
DefaultMode=both
{keys}
[Parameter n]
Type=integer
[Parameter open]
[Mode both]
Steps=first second
[Mode only]
Steps=second
[Step first]
Exec=/bin/sh -c "echo first; [ -e {go} ] || sleep 1000"
Retries=2
RetryDelaySec=10ms
[Step second]
Exec=/bin/sh -c "echo second; [ -e {go} ] || sleep 1000"
"""


@pytest.fixture
def rebooting(make_instance):
    instance = make_instance()
    instance.environment = {"LD_PRELOAD": sanitizer.preload(SHIM), "BOOT_SHIM": instance.path("boot")}
    instance.go = instance.path("go")
    next_boot(instance)
    return instance


def write(instance, name, keys="RestartLost=yes"):
    instance.write_job(name, TWO_STEPS.replace("{keys}", keys).replace("{go}", instance.go))


def next_boot(instance):
    with open(instance.path("boot"), "w", encoding="ascii") as file:
        file.write(f"{uuid.uuid4()}\n")


def go_down(instance):
    """As a power cut: nobody can do anything any more, and the next boot has another id."""
    instance.process.send_signal(signal.SIGKILL)
    instance.process.wait()
    processes.kill_all_of(instance.folder)
    next_boot(instance)


def open_the_way(instance):
    with open(instance.go, "w", encoding="ascii"):
        pass


def begin(instance, job, step="first", **params):
    number = instance.run(job, wait=False, **params)["run_number"]
    until(lambda: any(line["text"] == step for line in instance.call("run.tail", run=number)["lines"]), "the step has begun")
    return number


def all_runs(instance):
    return instance.call("run.list", limit=50)["runs"]


def test_a_run_that_the_machine_went_down_under_is_lost(rebooting):
    write(rebooting, "plain", "RestartLost=no")
    number = begin(rebooting.start(), "plain")
    go_down(rebooting)
    shown = rebooting.start().wait_for_run(number)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "lost")
    assert shown["run"]["error_message"] == "the machine was restarted"
    assert shown["run"]["duration_seconds"] is None
    (first,) = shown["attempts"]  # Retries= are of the run that is over
    assert (first["status"], first["reason"]) == ("failed", "lost") and "restarted" in first["error_message"]
    assert [(step["status"], step["reason"]) for step in shown["steps"]] == [("failed", "lost"), ("skipped", "lost")]
    assert len(all_runs(rebooting)) == 1
    # The same boot again is a restart of the daemon as any other.
    number = begin(rebooting, "plain")
    rebooting.kill()
    rebooting.start()
    assert rebooting.status_of(number) == "running"


def test_it_is_started_again_with_the_same_parameters(rebooting):
    write(rebooting, "again")
    number = begin(rebooting.start(), "again", "second", mode="only", params={"n": 7})
    go_down(rebooting)
    open_the_way(rebooting)
    lost = rebooting.start().wait_for_run(number)["run"]
    again = rebooting.wait_for_run(number + 1)
    assert (lost["status"], lost["reason"], again["run"]["status"]) == ("failed", "lost", "success")
    assert again["run"]["retry_of"] == lost["run_id"] and again["run"]["triggered_by"] == "retry"
    assert again["run"]["parameters"] == {"n": 7} and again["run"]["batch_mode"] == "only"
    assert [attempt["step_name"] for attempt in again["attempts"]] == ["second"]
    assert f"started again as run {number + 1}" in lost["notes"]
    assert f"the machine was restarted under run {number}" in again["run"]["notes"]
    assert len(all_runs(rebooting)) == 2


def test_a_selection_of_steps_is_kept(rebooting):
    write(rebooting, "again")
    number = begin(rebooting.start(), "again", "second", mode="both", steps=["second"])
    go_down(rebooting)
    open_the_way(rebooting)
    rebooting.start().wait_for_run(number)
    assert [attempt["step_name"] for attempt in rebooting.wait_for_run(number + 1)["attempts"]] == ["second"]


def test_between_two_steps_and_before_a_retry(rebooting):
    """Nothing of it runs when the machine goes down, and still it was in the middle."""
    rebooting.write_job("pause", "[Job]\nRestartLost=yes\n[Step fails]\nExec=/bin/false\nRetries=5\nRetryDelaySec=1h\n")
    number = rebooting.start().run("pause", wait=False)["run_number"]
    until(lambda: rebooting.show(number)["attempts"][0]["status"] == "failed", "it waits for the retry")
    go_down(rebooting)
    lost = rebooting.start().wait_for_run(number)["run"]
    assert (lost["status"], lost["reason"]) == ("failed", "lost")
    assert rebooting.show(number + 1)["run"]["retry_of"] == lost["run_id"]


def test_what_had_ended_is_not_lost(rebooting):
    """The last step's end is in its attempt file, and the daemon was away: nothing is lost, and nothing is started again."""
    rebooting.write_job("ending", "[Job]\nRestartLost=yes\n[Step last]\nExec=/bin/sh -c \"echo on; while [ ! -e {go} ]; do sleep 0.01; done\"\n"
                        .replace("{go}", rebooting.go))
    number = begin(rebooting.start(), "ending", "on")
    rebooting.kill()
    open_the_way(rebooting)
    until(lambda: not [pid for pid in processes.of_folder(rebooting.folder) if chaos.name_of(pid).startswith("mon.")], "the monitor has ended")
    go_down(rebooting)
    assert rebooting.start().wait_for_run(number)["run"]["status"] == "success"
    assert len(all_runs(rebooting)) == 1


def test_a_cancel_that_was_on_its_way_stays_a_cancel(rebooting):
    rebooting.write_job("stubborn", "[Job]\nRestartLost=yes\n[Step stubborn]\nKillGraceSec=1h\n"
                        "Exec=/bin/sh -c \"trap '' TERM; echo on; while :; do sleep 0.1; done\"\n")
    number = begin(rebooting.start(), "stubborn", "on")
    with rebooting.client() as client:
        client.send({"jsonrpc": "2.0", "id": 1, "method": "run.cancel", "params": {"run": number}})
        until(lambda: rebooting.show(number)["run"]["reason"] == "request", "the cancel is recorded")
        go_down(rebooting)
    run = rebooting.start().wait_for_run(number)["run"]
    assert (run["status"], run["reason"]) == ("cancelled", "request")
    assert len(all_runs(rebooting)) == 1


def test_what_keeps_a_start_from_happening_is_said(rebooting):
    write(rebooting, "again")
    number = begin(rebooting.start(), "again")
    rebooting.call("job.pause", job="again", reason="not now")
    go_down(rebooting)
    lost = rebooting.start().wait_for_run(number)["run"]
    assert any("not started again: again is paused" in note for note in lost["notes"]), lost
    assert len(all_runs(rebooting)) == 1


def test_three_times_in_a_row_is_enough(rebooting):
    write(rebooting, "again")
    begin(rebooting.start(), "again")
    for number in (1, 2, 3):
        until(lambda: "first" in str(rebooting.call("run.tail", run=number)["lines"]), "it runs")  # pylint: disable=cell-var-from-loop
        go_down(rebooting)
        rebooting.start().wait_for_run(number)
    assert len(all_runs(rebooting)) == 3
    assert any("3 times in a row" in note for note in rebooting.show(3)["run"]["notes"])


def test_exactly_once_whenever_the_daemon_is_killed(rebooting):
    """The first daemons after the reboot are killed at any moment of their start."""
    seed = random.randrange(1000000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    write(rebooting, "again", "RestartLost=yes\nOverlap=allow")
    rebooting.start()
    for _ in range(12):
        number = begin(rebooting, "again", params={"n": chance.randrange(100)})
        go_down(rebooting)
        for _ in range(chance.randrange(1, 4)):
            rebooting.start(wait=False)
            time.sleep(chance.uniform(0, 0.06))
            rebooting.kill()
        lost = rebooting.start().wait_for_run(number)["run"]
        again = rebooting.show(number + 1)["run"]
        assert (lost["reason"], again["retry_of"], again["parameters"]) == ("lost", lost["run_id"], lost["parameters"])
        rebooting.call("run.cancel", run=number + 1)
        assert all_runs(rebooting)[0]["run_number"] == number + 1
    links = invariants.StateFile(rebooting).query("SELECT retry_of, count(*) FROM runs WHERE retry_of IS NOT NULL GROUP BY 1 HAVING count(*) > 1")
    assert links == []


def november(*numbers):
    return [f"2026-11-{number:02}" for number in numbers]


DAILY = """
[Job]
{keys}
[Parameter day]
Type=date
[Step first]
Exec=/bin/sh -c "echo first; echo $BATCH_PARAM_DAY >>{done}; while [ ! -e {go} ]; do sleep 0.05; done"
"""


def begin_backfill(instance, days, keys="RestartLost=yes", **params):
    """Its number, when as many of its runs as may are in the middle."""
    instance.done = instance.path("done")
    instance.write_job("daily", DAILY.replace("{keys}", keys).replace("{go}", instance.go).replace("{done}", instance.done))
    number = instance.start().call("run.backfill", job="daily", values=days, **params)["run_number"]
    until(lambda: len(days_of(instance)) == params.get("parallel", 1), "they are at it")
    return number


def days_of(instance):
    with open(instance.done, "a+", encoding="ascii") as file:
        file.seek(0)
        return file.read().split()


def check_backfill(instance, number, days, lost):
    """Each day has one run that went well, and the lost ones' successors name them. The children."""
    shown = instance.wait_for_run(number)
    assert (shown["run"]["status"], shown["run"]["error_message"]) == ("success", None)
    assert shown["progress"] == {"total": len(days), "completed": len(days), "failed": 0, "running": 0, "percent": 100.0}
    children = [instance.show(child["run_number"])["run"] for child in shown["children"]]
    good = [child for child in children if child["status"] == "success"]
    assert sorted(child["parameters"]["day"] for child in good) == sorted(days)
    gone = {child["run_id"]: child for child in children if child["status"] != "success"}
    assert {(child["status"], child["reason"]) for child in gone.values()} == {("failed", "lost")} and len(gone) == lost
    again = {child["retry_of"]: child for child in children if child["retry_of"]}
    assert again.keys() == gone.keys()
    assert all(again[run_id]["parameters"] == gone[run_id]["parameters"] for run_id in gone)
    assert {child["triggered_by"] for child in children} == {"backfill"} and {child["parent_run_id"] for child in children} == {shown["run"]["run_id"]}
    return gone, again


def test_the_runs_of_a_backfill_are_started_again_by_it(rebooting):
    days = november(1, 2, 3, 4, 5)
    number = begin_backfill(rebooting, days, "RestartLost=yes\nOverlap=allow", parallel=2)
    go_down(rebooting)
    open_the_way(rebooting)
    rebooting.start()
    gone, again = check_backfill(rebooting, number, days, 2)
    for run_id, lost in gone.items():
        assert f"started again as run {again[run_id]['run_number']}" in lost["notes"]
        assert f"the machine was restarted under run {lost['run_number']}" in again[run_id]["notes"]
    assert sorted(days_of(rebooting)) == sorted(days + november(1, 2))


def test_without_restartlost_a_backfill_goes_on_with_the_others(rebooting):
    number = begin_backfill(rebooting, november(1, 2, 3), "RestartLost=no")
    go_down(rebooting)
    open_the_way(rebooting)
    shown = rebooting.start().wait_for_run(number)
    assert (shown["run"]["status"], shown["run"]["error_message"]) == ("partial", "1 of 3 did not succeed: 2026-11-01")
    assert [(child["status"], child["reason"]) for child in shown["children"]] == [("failed", "lost"), ("success", None), ("success", None)]
    assert days_of(rebooting) == november(1, 2, 3)


def test_the_last_run_of_a_backfill_is_lost_three_times(rebooting):
    """It is not over before that; after the third time it is."""
    number = begin_backfill(rebooting, november(1))
    for times in (1, 2, 3):
        until(lambda: len(days_of(rebooting)) == times, "it is at it")  # pylint: disable=cell-var-from-loop
        go_down(rebooting)
        rebooting.start()
    shown = rebooting.wait_for_run(number)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "dependency")
    assert [child["reason"] for child in shown["children"]] == ["lost"] * 3 and shown["progress"]["failed"] == 1
    assert any("3 times in a row" in note for note in rebooting.show(shown["children"][-1]["run_number"])["run"]["notes"])


def test_a_backfill_is_whole_whenever_the_daemon_is_killed(rebooting):
    seed = random.randrange(1000000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    days = november(*range(1, 9))
    number = begin_backfill(rebooting, days, "RestartLost=yes\nOverlap=allow", parallel=3)
    for _ in range(2):
        begun = len(days_of(rebooting))
        go_down(rebooting)
        for _ in range(chance.randrange(1, 4)):
            rebooting.start(wait=False)
            time.sleep(chance.uniform(0, 0.08))
            rebooting.kill()
        rebooting.start()
        until(lambda: len(days_of(rebooting)) >= begun + 3, "three are at it again")  # pylint: disable=cell-var-from-loop
    open_the_way(rebooting)
    check_backfill(rebooting, number, days, 6)
