"""Staying as small as it is: memory of the daemon over many runs and over a long log, and state.db under Keep=. A tenth
(500 runs at least) goes before the first look. BATCHTEST_RUNS (2,000; a long look: 20000) and BATCHTEST_LOG_MB (500; 10000) say how much."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from batchtest import ordinary_user, paths, processes  # noqa: E402
from batchtest.instance import Instance  # noqa: E402
from batchtest.wait import until  # noqa: E402

RUNS = int(os.environ.get("BATCHTEST_RUNS", "2000"))
LOG_MB = int(os.environ.get("BATCHTEST_LOG_MB", "500"))
AT_ONCE = 4
# So that as many go as come.
KEPT = max(RUNS // 20, 50)

QUICK = """
[Job]
Overlap=allow
[Step quick]
Exec=/bin/echo done
"""
# In two parts: the second begins when the file is there.
LONG = """
[Step long]
Exec=/bin/sh -c "yes {line} | head -c {first}; while [ ! -e {go} ]; do sleep 0.1; done; yes {line} | head -c {second}"
"""


def anonymous(pid):
    """What the process alone has in memory, in KB: pages of libraries come and go with what else runs on the machine."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def value(what, unit, ours, limit):
    print(f"value\t{what}\t{unit}\t{ours:.4g}\t{limit:g}", flush=True)


def make_runs(instance, count):
    client = instance.client(60)
    for _ in range(count):
        while client.call("daemon.status")["runs_active"] >= AT_ONCE:
            time.sleep(0.002)
        client.call("run.start", job="quick")
    until(lambda: client.call("daemon.status")["runs_active"] == 0, "all runs have ended", 60)
    client.close()


def state_size(instance):
    return sum(os.path.getsize(os.path.join(instance.state, name)) for name in os.listdir(instance.state)
               if name.startswith("state.db")) / 1e6


def settled(instance):
    """When as many are left as Keep= says."""

    def swept():
        instance.call("daemon.reload")
        time.sleep(0.2)
        return len(os.listdir(os.path.join(instance.state, "runs"))) <= KEPT + 1

    until(swept, "what Keep= lets go has gone", 60)
    return anonymous(instance.process.pid), state_size(instance)


def many_runs(instance):
    make_runs(instance, max(RUNS // 10, 500))
    memory, size = settled(instance)
    began = time.monotonic()
    make_runs(instance, RUNS)
    took = time.monotonic() - began
    memory_after, size_after = settled(instance)
    value(f"memory over {RUNS} runs, {memory / 1024:.1f} MB before", "% more", 100 * (memory_after / memory - 1), 5)
    value(f"state.db over {RUNS} runs with Keep=runs={KEPT}, {size:.1f} MB before", "MB", size_after, max(2 * size, 8))
    value("runs one after the other, four at once", "runs/s", RUNS / took, 0)


def long_log(instance):
    run = instance.run("long", wait=False)["run_number"]

    def has_printed(megabytes):
        path = os.path.join(instance.state, "runs", instance.show(str(run))["run"]["run_id"], "01-long.1.log")
        return os.path.exists(path) and os.path.getsize(path) >= megabytes * 1e6

    until(lambda: has_printed(LOG_MB / 10), "the first tenth is there", 600)
    time.sleep(1)
    memory = anonymous(instance.process.pid)
    with open(instance.path("go"), "w", encoding="ascii"):
        pass
    until(lambda: instance.status_of(str(run)) == "success", "it is all there", 60 + LOG_MB)
    value(f"memory over a log of {LOG_MB} MB, {memory / 1024:.1f} MB before", "% more",
          100 * (anonymous(instance.process.pid) / memory - 1), 5)


def main():
    ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    processes.adopt_orphans()
    instance = Instance({"quick": QUICK}, settings={"LogLevel": "warning", "Keep": f"runs={KEPT}"})
    instance.write_job("long", LONG.format(line="x" * 99, first=LOG_MB * 100000, second=LOG_MB * 900000, go=instance.path("go")))
    try:
        instance.start()
        many_runs(instance)
        long_log(instance)
    finally:
        instance.remove()


main()
