"""Coming back: from SIGKILL of the daemon to the first answered request, and to the last of 500 live monitors found again; and 500 monitors
at once."""
import contextlib
import os
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from batchtest import chaos, ordinary_user, paths, processes  # noqa: E402
from batchtest.instance import Instance  # noqa: E402
from batchtest.protocol import Client  # noqa: E402
from batchtest.wait import until  # noqa: E402

MONITORS = 500
TIMES = 5

SLEEPER = """
[Job]
Overlap=allow
[Step sleep]
Exec=/bin/sh -c "echo begun; exec sleep 600"
KillGraceSec=100ms
"""


def value(what, unit, ours, limit):
    print(f"value\t{what}\t{unit}\t{ours:.4g}\t{limit:g}", flush=True)


def wait_closely(condition):
    while not condition():
        time.sleep(0.0005)


def answers(instance):
    with contextlib.suppress(OSError, socket.timeout), Client(instance.socket) as client:
        client.call("daemon.hello", client="bench")
        return True
    return False


def found_again(instance):
    """Attempts whose monitor has told the daemon that they were started, counted over all daemons."""
    return instance.log.count("started (attempt")


def recover(instance):
    """Seconds from the kill to the first answer, and to the last monitor."""
    expected = found_again(instance) + len(instance.call("run.current")["runs"])
    began = time.monotonic()
    chaos.kill(instance.process.pid)
    instance.process.wait()
    instance.start(wait=False)
    wait_closely(lambda: answers(instance))
    answered = time.monotonic() - began
    wait_closely(lambda: found_again(instance) >= expected)
    return answered, time.monotonic() - began


def main():
    ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    processes.adopt_orphans()
    instance = Instance({"sleep": SLEEPER}, settings={"LogLevel": "info"})
    try:
        instance.start()
        value("SIGKILL to the first answer, idle", "ms", 1000 * statistics.median(recover(instance)[0] for _ in range(TIMES)), 0)
        began = time.monotonic()
        with instance.client(60) as client:
            for _ in range(MONITORS):
                client.call("run.start", job="sleep")
            until(lambda: all(run["completed"] == 0 and run["running"] == 1 for run in client.call("run.current")["runs"]), "all run", 60)
        until(lambda: sum(name.endswith(".log") for _, _, names in os.walk(os.path.join(instance.state, "runs")) for name in names) == MONITORS,
              "all have begun", 60)
        value(f"{MONITORS} runs begun one after the other", "s", time.monotonic() - began, 0)
        times = []
        for _ in range(TIMES):
            times.append(recover(instance))
        value(f"SIGKILL to the first answer, {MONITORS} monitors", "ms", 1000 * statistics.median(first for first, _ in times), 0)
        value(f"SIGKILL to the last of {MONITORS} monitors", "ms", 1000 * statistics.median(last for _, last in times), 1000)
        assert len(instance.call("run.current")["runs"]) == MONITORS
    finally:
        instance.remove()


main()
