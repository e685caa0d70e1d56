"""A past that nobody waited for: runs and steps written into the state.db of a daemon that does not run."""
import os
import sqlite3
import time

JOBS = 20  # each run is one of job00, job01, ... by turns
INTERVAL = 40  # seconds from one run to the next, the last of them an hour ago: what is kept by age stays

RUNS = """
INSERT INTO runs (run_number, run_id, job, batch_type, batch_mode, triggered_by, triggered_by_user, status, reason, created_at, started_at,
 completed_at, duration_usec, error_message, parameters, metrics, warnings, notes, due_at, definition_hash, version, mirrored, waiting_since)
WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)
SELECT i, printf('%08x-0000-4000-8000-%012x', i, i), printf('job%02d', i % :jobs), printf('job%02d', i % :jobs), 'full',
 iif(i % 3, 'schedule', 'manual'), 'ada', iif(i % 17 = 0, 'failed', 'success'), iif(i % 17 = 0, 'exit', NULL), :start + i * :interval * 1000000,
 :start + i * :interval * 1000000 + 1000, :start + i * :interval * 1000000 + 30000000 + i % 7 * 1000000, 30000000 + i % 7 * 1000000,
 iif(i % 17 = 0, 'step step03 failed: exit status 1: no such table', NULL), printf('{"week":%d,"season":2026}', i % 18 + 1),
 printf('{"rows_written":%d}', 1000 + i % 50), '[]', '[]', 0, printf('%016x', i / 5000), 5, 5, 0 FROM n"""

ATTEMPTS = """
INSERT INTO attempts (run_id, step_name, item, attempt, step_order, ordinal, number, status, reason, created_at, started_at, completed_at,
 updated_at, duration_usec, records_processed, exit_status, signal_number, error_message, output_log, metrics, metadata, log_path,
 processes_ended, version, mirrored, waiting_since)
WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < :steps)
SELECT r.run_id, printf('step%02d', k.i), '', 1, k.i + 1, k.i + 1, r.run_number * :steps + k.i,
 iif(r.status = 'failed', iif(k.i = 3, 'failed', iif(k.i > 3, 'skipped', 'success')), 'success'),
 iif(r.status = 'failed' AND k.i > 3, 'dependency', 'exit'), r.created_at, r.started_at + k.i * 1000000, r.started_at + (k.i + 1) * 1000000,
 r.completed_at, 1000000, 100 + r.run_number % 10, iif(r.status = 'failed' AND k.i = 3, 1, 0), 0,
 iif(r.status = 'failed' AND k.i = 3, 'exit status 1: no such table', NULL), 'some line' || char(10) || 'another line' || char(10),
 '{"rows_written":100}', '{"cpu_usec":61000,"memory_peak_bytes":4194304}',
 printf('runs/%s/%02d-step%02d.1.log', r.run_id, k.i + 1, k.i), 0, 3, 3, 0
FROM runs AS r CROSS JOIN k WHERE r.run_number BETWEEN :first AND :last"""


def fill(state, runs, steps=8, jobs=JOBS):
    """Writes runs 1 to `runs`, of `steps` steps each, into the state folder of a daemon that has made it and has stopped."""
    start = int(time.time() - 3600 - runs * INTERVAL) * 1_000_000
    values = {"first": 1, "last": runs, "steps": steps, "jobs": jobs, "start": start, "interval": INTERVAL}
    with sqlite3.connect(os.path.join(state, "state.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
        db.execute(RUNS, {k: v for k, v in values.items() if k != "steps"})
        db.execute("INSERT OR IGNORE INTO run_types SELECT batch_type, created_at, run_number FROM runs")
        db.execute(ATTEMPTS, {k: v for k, v in values.items() if k in ("first", "last", "steps")})
        db.execute("INSERT OR IGNORE INTO ended_runs SELECT run_number, job, completed_at, 0 FROM runs")
    db.close()
