"""AfterJob=: a run that succeeds brings about those that come after it, exactly once over kills at any moment."""
import os
import random
import time

import pytest

from batchtest.wait import until

DATES = "[Parameter day]\nType=date\n[Parameter team]\n"
JOBS = {
    "scrape": DATES + "[Step work]\nExec=/bin/sh -c 'exit ${code}'\nWarnExitStatus=3\n[Parameter code]\nType=integer\nDefault=0\n",
    "analyse": "[Job]\nAfterJob=scrape\n[Parameter day]\nType=date\n[Step work]\nExec=/bin/echo ${day}\n",
    "report": "[Job]\nOverlap=queue\nAfterJob=analyse other\n[Step work]\nExec=/bin/true\n",
    "other": "[Step work]\nExec=/bin/true\n",
}


def runs_of(instance, job):
    return instance.call("run.list", job=job, limit=1000)["runs"]


def settled(instance):
    """An end that is decided is on its way into the record for a moment."""
    until(lambda: not instance.call("run.current")["runs"] and
          {run["status"] for run in instance.call("run.list", limit=1000)["runs"]}.isdisjoint({"queued", "running"}), "nothing runs any more")


def test_success_starts_what_comes_after_with_the_same_parameters(make_instance):
    instance = make_instance(JOBS).start()
    first = instance.run("scrape", params={"day": "2026-11-01", "team": "BOS"})["run"]
    settled(instance)
    (analysed,), (reported,) = runs_of(instance, "analyse"), runs_of(instance, "report")
    assert (analysed["triggered_by"], analysed["parent_run_id"], analysed["parameters"]) == ("job", first["run_id"], {"day": "2026-11-01"})
    assert reported["parent_run_id"] == analysed["run_id"] and reported["status"] == "success"
    # Partial is done, with warnings; any one of several is enough; a failure starts nothing.
    assert instance.run("scrape", params={"code": 3})["run"]["status"] == "partial"
    assert instance.run("other")["run"]["status"] == "success"
    assert instance.run("scrape", params={"code": 1})["run"]["status"] == "failed"
    settled(instance)
    assert [len(runs_of(instance, job)) for job in ("analyse", "report")] == [2, 3]
    shown = instance.show(analysed["run_number"])
    assert shown["run"]["parent_run_id"] == first["run_id"]


def test_a_follower_that_cannot_start_is_told_of(make_instance):
    instance = make_instance(dict(JOBS, analyse=JOBS["analyse"].replace("Type=date", "Type=integer"),
                                  slow="[Job]\nAfterJob=other\n[Step work]\nExec=/bin/sleep 30\nKillGraceSec=1s\n")).start()
    run = instance.run("scrape", params={"day": "2026-11-01"})["run"]
    assert "analyse, which comes after this job, was not started" in run["notes"][0] and "day" in run["notes"][0]
    instance.run("other")
    notes = instance.run("other")["run"]["notes"]
    assert "slow is already running" in notes[0]
    instance.call("run.cancel", run=str(runs_of(instance, "slow")[0]["run_number"]))


@pytest.mark.parametrize("how", ("paused", "drained"))
def test_what_is_held_starts_later(make_instance, how):
    instance = make_instance(JOBS).start()
    if how == "paused":
        instance.call("job.pause", job="analyse", reason="audit")
        first = instance.run("scrape")["run"]
    else:
        first = instance.call("run.start", job="scrape")
        instance.call("daemon.drain")
        first = instance.wait_for_run(first["run_number"])["run"]
    waiting = until(lambda: runs_of(instance, "analyse"), "a run waits")[0]
    assert waiting["status"] == "queued"
    instance.kill()
    instance.start()
    assert instance.show(waiting["run_number"])["run"]["waits_for"]["kind"] == how
    if how == "paused":
        instance.call("job.resume", job="analyse")
    else:
        instance.call("daemon.drain", off=True)
    assert instance.wait_for_run(waiting["run_number"])["run"]["status"] == "success"
    assert [run["parent_run_id"] for run in runs_of(instance, "analyse")] == [first["run_id"]]


def test_each_success_has_one_follower_whatever_is_killed(make_instance):
    instance = make_instance({"first": "[Job]\nOverlap=queue\n[Step work]\nExec=/bin/sleep 0.05\n",
                              "second": "[Job]\nOverlap=queue\nAfterJob=first\n[Step work]\nExec=/bin/sleep 0.02\n",
                              "third": "[Job]\nOverlap=queue\nAfterJob=second\n[Step work]\nExec=/bin/true\n"}).start()
    with instance.client() as client:
        for _ in range(25):
            client.call("run.start", job="first")
    chance = random.Random(4)
    for _ in range(8):
        time.sleep(chance.uniform(0.05, 0.3))
        instance.kill()
        instance.start()
    settled(instance)
    for job, parent in (("second", "first"), ("third", "second")):
        ended = {run["run_id"] for run in runs_of(instance, parent) if run["status"] == "success"}
        assert len(ended) == 25
        assert sorted(run["parent_run_id"] for run in runs_of(instance, job)) == sorted(ended)


def test_circles_and_wrong_names_are_errors_with_their_place(make_instance):
    instance = make_instance(dict(JOBS, own="[Job]\nAfterJob=own\n[Step work]\nExec=/bin/true\n",
                                  a="[Job]\nAfterJob=other b\n[Step work]\nExec=/bin/true\n", b="[Job]\nAfterJob=a\n[Step work]\nExec=/bin/true\n",
                                  wrong="[Job]\nAfterJob=scrap\n[Step work]\nExec=/bin/true\n",
                                  needs="[Job]\nAfterJob=other\n[Parameter day]\nRequired=yes\n[Step work]\nExec=/bin/true\n")).start()
    errors = {os.path.basename(error["file"]): (error["line"], error["message"]) for error in instance.call("daemon.status")["job_errors"]}
    assert errors["own.job"] == (2, "AfterJob=: the jobs follow each other in a circle (own, own); take it out of one of them")
    assert errors["a.job"][0] == 2 and "circle" in errors["a.job"][1] and "circle" in errors["b.job"][1]
    assert errors["wrong.job"] == (2, "AfterJob=: there is no job scrap; did you mean scrape?")
    assert "nobody gives day a value" in errors["needs.job"][1]
    assert set(errors) == {"own.job", "a.job", "b.job", "wrong.job", "needs.job"}
    # What is wrong later leaves the last good version in force.
    instance.write_job("scrape", JOBS["scrape"] + "[Job]\nAfterJob=report\n")
    told = instance.ctl("reload", check=False)
    assert told.returncode == 1 and "in a circle" in told.stderr
    assert instance.call("job.show", job="scrape")["after_jobs"] == []
    assert instance.run("scrape")["run"]["status"] == "success"
    settled(instance)
    assert len(runs_of(instance, "report")) == 1
