"""What a step says of itself from inside its work, in any language, and what becomes of it."""
import datetime
import glob
import os
import re
import signal

from batchtest import chaos, invariants, paths, processes
from batchtest.wait import until

REPORT = f"{paths.BATCHCTL} report"


def step_of(shown, name, item=""):
    return next(step for step in shown["steps"] if (step["step_name"], step["item"]) == (name, item))


def heartbeats(shown):
    return [warning["text"] for warning in shown["run"]["warnings"] if warning["category"] == "heartbeat"]


def silent(folder, more=""):
    """Says nothing until the file `go` is there, then one word, then ends when `stop` is there."""
    return f"""
[Step quiet]
Exec=/bin/sh -c "{REPORT} --heartbeat; while ! test -e {folder}/go; do sleep 0.05; done; {REPORT} --status awake; while ! test -e {folder}/stop; do sleep 0.05; {REPORT} --heartbeat; done"
HeartbeatSec=600ms
{more}
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def attempt_path(instance):
    (path,) = glob.glob(f"{instance.state}/runs/*/*.attempt")
    return path


def attempt_file(instance):
    """What the monitor has written of the only attempt."""
    with open(attempt_path(instance), "rb") as file:
        return file.read()


def touch(instance, name):
    with open(instance.path(name), "w", encoding="utf-8"):
        pass


def test_a_missing_heartbeat_is_a_warning_while_it_is_missing_and_told_when_it_comes_back(make_instance, database):
    instance = make_instance(database=database)
    instance.write_job("quiet", silent(instance.folder))
    instance.start()
    run = instance.run("quiet", wait=False)["run_number"]
    missing = until(lambda: heartbeats(instance.show(run)), "it is missed")
    assert len(missing) == 1 and missing[0].startswith("no sign of life since 20") and missing[0].endswith("UTC, HeartbeatSec=600ms")
    step = step_of(instance.show(run), "quiet")
    assert step["status"] == "running" and step["metadata"]["heartbeat"]["missing_since"] and step["metadata"]["heartbeat"]["times"] == 1
    assert "no sign of life for" in instance.ctl("status", str(run)).stdout
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    until(lambda: database.value("SELECT warnings -> 0 ->> 'text' FROM batch_runs") == missing[0], "PostgreSQL tells it while it lasts")
    # A daemon that was killed meanwhile takes it up.
    instance.kill()
    instance.start()
    assert heartbeats(instance.show(run)) == missing
    touch(instance, "go")
    back = until(lambda: [text for text in heartbeats(instance.show(run)) if "came back" in text], "it is heard of again")
    assert len(heartbeats(instance.show(run))) == 1 and back[0].startswith("no sign of life for ") and "UTC on, HeartbeatSec=600ms; it came back" in back[0]
    step = step_of(instance.show(run), "quiet")
    assert step["metadata"]["heartbeat"]["missing_since"] is None and step["metadata"]["heartbeat"]["silent_seconds"] >= 0.6
    touch(instance, "stop")
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "partial" and step_of(shown, "quiet")["status"] == "success"


def test_a_missing_heartbeat_ends_the_step_where_the_job_says_so(make_instance):
    instance = make_instance()
    instance.write_job("quiet", silent(instance.folder, "HeartbeatAction=kill"))
    instance.start()
    shown = instance.run("quiet")
    step = step_of(shown, "quiet")
    assert (shown["run"]["status"], step["status"], step["reason"]) == ("failed", "failed", "heartbeat")
    assert step["error_message"] == "no sign of life for HeartbeatSec=600ms"
    assert not [line for line in instance.leftovers() if "/go" in line]


def test_other_reports_are_signs_of_life_too(make_instance):
    shown = make_instance({"talks": f"""
[Step talks]
Exec=/bin/sh -c "for i in 1 2 3 4 5 6 7 8; do sleep 0.3; {REPORT} --progress $$i/8; done"
HeartbeatSec=2s
HeartbeatAction=kill
"""}).start().run("talks")
    assert shown["run"]["status"] == "success"


PROGRAM = """
import os, socket, sys, time
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(*lines):
    notify.sendto("\\n".join(lines).encode(), os.environ["NOTIFY_SOCKET"])
def heard():  # returns when all that was said was taken: sd_notify_barrier(3)
    here, there = os.pipe()
    notify.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, there.to_bytes(4, sys.byteorder))], 0, os.environ["NOTIFY_SOCKET"])
    os.close(there)
    os.read(here, 1)
"""


def program(instance, name, body):
    """A program that knows nothing of batchctl and reports with one-line calls."""
    path = instance.path(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(PROGRAM + body)
    return f"/usr/bin/python3 {path}"


def rows(shown):
    return [(step["step_name"], step["status"], step["records_processed"]) for step in shown["steps"]]


ETL = """
say("STEP=extract")
heard()
time.sleep(0.2)
say("STEP_RESULT=success", "RECORDS=120")
say("STEP=transform", "STEP_RESULT=skipped")
say("STEP=load"); say("STEP=load", "STEP_RESULT=success", "RECORDS=118")
say("STEP=load"); say("STEP_RESULT=success", "RECORDS=2")
say("RECORDS=120")
"""


def test_steps_inside_a_program_are_recorded_like_declared_ones(make_instance, database):
    instance = make_instance(database=database)
    instance.write_job("etl", f"[Step etl]\nExec={program(instance, 'etl.py', ETL)}\n[Step after]\nExec=/bin/true\n")
    instance.start()
    shown = instance.run("etl")
    assert rows(shown) == [("etl", "success", 120), ("etl/extract", "success", 120), ("etl/transform", "skipped", None),
                           ("etl/load", "success", 118), ("etl/load#2", "success", 2), ("after", "success", None)]
    assert shown["run"]["status"] == "success" and shown["progress"]["total"] == 2 and shown["progress"]["completed"] == 2
    extract = step_of(shown, "etl/extract")
    assert 0.2 <= extract["duration_seconds"] <= step_of(shown, "etl")["duration_seconds"] and extract["step_order"] == 1 and extract["attempt"] == 1
    assert step_of(shown, "etl")["started_at"] <= extract["started_at"] < extract["completed_at"] <= step_of(shown, "etl")["completed_at"]
    assert [attempt["step_name"] for attempt in shown["attempts"]] == ["etl", "etl/extract", "etl/transform", "etl/load", "etl/load#2", "after"]
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    in_database = ("SELECT array_agg(step_name || ' ' || status || ' ' || coalesce(records_processed, -1) ORDER BY started_at, step_name)"
                   " FROM batch_execution_steps WHERE step_name LIKE 'etl/%' AND duration_seconds >= 0")
    until(lambda: database.value(in_database) == ["etl/extract success 120", "etl/transform skipped -1", "etl/load success 118", "etl/load#2 success 2"],
          lambda: f"PostgreSQL has them: {database.value(in_database)}")
    listed = instance.call("step.list", step="etl/extract")["steps"]
    assert [(step["step_name"], step["status"]) for step in listed] == [("etl/extract", "success")]
    screen = instance.ctl("status", "1").stdout
    assert re.search("^ +extract +success", screen, re.MULTILINE) and "etl/extract" not in screen
    summary = instance.call("run.summary", run=1)
    assert summary["totals"]["items"] == 2 and "etl/extract" in [step["step_name"] for step in summary["steps"]]


def test_what_is_left_open_is_closed_with_the_truth(make_instance):
    instance = make_instance()
    ends = {"well": "say('STEP=a')", "badly": "say('STEP=a'); say('STEP=b'); say('STEP=a', 'STEP_RESULT=success'); sys.exit(7)",
            "slowly": "say('STEP=a'); time.sleep(60)", "killed": "say('STEP=a'); os.kill(os.getpid(), 9)"}
    for name, end in ends.items():
        instance.write_job(name, f"[Step all]\nExec={program(instance, name + '.py', end)}\nTimeoutSec={'3s' if name == 'slowly' else '1min'}\nKillGraceSec=100ms\n")
    instance.start()
    shown = {name: instance.run(name) for name in ends}
    assert [(s["status"], s["metadata"].get("left_open")) for s in shown["well"]["steps"]] == [("success", None), ("success", True)]
    assert shown["well"]["run"]["status"] == "success"
    badly = shown["badly"]["steps"]
    assert [(s["step_name"], s["status"], s["reason"]) for s in badly] == [
        ("all", "failed", "exit"), ("all/a", "success", None), ("all/b", "failed", "exit")]
    assert badly[2]["error_message"] == "open when the step ended: exit status 7"
    assert [(s["status"], s["reason"]) for s in shown["slowly"]["steps"]] == [("failed", "timeout")] * 2
    assert shown["slowly"]["steps"][1]["duration_seconds"] > 1
    assert [(s["status"], s["reason"]) for s in shown["killed"]["steps"]] == [("failed", "signal")] * 2


def test_a_failure_inside_a_program_that_succeeds_is_a_warning(make_instance):
    instance = make_instance()
    body = "say('STEP=a'); say('STEP=a', 'STEP_RESULT=failed', 'STATUS=no rows came')"
    instance.write_job("soft", f"[Step all]\nExec={program(instance, 'soft.py', body)}\n")
    instance.start()
    shown = instance.run("soft")
    inner = step_of(shown, "all/a")
    assert (shown["run"]["status"], step_of(shown, "all")["status"], inner["status"], inner["error_message"]) == ("partial", "success", "failed", "no rows came")
    assert [(w["category"], w["text"]) for w in shown["run"]["warnings"]] == [("step", "a failed: no rows came")]


def test_each_attempt_has_its_own(make_instance):
    instance = make_instance()
    body = ("say('STEP=a'); say('STEP=a', 'STEP_RESULT=success'); say('STEP=b' + os.environ['BATCH_ATTEMPT'])\n"
            "sys.exit(0 if os.environ['BATCH_ATTEMPT'] == '2' else 1)")
    instance.write_job("again", f"[Step all]\nExec={program(instance, 'again.py', body)}\nRetries=1\nRetryDelaySec=10ms\n")
    instance.start()
    shown = instance.run("again")
    assert [(s["step_name"], s["attempt"], s["status"]) for s in shown["steps"]] == [("all", 2, "success"), ("all/a", 2, "success"), ("all/b2", 2, "success")]
    assert [(s["step_name"], s["attempt"], s["status"]) for s in shown["attempts"]] == [
        ("all", 1, "failed"), ("all", 2, "success"), ("all/a", 1, "success"), ("all/b1", 1, "failed"), ("all/a", 2, "success"), ("all/b2", 2, "success")]


def test_they_outlive_a_kill_and_keep_their_times(make_instance, database):
    """The daemon is dead while one ends and the next one begins: the monitor knows when."""
    instance = make_instance(database=database)
    body = f"""
say("STEP=one")
while not os.path.exists("{instance.folder}/go"): time.sleep(0.02)
say("STEP_RESULT=success", "RECORDS=1")
say("STEP=two")
while not os.path.exists("{instance.folder}/end"): time.sleep(0.02)
say("STEP_RESULT=success", "RECORDS=2")
"""
    instance.write_job("long", f"[Step all]\nExec={program(instance, 'long.py', body)}\n")
    instance.start()
    run = instance.run("long", wait=False)["run_number"]
    until(lambda: len(instance.show(run)["steps"]) == 2, "the first one is shown while it runs")
    shown = instance.show(run)
    assert shown["current_step"] == "all/one" and step_of(shown, "all/one")["status"] == "running"
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    until(lambda: database.value("SELECT status FROM batch_execution_steps WHERE step_name = 'all/one'") == "running", "PostgreSQL has it")
    instance.kill()
    touch(instance, "go")
    until(lambda: b"step:2" in attempt_file(instance), "the monitor has saved the second one")
    dead_until = now()
    instance.start()
    until(lambda: instance.show(run).get("current_step") == "all/two", "the second one is known")
    touch(instance, "end")
    shown = instance.wait_for_run(run)
    assert rows(shown) == [("all", "success", None), ("all/one", "success", 1), ("all/two", "success", 2)]
    one, two = step_of(shown, "all/one"), step_of(shown, "all/two")
    assert one["completed_at"] <= two["started_at"] < dead_until < two["completed_at"]


def test_they_are_lost_with_their_monitor(make_instance):
    """Daemon, monitor and program are all killed: nobody is left who could tell how it ended, and nothing stays open in the record. The
    monitor had told of an end that it had not yet saved: what is recorded is not taken back."""
    instance = make_instance()
    body = f"""
say("STEP=a")
while not os.path.exists("{instance.folder}/go"): time.sleep(0.02)
say("STEP=a", "STEP_RESULT=success")
say("STEP=b")
time.sleep(60)
"""
    instance.write_job("long", f"[Step all]\nExec={program(instance, 'lost.py', body)}\n")
    instance.start()
    run = instance.run("long", wait=False)["run_number"]
    until(lambda: b"step:1" in attempt_file(instance), "the monitor has saved the first one")
    saved = attempt_file(instance)
    touch(instance, "go")
    state = invariants.StateFile(instance)
    until(lambda: state.query("SELECT 1 FROM attempts WHERE step_name = 'all/b'"), "the second one is recorded")
    (monitor,) = [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]
    instance.kill()
    assert monitor > 1
    os.kill(monitor, signal.SIGKILL)
    until(lambda: not processes.is_alive(monitor), "the monitor is dead")
    with open(attempt_path(instance), "r+b") as file:
        file.write(saved)
    instance.start()
    shown = instance.wait_for_run(run)
    assert [(s["step_name"], s["status"], s["reason"]) for s in shown["steps"]] == [
        ("all", "failed", "lost"), ("all/a", "success", None), ("all/b", "failed", "lost")]


def test_a_flood_of_them_is_cut_and_said(make_instance):
    instance = make_instance()
    body = "for i in range(260): say(f'STEP=s{i}', 'STEP_RESULT=success')"
    command = program(instance, "many.py", body)
    instance.write_job("many", "".join(f"[Step s{i}]\nExec={command}\n" for i in range(3)))
    instance.start()
    shown = instance.run("many", seconds=60)
    assert shown["run"]["status"] == "partial" and shown["progress"]["total"] == 3
    assert len(shown["steps"]) == 3 + 500
    texts = " ".join(warning["text"] for warning in shown["run"]["warnings"])
    assert "STEP: more than 200" in texts and "more steps inside of steps than a run keeps (500)" in texts
