"""Pause, resume, drain, and what batchctl next shows."""
import contextlib
import datetime
import json
import sqlite3
import time

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until

TICK = "[Job]\nOnCalendar=*:*:*\n[Step work]\nExec=/bin/true\n"
QUIET = "[Step work]\nExec=/bin/true\n"


def outcomes(instance, job):
    """(outcome, reason) of each due time, in order."""
    with contextlib.closing(sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True)) as db:
        return db.execute("SELECT outcome, reason FROM due_times WHERE job = ? ORDER BY due_at", (job,)).fetchall()


def wait_for(instance, job, outcome):
    until(lambda: outcome in outcomes(instance, job), lambda: f"{outcome} among {outcomes(instance, job)}\n{instance.log[-2000:]}")


def test_a_paused_job_skips_its_due_times_and_says_why(make_instance):
    instance = make_instance({"tick": TICK, "other": QUIET}).start()
    answer = instance.call("job.pause", job="tick", reason="bye week")
    assert answer["paused"]["reason"] == "bye week"
    wait_for(instance, "tick", ("skipped", "paused"))
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", job="tick")
    assert refused.value.data["kind"] == "paused"
    assert refused.value.data["paused"]["reason"] == "bye week"
    assert "bye week" in str(refused.value)
    assert instance.call("run.start", job="tick", force=True)["run_number"]
    assert instance.call("run.start", job="other")["run_number"]
    shown = {job["job"]: job for job in instance.call("job.list")["jobs"]}
    assert shown["tick"]["paused"]["reason"] == "bye week" and shown["other"]["paused"] is None
    # It outlives a kill.
    instance.kill()
    instance.start()
    assert instance.call("job.show", job="tick")["paused"]["reason"] == "bye week"
    n = len(outcomes(instance, "tick"))
    until(lambda: len(outcomes(instance, "tick")) > n + 1, "due times pass")
    assert {outcome for outcome, _ in outcomes(instance, "tick")[n:]} <= {"skipped", "missed"}
    assert instance.ctl("resume", "tick").stdout == "tick goes on\n"
    n = len(outcomes(instance, "tick"))
    until(lambda: ("ran", None) in outcomes(instance, "tick")[n:], "it runs again")
    assert instance.ctl("resume", "tick").stdout == "tick was not paused\n"


def test_a_pause_ends_by_itself(make_instance):
    instance = make_instance({"tick": TICK}).start()
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2.5)
    instance.call("job.pause", job="tick", until=end.isoformat().replace("+00:00", "Z"))
    wait_for(instance, "tick", ("skipped", "paused"))
    until(lambda: outcomes(instance, "tick")[-1] == ("ran", None), "it runs again")
    assert instance.call("job.show", job="tick")["paused"] is None
    with pytest.raises(ProtocolError, match="has passed"):
        instance.call("job.pause", job="tick", until="2020-01-01T00:00:00Z")
    with pytest.raises(ProtocolError, match="did you mean tick"):
        instance.call("job.pause", job="tik")


def test_a_drained_daemon_starts_nothing_and_lets_finish(make_instance):
    instance = make_instance({"tick": TICK, "slow": "[Step work]\nExec=/bin/sleep 3\n"}).start()
    number = instance.call("run.start", job="slow")["run_number"]
    assert "nothing new starts" in instance.ctl("drain", "--reason", "database upgrade").stdout
    wait_for(instance, "tick", ("skipped", "drained"))
    refused = instance.ctl("run", "slow", check=False)
    assert refused.returncode == 8 and "database upgrade" in refused.stderr
    assert "database upgrade" in instance.ctl("status").stdout
    instance.kill()
    instance.start()
    assert instance.call("daemon.status")["draining"]["reason"] == "database upgrade"
    assert instance.wait_for_run(number)["run"]["status"] == "success"
    assert instance.ctl("drain", "--off").stdout == "jobs start again\n"
    n = len(outcomes(instance, "tick"))
    until(lambda: ("ran", None) in outcomes(instance, "tick")[n:], "it runs again")


CLOCKS = """
[Job]
OnCalendar=*-*-* 02:30
TimeZone=Europe/Berlin
[Step work]
Exec=/bin/true
"""


def test_next_shows_zones_and_changes_of_clocks(make_instance):
    instance = make_instance({"night": CLOCKS, "noon": "[Job]\nOnCalendar=12:00 UTC\n[Step work]\nExec=/bin/true\n", "never": QUIET}).start()
    spring = instance.call("schedule.list", job="night", **{"from": "2027-03-27T12:00:00Z"}, count=2)["due_times"]
    # The clocks go from 02:00 to 03:00: it is due right after.
    assert [(due["due_at"], due["local_at"], due["clock_change"]) for due in spring] == [
        ("2027-03-28T01:00:00.000000Z", "2027-03-28T03:00:00.000000+02:00", "gap"),
        ("2027-03-29T00:30:00.000000Z", "2027-03-29T02:30:00.000000+02:00", None)]
    autumn = instance.call("schedule.list", job="night", **{"from": "2027-10-30T12:00:00Z"}, count=2)["due_times"]
    assert [(due["due_at"], due["local_at"], due["clock_change"]) for due in autumn] == [
        ("2027-10-31T00:30:00.000000Z", "2027-10-31T02:30:00.000000+02:00", "fold"),
        ("2027-11-01T01:30:00.000000Z", "2027-11-01T02:30:00.000000+01:00", None)]
    both = instance.call("schedule.list", **{"from": "2027-06-01T00:00:00Z"}, count=4)["due_times"]
    assert [due["job"] for due in both] == ["night", "noon", "night", "noon"]
    text = instance.ctl("next", "night", "-n", "2", "--from", "2027-03-27T12:00:00Z").stdout
    assert "Sun 2027-03-28 03:00:00 +02:00" in text and "2027-03-28 01:00:00" in text and "clocks skip" in text
    assert "Nothing is due" in instance.ctl("next", "never").stdout
    assert json.loads(instance.ctl("-o", "json", "next", "-n", "1").stdout)["due_times"][0]["outcome"] is None
    assert instance.ctl("next", "nigth", check=False).returncode == 4


def test_next_shows_what_became_of_due_times(make_instance):
    instance = make_instance({"tick": TICK}).start()
    wait_for(instance, "tick", ("ran", None))
    time.sleep(1.1)
    listed = instance.call("schedule.list", job="tick", count=1000,
                           **{"from": datetime.datetime.now(datetime.timezone.utc).replace(year=2020).isoformat().replace("+00:00", "Z")})
    past = [due for due in listed["due_times"] if due["outcome"]]
    assert past[0]["run_number"] == 1 and past[0]["outcome"] == "ran"
    # One after the other, without a hole or a repeat where the past meets what is ahead.
    seconds = [datetime.datetime.fromisoformat(due["due_at"].replace("Z", "+00:00")).timestamp() for due in listed["due_times"]]
    assert seconds == [seconds[0] + i for i in range(1000)]
    assert "ran #1" in instance.ctl("next", "tick", "--from", "-1h", "-n", "1").stdout
