"""batchctl why: why a run waits, why it failed, why a job does not run; in facts, and what to do."""
import json
import os
import shlex

import pytest

from batchtest import paths
from batchtest.protocol import ProtocolError
from batchtest.wait import until

WEEKLY = """
[Job]
Overlap=queue
[Parameter week]
Type=integer
[Parameter note]
Type=string
[Step schedule]
Exec=/bin/sh -c "batchctl report --records ${week}00"
[Step odds]
Exec=/bin/sh -c "echo fetching; echo 'GET /odds: 503' >&2; echo no answer >&2; test ${week} -lt 5 || exit 75"
Retries=1
RetryDelaySec=10ms
[Step report]
Exec=/bin/true
"""
SLEEPER = "[Job]\nOverlap=queue\n[Step one]\nExec=/bin/sleep 100\n[Step two]\nExec=/bin/true\n"
IDLE = "[Step one]\nExec=/bin/true\n"


@pytest.fixture
def instance(make_instance):
    path = f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"
    return make_instance({"weekly": WEEKLY, "sleeper": SLEEPER, "idle": IDLE}, environment={"PATH": path}).start()


def kinds(why):
    return [fact["kind"] for fact in why["facts"]]


def commands(why):
    return [step["command"] for step in why["next"]]


def test_a_failure_is_told_with_step_attempt_exit_and_last_error_lines(instance):
    instance.run("weekly", params={"week": 12})
    why = instance.call("run.why", run=1)
    assert why["state"] == "failed" and why["summary"] == "step odds failed after 2 attempts: exit status 75"
    failure, = why["failures"]
    assert (failure["step_name"], failure["attempt"], failure["reason"], failure["exit_status"]) == ("odds", 2, "exit", 75)
    assert failure["lines"] == ["GET /odds: 503", "no answer"] and failure["stream"] == "stderr"
    assert why["skipped"] == {"dependency": 1} and why["last_success"] is None and why["changes"] == []
    text = instance.ctl("why", "1").stdout
    for words in ("odds", "attempt 2", "temporary failure", "! no answer", "1 step skipped (dependency)", "batchctl logs 1 odds", "batchctl retry 1"):
        assert words in text
    assert len(text.splitlines()) <= 24  # one screen
    assert commands(why)[1] == "batchctl retry 1"
    instance.ctl("retry", "1")
    assert instance.show(2)["run"]["retry_of"] == why["run"]["run_id"]
    instance.write_job("weekly", WEEKLY.replace("Retries=1", "Retries=2"))
    instance.call("daemon.reload")
    assert commands(instance.call("run.why", run=1))[1] == "batchctl retry 1 --force"


def test_what_failed_first_is_told_first(make_instance):
    """Not the first of many by name: 2 fails before 10."""
    job = "[Step each]\nForEach=2 10\nMaxParallel=1\nCritical=no\nExec=/bin/sh -c \"exit 4\"\n"
    instance = make_instance({"many": job}).start()
    shown = instance.run("many")
    why = instance.call("run.why", run=1)
    assert [failure["item"] for failure in why["failures"]] == ["2", "10"] and "each (2) failed" in shown["run"]["error_message"]
    assert commands(why)[0] == "batchctl logs 1 each -i 2"


def test_what_has_changed_since_it_last_worked(instance):
    instance.run("weekly", params={"week": 4})
    instance.write_job("weekly", WEEKLY.replace("Retries=1", "Retries=2"))
    instance.call("daemon.reload")
    instance.run("weekly", params={"week": 12, "note": "it's me"})
    why = instance.call("run.why", run=2)
    assert why["last_success"]["run_number"] == 1
    changes = {change["kind"]: change for change in why["changes"] if change["kind"] != "parameter"}
    assert (changes["definition"]["removed"], changes["definition"]["added"]) == (["[Step odds] Retries=1"], ["[Step odds] Retries=2"])
    assert [change["text"] for change in why["changes"] if change["kind"] == "parameter"] == [
        "parameter week is 12, it was 4", "parameter note is it's me, it was open"]
    assert (changes["records"]["before"], changes["records"]["now"]) == (400, 1200)
    # The commands that it shows can be carried out as they are.
    again = shlex.split(commands(why)[-1])
    assert again == ["batchctl", "run", "weekly", "-p", "week=12", "-p", "note=it's me"]
    instance.ctl(*again[1:], "--wait", check=False)
    assert instance.show(3)["run"]["parameters"] == {"week": 12, "note": "it's me"}
    assert "503" in instance.ctl(*shlex.split(commands(why)[0])[1:]).stdout


def test_who_holds_a_run_that_waits(instance):
    first = instance.run("sleeper", wait=False)
    second = instance.run("sleeper", wait=False)
    why = instance.call("run.why", run=second["run_number"])
    assert why["state"] == "queued" and kinds(why) == ["run"]
    fact = why["facts"][0]
    assert fact["run_number"] == first["run_number"] and fact["since"] and fact["started_at"] and "waits for run 1" in why["summary"]
    assert f"batchctl status {first['run_number']}" in commands(why)
    assert "it waits for run 1 of sleeper" in instance.ctl("why", "2").stdout


def test_what_a_run_does_and_what_comes_after(instance):
    instance.run("sleeper", wait=False)
    until(lambda: "running" in kinds(instance.call("run.why")), "the step runs")
    why = instance.call("run.why", job="sleeper")
    assert why["state"] == "running" and kinds(why) == ["running", "after"]
    assert why["facts"][0]["step_name"] == "one" and why["facts"][1]["after"] == ["one"]


def test_when_a_step_is_tried_again(make_instance):
    instance = make_instance({"again": "[Step one]\nExec=/bin/false\nRetries=1\nRetryDelaySec=1h\nRetryMaxDelaySec=1h\n"}).start()
    instance.run("again", wait=False)
    until(lambda: kinds(instance.call("run.why")) == ["retry"], "the step waits")
    fact = instance.call("run.why")["facts"][0]
    assert fact["attempt"] == 2 and fact["until"] and fact["reason"] == "exit" and "exit status" in fact["text"]
    assert "in 59min" in instance.ctl("why").stdout or "in 1h" in instance.ctl("why").stdout


def test_why_a_job_does_not_run(instance):
    assert instance.call("run.why", job="idle")["summary"] == "it has never run"
    assert kinds(instance.call("run.why", job="idle")) == ["unscheduled"]
    instance.ctl("pause", "idle", "--reason", "bye week", "--until", "+1h")
    why = instance.call("run.why", job="idle")
    assert kinds(why)[0] == "paused" and why["facts"][0]["until"] and "bye week" in why["summary"]
    assert "batchctl resume idle" in commands(why)
    instance.ctl("resume", "idle")
    instance.ctl("drain", "--reason", "upgrade")
    assert kinds(instance.call("run.why", job="idle"))[0] == "drained"
    instance.ctl("drain", "--off")
    instance.write_job("idle", "[Step one]\nExce=/bin/true\n")
    instance.ctl("reload", check=False)
    why = instance.call("run.why", job="idle")
    assert kinds(why)[0] == "broken" and why["facts"][0]["in_force"] and "idle.job:" in why["facts"][0]["text"]
    assert why["summary"] == "it has never run"  # the last good version could
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.why", job="weeky")
    assert refused.value.kind == "not_found" and "weekly" in str(refused.value)
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.why", job="idle", run=1)
    assert refused.value.kind == "invalid_params"


def test_due_times_that_started_nothing_are_told(make_instance):
    instance = make_instance({"often": "[Job]\nOnCalendar=*-*-* *:*:*\n[Step one]\nExec=/bin/true\n"}).start()
    instance.ctl("pause", "often", "--reason", "bye week")
    until(lambda: "due_time" in kinds(instance.call("run.why", job="often")), "a due time has passed")
    why = instance.call("run.why", job="often")
    due = next(fact for fact in why["facts"] if fact["kind"] == "due_time")
    assert (due["outcome"], due["reason"], due["text"]) == ("skipped", "paused", "a due time was skipped: the job was paused")
    assert "the job was paused" in instance.ctl("why", "often").stdout


def test_who_cancelled_a_run(instance):
    run = instance.run("sleeper", wait=False)["run_number"]
    instance.ctl("cancel", str(run), "--reason", "wrong week")
    why = json.loads(instance.ctl("why", str(run), "-o", "json").stdout)
    assert why["state"] == "cancelled" and why["ended_by"]["reason"] == "wrong week" and "wrong week" in why["summary"]
    assert why["ended_by"]["user"] in why["summary"]


@pytest.mark.parametrize("line, reason, words", [
    ("Exec=/no/such/program", "spawn", "could not be started"),
    ("Exec=/bin/sh -c 'kill -SEGV $$$$'", "signal", "ended by a signal"),
    ("Exec=/bin/sleep 100\nTimeoutSec=200ms\nKillGraceSec=100ms", "timeout", "not done in the time"),
    ("Exec=/bin/sleep 100\nHeartbeatSec=200ms\nHeartbeatAction=kill\nKillGraceSec=100ms", "heartbeat", "no sign of life"),
])
def test_a18_every_kind_of_failure_is_told_in_plain_words(make_instance, line, reason, words):
    instance = make_instance({"fails": f"[Step one]\n{line}\n"}).start()
    instance.run("fails")
    failure, = instance.call("run.why", run=1)["failures"]
    assert failure["reason"] == reason and words in failure["meaning"] and failure["error_message"]
    assert words in instance.ctl("why").stdout


def test_why_survives_a_kill_of_the_daemon(instance):
    instance.run("weekly", params={"week": 12})
    before = instance.call("run.why", run=1)
    instance.kill()
    instance.start()
    assert instance.call("run.why", run=1) == before


def test_who_holds_the_slots_that_a_step_or_a_run_waits_for(make_instance):
    step = "[Job]\nOverlap=allow\n[Step load]\nExec=/bin/sleep 100\nLimit=warehouse\n"
    whole = "[Job]\nOverlap=allow\nLimit=warehouse\n[Step load]\nExec=/bin/true\n"
    instance = make_instance({"writer": step, "whole": whole})
    with open(instance.config, "a", encoding="ascii") as config:
        config.write("[Limit warehouse]\nSlots=1\n")
    instance.start()
    for job in ("writer", "writer", "whole"):
        instance.run(job, wait=False)
    until(lambda: kinds(instance.call("run.why", run=2)) == ["limit"], "the second waits")
    for run, who in ((2, "step load"), (3, "it")):
        why = instance.call("run.why", run=run)
        fact = why["facts"][0]
        assert fact["text"] == f"{who} waits for 1 of limit warehouse: 1 of 1 slots are taken, by run 1 of writer, step load"
        assert fact["limit"] == "warehouse" and fact["holders"][0]["run_number"] == 1 and fact["since"]
        assert "batchctl limits" in commands(why)
    assert why["state"] == "queued"


def test_gates_and_breakers_are_told_with_what_to_do(make_instance):
    path = f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"
    gated = "[Step load]\nExec=batchctl report --records 36 --expected 211 --missing 'a: no file'\nCoverageMin=90%\n"
    few = "[Step load]\nExec=batchctl report --records 3\nRecordsMin=10\n"
    broken = "[Step load]\nExec=/bin/false\nBreakerFailures=1\nBreakerResetSec=1h\n"
    instance = make_instance({"gated": gated, "few": few, "broken": broken}, environment={"PATH": path}).start()
    for job in ("gated", "few", "broken", "broken"):
        instance.run(job)
    why = instance.call("run.why", run=1)
    assert why["failures"][0]["reason"] == "gate" and "CoverageMin=" in why["failures"][0]["meaning"]
    assert "36 of 211" in why["failures"][0]["error_message"]
    again = commands(why)[-1]
    assert again == "batchctl run gated --skip-gate coverage"
    assert instance.ctl(*shlex.split(again)[1:], "--wait", check=False).returncode == 3  # with a warning: partial
    why = instance.call("run.why", run=2)
    assert why["failures"][0]["reason"] == "records" and "RecordsMin=10" in why["failures"][0]["error_message"]
    why = instance.call("run.why", run=4)
    assert why["failures"][0]["reason"] == "breaker" and "in a row" in why["failures"][0]["meaning"]
    assert commands(why)[-1] == "batchctl reset broken load"
    why = instance.call("run.why", job="broken")
    fact = next(fact for fact in why["facts"] if fact["kind"] == "breaker")
    assert fact["step_name"] == "load" and fact["until"] and "exit status 1" in fact["text"]
    instance.ctl("reset", "broken", "load")
    assert "breaker" not in kinds(instance.call("run.why", job="broken"))


def test_what_a_partial_run_warned_of(make_instance):
    path = f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"
    instance = make_instance({"warns": "[Step odds]\nExec=batchctl report --warning 'stale: prices are a day old'\n"}, environment={"PATH": path}).start()
    instance.run("warns")
    why = instance.call("run.why", run=1)
    assert why["state"] == "partial" and why["summary"] == "it did its work, and warned"
    assert [fact["text"] for fact in why["facts"]] == ["step odds warned, stale: prices are a day old"]
    assert why["facts"][0]["category"] == "stale" and "prices are a day old" in instance.ctl("why", "1").stdout


def test_a_command_beside_a_step_that_failed_says_why(make_instance):
    jobs = {"condition": "[Job]\nCondition=/bin/sh -c 'echo no calendar >&2; exit 2'\n[Step one]\nExec=/bin/true\n",
            "items": "[Step one]\nForEach=!/bin/sh -c 'echo no table >&2; exit 1'\nExec=/bin/true\n",
            "closed": "[Job]\nCondition=/bin/sh -c 'echo a holiday; exit 1'\n[Step one]\nExec=/bin/true\n",
            "wait": "[Job]\nReadyWhen=/bin/sh -c 'echo prices are missing; exit 1'\n[Step one]\nExec=/bin/true\n"}
    instance = make_instance(jobs).start()
    for number, (job, name, line) in enumerate((("condition", ":condition", "no calendar"), ("items", "one:items", "no table")), 1):
        instance.run(job)
        why = instance.call("run.why", run=number)
        assert why["failures_total"] == 1 and why["failures"][0]["step_name"] == name and why["failures"][0]["lines"] == [line]
        assert instance.ctl(*shlex.split(commands(why)[0])[1:]).stdout == f"{line}\n"
    instance.run("closed")
    assert instance.call("run.why", run=3)["summary"] == "it was skipped, its condition said: a holiday"
    instance.run("wait", wait=False)
    until(lambda: "prices are missing" in instance.call("run.why", run=4)["summary"], "it has been asked")
    assert kinds(instance.call("run.why", run=4)) == ["not_ready"] and instance.call("run.why", run=4)["state"] == "queued"
    # They are no steps of their own, but for who asks for them.
    assert [step["step_name"] for step in instance.call("step.list")["steps"]] == ["one"] * 3
    assert len(instance.call("step.list", step=":condition")["steps"]) == 2
    assert [step["step_name"] for step in instance.call("run.summary", run=2)["steps"]] == ["one"]


def test_what_would_start_a_job_and_by_when_it_must_have_succeeded(make_instance):
    instance = make_instance({"first": SLEEPER.replace("Overlap=queue\n", ""), "second": "[Job]\nAfterJob=first\nDeadline=07:00 UTC\n[Step one]\nExec=/bin/true\n"}).start()
    why = instance.call("run.why", job="second")
    assert kinds(why) == ["after_job", "deadline"] and "a success of first starts it, which does not run" == why["facts"][0]["text"]
    assert why["facts"][1]["due_at"].endswith("T07:00:00.000000Z") and "batchctl why first" in commands(why)
    instance.run("first", wait=False)
    assert "whose run 1 is active" in instance.call("run.why", job="second")["facts"][0]["text"]


def test_which_runs_of_a_backfill_failed(make_instance):
    job = "[Parameter week]\nType=integer\nMinimum=1\nMaximum=9\n[Step one]\nExec=/bin/sh -c \"test ${week} != 2\"\n"
    instance = make_instance({"weekly": job}).start()
    instance.run("weekly", params={"week": 9})
    parent = instance.call("run.backfill", job="weekly", **{"from": "1", "to": "3"})["run_number"]
    shown = instance.wait_for_run(parent)
    assert shown["run"]["status"] == "partial"
    why = instance.call("run.why", run=parent)
    fact, = [fact for fact in why["facts"] if fact["kind"] == "child"]
    assert '{"week":2}' in fact["text"] and "exit status 1" in fact["text"]
    assert f"batchctl why {fact['run_number']}" in commands(why)
    # It is not compared with the runs that do the work, nor they with it.
    assert instance.call("run.why", run=fact["run_number"])["last_success"]["run_number"] != parent
    last = instance.run("weekly", params={"week": 8})["run"]["run_number"]
    assert instance.call("run.summary", run=last)["compared"]["runs"] == 3


INNER = r"""
[Step load]
Exec=/bin/sh -c "batchctl report --step fetch --step-result success; batchctl report --step parse --step-result failed --status 'line 7 is no number'; echo gave up >&2; exit 65"
Critical=no
[Step tidy]
Exec=/bin/sh -c "batchctl report --step sweep --step-result failed --status 'nothing to sweep'"
After=
"""
ITEMS = '[Step work]\nForEach=' + " ".join(f"i{n:02d}" for n in range(30)) + '\nExec=/bin/sh -c "test ${item} = i29"\nCritical=no\n'
LISTER = '[Step work]\nForEach=!/bin/sh -c "echo no list today >&2; exit 3"\nExec=/bin/true\n[Step other]\nExec=/bin/true\nCondition=/bin/sh -c "exit 7"\nAfter=\n'


@pytest.fixture
def causes(make_instance):
    path = f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"
    return make_instance({"inner": INNER, "items": ITEMS, "lister": LISTER}, environment={"PATH": path}).start()


def test_steps_inside_of_one_that_failed_and_of_one_that_did_not(causes):
    causes.run("inner")
    why = causes.call("run.why", run=1)
    by_name = {failure["step_name"]: failure for failure in why["failures"]}
    assert set(by_name) == {"load", "tidy/sweep"} and why["failures_total"] == 2
    inner, = by_name["load"]["inner"]
    assert (inner["step_name"], inner["error_message"]) == ("load/parse", "line 7 is no number") and by_name["load"]["inner_total"] == 1
    text = causes.ctl("why", "1").stdout
    assert "inside of it, parse failed: line 7 is no number" in text and "nothing to sweep" in text and "! gave up" in text


def test_items_that_failed_are_named_beyond_those_that_are_told(causes):
    causes.run("items")
    why = causes.call("run.why", run=1)
    assert why["failures_total"] == 29 and len(why["failures"]) == 5 and len(why["failures_more"]) == 20
    told = {failure["item"] for failure in why["failures"] + why["failures_more"]}
    assert len(told) == 25 and "i29" not in told
    text = causes.ctl("why", "1").stdout
    assert "and 24 more: work (i" in text and text.count("exit status 1") >= 5


def test_commands_beside_steps_say_why_in_their_own_words(causes):
    causes.run("lister")
    why = causes.call("run.why", run=1)
    assert {failure["what"] for failure in why["failures"]} == {"ForEach= of step work", "Condition= of step other"}
    text = causes.ctl("why", "1").stdout
    assert "ForEach= of step work, attempt 1" in text and "! no list today" in text and "Condition= of step other" in text


def test_who_could_not_be_told_of_a_failure(make_instance):
    instance = make_instance({"bad": "[Step one]\nExec=/bin/false\n"})
    instance.sections = "[Alert ops]\nCommand=/bin/sh -c \"echo pager is away >&2; exit 65\"\nOn=failure\nJobs=bad\n"
    instance.write_config()
    instance.start()
    instance.run("bad")
    until(lambda: "alert" in kinds(instance.call("run.why", run=1)) and instance.call("alert.list")["alerts"][0]["failed"] == 1, "it is given up")
    fact = next(fact for fact in instance.call("run.why", run=1)["facts"] if fact["kind"] == "alert")
    assert fact["alert"] == "ops" and fact["text"] == "alert ops could not tell of its failure: pager is away"
    text = instance.ctl("why", "bad").stdout
    assert "pager is away" in text
