"""The weekly run as systemd starts it: the timer fires, the unit waits for the run, the rows are in PostgreSQL."""
import glob
import json
import os

import pytest

# The Tuesday before week 9 of the generated league.
NOW = "2024-10-29T12:00:00Z"
DATABASE = "host=/run/batchtest-pg user=batchd dbname=batchd"


def postgres_programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    return found[-1] if found else None


@pytest.fixture
def weekly(machine):
    """The machine with PostgreSQL, the API and what the shipped jobs need to know of them."""
    programs = postgres_programs()
    if not programs:
        pytest.skip("PostgreSQL's server programs are not installed")
    source = os.environ.get("BATCHTEST_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    machine.run("install", "-d", "-o", "batchd", "/run/batchtest-pg")
    machine.run(f"{programs}/initdb", "-D", "/run/batchtest-pg/data", "-U", "batchd", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8",
                "--no-sync", user="batchd")
    machine.run("systemd-run", "--unit=test-pg", "--uid=batchd", f"{programs}/postgres", "-D", "/run/batchtest-pg/data",
                "-c", "listen_addresses=", "-c", "unix_socket_directories=/run/batchtest-pg", "-c", "fsync=off")
    machine.run("systemd-run", "--unit=test-api", "--uid=batchd", "/usr/bin/python3", f"{source}/tests/apiplayer", "--generated",
                "--now", NOW, "--port-file", "/run/batchtest-pg/port")
    machine.wait_for(lambda: machine.run(f"{programs}/createdb", "-h", "/run/batchtest-pg", "batchd", user="batchd",
                                         check=False).returncode == 0, 60, "PostgreSQL")
    port = machine.wait_for(lambda: machine.out("cat", "/run/batchtest-pg/port", check=False), 60, "the API player")
    for job in ("weekly_update", "roster_refresh"):
        machine.write(f"/etc/batchd/jobs.d/{job}.job.d/site.conf",
                      f"[Job]\nEnvironment=TANK01_BASE_URL=http://127.0.0.1:{port} BATCH_NOW={NOW}\n"
                      f'Environment="BATCH_DATABASE={DATABASE}"\n')
    machine.write("/etc/batchd/batchd.conf.d/site.conf", f"[Daemon]\nDatabase={DATABASE}\n")
    machine.run("systemctl", "restart", "batchd.service")
    # It has made its tables then.
    machine.wait_for(lambda: machine.ctl_json("status")["daemon"]["mirror"]["state"] == "up", 60, "the mirror")
    yield machine
    machine.run("systemctl", "stop", "batch-weekly.timer")
    machine.run("rm", "-rf", "/etc/batchd/batchd.conf.d", "/etc/batchd/jobs.d/weekly_update.job.d", "/etc/batchd/jobs.d/roster_refresh.job.d",
                "/etc/systemd/system/batch-weekly.timer.d")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "stop", "batchd.service", "test-pg.service", "test-api.service")
    machine.run("systemctl", "start", "batchd.service")


def rows(machine, sql):
    return machine.out("psql", "-X", "-At", "-h", "/run/batchtest-pg", "-d", "batchd", "-c", sql, user="batchd").splitlines()


def timer_runs(machine):
    return [run for run in machine.ctl_json("history") if run["triggered_by"] == "timer"]


def test_the_timer_starts_the_weekly_run(weekly):
    weekly.ctl("run", "roster_refresh", "--wait")
    # Tuesday noon, every few seconds.
    weekly.write("/etc/systemd/system/batch-weekly.timer.d/test.conf", "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\nPersistent=no\n")
    weekly.run("systemctl", "daemon-reload")
    weekly.run("systemctl", "start", "batch-weekly.timer")
    run = weekly.wait_for(lambda: [run for run in timer_runs(weekly) if run["completed_at"]], 60, "a run that the timer started")[-1]
    assert run["status"] in ("success", "partial"), json.dumps(run, indent=1)
    assert (run["job"], run["parameters"]["week"], run["triggered_by_user"]) == ("weekly_update", 9, "batchd")
    # It fires again within the minute: the same due time is the same run.
    weekly.wait_for(lambda: weekly.out("journalctl", "-u", "batch-run@weekly_update.service", "-o", "cat").count("Finished") >= 2, 60,
                    "the timer again")
    weekly.run("systemctl", "stop", "batch-weekly.timer")
    assert weekly.property("batch-run@weekly_update.service", "Result") == "success"
    due = [run["due_at"] for run in timer_runs(weekly)]
    assert len(due) == len(set(due)) and all(instant.endswith(":00.000000Z") for instant in due)
    # The audit trail and the football are in PostgreSQL.
    number = run["run_number"]
    weekly.wait_for(lambda: rows(weekly, f"SELECT status FROM batch_runs WHERE run_number = {number}") == [run["status"]], 60, "the mirror")
    steps = rows(weekly, "SELECT step_name FROM batch_execution_steps JOIN batch_runs ON run_id = batch_run_id "
                         f"WHERE run_number = {number} ORDER BY step_order")
    assert steps == ["schedule", "game_logs", "odds", "predictions"]
    counts = rows(weekly, "SELECT (SELECT count(*) FROM schedule) > 0, (SELECT count(*) FROM game_logs) > 0, "
                          "(SELECT count(*) FROM sportsbook_odds) > 0, (SELECT count(*) FROM predictions) > 0")
    assert counts == ["t|t|t|t"]
