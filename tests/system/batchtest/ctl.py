"""What tests of batchctl share: a daemon that answers on order, a run that it knows, terminals, and what results look like."""
import os
import subprocess

import pytest

from . import paths
from .fake_daemon import FakeDaemon, FakeRun
from .terminal import Terminal

RUN_ID = FakeRun().head["run_id"]
RUN = {"run_id": RUN_ID, "run_number": 41, "job": "weekly", "batch_type": "weekly", "batch_mode": "full", "triggered_by": "timer",
       "triggered_by_user": "root", "status": "partial", "reason": None, "created_at": "2026-11-22T02:00:00.100000Z",
       "started_at": "2026-11-22T02:00:00.110000Z", "completed_at": "2026-11-22T02:01:40.000000Z", "duration_seconds": 99.89,
       "error_message": None, "parameters": {"week": 12, "season": 2026}, "metrics": {"api_calls_made": 17},
       "warnings": [{"category": "unknown_player", "text": "3 are unknown", "step": "game_logs", "item": "", "count": 2}],
       "notes": ["four teams have no game"]}
STATUS = {"version": "9.9.9", "protocol": 1, "host": "testhost", "uptime_seconds": 3725.0, "jobs": 2, "watchers": 1, "memory_bytes": 6000000,
          "job_errors": [{"file": "/jobs.d/x.job", "line": 3, "message": "unknown key 'Exce'"}], "store": {"state": "up"},
          "file_systems": [{"path": "/state", "holds": ["state", "runs"], "state": "ok", "error": None, "free_bytes": 12300000000,
                            "total_bytes": 40000000000, "free_inodes": 7, "total_inodes": 9},
                           {"path": "/run", "holds": ["runtime"], "state": "low", "error": None, "free_bytes": 81000000,
                            "total_bytes": 100000000, "free_inodes": 7, "total_inodes": 511000}],
          "launcher": {"state": "up"}, "mirror": {"state": "down", "error": "connection refused", "rows_waiting": 12}}
CURRENT = {"run_number": 42, "run_id": RUN_ID, "job": "weekly", "status": "running", "elapsed_seconds": 63.2, "total": 4, "completed": 1,
           "failed": 0, "progress_percent": 30.0, "current_step": "game_logs", "step_done": 3, "step_total": 15}
SHOWN = {"run": {**RUN, "run_number": 42, "status": "failed", "error_message": "step odds failed"},
         "progress": {"total": 2, "completed": 2, "failed": 1, "running": 0, "percent": 100.0},
         "steps": [{"step_name": "schedule", "item": "", "attempt": 2, "attempts": 2, "step_order": 1, "status": "success", "reason": "exit",
                    "duration_seconds": 1.5, "records_processed": 272},
                   {"step_name": "odds", "item": "KC", "attempt": 1, "attempts": 1, "step_order": 2, "status": "failed", "reason": "timeout",
                    "duration_seconds": 600.0, "error_message": "no answer\nfor 10 minutes"}],
         "attempts": []}
JOB = {"job": "weekly", "description": "The weekly update", "batch_type": "weekly", "path": "/jobs.d/weekly.job", "overlap": "reject",
       "run_timeout_seconds": 1800.0, "default_mode": "full", "last_run": RUN,
       "parameters": [{"name": "week", "type": "integer", "minimum": 1, "maximum": 18, "required": True, "description": "Week"}],
       "modes": [{"name": "full", "steps": ["schedule", "odds"]}, {"name": "odds_only", "steps": ["odds"]}],
       "steps": [{"name": "schedule", "exec": ["fetch", "schedule"], "timeout_seconds": 600.0, "retries": 3, "retry_delay_seconds": 5.0},
                 {"name": "odds", "exec": ["fetch", "odds"], "after": ["schedule"], "timeout_seconds": None, "critical": False}]}


@pytest.fixture
def daemon():
    made = FakeDaemon().start()
    yield made
    made.remove()


@pytest.fixture
def run(daemon):
    """A run that `run.tail` and `run.start` know."""
    made = FakeRun()
    daemon.answers["run.tail"] = made.tail
    daemon.answers["run.start"] = {**made.head, "status": "queued"}
    return made


@pytest.fixture
def terminal():
    made = []

    def open_terminal(daemon, *arguments, **more):
        made.append(Terminal([paths.BATCHCTL, "--socket", daemon.socket, *arguments], **more))
        return made[-1]

    yield open_terminal
    for one in made:
        one.close()


def start_ctl(daemon, *arguments, **environment):
    command = [paths.BATCHCTL, *(["--socket", daemon.socket] if daemon else []), *arguments]
    env = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", **environment}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def ctl(daemon, *arguments, **environment):
    process = start_ctl(daemon, *arguments, **environment)
    out, err = process.communicate(timeout=paths.patience())
    return process.returncode, out, err


def rows_of(text):
    return [" ".join(line.split()) for line in text.splitlines()]
