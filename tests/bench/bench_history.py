"""Questions to a past of 100,000 runs with 800,000 steps, asked through the socket of a real daemon: the 99th percentile of each, and beside
it the same rows read by a bare SQLite query in this process."""
import json
import os
import random
import socket
import sqlite3
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from batchtest import ordinary_user, past, paths, processes  # noqa: E402
from batchtest.instance import Instance  # noqa: E402

RUNS = 100_000
TIMES = 300
LIMIT_MS = 10

RUN = "SELECT * FROM runs WHERE run_number = ?"
ATTEMPTS = "SELECT * FROM attempts WHERE run_id = (SELECT run_id FROM runs WHERE run_number = ?) ORDER BY step_order, item, attempt"
LATEST = "SELECT * FROM runs ORDER BY created_at DESC, run_number DESC LIMIT 50"
OF_JOB = "SELECT * FROM runs WHERE job = ? ORDER BY created_at DESC, run_number DESC LIMIT 50"
OF_WEEK = "SELECT * FROM runs WHERE json_extract(parameters, '$.week') = ? ORDER BY created_at DESC, run_number DESC LIMIT 50"
FAILED = "SELECT * FROM runs WHERE status = 'failed' ORDER BY created_at DESC, run_number DESC LIMIT 50"
STEP = "SELECT * FROM attempts WHERE step_name = ? AND status = 'success' AND completed_at > 0 ORDER BY completed_at DESC LIMIT 1"


class Asker:
    """One open connection; answers are received whole and not parsed."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        self.socket.sendall(struct.pack(">I", len(body)) + body)
        return self.file.read(struct.unpack(">I", self.file.read(4))[0])


def p99(times):
    return sorted(times)[int(0.99 * (len(times) - 1) + 0.5)] * 1000


def measure(ask):
    times = []
    for i in range(TIMES):
        began = time.perf_counter()
        ask(i)
        times.append(time.perf_counter() - began)
    return p99(times)


def question(asker, db, what, method, params, queries):
    """params and the values of queries [(sql, values)] are made for each time anew, from one place in the past."""
    places = [random.Random(i).randrange(1000, RUNS) for i in range(TIMES)]
    answer = asker.ask(method, params(places[0]))
    assert b'"result"' in answer[:200] or b'"error"' not in answer, answer[:300]
    ours = measure(lambda i: asker.ask(method, params(places[i])))
    bare = measure(lambda i: [db.execute(sql, values(places[i])).fetchall() for sql, values in queries])
    print(f"value\t{what}, p99\tms\t{ours:.4g}\t{LIMIT_MS}", flush=True)
    print(f"ratio\t{what}, p99\tms\t{ours:.4g}\t{bare:.4g}\tbare SQLite\t0", flush=True)


def job_of(number):
    return f"job{number % past.JOBS:02d}"


def failed_near(number):
    return number - number % 17


def main():
    ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    processes.adopt_orphans()
    jobs = {job_of(i): "".join(f"[Step step{k:02d}]\nExec=/bin/true\n" for k in range(8)) for i in range(past.JOBS)}
    instance = Instance(jobs, settings={"LogLevel": "warning", "Keep": "runs=infinity"})
    try:
        instance.start()
        instance.stop()
        past.fill(instance.state, RUNS)
        instance.start()
        asker = Asker(instance.socket)
        db = sqlite3.connect(f"file:{instance.state}/state.db?mode=ro", uri=True)
        db.execute("PRAGMA cache_size=-512")
        numbered = [(RUN, lambda n: (n,)), (ATTEMPTS, lambda n: (n,))]
        failed = [(RUN, lambda n: (failed_near(n),)), (ATTEMPTS, lambda n: (failed_near(n),)), (OF_JOB, lambda n: (job_of(n),))]
        question(asker, db, "history", "run.list", lambda n: {}, [(LATEST, lambda n: ())])
        question(asker, db, "history of a job", "run.list", lambda n: {"job": job_of(n)}, [(OF_JOB, lambda n: (job_of(n),))])
        question(asker, db, "history of what failed", "run.list", lambda n: {"status": "failed"}, [(FAILED, lambda n: ())])
        question(asker, db, "history of a parameter's value", "run.list", lambda n: {"params": {"week": n % 18 + 1}}, [(OF_WEEK, lambda n: (n % 18 + 1,))])
        question(asker, db, "history of a value that no run has", "run.list", lambda n: {"params": {"season": 2026, "week": 99}}, [(LATEST, lambda n: ())])
        for name in ("job", "mode", "type", "triggered_by"):
            unknown = {"job": job_of(7), "mode": "full", "status": "failed", "params": {"season": 2026}, name: "ci" if name == "triggered_by" else "none"}
            question(asker, db, f"history by five filters, no run with that {name}", "run.list", lambda n, asked=unknown: asked, [(LATEST, lambda n: ())])
        question(asker, db, "show", "run.show", lambda n: {"run": n}, numbered)
        question(asker, db, "why, of a run that failed", "run.why", lambda n: {"run": failed_near(n)}, failed)
        question(asker, db, "why, of a job", "run.why", lambda n: {"job": job_of(n)}, [(OF_JOB, lambda n: (job_of(n),))])
        question(asker, db, "when a step last succeeded", "step.list", lambda n: {"step": f"step{n % 8:02d}", "status": "success", "limit": 1},
                 [(STEP, lambda n: (f"step{n % 8:02d}",))])
    finally:
        instance.remove()


main()
