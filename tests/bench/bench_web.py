"""batch-web: the processor time of its streams beside a bare socket writer, what a thousand of them deliver and how late, and how long the API
takes to answer. Prints figures as bench.h describes."""
import http.client
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from batchtest import ordinary_user, paths  # noqa: E402
from batchtest.instance import Instance  # noqa: E402
from batchtest.wait import until  # noqa: E402
from batchtest.web import Web  # noqa: E402

HELPER = os.path.join(paths.BUILD, "tests", "bench", "bench_web")
LINES = 1000  # a second
SECONDS = 8
WRITER = r"""
import os, time
due = time.monotonic()
while True:
    os.write(1, b"T%d a line of output as steps print them\n" % time.time_ns())
    due += 1 / 1000
    wait = due - time.monotonic()
    if wait > 0:
        time.sleep(wait)
"""
API = ("/runs?limit=50", "/runs/latest", "/jobs", "/status", "/runs/current", "/schedules")
REQUESTS = 300


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(port, path, streams, pid):
    """(processors used, lines delivered, missed, p50 and p99 of the delay in ms)"""
    client = subprocess.Popen([HELPER, "client", str(port), path, str(streams), str(SECONDS)], stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "begun\n"
    used, begun = processor_seconds(pid), time.monotonic()
    figures = client.stdout.readline().split()
    used, taken = processor_seconds(pid) - used, time.monotonic() - begun
    assert client.wait() == 0
    delivered, missed, p50, p99 = figures
    return used / taken, int(delivered), int(missed), float(p50), float(p99)


def bare(streams):
    """Processors that the bare writer uses."""
    server = subprocess.Popen([HELPER, "raw", str(streams), str(SECONDS + 2)], stdout=subprocess.PIPE, text=True)
    port = server.stdout.readline().strip()
    client = subprocess.Popen([HELPER, "client", port, "/", str(streams), str(SECONDS)], stdout=subprocess.DEVNULL)
    used = float(server.stdout.readline())
    client.wait()
    server.wait()
    return used


def api_delays(web):
    """p50 and p99 of the time from a request to its whole answer, in ms; on open connections, as a page's are."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    taken = []
    for number in range(REQUESTS * len(API)):
        begin = time.perf_counter()
        connection.request("GET", "/api/v1" + API[number % len(API)])
        answer = connection.getresponse()
        answer.read()
        taken.append((time.perf_counter() - begin) * 1e3)
        assert answer.status == 200
    connection.close()
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)]


def main():
    if why := ordinary_user.drop_root(paths.SOURCE, paths.BUILD):
        sys.exit(why)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    jobs = {"lines": f"[Job]\nOnCalendar=03:00\n[Step lines]\nExec={sys.executable} -S -u {{script}}\nKillGraceSec=1s\n", "hello": "[Job]\n[Step one]\nExec=/bin/echo hello\n"}
    instance = Instance(settings={"LogLevel": "info"})
    script = instance.path("writer.py")
    with open(script, "w", encoding="ascii") as file:
        file.write(WRITER)
    for name, text in jobs.items():
        instance.write_job(name, text.replace("{script}", script))
    web = Web(instance, {"LogLevel": "info"})
    try:
        instance.start()
        web.start()
        for _ in range(60):
            instance.run("hello")
        p50, p99 = api_delays(web)
        print(f"value\tAPI answer, idle, p50\tms\t{p50:.4g}\t0")
        print(f"value\tAPI answer, idle, p99\tms\t{p99:.4g}\t5", flush=True)
        run = instance.run("lines", wait=False)["run_number"]
        until(lambda: instance.show(run)["last_seq"] > 600, "lines come", 10)
        path = f"/api/v1/runs/{run}/stream?lines=0"
        used, _, missed, _, p99 = measure(web.port, path, 100, web.process.pid)
        print(f"ratio\t100 streams x 1,000 lines/s\tprocessors\t{used:.4g}\t{bare(100):.4g}\tsend() each 10 ms\t2")
        print(f"value\t100 streams x 1,000 lines/s, line to reader, p99\tms\t{p99:.4g}\t0", flush=True)
        before, begun = instance.show(run)["last_seq"], time.monotonic()
        used, delivered, missed, p50, p99 = measure(web.port, path, 1000, web.process.pid)
        rate = (instance.show(run)["last_seq"] - before) / (time.monotonic() - begun)
        expected = rate * SECONDS * 1000
        print(f"value\t1,000 streams x {rate:.0f} lines/s\tprocessors\t{used:.4g}\t0.4")
        # A reader's first and last pieces cut into what was counted: a flush of 25 ms each.
        print(f"value\t1,000 streams, lines not delivered\t%\t{max(0, 100 * (1 - delivered / expected)):.4g}\t2")
        print(f"value\t1,000 streams, lines told as missed\t%\t{100 * missed / expected:.4g}\t2")
        print(f"value\t1,000 streams, line to reader, p50\tms\t{p50:.4g}\t0")
        print(f"value\t1,000 streams, line to reader, p99\tms\t{p99:.4g}\t50")
        with open(f"/proc/{web.process.pid}/smaps_rollup", encoding="ascii") as rollup:
            pss = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        print(f"value\tbatch-web after 1,000 streams, PSS\tMB\t{pss / 1024:.4g}\t0", flush=True)
    finally:
        web.remove()
        instance.remove()


main()
