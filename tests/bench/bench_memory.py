"""Memory (PSS) of the daemon and of monitors: idle with PostgreSQL connected, and with 100 runs, full rings and 100 watchers."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from batchtest import ordinary_user, paths, processes  # noqa: E402
from batchtest.instance import Instance  # noqa: E402
from batchtest.postgres import Postgres  # noqa: E402
from batchtest.protocol import Client  # noqa: E402
from batchtest.wait import until  # noqa: E402

RUNS = 100
LINES = 500

PRINTER = """
[Job]
Overlap=allow
[Step print]
Exec=/bin/sh -c "i=0; while [ $$i -lt {lines} ]; do i=$$((i+1)); echo {text}; done; exec sleep 600"
KillGraceSec=100ms
"""


def pss(pid):
    """Proportional set size in MB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def value(what, ours, limit):
    print(f"value\t{what}\tMB\t{ours:.3f}\t{limit:g}", flush=True)


def monitors(instance):
    """Pids of the launcher's children."""
    table = processes.parents()
    launchers = [pid for pid in processes.of_folder(instance.folder) if "--launcher" in processes.command_line(pid)]
    return [pid for pid, (parent, _) in table.items() if parent in launchers and "--launcher" in processes.command_line(pid)]


def fill(instance, lines, text):
    """100 runs that have printed, each followed by a client that has read everything."""
    instance.write_job("print", PRINTER.format(lines=lines, text=text))
    instance.call("daemon.reload")
    clients = []
    for _ in range(RUNS):
        run = instance.call("run.start", job="print")["run_number"]
        client = Client(instance.socket, 60)
        client.call("run.tail", run=run, follow=True, after=0)
        seen = 0
        while seen < lines:
            _, params = client.notification("run.lines", timeout=60)
            seen += len(params["lines"]) + params.get("skipped", 0)
        clients.append(client)
    return clients


def cancel_all(instance, clients):
    for run in instance.call("run.current")["runs"]:
        instance.call("run.cancel", run=run["run_number"])
    for client in clients:
        client.close()


def main():
    ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    processes.adopt_orphans()
    server = Postgres().start()
    instance = Instance(database=server.create_database(), settings={"LogLevel": "warning"})
    try:
        instance.start()
        until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is connected", 30)
        value("idle daemon, PostgreSQL connected", pss(instance.process.pid), 8)
        clients = fill(instance, LINES, "x" * 100)
        value(f"{RUNS} runs with full rings of 100-byte lines, {RUNS} watchers", pss(instance.process.pid), 32)
        sizes = [pss(pid) for pid in monitors(instance)]
        value(f"monitor of a running step, mean of {len(sizes)}", sum(sizes) / len(sizes), 0.7)
        cancel_all(instance, clients)
        clients = fill(instance, 20, "$(head -c 16000 /dev/zero | tr '\\\\0' x)")
        value(f"{RUNS} runs with rings full of 16,000-byte lines, {RUNS} watchers", pss(instance.process.pid), 96)
        cancel_all(instance, clients)
    finally:
        instance.remove()
        server.remove()


main()
