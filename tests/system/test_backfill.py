"""run.backfill: one parent, a run for each value of a range or list, every flag honoured on every path and over kills."""
import json
import os
import sqlite3
import subprocess
import time

import pytest

from batchtest import paths
from batchtest.protocol import ProtocolError
from batchtest.wait import until

# A day fails while the file bad.DAY is there; each attempt says that it was there and how many were beside it.
WORK = """#!/bin/sh
echo "$1 $BATCH_MODE $BATCH_TRIGGER $2" >>FOLDER/done
mkdir FOLDER/now/$1 || exit 9
ls FOLDER/now | wc -l >>FOLDER/beside
while [ -e FOLDER/hold ]; do sleep 0.02; done
sleep 0.03
rmdir FOLDER/now/$1
[ ! -e FOLDER/bad.$1 ]
"""
JOB = """
[Job]
DefaultMode=full
MORE
[Parameter day]
Type=date
[Parameter team]
[Mode full]
Steps=scrape
[Mode odds]
Steps=odds
[Step scrape]
Exec=FOLDER/work ${day} ${team}
KillGraceSec=1s
[Step odds]
Exec=FOLDER/work ${day} ${team}
"""


def make(make_instance, more=""):
    instance = make_instance()
    with open(instance.path("work"), "w", encoding="ascii") as file:
        file.write(WORK.replace("FOLDER", instance.folder))
    os.chmod(instance.path("work"), 0o755)
    os.mkdir(instance.path("now"))
    instance.write_job("daily", JOB.replace("FOLDER", instance.folder).replace("MORE", more))
    instance.write_job("weekly", "[Parameter week]\nType=integer\nMinimum=1\nMaximum=18\n[Step a]\nExec=/bin/true\n")
    return instance.start()


def mark(instance, *names, there=True):
    for name in names:
        if there:
            with open(instance.path(name), "w", encoding="ascii"):
                pass
        else:
            os.remove(instance.path(name))


def lines(instance, name="done"):
    with open(instance.path(name), "a+", encoding="ascii") as file:
        file.seek(0)
        return file.read().splitlines()


def days(instance):
    return [line.split()[0] for line in lines(instance)]


def november(*numbers):
    return [f"2026-11-{number:02}" for number in numbers]


def backfill(instance, wait=True, **params):
    answer = instance.call("run.backfill", job="daily", **params)
    return instance.wait_for_run(answer["run_number"]) if wait and "run_number" in answer else answer


def test_a_range_runs_day_by_day_under_one_parent(make_instance):
    instance = make(make_instance)
    mark(instance, "bad.2026-11-03")
    shown = backfill(instance, **{"from": "2026-11-01", "to": "2026-11-05"}, params={"team": "BOS"}, reason="new feed")
    parent, children = shown["run"], shown["children"]
    assert (parent["status"], parent["triggered_by"], parent["backfill"]["parameter"]) == ("partial", "manual", "day")
    assert parent["error_message"] == "1 of 5 did not succeed: 2026-11-03" and parent["notes"] == ["new feed"]
    assert shown["progress"] == {"total": 5, "completed": 5, "failed": 1, "running": 0, "percent": 100.0}
    assert [child["parameters"]["day"] for child in children] == november(1, 2, 3, 4, 5)
    assert [child["status"] for child in children] == ["success", "success", "failed", "success", "success"]
    assert {child["triggered_by"] for child in children} == {"backfill"}
    assert lines(instance) == [f"{day} full backfill BOS" for day in november(1, 2, 3, 4, 5)]
    assert set(lines(instance, "beside")) == {"1"}
    child = instance.show(children[0]["run_number"])["run"]
    assert child["parent_run_id"] == parent["run_id"]
    # The same again does what is still missing, and then nothing.
    mark(instance, "bad.2026-11-03", there=False)
    again = backfill(instance, **{"from": "2026-11-01", "to": "2026-11-06"}, params={"team": "BOS"})
    assert again["run"]["status"] == "success" and days(instance)[5:] == november(3, 6)
    nothing = backfill(instance, **{"from": "2026-11-01", "to": "2026-11-06"}, params={"team": "BOS"})
    assert nothing["total"] == 0 and "run_number" not in nothing
    # Another team, another mode: that is other work.
    assert backfill(instance, **{"from": "2026-11-01", "to": "2026-11-01"}, params={"team": "LAL"}, dry_run=True)["total"] == 1
    assert backfill(instance, **{"from": "2026-11-01", "to": "2026-11-01"}, params={"team": "BOS"}, mode="odds", dry_run=True)["total"] == 1


def test_flags_on_every_path(make_instance):
    instance = make(make_instance)
    plan = backfill(instance, values=november(9, 2, 5), dry_run=True)
    assert [(row["value"], row["action"]) for row in plan["values"]] == [(day, "run") for day in november(9, 2, 5)]
    assert lines(instance) == [] and instance.call("run.list")["runs"] == []
    mark(instance, "bad.2026-11-02")
    assert backfill(instance, values=november(9, 2, 5), reverse=True, mode="odds")["run"]["batch_mode"] == "odds"
    assert [line.split() for line in lines(instance)] == [[day, "odds", "backfill"] for day in november(5, 2, 9)]
    plan = backfill(instance, values=november(9, 2, 7), mode="odds", only="failed", dry_run=True)
    assert [(row["action"], row["why"], row["last_status"]) for row in plan["values"]] == [
        ("skip", "not_failed", "success"), ("run", None, "failed"), ("skip", "never_ran", None)]
    assert backfill(instance, values=november(9, 2), mode="odds", only="all")["run"]["status"] == "partial"
    assert days(instance)[3:] == november(9, 2)
    # One that was run with single steps only is not done.
    instance.run("daily", params={"day": "2026-11-20"}, steps=["scrape"])
    assert backfill(instance, values=november(20), dry_run=True)["total"] == 1
    assert backfill(instance, values=november(2))["run"]["status"] == "failed"


@pytest.mark.parametrize("more", ("", "Overlap=allow\n", "Overlap=queue\n", "Overlap=replace\n"))
def test_parallel_runs_and_a_cancel_of_all(make_instance, more):
    instance = make(make_instance, more)
    mark(instance, "hold")
    parent = backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-12"}, parallel=3)["run_number"]
    until(lambda: len(days(instance)) == 3, "three are at it")
    shown = instance.show(parent)
    assert shown["progress"]["running"] == 3 and shown["progress"]["total"] == 12 and shown["current_item"] == "day=2026-11-01"
    time.sleep(0.1)
    assert len(days(instance)) == 3
    with pytest.raises(ProtocolError, match="is not done yet") as refused:
        backfill(instance, values=november(30))
    assert refused.value.data["run_number"] == parent
    answer = instance.call("run.cancel", run=parent, reason="wrong feed")
    assert answer["status"] == "cancelled" and answer["processes_ended"] >= 3
    children = instance.show(parent)["children"]
    assert [(child["status"], child["reason"]) for child in children] == [("cancelled", "request")] * 3
    assert len(days(instance)) == 3


def test_it_goes_on_after_kills_with_all_flags(make_instance):
    instance = make(make_instance)
    mark(instance, "bad.2026-11-09", "bad.2026-11-04")
    parent = backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-20"}, parallel=2, reverse=True, mode="odds",
                      params={"team": "BOS"}, request_id="night")["run_number"]
    for moment in range(6):
        time.sleep(0.02 + 0.03 * moment)
        instance.kill()
        instance.start()
    assert backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-20"}, request_id="night")["run_number"] == parent
    shown = instance.wait_for_run(parent)
    assert shown["run"]["status"] == "partial" and shown["progress"]["failed"] == 2
    assert sorted(lines(instance)) == [f"{day} odds backfill BOS" for day in november(*range(1, 21))]
    assert [child["parameters"]["day"] for child in shown["children"]] == november(*range(20, 0, -1))
    assert set(lines(instance, "beside")) <= {"1", "2"}


def test_a_cancel_goes_on_after_a_kill(make_instance):
    instance = make(make_instance)
    mark(instance, "hold")
    parent = backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-09"}, parallel=2)["run_number"]
    until(lambda: len(days(instance)) == 2, "two are at it")
    cancel = subprocess.Popen([paths.BATCHCTL, "--socket", instance.socket, "cancel", str(parent)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.03)
    instance.kill()
    instance.start()
    cancel.wait(60)
    shown = instance.wait_for_run(parent)
    assert shown["run"]["status"] == "cancelled" and all(child["status"] == "cancelled" for child in shown["children"])


def test_other_runs_of_the_job_go_in_between(make_instance):
    """The nightly run is not lost because a backfill is under way, and not replaced by it."""
    instance = make(make_instance)
    mark(instance, "hold")
    parent = backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-03"})["run_number"]
    until(lambda: len(days(instance)) == 1, "one is at it")
    nightly = instance.call("run.start", job="daily", params={"day": "2026-11-22"})
    assert nightly["status"] == "queued" and nightly["waits_for"]["run_number"] == parent + 1
    mark(instance, "hold", there=False)
    assert instance.wait_for_run(parent)["run"]["status"] == "success"
    assert sorted(days(instance)) == november(1, 2, 3, 22) and days(instance)[1] == "2026-11-22"
    assert set(lines(instance, "beside")) == {"1"}


def test_paused_it_waits_and_does_not_start_anew(make_instance):
    instance = make(make_instance)
    mark(instance, "hold")
    parent = backfill(instance, wait=False, **{"from": "2026-11-01", "to": "2026-11-03"})["run_number"]
    until(lambda: len(days(instance)) == 1, "one is at it")
    instance.call("job.pause", job="daily", reason="audit")
    mark(instance, "hold", there=False)
    until(lambda: instance.show(parent)["progress"]["completed"] == 1, "the first is done")
    time.sleep(0.15)
    assert len(days(instance)) == 1
    current = [run for run in instance.call("run.current")["runs"] if run["status"] == "queued"]
    assert current[0]["waits_for"]["kind"] == "paused"
    instance.call("job.resume", job="daily")
    assert instance.wait_for_run(parent)["run"]["status"] == "success"
    instance.call("job.pause", job="daily", reason="audit")
    with pytest.raises(ProtocolError, match="audit"):
        backfill(instance, values=november(30))


def test_children_take_the_slots_of_their_job_and_the_parent_none(make_instance):
    instance = make_instance()
    with open(instance.config, "a", encoding="ascii") as config:
        config.write("[Limit gpu]\nSlots=1\n")
    instance.write_job("bound", "[Job]\nOverlap=allow\nLimit=gpu\n[Parameter day]\nType=date\n[Step a]\nExec=/bin/sleep 0.2\n")
    instance.start()
    answer = instance.call("run.backfill", job="bound", values=november(1, 2, 3), parallel=3)
    holders = until(lambda: instance.call("limit.list")["limits"][0]["holders"], "one of them has the slot")
    assert [holder["run_number"] for holder in holders] == [answer["run_number"] + 1]
    assert instance.wait_for_run(answer["run_number"])["run"]["status"] == "success"


def test_integers_and_mistakes(make_instance):
    instance = make(make_instance)
    answer = instance.call("run.backfill", job="weekly", **{"from": "3", "to": "6"}, parallel=4)
    shown = instance.wait_for_run(answer["run_number"])
    assert sorted(child["parameters"]["week"] for child in shown["children"]) == [3, 4, 5, 6]
    for params, message in (({"from": "17", "to": "19"}, "week: "), ({}, "a range"), ({"from": "1", "to": "2", "mode": "x"}, "no mode"),
                            ({"from": "1", "to": "2", "params": {"week": 1}}, "give it no value"),
                            ({"from": "1", "to": "2", "params": {"team": 1}}, "team"),
                            ({"from": "1", "to": "2", "skip_gates": ["coverage"]}, "no gate")):
        with pytest.raises(ProtocolError, match=message) as refused:
            instance.call("run.backfill", job="weekly", **params)
        assert refused.value.data["kind"] == "invalid_params"
    with pytest.raises(ProtocolError, match="more than 2000"):
        instance.call("run.backfill", job="daily", **{"from": "2000-01-01", "to": "2026-01-01"})
    with pytest.raises(ProtocolError, match="is a backfill"):
        instance.call("run.retry", run=answer["run_number"])


def test_a_skipped_gate_is_honoured_and_audited(make_instance):
    instance = make_instance()
    instance.write_job("gated", "[Parameter day]\nType=date\n[Step count]\nExec=/bin/sh -c '" + paths.BATCHCTL + " report --records 1'\nRecordsMin=5\n")
    instance.start()
    answer = instance.call("run.backfill", job="gated", values=november(1, 2), skip_gates=["records"])
    shown = instance.wait_for_run(answer["run_number"])
    assert [child["status"] for child in shown["children"]] == ["partial", "partial"], shown["children"]
    assert instance.show(shown["children"][1]["run_number"])["run"]["skip_gates"] == ["records"]
    with sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True) as db:
        audited = [json.loads(row[0]) for row in db.execute("SELECT params FROM audit WHERE method = 'run.backfill'")]
    assert audited[0]["skip_gates"] == ["records"]


def test_batchctl_backfill(make_instance):
    instance = make(make_instance)
    plan = instance.ctl("backfill", "daily", "--from", "2026-11-01", "--to", "2026-11-03", "--dry-run").stdout
    assert "3 of 3 values of day would run" in plan and "2026-11-02" in plan
    mark(instance, "bad.2026-11-02")
    told = instance.ctl("backfill", "daily", "--from", "2026-11-01", "--to", "2026-11-03", "-p", "team=BOS", "--follow", check=False)
    assert told.returncode == 3 and "daily #1: partial" in told.stdout and "== day=2026-11-02 #3: failed" in told.stdout, told.stdout
    status = instance.ctl("status", "1").stdout
    assert "day=2026-11-02" in status and "failed" in status and "day 2026-11-01 to 2026-11-03, 3 values that were missing, 1 at once" in status
    assert "backfill day=2026-11-01..2026-11-03 team=BOS" in instance.ctl("history").stdout
    again = instance.ctl("backfill", "daily", "--dates", "2026-11-01,2026-11-03", "--param", "day", "-p", "team=BOS", "--wait")
    assert "nothing to do" in again.stdout
    assert instance.ctl("backfill", "daily", "--dates", "2026-11-02", "-p", "team=BOS", "--only", "failed", "--wait", check=False).returncode == 1
    assert instance.ctl("backfill", "daily", "--from", "x", "--to", "y", check=False).returncode == 2
