"""Schedules under a whole daemon: each due time ends as exactly one record."""
import contextlib
import datetime
import itertools
import os
import random
import sqlite3
import statistics
import subprocess
import time

from batchtest import paths
from batchtest.wait import until

EVERY_SECOND = """
[Job]
OnCalendar=*:*:*
{job}
[Step work]
Exec={exec}
"""

UTC = datetime.timezone.utc


def every_second(job="", command="/bin/true"):
    return EVERY_SECOND.format(job=job, exec=command)


def rows(instance, query, *values):
    with contextlib.closing(sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query, values)]


def records(instance, job):
    return rows(instance, "SELECT * FROM due_times WHERE job = ? ORDER BY due_at", job)


def assert_each_once(instance, job, begin, end):
    """Every whole second from begin to end has one record, and every run that a due time started belongs to one."""
    found = {}
    for record in records(instance, job):
        last = record["due_until"] or record["due_at"]
        for second in range(record["due_at"] // 1000000, last // 1000000 + 1):
            assert second not in found, f"two records for {second}"
            found[second] = record
    missing = [second for second in range(begin, end) if second not in found]
    assert not missing, f"no record for {missing}\n{instance.log[-3000:]}"
    runs = rows(instance, "SELECT run_id, due_at FROM runs WHERE job = ? AND triggered_by IN ('schedule', 'catch_up')", job)
    assert sorted(run["run_id"] for run in runs) == \
        sorted(record["run_id"] for record in records(instance, job) if record["outcome"].startswith("ran"))
    assert len({run["due_at"] for run in runs}) == len(runs)


def test_every_second_runs_once_with_its_due_time(make_instance):
    instance = make_instance({"tick": every_second("Overlap=allow")}).start()
    begin = int(time.time()) + 1
    until(lambda: len(records(instance, "tick")) >= 4, "four due times have passed")
    end = records(instance, "tick")[-1]["due_at"] // 1000000
    assert_each_once(instance, "tick", begin, end)
    for record in records(instance, "tick"):
        assert (record["outcome"], record["reason"]) == ("ran", None)
        assert record["due_at"] % 1000000 == 0 and record["decided_at"] >= record["due_at"]
    assert statistics.median(record["decided_at"] - record["due_at"] for record in records(instance, "tick")) < 1000000
    run = instance.call("run.list", job="tick", triggered_by="schedule")["runs"][0]
    assert run["due_at"].endswith(".000000Z")
    asked = datetime.datetime.now(UTC)
    shown = instance.call("job.show", job="tick")
    assert shown["on_calendar"] == ["*:*:*"]
    next_elapse = datetime.datetime.fromisoformat(shown["next_elapse"].replace("Z", "+00:00"))
    second = datetime.timedelta(seconds=1)
    assert asked - second < next_elapse <= datetime.datetime.now(UTC) + second


def test_an_overlap_is_skipped_and_said(make_instance):
    instance = make_instance({"slow": every_second(command="/bin/sleep 100")}).start()
    until(lambda: len(records(instance, "slow")) >= 3, "three due times have passed")
    first, *others = records(instance, "slow")
    assert first["outcome"] == "ran"
    assert {(record["outcome"], record["reason"], record["run_id"]) for record in others} == {("skipped", "overlap", None)}


def test_kill_around_due_times_neither_doubles_nor_loses_one(make_instance):
    instance = make_instance({"tick": every_second("Overlap=allow")}).start()
    begin = int(time.time()) + 1
    chance = random.Random(7)
    for _ in range(8):
        # Into the moment in which the due time is decided and made durable.
        time.sleep(1 - time.time() % 1 + chance.uniform(-0.002, 0.02))
        instance.kill()
        instance.start()
    until(lambda: records(instance, "tick") and records(instance, "tick")[-1]["due_at"] / 1e6 > time.time() - 1.5, "it goes on")
    assert_each_once(instance, "tick", begin, records(instance, "tick")[-1]["due_at"] // 1000000)


def restart_after(instance, seconds):
    """Stopped for so long; returns the first and the last second that the daemon did not see."""
    instance.stop()
    begin = int(time.time()) + 1
    time.sleep(seconds)
    end = int(time.time())
    instance.start()
    return begin, end


def behind(instance, job, begin, end):
    """Records of due times from begin to end."""
    return [record for record in records(instance, job) if begin * 1000000 <= record["due_at"] <= end * 1000000]


def test_all_missed_due_times_run_one_after_the_other(make_instance):
    instance = make_instance({"tick": every_second("Persistent=all")}).start()
    first, last = restart_after(instance, 7.2)
    until(lambda: records(instance, "tick") and records(instance, "tick")[-1]["due_at"] / 1e6 > time.time() - 1.5, "it caught up")
    assert_each_once(instance, "tick", first, last)
    caught = behind(instance, "tick", first, last)
    assert {record["outcome"] for record in caught} <= {"ran", "ran_late"}
    assert caught[0]["outcome"] == "ran_late"
    runs = rows(instance, "SELECT * FROM runs WHERE job = 'tick' ORDER BY run_number")
    assert [run["due_at"] for run in runs] == sorted(run["due_at"] for run in runs)
    assert runs[0]["completed_at"] <= runs[1]["started_at"]
    assert "catch_up" in {run["triggered_by"] for run in runs}


def test_the_last_missed_due_time_runs(make_instance):
    for word in ("yes", "no"):
        # The latest one is younger than a minute: a restart misses none, whatever Persistent= says.
        instance = make_instance({"tick": every_second(f"Persistent={word}")}).start()
        first, last = restart_after(instance, 3.2)
        until(lambda: behind(instance, "tick", last + 1, last + 20), "it goes on")
        found = behind(instance, "tick", first, last + 20)
        missed = list(itertools.takewhile(lambda record: record["outcome"] == "missed", found))
        # The daemon may take its time to start: the one before the moment at which it looks is the latest.
        assert len(missed) >= last - first
        assert {record["reason"] for record in missed} == {"daemon_down"}
        assert found[len(missed)]["outcome"] in ("ran", "ran_late")
        assert_each_once(instance, "tick", first, last)


def set_back(instance, job, seconds):
    """As if the daemon had last been there so long ago."""
    with contextlib.closing(sqlite3.connect(instance.path("state", "state.db"))) as db:
        value, = db.execute("SELECT value FROM settings WHERE key = ?", (f"schedule/{job}",)).fetchone()
        word = value.split()[0]
        db.execute("UPDATE settings SET value = ? WHERE key = ?", (f"{word} {int((time.time() - seconds) * 1e6)}", f"schedule/{job}"))
        db.execute("DELETE FROM due_times WHERE job = ?", (job,))
        db.commit()


def test_an_old_due_time_is_missed_unless_persistent(make_instance):
    hourly = "[Job]\nOnCalendar=*:17\nTimeZone=UTC\n{}\n[Step work]\nExec=/bin/true\n"
    instance = make_instance({"no": hourly.format(""), "last": hourly.format("Persistent=yes"), "all": hourly.format("Persistent=all")})
    instance.start().stop()
    for job in ("no", "last", "all"):
        set_back(instance, job, 3 * 3600)
    instance.start()
    until(lambda: min(len(records(instance, job)) for job in ("no", "last", "all")) >= 3, lambda: f"all are decided\n{instance.log}")
    late = time.time() % 3600 - 17 * 60
    recent = 0 <= late < 120  # then the latest is young enough
    outcomes = {job: [record["outcome"] for record in records(instance, job)] for job in ("no", "last", "all")}
    if not recent:
        assert outcomes["no"] == ["missed", "missed", "missed"]
        assert outcomes["last"] == ["missed", "missed", "ran_late"]
        assert outcomes["all"] == ["ran_late", "ran_late", "ran_late"]
        assert {run["triggered_by"] for run in rows(instance, "SELECT * FROM runs")} == {"catch_up"}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_year_of_seconds_behind_is_told_in_few_records(make_instance):
    instance = make_instance({"tick": every_second("Overlap=allow")})
    instance.start().stop()
    set_back(instance, "tick", 365 * 86400)
    instance.start()
    until(lambda: [record for record in records(instance, "tick") if record["outcome"].startswith("ran")], "it goes on")
    assert cpu_seconds(instance.process.pid) < paths.patience(5), "it does not go through them second by second"
    found = records(instance, "tick")
    assert len(found) < 1100
    assert found[0]["outcome"] == "missed"
    assert found[0]["due_until"] - found[0]["due_at"] > 364 * 86400 * 1000000


def test_a_new_schedule_has_nothing_behind_it(make_instance):
    instance = make_instance({"tick": "[Step work]\nExec=/bin/true\n"}).start()
    time.sleep(1.1)
    instance.write_job("tick", every_second())
    begin = time.time()
    assert instance.call("daemon.reload")["changed"] == ["tick"]
    until(lambda: len(records(instance, "tick")) >= 2, "it runs")
    assert records(instance, "tick")[0]["due_at"] / 1e6 > begin - 0.1
    instance.write_job("tick", "[Step work]\nExec=/bin/true\n")
    instance.call("daemon.reload")
    n = len(records(instance, "tick"))
    time.sleep(1.5)
    assert len(records(instance, "tick")) <= n + 1
    assert instance.call("job.show", job="tick")["next_elapse"] is None


def test_nothing_wakes_up_between_due_times(make_instance):
    instance = make_instance({f"job{n}": "[Job]\nOnCalendar=*-01-01\n[Step work]\nExec=/bin/true\n" for n in range(50)}).start()

    def switches():
        with open(f"/proc/{instance.process.pid}/status", encoding="ascii") as status:
            return sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))

    def woke_up():
        before = switches()
        time.sleep(2)
        return switches() - before

    # What else the daemon does (tidying up after its start, say) is not for ever.
    until(lambda: woke_up() == 0, "the daemon sleeps")


def test_postgres_has_the_records(make_instance, database):
    instance = make_instance({"tick": every_second()}, database=database).start()
    until(lambda: len(records(instance, "tick")) >= 3, "due times have passed")

    def mirrored():
        return database.value("SELECT to_regclass('batch_due_times')") and \
            database.dicts("SELECT d.*, r.triggered_by FROM batch_due_times d JOIN batch_runs r USING (run_id) ORDER BY due_at")

    found = until(lambda: (mirrored() or [])[2:] and mirrored(), "they are in PostgreSQL")
    local = records(instance, "tick")
    assert [(row["due_at"].timestamp(), row["outcome"], str(row["run_id"])) for row in found[:3]] == \
        [(row["due_at"] / 1e6, row["outcome"], row["run_id"]) for row in local[:3]]
    assert {row["triggered_by"] for row in found} == {"schedule"}


def test_what_cannot_be_a_schedule_is_refused_where_it_is_written(make_instance):
    instance = make_instance({
        "a": "[Job]\nOnCalendar=Tue 25:00\n[Step work]\nExec=/bin/true\n",
        "b": "[Job]\nOnCalendar=daily\nTimeZone=Mars/Olympus\n[Step work]\nExec=/bin/true\n",
        "c": "[Job]\nOnCalendar=daily\nTimeZone=../../etc/passwd\n[Step work]\nExec=/bin/true\n",
        "d": "[Job]\nOnCalendar=daily\n[Parameter week]\nRequired=yes\n[Step work]\nExec=/bin/true\n",
        "e": "[Job]\nOnCalendar=daily Mars/Olympus\n[Step work]\nExec=/bin/true\n"}).start()
    errors = {error["file"].split("/")[-1]: (error["line"], error["message"]) for error in instance.call("daemon.status")["job_errors"]}
    assert sorted(errors) == ["a.job", "b.job", "c.job", "d.job", "e.job"]
    assert [errors[name][0] for name in sorted(errors)] == [2, 2, 3, 4, 2]
    assert "there is no time zone Mars/Olympus" in errors["b.job"][1]
    assert "no name of a time zone" in errors["c.job"][1]
    assert "nobody gives week a value" in errors["d.job"][1]


def test_times_that_clocks_skip_and_times_past_are_warned_of(make_instance):
    job = "[Job]\nOnCalendar={}\nTimeZone=Europe/Berlin\n[Step work]\nExec=/bin/true\n"
    instance = make_instance({"gap": job.format("02:30"), "safe": job.format("04:30"), "hourly": job.format("*:30"), "past": job.format("2020-01-01")})
    checked = subprocess.run([paths.BATCHD, "-t", "--config", instance.config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0
    warnings = checked.stderr.splitlines()
    assert len(warnings) == 2
    assert "gap.job:2: warning: OnCalendar=: clocks in Europe/Berlin skip this time" in warnings[0]
    assert "past.job:2: warning: OnCalendar=: 2020-01-01 elapses no more" in warnings[1]


def test_many_missed_due_times_are_one_line_of_the_log(make_instance):
    instance = make_instance({"tick": every_second()}).start()
    restart_after(instance, 4.2)
    until(lambda: "due times missed" in instance.log or "due time missed" in instance.log, "it is said")
    assert instance.log.count("missed, the first at") == 1


def test_the_shipped_rosters_come_by_themselves(make_instance):
    with open(os.path.join(paths.SOURCE, "daemon", "worker", "nfl", "jobs.d", "roster_refresh.job"), encoding="utf-8") as file:
        instance = make_instance({"roster_refresh": file.read()}).start()
    due, = instance.call("schedule.list", job="roster_refresh", **{"from": "2027-09-13T00:00:00Z"}, count=1)["due_times"]
    # Two hours before batch-weekly.timer.
    assert (due["due_at"], due["local_at"]) == ("2027-09-14T10:00:00.000000Z", "2027-09-14T06:00:00.000000-04:00")
    assert "2027-09-14T10:00" <= due["starts_at"] < "2027-09-14T10:10"
