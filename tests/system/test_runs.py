"""Runs, from their start to their record: the daemon, the launcher, monitors and steps, all real."""
import os
import signal
import time
import uuid

import pytest

from batchtest.held import held, thread_of
from batchtest.protocol import ProtocolError
from batchtest.wait import until

HELLO = """
[Job]
Description=Says hello
[Parameter n]
Type=integer
Minimum=1
Maximum=9
[Step one]
Exec=/bin/sh -c "echo hello; echo oops >&2"
[Step two]
Exec=/bin/echo n=${n} fixed
"""

SLEEPER = """
[Job]
Description=Sleeps
[Step sleep]
Exec=/bin/sh -c "echo begun; exec sleep 300"
KillGraceSec=2s
[Step after]
Exec=/bin/echo never
"""

COUNTER = """
[Job]
Type=counting
[Step count]
Exec=/bin/sh -c "i=0; while [ $$i -lt 60 ]; do i=$$((i+1)); echo line $$i; sleep 0.05; done"
[Step last]
Exec=/bin/echo done
"""


def steps_of(shown):
    return {step["step_name"]: step for step in shown["steps"]}


def texts(lines):
    return [line["text"] for line in lines]


def tail(instance, run, **params):
    return instance.call("run.tail", run=run, **params)["lines"]


def test_a_run_is_recorded_whole(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    shown = instance.run("hello", params={"n": 3}, reason="because")
    run, steps = shown["run"], steps_of(shown)
    assert (run["status"], run["reason"], run["triggered_by"]) == ("success", None, "manual")
    assert run["parameters"] == {"n": 3} and run["notes"] == ["because"]
    assert run["started_at"] <= run["completed_at"] and run["duration_seconds"] >= 0
    assert [(s["step_name"], s["status"], s["exit_status"], s["attempts"]) for s in shown["steps"]] == [
        ("one", "success", 0, 1), ("two", "success", 0, 1)]
    lines = tail(instance, run["run_number"])
    assert [(line["seq"], line["step"], line["stream"], line["text"]) for line in lines] in (
        [(1, "one", "stdout", "hello"), (2, "one", "stderr", "oops"), (3, "two", "stdout", "n=3 fixed")],
        [(1, "one", "stderr", "oops"), (2, "one", "stdout", "hello"), (3, "two", "stdout", "n=3 fixed")])
    log = instance.call("log.read", run=run["run_number"], step="two")
    assert log["text"].split(" ", 1)[1] == "stdout F n=3 fixed\n"
    assert steps["one"]["metadata"]["cpu_usec"] >= 0


def test_an_argument_with_an_open_parameter_disappears(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    shown = instance.run("hello")
    assert texts(tail(instance, shown["run"]["run_number"]))[-1] == "fixed"


@pytest.mark.parametrize("params, words", [
    ({"job": "helo"}, ["hello"]),
    ({"job": "hello", "params": {"n": 10}}, ["n", "1", "9"]),
    ({"job": "hello", "params": {"n": "x; rm -rf /"}}, ["n", "integer"]),
    ({"job": "hello", "params": {"m": 1}}, ["m", "n"]),
    ({"job": "hello", "mode": "full"}, ["full"]),
    ({"job": "hello", "steps": ["three"]}, ["three"]),
    ({"job": "hello", "frce": True}, ["force"]),
    ({}, ["job"]),
])
def test_a_start_that_does_not_fit_is_refused_and_starts_nothing(make_instance, params, words):
    instance = make_instance({"hello": HELLO}).start()
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", **params)
    for word in words:
        assert word in str(refused.value)
    assert instance.call("run.list")["runs"] == []


def test_a_second_start_is_refused_with_the_run_unless_forced(make_instance):
    instance = make_instance({"sleeper": SLEEPER}).start()
    first = instance.run("sleeper", wait=False)
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", job="sleeper")
    assert refused.value.kind == "already_running"
    assert refused.value.data["run_number"] == first["run_number"]
    second = instance.call("run.start", job="sleeper", force=True)
    current = instance.call("run.current")["runs"]
    assert [run["run_number"] for run in current] == [first["run_number"], second["run_number"]]
    for run in (first, second):
        assert instance.call("run.cancel", run=run["run_number"])["status"] == "cancelled"
    assert instance.call("run.current")["runs"] == []


def test_cancel_ends_every_process_and_says_how_many(make_instance):
    job = """
[Step stubborn]
Exec=/bin/sh -c "trap '' TERM; setsid sh -c 'trap \\"\\" TERM; sleep 333 & sleep 333' & sleep 333 & wait; sleep 333"
KillGraceSec=500ms
"""
    instance = make_instance({"stubborn": job}).start()
    run = instance.run("stubborn", wait=False)["run_number"]
    until(lambda: len([c for c in instance.leftovers() if "sleep 333" in c]) >= 3, "the tree is up")
    answer = instance.call("run.cancel", run=run, reason="enough")
    assert answer["status"] == "cancelled" and answer["processes_ended"] >= 3
    assert [c for c in instance.leftovers() if "333" in c] == []
    shown = instance.show(run)
    assert shown["run"]["reason"] == "request" and "enough" in shown["run"]["notes"]
    assert steps_of(shown)["stubborn"]["status"] == "cancelled"


def test_failures_are_retried_and_every_attempt_is_kept(make_instance):
    instance = make_instance()
    marker = instance.path("marker")
    instance.write_job("flaky", f"""
[Step flaky]
Exec=/bin/sh -c "echo attempt $$BATCH_ATTEMPT; test -e {marker} && exit 0; touch {marker}; exit 75"
Retries=3
RetryDelaySec=100ms
""")
    instance.start()
    shown = instance.run("flaky")
    assert shown["run"]["status"] == "success"
    assert [(a["attempt"], a["status"], a["exit_status"]) for a in shown["attempts"]] == [(1, "failed", 75), (2, "success", 0)]
    assert steps_of(shown)["flaky"]["attempts"] == 2
    assert texts(tail(instance, shown["run"]["run_number"])) == ["attempt 1", "attempt 2"]
    first = instance.call("log.read", run=shown["run"]["run_number"], step="flaky", attempt=1)
    assert "attempt 1" in first["text"]


@pytest.mark.parametrize("command, reason, word", [
    ("exit 65", "exit", "65"),
    ("kill -SEGV $$$$", "signal", "SEGV"),
    ("sleep 60", "timeout", "TimeoutSec"),
])
def test_a_failed_step_ends_the_run_and_says_why(make_instance, command, reason, word):
    instance = make_instance({"bad": f"""
[Step bad]
Exec=/bin/sh -c "{command}"
TimeoutSec=700ms
KillGraceSec=200ms
[Step next]
Exec=/bin/true
"""}).start()
    shown = instance.run("bad")
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", reason)
    assert "bad" in shown["run"]["error_message"]
    assert word in steps_of(shown)["bad"]["error_message"]
    assert (steps_of(shown)["next"]["status"], steps_of(shown)["next"]["reason"]) == ("skipped", "dependency")


def test_a_command_that_does_not_exist_is_a_spawn_failure(make_instance):
    instance = make_instance({"none": "[Step none]\nExec=/no/such/program --flag\n"}).start()
    shown = instance.run("none")
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "spawn")
    assert "/no/such/program" in steps_of(shown)["none"]["error_message"]
    assert "No such file" in steps_of(shown)["none"]["error_message"]


def test_a_failure_that_is_not_critical_makes_the_run_partial(make_instance):
    instance = make_instance({"soft": "[Step soft]\nExec=/bin/false\nCritical=no\n[Step hard]\nExec=/bin/true\n"}).start()
    shown = instance.run("soft")
    assert shown["run"]["status"] == "partial"
    assert [s["status"] for s in shown["steps"]] == ["failed", "success"]


def test_steps_without_a_dependency_run_at_the_same_time(make_instance):
    instance = make_instance()
    # Each waits for the other: neither ends unless both run.
    instance.write_job("pair", """
[Step left]
Exec=/bin/sh -c "touch $$TMPDIR/left; while ! test -e $$TMPDIR/right; do sleep 0.01; done"
TimeoutSec=10s
[Step right]
After=
Exec=/bin/sh -c "touch $$TMPDIR/right; while ! test -e $$TMPDIR/left; do sleep 0.01; done"
TimeoutSec=10s
[Step both]
After=left right
Exec=/bin/echo both
""")
    instance.start()
    shown = instance.run("pair")
    assert shown["run"]["status"] == "success"
    folder = os.path.join(instance.state, "runs", shown["run"]["run_id"])
    until(lambda: not os.path.exists(os.path.join(folder, "tmp")), "the run's TMPDIR is gone")


def test_what_a_step_reports_is_shown_and_summed(make_instance, tmp_path):
    from batchtest import paths

    ctl = paths.BATCHCTL
    instance = make_instance({"report": f"""
[Parameter week]
Type=integer
[Step first]
Exec=/bin/sh -c "{ctl} report --metric games+=16 --metric games+=2 --metric level=5 --progress 3/4 --records 523 --parameter week=6; {ctl} report --warning 'unknown: three players' --note 'all quiet'"
[Step second]
Exec=/bin/sh -c "{ctl} report --metric games+=1; echo week=$$BATCH_PARAM_WEEK"
"""}).start()
    shown = instance.run("report")
    run = shown["run"]
    assert run["metrics"] == {"games": 19, "level": 5}
    assert run["parameters"] == {"week": 6}
    assert run["status"] == "partial"
    assert [(w["category"], w["text"], w["step"]) for w in run["warnings"]] == [("unknown", "three players", "first")]
    assert run["notes"] == ["all quiet"]
    assert steps_of(shown)["first"]["records_processed"] == 523
    assert texts(tail(instance, run["run_number"])) == ["week=6"]


def follow(client, run, **params):
    """All notifications of run.tail with follow until run.end: (method, params) each."""
    client.call("run.tail", run=run, follow=True, **params)
    events = []
    while not events or events[-1][0] != "run.end":
        events.append(client.notification())
    return events


def lines_of(events):
    return [line for method, params in events if method == "run.lines" for line in params["lines"]]


def test_following_shows_every_line_once_and_the_end(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    events = follow(instance.client(), run)
    lines = lines_of(events)
    assert [line["seq"] for line in lines] == list(range(1, 62))
    assert texts(lines) == [f"line {i}" for i in range(1, 61)] + ["done"]
    assert events[-1][1]["status"] == "success" and events[-1][1]["last_seq"] == 61
    assert any(method == "run.state" and params["current_step"] == "count" for method, params in events)


def test_a_step_that_has_not_begun_has_no_log(make_instance):
    instance = make_instance({"sleeper": SLEEPER}).start()
    run = instance.run("sleeper", wait=False)["run_number"]
    until(lambda: "begun" in instance.call("log.read", run=run, step="sleep")["text"], "the step's log is there")
    with pytest.raises(ProtocolError) as refused:
        instance.call("log.read", run=run, step="after")
    assert refused.value.kind == "not_found" and "not started" in str(refused.value)
    instance.call("run.cancel", run=run)


def test_following_from_the_middle_begins_there(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    until(lambda: len(tail(instance, run)) > 20, "some lines are there")
    events = follow(instance.client(), run, after=10)
    assert [line["seq"] for line in lines_of(events)] == list(range(11, 62))


def test_a_burst_longer_than_the_live_buffer_reaches_a_follower_whole(make_instance):
    instance = make_instance({"burst": "[Step burst]\nExec=/bin/sh -c 'sleep 0.3; seq 12000; sleep 0.3; seq 12001 15000'\n"}).start()
    run = instance.run("burst", wait=False)["run_number"]
    events = follow(instance.client(), run)
    assert [line["seq"] for line in lines_of(events)] == list(range(1, 15001))
    assert texts(lines_of(events)) == [str(i) for i in range(1, 15001)]
    assert all(params["skipped"] == 0 for method, params in events if method == "run.lines")


def test_a_flood_is_counted_and_kept_and_its_end_is_shown(make_instance):
    lines = 600_000
    instance = make_instance({"flood": f"[Step flood]\nExec=/bin/sh -c 'seq -f \"a line of the flood, number %.0f\" {lines}'\n"}).start()
    run = instance.run("flood", wait=False)["run_number"]
    events = follow(instance.client(), run)
    seen = lines_of(events)
    skipped = sum(params["skipped"] for method, params in events if method == "run.lines")
    assert events[-1][1]["last_seq"] == lines and seen[-1]["seq"] == lines
    assert len(seen) + skipped == lines
    assert all(line["text"] == f"a line of the flood, number {line['seq']}" for line in seen)
    page = instance.call("run.tail", run=run, after=lines // 2)["lines"]
    assert (page[0]["seq"], page[0]["text"]) == (lines // 2 + 1, f"a line of the flood, number {lines // 2 + 1}")


def test_a_killed_daemon_loses_no_line_and_no_run(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    until(lambda: len(tail(instance, run)) > 5, "some lines are there")
    before = tail(instance, run)
    instance.kill()
    time.sleep(0.4)
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success"
    lines = tail(instance, run)
    assert [line["seq"] for line in lines] == list(range(1, 62))
    assert texts(lines) == [f"line {i}" for i in range(1, 61)] + ["done"]
    assert lines[:len(before)] == before
    assert [s["exit_status"] for s in shown["steps"]] == [0, 0]
    assert len(shown["attempts"]) == 2


def test_a_step_that_ends_while_the_daemon_is_away_is_not_lost(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    until(lambda: len(tail(instance, run)) > 5, "some lines are there")
    instance.kill()
    until(lambda: not [line for line in instance.leftovers() if "--launcher" not in line], "step and monitor have ended")
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success"
    assert texts(tail(instance, run)) == [f"line {i}" for i in range(1, 61)] + ["done"]


def test_terminating_the_daemon_leaves_runs_alone(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    assert instance.stop(signal.SIGTERM) == 0
    instance.start()
    assert instance.wait_for_run(run)["run"]["status"] == "success"


def test_interrupting_the_daemon_ends_runs_in_order(make_instance):
    instance = make_instance({"sleeper": SLEEPER}).start()
    run = instance.run("sleeper", wait=False)["run_number"]
    until(lambda: tail(instance, run), "the step has begun")
    assert instance.stop(signal.SIGINT) == 0
    assert [c for c in instance.leftovers() if "sleep 300" in c] == []
    instance.start()
    shown = instance.show(run)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("cancelled", "stopped")
    assert steps_of(shown)["after"]["status"] == "cancelled"


def test_the_same_request_starts_one_run(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    request = str(uuid.uuid4())
    first = instance.call("run.start", job="hello", request_id=request)
    instance.wait_for_run(first["run_number"])
    again = instance.call("run.start", job="hello", request_id=request)
    assert again["run_id"] == first["run_id"]
    instance.kill()
    instance.start()
    assert instance.call("run.start", job="hello", request_id=request)["run_id"] == first["run_id"]
    assert len(instance.call("run.list")["runs"]) == 1


def test_one_due_instant_is_one_run(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    due = "2026-11-24T12:00:00Z"
    first = instance.run("hello", due=due, triggered_by="timer")["run"]
    assert first["due_at"].startswith("2026-11-24T12:00:00")
    again = instance.call("run.start", job="hello", due=due, triggered_by="timer")
    assert again["run_id"] == first["run_id"]
    assert instance.call("run.start", job="hello", due="2026-12-01T12:00:00Z")["run_id"] != first["run_id"]


def test_history_filters_and_pages(make_instance):
    instance = make_instance({"hello": HELLO, "bad": "[Step bad]\nExec=/bin/false\n"}).start()
    for n in (1, 2, 3):
        instance.run("hello", params={"n": n})
    instance.run("bad")

    def numbers(**filters):
        return [run["run_number"] for run in instance.call("run.list", **filters)["runs"]]

    assert numbers() == [4, 3, 2, 1]
    assert numbers(job="hello", params={"n": 2}) == [2]
    assert numbers(status="failed") == [4]
    assert numbers(until=instance.show(2)["run"]["created_at"]) == [1]
    page = instance.call("run.list", limit=3)
    assert [run["run_number"] for run in page["runs"]] == [4, 3, 2]
    assert numbers(before=page["next"]) == [1]


def test_a_broken_job_file_keeps_its_last_good_version(make_instance):
    instance = make_instance({"hello": HELLO, "other": "[Step s]\nExec=/bin/true\n"}).start()
    instance.write_job("hello", HELLO.replace("Exec=/bin/echo", "Exce=/bin/echo"))
    answer = instance.call("daemon.reload")
    assert [(e["file"].rsplit("/", 1)[1], "Exec" in e["message"]) for e in answer["errors"]][0] == ("hello.job", True)
    assert instance.run("hello")["run"]["status"] == "success"
    assert instance.run("other")["run"]["status"] == "success"
    instance.write_job("hello", "[Step new]\nExec=/bin/echo new\n")
    assert instance.call("daemon.reload")["changed"] == ["hello"]
    assert [s["step_name"] for s in instance.run("hello")["steps"]] == ["new"]


def test_a_file_that_was_never_good_is_no_job_in_force(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    instance.write_job("broken", "[Stpe s]\nExec=/bin/true\n")
    answer = instance.call("daemon.reload")
    assert (answer["jobs"], answer["added"], len(answer["errors"])) == (1, [], 1) and instance.call("daemon.status")["jobs"] == 1
    instance.write_job("broken", "[Step s]\nExec=/bin/true\n")
    answer = instance.call("daemon.reload")
    assert (answer["jobs"], answer["added"], answer["errors"]) == (2, ["broken"], [])


def test_a_running_run_keeps_its_definition_over_reload_and_restart(make_instance):
    instance = make_instance({"counter": COUNTER}).start()
    run = instance.run("counter", wait=False)["run_number"]
    instance.write_job("counter", "[Step other]\nExec=/bin/echo other\n")
    instance.call("daemon.reload")
    instance.kill()
    instance.start()
    shown = instance.wait_for_run(run)
    assert [s["step_name"] for s in shown["steps"]] == ["count", "last"]
    assert shown["run"]["status"] == "success"


def test_the_environment_is_the_documented_one(make_instance):
    instance = make_instance({"env": """
[Job]
Environment=ONE=1 "TWO=2 2"
[Parameter week]
Type=integer
[Mode only]
Steps=show
[Step show]
Exec=/usr/bin/env
Environment=ONE=step
"""}, environment={"SECRET_OF_THE_DAEMON": "x", "LISTEN_PID": "1", "WATCHDOG_USEC": "1"}).start()
    shown = instance.run("env", params={"week": 7}, mode="only")
    variables = dict(text.split("=", 1) for text in texts(tail(instance, shown["run"]["run_number"])))
    assert variables["ONE"] == "step" and variables["TWO"] == "2 2"
    assert variables["BATCH_RUN_ID"] == shown["run"]["run_id"] and variables["BATCH_RUN"] == "1"
    assert (variables["BATCH_JOB"], variables["BATCH_STEP"], variables["BATCH_ATTEMPT"]) == ("env", "show", "1")
    assert (variables["BATCH_PARAM_WEEK"], variables["BATCH_MODE"], variables["BATCH_TRIGGER"]) == ("7", "only", "manual")
    assert variables["TMPDIR"].endswith(shown["run"]["run_id"] + "/tmp")
    assert len(variables["NOTIFY_SOCKET"]) <= 60
    assert not {"SECRET_OF_THE_DAEMON", "LISTEN_PID", "WATCHDOG_USEC"} & set(variables)


def test_two_daemons_do_not_share_a_state_folder(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    second = make_instance(settings={"StateDirectory": instance.state})
    second.start(wait=False)
    assert second.process.wait(60) != 0
    assert str(instance.process.pid) in second.log and instance.state in second.log
    assert instance.run("hello")["run"]["status"] == "success"


def test_shell_words_in_parameters_stay_words(make_instance):
    instance = make_instance({"echo": "[Parameter text]\n[Step echo]\nExec=/bin/echo [${text}]\n"}).start()
    nasty = "$(touch /tmp/x); `id` %s %n \"quoted\" 'single' \\ * ${HOME}"
    shown = instance.run("echo", params={"text": nasty})
    assert texts(tail(instance, shown["run"]["run_number"])) == [f"[{nasty}]"]
    with pytest.raises(ProtocolError):
        instance.call("run.start", job="echo", params={"text": "two\nlines"})


def test_a_daemon_killed_while_it_launches_starts_the_step_once(make_instance):
    job = """
[Step once]
Exec=/bin/sh -c "echo begun; sleep 0.1; echo ended"
"""
    for delay in range(12):
        instance = make_instance({"once": job}).start()
        run = instance.run("once", wait=False)["run_number"]
        time.sleep(delay * 0.001)
        instance.kill()
        instance.start()
        shown = instance.wait_for_run(run)
        assert shown["run"]["status"] == "success", instance.log
        assert texts(tail(instance, run)) == ["begun", "ended"]
        instance.remove()


def test_an_end_that_is_not_durable_is_told_by_nobody(make_instance):
    """Until it is on disk the run is among those that run, for who asks and for who watches."""
    instance = make_instance()
    instance.write_job("waits", f"[Step wait]\nExec=/bin/sh -c \"echo on; while [ ! -e {instance.path('go')} ]; do sleep 0.01; done\"\n")
    number = instance.start().run("waits", wait=False)["run_number"]
    watcher = instance.client()
    assert watcher.call("run.tail", run=number, follow=True)["status"] == "running"
    until(lambda: "on" in texts(tail(instance, number)), "the step has begun")
    with held(thread_of(instance, "store")):
        with open(instance.path("go"), "w", encoding="ascii"):
            pass
        until(lambda: "waits #1 ended: success" in instance.log, "its end is decided")
        current, = instance.call("run.current")["runs"]
        assert (current["run_number"], current["status"], current["reason"]) == (number, "running", None)
        assert [run["status"] for run in instance.call("run.list")["runs"]] == ["running"]
        status = instance.call("daemon.status")
        assert (status["runs_active"], status["runs_queued"]) == (1, 0)
        with instance.client() as late:
            assert [run["status"] for run in late.call("events.subscribe")["runs"]] == ["running"]
            assert late.call("run.tail", run=number, follow=True)["status"] == "running"
        told = [watcher.receive()]
        instance.call("daemon.hello")  # what was to be sent before is sent by now
        while True:
            try:
                told.append(watcher.receive(timeout=0.1))
            except TimeoutError:
                break
        assert {message["params"]["status"] for message in told if message["method"] == "run.state"} == {"running"}
        assert "run.end" not in [message["method"] for message in told]
    assert watcher.notification("run.end")[1]["status"] == "success"
    assert instance.call("run.current")["runs"] == []
    assert instance.status_of(number) == "success"


def test_a_cancel_that_is_not_durable_is_told_by_nobody(make_instance):
    """Nobody may rely on what a power cut would take back."""
    instance = make_instance({"sleep": "[Step sleep]\nExec=/bin/sh -c \"echo on; exec sleep 300\"\n"}).start()
    number = instance.run("sleep", wait=False)["run_number"]
    until(lambda: "on" in texts(tail(instance, number)), "the step has begun")
    with instance.client() as client:
        with held(thread_of(instance, "store")):
            client.send({"jsonrpc": "2.0", "id": 1, "method": "run.cancel", "params": {"run": number}})
            client.send({"jsonrpc": "2.0", "id": 2, "method": "daemon.hello", "params": {}})
            assert client.receive()["id"] == 2  # so the cancel has been taken in
            run = instance.show(number)["run"]
            assert (run["status"], run["reason"]) == ("running", None)
            assert [run["reason"] for run in instance.call("run.current")["runs"]] == [None]
            assert "cancelling" not in [fact["kind"] for fact in instance.call("run.why", run=number)["facts"]]
        assert client.receive()["result"]["status"] == "cancelled"
    assert instance.show(number)["run"]["reason"] == "request"
