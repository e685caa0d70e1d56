"""The wall clock jumps, forwards and back, while steps run and while the daemon is away: durations come from the boot clock, order from
sequence numbers, deadlines and retention are not taken in."""
import os
import struct
import time

import pytest

from batchtest import paths, sanitizer
from batchtest.wait import until

TICKER = """
[Job]
RunTimeoutSec=2min
Keep=age=30d
[Step tick]
Exec=/bin/sh -c "i=0; while [ ! -e {stop} ]; do i=$$((i+1)); echo line $$i; sleep 0.02; done; echo last"
TimeoutSec=1min
[Step then]
Exec=/bin/echo then
"""
SHIM = os.path.join(paths.BUILD, "tests", "support", "libclock_shim.so")
YEAR = 366 * 86400


@pytest.fixture
def jumping(make_instance):
    """A daemon, its ticking run, and a function that sets its wall clock off by so many seconds."""
    instance = make_instance()
    instance.stop_file = instance.path("stop")
    clock = instance.path("clock")

    def jump(seconds):
        with open(clock, "r+b" if os.path.exists(clock) else "wb") as file:
            file.write(struct.pack("=q", seconds))

    jump(0)
    instance.environment = {"LD_PRELOAD": sanitizer.preload(SHIM), "CLOCK_SHIM": clock}
    instance.write_job("ticker", TICKER.replace("{stop}", instance.stop_file))
    return instance.start(), jump


def finish(instance):
    with open(instance.stop_file, "w", encoding="ascii"):
        pass


def lines_of(instance, run):
    return instance.call("run.tail", run=run)["lines"]


@pytest.mark.parametrize("restart", [False, True], ids=["running", "killed"])
@pytest.mark.parametrize("seconds", [10 * YEAR, -10 * YEAR, 3600, -3600])
def test_a_jump(jumping, seconds, restart):
    instance, jump = jumping
    began = time.monotonic()
    run = instance.run("ticker", wait=False)["run_number"]
    until(lambda: len(lines_of(instance, run)) > 10, "it ticks")
    if restart:
        instance.kill()
    jump(seconds)
    if restart:
        instance.start()
    seen = len(lines_of(instance, run))
    until(lambda: len(lines_of(instance, run)) > seen + 10, "it ticks on")
    current = instance.call("run.current")["runs"][0]
    assert 0 < current["elapsed_seconds"] <= time.monotonic() - began + 1
    finish(instance)
    shown = instance.wait_for_run(run)
    took = time.monotonic() - began
    assert shown["run"]["status"] == "success", "no deadline was taken in"
    assert 0 < shown["run"]["duration_seconds"] <= took
    for step in shown["steps"]:
        assert 0 <= step["duration_seconds"] <= took
    lines = lines_of(instance, run)
    texts = [line["text"] for line in lines]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert texts == [f"line {n}" for n in range(1, len(lines) - 1)] + ["last", "then"]
    # A second jump the other way, and history in the order in which it happened.
    jump(0)
    later = instance.run("ticker")["run"]["run_number"]
    assert instance.show(str(later))["run"]["status"] == "success"
    assert instance.call("run.show")["run"]["run_number"] == later or seconds > 0


def test_a_jump_removes_nothing_for_its_age(jumping):
    instance, jump = jumping
    finish(instance)
    for _ in range(3):
        instance.run("ticker")
    jump(10 * YEAR)
    instance.call("daemon.reload")
    until(lambda: "no run is removed for its age" in instance.log, lambda: f"it is noticed\n{instance.log}")
    instance.call("daemon.reload")
    assert len(instance.call("run.list", job="ticker")["runs"]) == 3
