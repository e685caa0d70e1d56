"""What users of other schedulers complain about: runs that are stuck, doubled, missed or skipped. Each complaint is a test of its own."""
import contextlib
import json
import math
import os
import signal
import sqlite3
import time

import pytest

from batchtest import processes
from batchtest.protocol import ProtocolError
from batchtest.wait import until

SLEEPER = "[Job]\n{}\n[Step sleep]\nExec=/bin/sh -c \"echo begun; exec sleep 300\"\nKillGraceSec=200ms\n"
COUNTING = "[Job]\n{}\n[Step count]\nExec=/bin/sh -c \"echo $$BATCH_RUN >>{}\"\n"


def begun(instance, run):
    return until(lambda: [line for line in instance.call("run.tail", run=run)["lines"] if line["text"] == "begun"], "it has begun")


def pids_of(instance, text):
    return [pid for pid in processes.of_folder(instance.folder) if text in processes.command_line(pid) and pid > 1]


def lines_of(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        return file.read().split()
    return []


def due_records(instance, job):
    with contextlib.closing(sqlite3.connect(f"file:{instance.state}/state.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT due_at, outcome, reason, run_number FROM due_times WHERE job = ? ORDER BY due_at", (job,)).fetchall()


# Stuck


def test_stuck_running_without_a_process_blocks_the_next_start(make_instance):
    """Dkron 1483, Airflow 7927, Prefect 16746, Dagster 1735, Rundeck 2381: a row says running, nothing runs, and nothing starts again."""
    instance = make_instance({"sleep": SLEEPER.format("")}).start()
    run = instance.run("sleep", wait=False)["run_number"]
    begun(instance, run)
    for pid in pids_of(instance, "batch-runner") + pids_of(instance, "sleep 300"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "failed" and shown["steps"][0]["reason"] in ("lost", "signal")
    again = instance.run("sleep", wait=False)["run_number"]
    begun(instance, again)
    assert [one["run_number"] for one in instance.call("run.current")["runs"]] == [again]


def test_stuck_after_the_service_died(make_instance):
    """Dagster 4319, Kestra 8356, River 682: what ran when the service died stays `running` for days."""
    instance = make_instance({"sleep": SLEEPER.format("")}).start()
    run = instance.run("sleep", wait=False)["run_number"]
    begun(instance, run)
    instance.kill()
    for pid in processes.of_folder(instance.folder):
        if pid > 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    instance.start()
    assert instance.wait_for_run(run)["run"]["status"] == "failed"
    assert instance.call("run.current")["runs"] == []


def test_stuck_children_outlive_the_timeout(make_instance):
    """Cronicle 203, Dkron 1385, Rundeck 1038, Supervisor 1101: only the top process is killed."""
    job = "[Step tree]\nExec=/bin/sh -c \"setsid sleep 301 & (sleep 302 &) ; exec sleep 303\"\nTimeoutSec=300ms\nKillGraceSec=100ms\n"
    instance = make_instance({"tree": job}).start()
    shown = instance.run("tree")
    assert shown["steps"][0]["reason"] == "timeout" and shown["steps"][0]["processes_ended"] >= 3
    assert not [line for line in instance.leftovers() if "sleep 30" in line]


def test_stuck_deadline_is_kept_while_the_service_is_away(make_instance):
    """Cronicle 846: a job past its time was killed ten minutes late. Ours is kept by the monitor, with or without a daemon."""
    job = "[Step slow]\nExec=/bin/sh -c \"echo begun; exec sleep 304\"\nTimeoutSec=1s\nKillGraceSec=100ms\n"
    instance = make_instance({"slow": job}).start()
    run = instance.run("slow", wait=False)["run_number"]
    begun(instance, run)
    instance.kill()
    until(lambda: not pids_of(instance, "sleep 304"), "the monitor has ended it")
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["steps"][0]["reason"] == "timeout"


def test_stuck_cancel_never_ends(make_instance):
    """Dagster 13155, Buildbot 3783, Prefect 17955: a cancel that hangs, and a run that nobody can end."""
    job = "[Step stubborn]\nExec=/bin/sh -c \"trap '' TERM INT HUP; echo begun; while :; do sleep 0.1; done\"\nKillGraceSec=200ms\n"
    instance = make_instance({"stubborn": job}).start()
    run = instance.run("stubborn", wait=False)["run_number"]
    begun(instance, run)
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    assert not [line for line in instance.leftovers() if "trap" in line]


def test_healthy_work_is_not_taken_for_dead(make_instance):
    """Airflow 16023, Prefect 16459, Dagu 2251: a remedy against stuck runs that kills or fails those that are fine."""
    job = "[Step silent]\nExec=/bin/sh -c \"echo begun; sleep 0.8; echo done\"\nHeartbeatSec=200ms\n"
    instance = make_instance({"silent": job}).start()
    run = instance.run("silent", wait=False)["run_number"]
    begun(instance, run)
    instance.kill()
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "partial" and shown["steps"][0]["status"] == "success"  # warned of, and left alone
    assert [line["text"] for line in instance.call("run.tail", run=run)["lines"]] == ["begun", "done"]


# Doubled


def test_doubled_by_the_same_due_time(make_instance, tmp_path):
    """ofelia 385: thirteen starts of one due time. Whoever asks, and however often: one due time, one run."""
    marks = f"/tmp/{os.path.basename(tmp_path)}-{os.getpid()}"
    instance = make_instance({"count": COUNTING.format("Overlap=allow", marks)}).start()
    due = "2026-11-22T12:00:00Z"
    first = instance.call("run.start", job="count", due=due, triggered_by="timer")
    instance.kill()
    instance.start()
    for _ in range(12):
        assert instance.call("run.start", job="count", due=due, triggered_by="timer")["run_id"] == first["run_id"]
    instance.wait_for_run(first["run_number"])
    assert lines_of(marks) == ["1"]
    os.unlink(marks)


def test_doubled_by_a_restart_of_the_service(make_instance, tmp_path):
    """Nomad 5945, Airflow 26888: what has finished runs again after a restart, and what runs is begun a second time."""
    marks = f"/tmp/{os.path.basename(tmp_path)}-{os.getpid()}"
    job = COUNTING.format("", marks) + "[Step sleep]\nExec=/bin/sh -c \"echo begun; sleep 1\"\n"
    instance = make_instance({"count": job}).start()
    run = instance.run("count", wait=False)["run_number"]
    begun(instance, run)
    for _ in range(3):
        instance.kill()
        instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success" and [a["attempt"] for a in shown["attempts"]] == [1, 1]
    instance.restart()
    assert lines_of(marks) == ["1"] and len(instance.call("run.list")["runs"]) == 1
    os.unlink(marks)


def test_doubled_by_a_second_start(make_instance):
    """ofelia 285, Supervisor 600: two runs of what must not overlap."""
    instance = make_instance({"sleep": SLEEPER.format("")}).start()
    first = instance.run("sleep", wait=False)
    for _ in range(2):
        with pytest.raises(ProtocolError) as refused:
            instance.call("run.start", job="sleep")
        assert refused.value.kind == "already_running" and refused.value.data["run_id"] == first["run_id"]
        instance.kill()
        instance.start()
    assert len(instance.call("run.current")["runs"]) == 1


def test_doubled_by_many_missed_times(make_instance, tmp_path):
    """Kestra 3000, 6027: a backlog of missed times fires one after the other. The last one is enough, and all are recorded."""
    marks = f"/tmp/{os.path.basename(tmp_path)}-{os.getpid()}"
    instance = make_instance({"count": COUNTING.format("OnCalendar=*-*-* *:*:*\nPersistent=last", marks)}).start()
    until(lambda: lines_of(marks), "it runs by its schedule")
    instance.kill()
    # Whole seconds that began and ended without a daemon: each was a due time.
    first = math.floor(time.time()) + 1
    time.sleep(3.2)
    last = math.floor(time.time())
    instance.start()

    def away():
        return [row for row in due_records(instance, "count") if first <= row[0] // 1000000 <= last]

    def ran(records):
        return [row for row in records if row[1] in ("ran", "ran_late")]

    until(lambda: ran(row for row in due_records(instance, "count") if row[0] // 1000000 >= last), "it catches up, or goes on")
    instance.ctl("pause", "count")
    until(lambda: instance.call("run.current")["runs"] == [], "nothing runs")
    assert [row[0] // 1000000 for row in away()] == list(range(first, last + 1))
    # The last one, unless the next was due before the daemon was there: then that one.
    assert len(ran(away())) <= 1 and all(row[1:3] == ("missed", "daemon_down") for row in away()[:-1])
    # As many lines as there are runs: nothing was done without a run, or twice.
    assert sorted(map(int, lines_of(marks))) == sorted(run["run_number"] for run in instance.call("run.list", limit=100)["runs"])
    os.unlink(marks)


# Missed


def test_missed_times_are_seen(make_instance):
    """Dkron 256, Rundeck's paid edition, Temporal 10503, systemd 24984: nobody can tell that a time was missed."""
    instance = make_instance({"often": "[Job]\nOnCalendar=*-*-* *:*:*\nPersistent=no\n[Step one]\nExec=/bin/true\n"}).start()
    until(lambda: due_records(instance, "often"), "it runs by its schedule")
    instance.kill()
    time.sleep(2.5)
    instance.start()
    until(lambda: any(row[1] == "missed" for row in due_records(instance, "often")), "the missed ones are recorded")
    assert "missed: daemon_down" in instance.ctl("next", "often", "--from", "-1min", "-n", "50").stdout
    instance.ctl("pause", "often")
    until(lambda: instance.call("run.current")["runs"] == [], "nothing runs")
    assert any(fact.get("reason") in ("daemon_down", "paused") for fact in instance.call("run.why", job="often")["facts"])


def test_missed_because_the_schedule_silently_stopped(make_instance):
    """Dkron 798, Kestra's own remedies, systemd 39696: after a restart or a reload the schedule goes no further."""
    text = "[Job]\nOnCalendar=*-*-* *:*:*\n[Step one]\nExec=/bin/true\n"
    instance = make_instance({"often": text}).start()

    def goes_on():
        runs = instance.call("run.list", job="often", limit=1)["runs"]
        last = runs[0]["run_number"] if runs else 0
        until(lambda: instance.call("run.list", job="often", limit=1)["runs"][0]["run_number"] > last
              if runs else instance.call("run.list")["runs"], "the schedule goes on")

    goes_on()
    instance.kill()
    instance.start()
    goes_on()
    instance.write_job("often", text + "TimeoutSec=1min\n")
    instance.call("daemon.reload")
    goes_on()


# Skipped


def test_skipped_times_say_why(make_instance):
    """Airflow 18378, Temporal 6820: a time is skipped, and nothing says why."""
    instance = make_instance({"slow": "[Job]\nOnCalendar=*-*-* *:*:*\n[Step one]\nExec=/bin/sleep 2.5\n"}).start()
    until(lambda: [row for row in due_records(instance, "slow") if row[1:3] == ("skipped", "overlap")], "one is skipped")
    instance.ctl("pause", "slow", "--reason", "stocktaking")
    until(lambda: [row for row in due_records(instance, "slow") if row[1:3] == ("skipped", "paused")], "one is skipped")
    why = instance.ctl("why", "slow").stdout
    assert "stocktaking" in why or "runs" in why
    instance.wait_for_run(instance.call("run.list")["runs"][0]["run_number"])
    why = instance.ctl("why", "slow").stdout
    assert "stocktaking" in why and "a due time was skipped: the job was paused" in why


def test_skipped_is_not_what_timed_out(make_instance):
    """Airflow 19005: a timed-out task is shown as skipped, so that nobody is told. Rundeck 4584: a kill is shown as a failure."""
    job = "[Step slow]\nExec=/bin/sleep 300\nTimeoutSec=200ms\nKillGraceSec=100ms\n"
    instance = make_instance({"slow": job, "sleep": SLEEPER.format("")}).start()
    shown = instance.run("slow")
    assert (shown["run"]["status"], shown["steps"][0]["status"], shown["steps"][0]["reason"]) == ("failed", "failed", "timeout")
    run = instance.run("sleep", wait=False)["run_number"]
    begun(instance, run)
    instance.call("run.cancel", run=run)
    assert (instance.status_of(run), instance.show(run)["run"]["reason"]) == ("cancelled", "request")


def test_skipped_steps_name_what_they_depend_on(make_instance):
    """Airflow, Dagu 2411: a step did not run, and it is not said which one was in its way."""
    instance = make_instance({"chain": "[Step one]\nExec=/bin/false\n[Step two]\nExec=/bin/true\n"}).start()
    shown = instance.run("chain")
    assert (shown["steps"][1]["status"], shown["steps"][1]["reason"]) == ("skipped", "dependency")
    why = instance.call("run.why", run=1)
    assert why["failures"][0]["step_name"] == "one" and why["skipped"] == {"dependency": 1}
    instance.ctl("retry", "1")
    assert instance.wait_for_run(2)["run"]["retry_of"] == shown["run"]["run_id"]


# Lost


def test_lost_lines_of_what_is_soon_over(make_instance):
    """Dkron 540, systemd 2913 and 28650, Cronicle 113: the lines of short work are missing, or nobody knows whose they are."""
    items = " ".join(f"i{n}" for n in range(40))
    instance = make_instance({"short": f"[Step one]\nExec=/bin/echo this is ${{item}}\nForEach={items}\nMaxParallel=8\n"}).start()
    shown = instance.run("short")
    lines = instance.call("run.tail", run=1)["lines"]
    assert sorted((line["item"], line["text"]) for line in lines) == sorted((item, f"this is {item}") for item in items.split())
    assert [line["seq"] for line in lines] == list(range(1, 41)) and shown["last_seq"] == 40


def test_lost_logs_between_attempts(make_instance):
    """Airflow 42920, 45516, 63177: no log while it runs, and that of the attempt before is gone."""
    job = "[Step again]\nExec=/bin/sh -c \"echo attempt $$BATCH_ATTEMPT; test $$BATCH_ATTEMPT = 1 && exit 75; echo begun; exec sleep 300\"\n" \
          "Retries=1\nRetryDelaySec=10ms\nKillGraceSec=100ms\n"
    instance = make_instance({"again": job}).start()
    run = instance.run("again", wait=False)["run_number"]
    begun(instance, run)
    assert instance.ctl("logs", "1", "again", "-a", "1").stdout == "attempt 1\n"
    assert instance.ctl("logs", "1").stdout == "attempt 2\nbegun\n"
    assert [line["text"] for line in instance.call("run.tail", run=run)["lines"]] == ["attempt 1", "attempt 2", "begun"]


def test_lost_end_of_the_stream(make_instance):
    """Kestra 7226: whether all lines are there is guessed by time. Here the end says which line was the last."""
    instance = make_instance({"many": "[Step one]\nExec=/bin/sh -c \"seq 1 2000; echo the last >&2\"\n"}).start()
    instance.run("many")
    told = [json.loads(line) for line in instance.ctl("tail", "1", "-f", "-o", "json").stdout.splitlines()]
    lines = [event for event in told if event["event"] == "line"]
    assert told[-1]["event"] == "end" and told[-1]["last_seq"] == lines[-1]["seq"] == 2001
    assert "the last" in [line["text"] for line in lines[-500:]]


def test_lost_time_to_clean_up(make_instance):
    """Cronicle 838: a command on abort is wanted. The work is asked to end and has its grace; what it says then is kept."""
    job = "[Step tidy]\nExec=/bin/sh -c \"trap 'echo tidied up; exit 1' TERM; echo begun; while :; do sleep 0.1; done\"\nKillGraceSec=1min\n"
    instance = make_instance({"tidy": job}).start()
    run = instance.run("tidy", wait=False)["run_number"]
    begun(instance, run)
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    assert {"begun", "tidied up"} <= {line["text"] for line in instance.call("run.tail", run=run)["lines"]}


# Disturbed


def test_disturbed_by_a_change_of_jobs(make_instance):
    """xyops 34, Supervisor 1411, Dkron 998: what is disabled, removed or changed takes down what runs, or its neighbours."""
    instance = make_instance({name: SLEEPER.format("") for name in ("kept", "paused", "removed")}).start()
    runs = {name: instance.run(name, wait=False)["run_number"] for name in ("kept", "paused", "removed")}
    for run in runs.values():
        begun(instance, run)
    pids = {run: instance.show(run)["attempts"][0]["attempt"] and sorted(pids_of(instance, "sleep 300")) for run in runs.values()}
    instance.call("job.pause", job="paused", reason="stocktaking")
    os.unlink(instance.path("jobs.d", "removed.job"))
    instance.write_job("kept", SLEEPER.format("Description=changed"))
    answer = instance.call("daemon.reload")
    assert (answer["changed"], answer["removed"]) == (["kept"], ["removed"])
    assert sorted(run["run_number"] for run in instance.call("run.current")["runs"]) == sorted(runs.values())
    assert sorted(pids_of(instance, "sleep 300")) == next(iter(pids.values()))
    for run in runs.values():
        assert instance.call("run.cancel", run=run)["status"] == "cancelled"


def test_disturbed_by_readers_of_the_database(make_instance):
    """Prefect 16304: `database is locked`. Somebody looks into state.db for as long as he likes; runs start, end and are recorded."""
    instance = make_instance({"one": "[Step one]\nExec=/bin/true\n"}).start()
    instance.run("one")
    with contextlib.closing(sqlite3.connect(f"file:{instance.state}/state.db?mode=ro", uri=True)) as db:
        db.execute("BEGIN")
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert instance.run("one")["run"]["status"] == "success"
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)  # he still sees what he saw
    assert [row["status"] for row in instance.call("run.list")["runs"]] == ["success", "success"]
