"""What a restart of the daemon must not change: requests that are sent again, delays, durations, cancels, the launcher's absence."""
import os
import signal
import threading
import time
import uuid

import pytest

from batchtest import chaos, invariants, paths, processes
from batchtest.protocol import Client, ConnectionClosed
from batchtest.wait import until

STUBBORN = """
[Step stubborn]
Exec=/bin/sh -c "trap '' TERM; echo begun; while :; do sleep 0.1; done"
KillGraceSec=1s
"""

COUNT = """
[Job]
Overlap=allow
[Step count]
Exec=/bin/sh -c "i=0; while [ $$i -lt 30 ]; do i=$$((i+1)); echo count 1 line $$i of 30; sleep 0.02; done"
"""


def begun(instance, run):
    return until(lambda: instance.call("run.tail", run=run)["lines"], "the step has begun")


def ask_in_thread(instance, answers, method, **params):
    def ask():
        answers.append(instance.call(method, **params))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_a_request_sent_again_while_it_is_worked_on_gets_the_same_answer(make_instance):
    instance = make_instance({"stubborn": STUBBORN}).start()
    run = instance.run("stubborn", wait=False)["run_number"]
    begun(instance, run)
    answers, request = [], str(uuid.uuid4())
    threads = [ask_in_thread(instance, answers, "run.cancel", run=run, request_id=request) for _ in range(5)]
    for thread in threads:
        thread.join(paths.patience())
    assert len(answers) == 5 and all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "cancelled" and answers[0]["processes_ended"] >= 1
    audit = invariants.StateFile(instance).query("SELECT count(*) FROM audit WHERE method = 'run.cancel'")
    assert audit == [(1,)]


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_cancel_goes_on_over_a_restart_and_is_answered_when_it_is_sent_again(make_instance, when):
    instance = make_instance({"stubborn": STUBBORN}).start()
    run = instance.run("stubborn", wait=False)["run_number"]
    begun(instance, run)
    request = str(uuid.uuid4())
    client = Client(instance.socket)
    client.send({"jsonrpc": "2.0", "id": 1, "method": "run.cancel", "params": {"run": run, "request_id": request}})
    state = invariants.StateFile(instance)
    until(lambda: state.query("SELECT 1 FROM runs WHERE reason = 'request'"), "the cancel is recorded")
    instance.kill()
    client.close()
    instance.start()
    if when == "later":
        instance.wait_for_run(run)
    answer = instance.call("run.cancel", run=run, request_id=request)
    assert (answer["run_number"], answer["status"]) == (run, "cancelled")
    assert answer["processes_ended"] >= 1
    assert instance.call("run.cancel", run=run, request_id=request) == answer
    assert instance.status_of(run) == "cancelled"


def test_a_start_sent_again_at_any_moment_of_a_restart_starts_one_run(make_instance):
    instance = make_instance({"count": COUNT}).start()
    for delay in range(0, 20):
        request, numbers = str(uuid.uuid4()), set()
        client = Client(instance.socket)
        client.send({"jsonrpc": "2.0", "id": 1, "method": "run.start", "params": {"job": "count", "request_id": request}})
        time.sleep(delay * 0.0005)
        instance.kill()
        client.close()
        instance.start(wait=False)
        # From the first moment on at which it can be reached, on several connections at once.
        for _ in range(3):
            def ask():
                try:
                    return instance.call("run.start", job="count", request_id=request)["run_number"]
                except (OSError, ConnectionClosed):
                    return None

            numbers.add(until(ask, "the daemon answers"))
        assert len(numbers) == 1, f"after {delay * 0.5} ms"
    runs = instance.call("run.list", limit=100)["runs"]
    assert len(runs) == 20
    for run in runs:
        shown = instance.wait_for_run(run["run_number"])
        assert shown["run"]["status"] == "success"
        assert len(invariants.lines_are_whole(instance, shown)) == 30


def test_a_retry_is_due_when_it_was_due_before_the_restart(make_instance, tmp_path):
    instance = make_instance()
    moments = instance.path("moments")
    instance.write_job("flaky", f"""
[Step flaky]
Exec=/bin/sh -c "date +%%s.%%N >>{moments}; test $$BATCH_ATTEMPT = 2"
Retries=1
RetryDelaySec=4s
""".replace("%%", "%"))
    instance.start()
    run = instance.run("flaky", wait=False)["run_number"]
    until(lambda: os.path.exists(moments), "the first attempt has begun")
    time.sleep(3)
    instance.kill()
    began = time.time()
    instance.start()
    assert instance.wait_for_run(run)["run"]["status"] == "success"
    with open(moments, encoding="ascii") as file:
        first, second = map(float, file.read().split())
    # A delay that began anew with the daemon would not be over yet.
    assert second - first > 3.9 and second - began < 4


def test_the_duration_of_a_run_counts_the_restart(make_instance):
    instance = make_instance({"count": COUNT}).start()
    began = time.monotonic()
    run = instance.run("count", wait=False)["run_number"]
    begun(instance, run)
    instance.kill()
    time.sleep(0.5)
    instance.start()
    shown = instance.wait_for_run(run)["run"]
    assert 0.6 < shown["duration_seconds"] <= time.monotonic() - began + 0.01
    until(lambda: not invariants.untidy(instance), "what an ended run needs no more is gone")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_the_launcher_steps_go_on_and_new_ones_begin_when_it_is_back(make_instance, how):
    instance = make_instance({"count": COUNT}).start()
    run = instance.run("count", wait=False)["run_number"]
    begun(instance, run)
    launcher = chaos.launcher_of(instance)
    chaos.kill(launcher, how)
    second = instance.run("count", wait=False)["run_number"]
    assert instance.wait_for_run(run)["run"]["status"] == "success"
    if how == signal.SIGSTOP:
        assert instance.status_of(second) == "running"
        chaos.kill(launcher, signal.SIGCONT)
    shown = instance.wait_for_run(second)
    assert shown["run"]["status"] == "success"
    assert len(invariants.lines_are_whole(instance, shown)) == 30


def test_a_request_in_a_stopped_launchers_queue_survives_the_daemon(make_instance):
    """The lock is held by a message that nobody has read yet: the next daemon waits for its monitor, and does not start it twice."""
    instance = make_instance({"count": COUNT}).start()
    instance.run("count")
    launcher = chaos.launcher_of(instance)
    chaos.kill(launcher, signal.SIGSTOP)
    run = instance.run("count", wait=False)["run_number"]
    time.sleep(0.2)
    instance.kill()
    instance.start()
    assert instance.status_of(run) == "running"
    chaos.kill(launcher, signal.SIGCONT)
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success"
    assert [(a["attempt"], a["status"]) for a in shown["attempts"]] == [(1, "success")]
    assert len(invariants.lines_are_whole(instance, shown)) == 30


def test_a_request_that_died_with_the_launcher_is_made_again(make_instance):
    """Daemon and launcher are killed with the message unread: the lock is free then, and the attempt begins under the next ones."""
    instance = make_instance({"count": COUNT}).start()
    instance.run("count")
    launcher = chaos.launcher_of(instance)
    chaos.kill(launcher, signal.SIGSTOP)
    run = instance.run("count", wait=False)["run_number"]
    time.sleep(0.2)
    instance.kill()
    chaos.kill(launcher)
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success"
    assert [(a["attempt"], a["status"]) for a in shown["attempts"]] == [(1, "success")]
    assert len(invariants.lines_are_whole(instance, shown)) == 30


def test_a_cancel_of_what_was_never_begun_ends_it_cancelled(make_instance):
    instance = make_instance({"count": COUNT}).start()
    instance.run("count")
    launcher = chaos.launcher_of(instance)
    chaos.kill(launcher, signal.SIGSTOP)
    run = instance.run("count", wait=False)["run_number"]
    time.sleep(0.2)
    client = Client(instance.socket)
    client.send({"jsonrpc": "2.0", "id": 1, "method": "run.cancel", "params": {"run": run}})
    state = invariants.StateFile(instance)
    until(lambda: state.query("SELECT 1 FROM runs WHERE reason = 'request'"), "the cancel is recorded")
    client.close()
    instance.kill()
    chaos.kill(launcher)
    instance.start()
    shown = instance.wait_for_run(run)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("cancelled", "request")
    assert [(a["status"], a["reason"]) for a in shown["attempts"]] == [("cancelled", "request")]


def test_a_killed_monitor_loses_its_step_and_the_retry_rule_decides(make_instance):
    instance = make_instance({"lost": """
[Step sleep]
Exec=/bin/sh -c "setsid sleep 300 & echo attempt; exec sleep 300"
"""}).start()
    run = instance.run("lost", wait=False)["run_number"]
    begun(instance, run)
    monitor, = [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]
    below = processes.descendants(monitor)
    assert len(below) == 2
    chaos.kill(monitor)
    shown = instance.wait_for_run(run)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "lost")
    attempt, = shown["attempts"]
    assert (attempt["status"], attempt["reason"], attempt["duration_seconds"]) == ("failed", "lost", None)
    assert attempt["started_at"] > "2020"
    until(lambda: not any(map(processes.is_alive, below)), "its processes are ended")


def test_what_an_ended_step_reported_survives_the_daemon(make_instance):
    """Warnings, notes, parameters and sums belong to the run, and its step is never asked again."""
    ctl = paths.BATCHCTL
    instance = make_instance({"report": f"""
[Parameter week]
Type=integer
[Step tell]
Exec=/bin/sh -c "{ctl} report --metric games+=16 --parameter week=6 --warning 'unknown: three players' --note quiet"
[Step wait]
Exec=/bin/sh -c "echo begun; sleep 1"
[Step show]
Exec=/bin/sh -c "echo week=$$BATCH_PARAM_WEEK"
"""}).start()
    run = instance.run("report", wait=False)["run_number"]
    begun(instance, run)
    instance.kill()
    instance.start()
    shown = instance.wait_for_run(run)
    record = shown["run"]
    assert record["status"] == "partial"
    assert (record["metrics"], record["parameters"], record["notes"]) == ({"games": 16}, {"week": 6}, ["quiet"])
    assert [(w["category"], w["text"]) for w in record["warnings"]] == [("unknown", "three players")]
    assert instance.call("run.tail", run=run)["lines"][-1]["text"] == "week=6"


def test_what_was_reported_reaches_a_daemon_that_comes_as_the_step_ends(make_instance):
    """The monitor told it to a daemon that took it to its grave. The next one connects in the moment in which the step ends."""
    instance = make_instance({"report": ""})
    instance.write_job("report", f"""
[Step tell]
Exec=/bin/sh -c "echo begun; sleep 0.3; {paths.BATCHCTL} report --metric games+=16; echo told; while [ ! -e {instance.path('go')} ]; do sleep 0.01; done"
""")
    instance.start()
    run = instance.run("report", wait=False)["run_number"]
    until(lambda: "told" in str(instance.call("run.tail", run=run)["lines"]), "it has reported")
    monitor, = [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]
    step, = chaos.children(monitor)
    instance.kill()
    until(lambda: os.listdir(instance.path("run", "m")), "the monitor waits for a daemon")
    os.kill(monitor, signal.SIGSTOP)
    try:
        with open(instance.path("go"), "w", encoding="ascii"):
            pass
        until(lambda: not processes.is_alive(step), "the step has ended")
        instance.start()
    finally:
        os.kill(monitor, signal.SIGCONT)
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success" and shown["run"]["metrics"] == {"games": 16}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_launcher_of_an_own_instance_goes_when_nobody_needs_it(make_instance, how):
    """However the daemon went: the launcher stays as long as a step runs, and no longer than a moment after that."""
    instance = make_instance({"work": f"[Step work]\nExec=/bin/sh -c \"echo begun; sleep {0 if how == signal.SIGINT else 1}\"\n"}).start()
    run = instance.run("work", wait=False)["run_number"]
    begun(instance, run)
    launcher = chaos.launcher_of(instance)
    monitors = [pid for pid in chaos.children(launcher) if chaos.name_of(pid).startswith("mon.")]
    instance.stop(how)
    assert processes.is_alive(launcher) or not any(map(processes.is_alive, monitors))
    until(lambda: not processes.is_alive(launcher), "the launcher has ended")
    assert instance.leftovers() == []


def far_away(folder):
    """PATH= with a long way to /bin: a thousand times a name that leads through forty links, each with many components, takes most of a second."""
    for i in range(40):
        os.symlink("./" * 1000 + (f"link{i + 1}" if i < 39 else "."), os.path.join(folder, f"link{i}"))
    return "link0:" * 1000 + "/bin"


def stopped_before_its_exec(launcher):
    """(monitor, its child) when it was met and stopped while it still was what the monitor forked; else it goes on, and there is None."""
    for monitor in chaos.children(launcher):
        for pid in chaos.children(monitor):
            if chaos.name_of(pid).startswith("mon."):
                chaos.kill(pid, signal.SIGSTOP)
                # Only when it has stopped is it certain on which side of its exec it stands.
                until(lambda child=pid: processes.parents().get(child, (0, "X"))[1] in "TZX", "it has stopped")
                if chaos.name_of(pid).startswith("mon."):
                    return monitor, pid
                chaos.kill(pid, signal.SIGCONT)
    return None


def test_a_command_whose_monitor_died_before_its_exec_is_never_begun(make_instance):
    """Between fork and exec it holds the lock and looks like the monitor. Stopped there, as a launcher does that ends what a dead monitor
    left and is killed over it, it must not be taken for one for ever."""
    instance = make_instance()
    way = instance.path("way")
    os.mkdir(way)
    instance.write_job("slow", f"[Job]\nWorkingDirectory={way}\n[Step slow]\nExec=touch {instance.path('begun')}\n"
                               f"Environment=PATH={far_away(way)}\nRetries=1\nRetryDelaySec=10ms\n")
    instance.start()
    launcher = chaos.launcher_of(instance)
    run = instance.run("slow", wait=False)["run_number"]
    monitor, child = chaos.wait_for(lambda: stopped_before_its_exec(launcher))
    for pid in (launcher, monitor):
        chaos.kill(pid)
    instance.kill()
    instance.start()
    shown = instance.wait_for_run(run)
    assert [(attempt["status"], attempt["reason"]) for attempt in shown["attempts"]] == [("failed", "lost"), ("success", None)]
    assert not processes.is_alive(child)
