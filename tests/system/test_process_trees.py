"""However a step ends, all of its processes end: those in sessions of their own, orphans, those that ignore signals, stopped ones, and those
that fork on. Here without a cgroup; tests/systemd has the same with one."""
import os
import signal
import time

import pytest

from batchtest import chaos, processes
from batchtest.wait import until

ZOO = """#!/bin/sh
trap '' TERM
setsid sleep 1000 &
(setsid sh -c 'sleep 1000 & exec sleep 1000' &)
sh -c 'kill -STOP $$' &
sh -c "trap '' TERM INT HUP; while :; do sleep 1000; done" &
while :; do sleep 0.3 & sleep 0.02; done &
echo ready
wait
"""
JOB = """
[Job]
RunTimeoutSec={run_timeout}
[Step zoo]
Exec={folder}/zoo
KillGraceSec=300ms
TimeoutSec={timeout}
HeartbeatSec={heartbeat}
HeartbeatAction=kill
"""
# Shells, sleeps, and what the one that forks on has at any time.
AT_LEAST = 8


def running(make_instance, timeout="1h", run_timeout="1h", heartbeat="infinity"):
    """An instance whose run has all its processes, the run's number, and their ids."""
    instance = make_instance()
    with open(instance.path("zoo"), "w", encoding="ascii") as file:
        file.write(ZOO)
    os.chmod(instance.path("zoo"), 0o755)
    instance.write_job("zoo", JOB.format(folder=instance.folder, timeout=timeout, run_timeout=run_timeout, heartbeat=heartbeat))
    instance.start()
    run = instance.run("zoo", wait=False)["run_number"]
    until(lambda: len(tree(instance)) >= AT_LEAST and any(processes.parents()[pid][1] in "Tt" for pid in tree(instance)),
          lambda: f"all are there: {[processes.command_line(pid) for pid in tree(instance)]}")
    return instance, run


def tree(instance):
    return [pid for pid in processes.of_folder(instance.folder) if "batch" not in processes.command_line(pid)]


def none_is_left(instance):
    until(lambda: not tree(instance), lambda: f"none is left: {[processes.command_line(pid) for pid in tree(instance)]}")


def monitor_of(instance):
    monitor, = [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]
    return monitor


def test_a_cancel_says_how_many_it_ended(make_instance):
    instance, run = running(make_instance)
    answer = instance.call("run.cancel", run=run)
    assert tree(instance) == []
    assert answer["status"] == "cancelled" and answer["processes_ended"] >= AT_LEAST
    shown = instance.show(run)
    attempt, = shown["attempts"]
    assert (attempt["status"], attempt["reason"], attempt["processes_ended"]) == ("cancelled", "request", answer["processes_ended"])
    usage = attempt["metadata"]
    assert usage["memory_peak_bytes"] > 100000 and usage["cpu_usec"] > 0 and usage["io_read_bytes"] >= 0 and usage["io_write_bytes"] >= 0


@pytest.mark.parametrize("limits, reason", [({"timeout": "1s"}, "timeout"), ({"run_timeout": "1s"}, "timeout"), ({"heartbeat": "1s"}, "heartbeat")])
def test_a_deadline(make_instance, limits, reason):
    instance, run = running(make_instance, **limits)
    shown = instance.wait_for_run(run)
    assert tree(instance) == []
    assert (shown["run"]["status"], shown["run"]["reason"], shown["attempts"][0]["reason"]) == ("failed", reason, reason)
    assert shown["attempts"][0]["processes_ended"] >= AT_LEAST


def test_a_stop_of_the_daemon(make_instance):
    instance, run = running(make_instance)
    assert instance.stop(signal.SIGINT) == 0
    assert tree(instance) == []
    instance.start()
    assert (instance.show(run)["run"]["status"], instance.show(run)["run"]["reason"]) == ("cancelled", "stopped")


@pytest.mark.parametrize("victims", ["step", "monitor", "monitor and launcher", "all three"])
def test_a_violent_death(make_instance, victims):
    instance, run = running(make_instance)
    monitor, launcher = monitor_of(instance), chaos.launcher_of(instance)
    step, = [pid for pid in chaos.children(monitor) if "zoo" in processes.command_line(pid)][:1]
    for pid in {"step": [step], "monitor": [monitor], "monitor and launcher": [launcher, monitor],
                "all three": [instance.process.pid, launcher, monitor]}[victims]:
        chaos.kill(pid)
    if victims == "all three":
        instance.process.wait()
        instance.start()
    shown = instance.wait_for_run(run, 60 if victims == "step" else 30)
    none_is_left(instance)
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "signal" if victims == "step" else "lost")


def test_a_stopped_launcher_and_a_stopped_monitor_are_waited_for(make_instance):
    """Nobody is taken for dead who only does not answer."""
    instance, run = running(make_instance)
    monitor, launcher = monitor_of(instance), chaos.launcher_of(instance)
    for pid in (launcher, monitor):
        os.kill(pid, signal.SIGSTOP)
    try:
        instance.kill()
        instance.start()
        time.sleep(0.5)
        assert instance.status_of(run) == "running" and len(tree(instance)) >= AT_LEAST
    finally:
        for pid in (monitor, launcher):
            os.kill(pid, signal.SIGCONT)
    assert instance.call("run.cancel", run=run)["processes_ended"] >= AT_LEAST
    none_is_left(instance)
