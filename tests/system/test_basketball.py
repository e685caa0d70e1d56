"""The daily NBA pipeline on a real daemon, a real PostgreSQL and a real HTTP source: each requirement C1 to C11 by its name."""
import datetime
import glob
import os
import signal

import pytest

from batchtest import chaos, paths
from batchtest.wait import until

HERE = os.path.join(paths.SOURCE, "tests", "system", "basketball")
PHASES = ("scrape", "process", "analytics", "precompute", "predict")
DAY = "2026-11-20"


class Pipeline:
    """The daemon with the pipeline's jobs, its tables and its source."""

    def __init__(self, instance, database, player):
        self.instance, self.database, self.player = instance, database, player
        with open(os.path.join(HERE, "schema.sql"), encoding="utf-8") as schema:
            database.query(schema.read())
        self.set()
        for path in glob.glob(os.path.join(HERE, "*.job")):
            with open(path, encoding="utf-8") as job:
                self.write_job(os.path.basename(path)[:-4], job.read())

    def write_job(self, name, text):
        program = f"/usr/bin/python3 {os.path.join(HERE, 'nba.py')}"
        self.instance.write_job(name, text.replace("@NBA@", program).replace("@ENVIRONMENT@", self.instance.path("nba.env")))

    def change_job(self, name, old, new):
        with open(os.path.join(HERE, f"{name}.job"), encoding="utf-8") as job:
            text = job.read()
        assert old in text
        self.write_job(name, text.replace(old, new))
        self.instance.call("daemon.reload")

    def set(self, **variables):
        """What the programs find in their environment from their next start on."""
        variables = {"NBA_DATABASE": self.database.conninfo, "NBA_URL": self.player.url, "NBA_DELAY": "0", "NBA_TODAY": "2026-11-21",
                     "PGOPTIONS": "-c search_path=nba", **variables}
        with open(self.instance.path("nba.env"), "w", encoding="utf-8") as file:
            file.write("".join(f"{name}={value}\n" for name, value in variables.items()))

    def run(self, phase, day=DAY, **more):
        return self.instance.run(f"nba_{phase}", params={"date": day} if day else {}, **more)

    def settled(self):
        until(lambda: not self.instance.call("run.current")["runs"], lambda: f"nothing runs any more\n{self.instance.log}", 40)

    def runs(self, phase):
        return self.instance.call("run.list", job=f"nba_{phase}", limit=1000)["runs"]

    def count(self, table):
        return self.database.value(f"SELECT count(*) FROM nba.{table}")

    def mirrored(self):
        until(lambda: self.instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
        until(lambda: self.instance.call("daemon.status")["mirror"]["rows_waiting"] == 0, "all rows are in PostgreSQL")

    def told(self):
        """What the alert's command was given."""
        with open(self.instance.path("told"), "a+", encoding="utf-8") as file:
            file.seek(0)
            return file.read()

    def alone(self):
        """Runs start no others: for tests of one phase."""
        for phase in PHASES[1:]:
            self.change_job(f"nba_{phase}", f"AfterJob=nba_{PHASES[PHASES.index(phase) - 1]}\n", "")


@pytest.fixture
def pipeline(make_instance, database, player):
    instance = make_instance(database=database)
    with open(instance.path("tell"), "w", encoding="ascii") as script:
        script.write(f'#!/bin/sh\nprintf "%s: %s\\n" "$BATCH_ALERT_EVENT" "$BATCH_ALERT_BODY" >>{instance.folder}/told\n')
    os.chmod(instance.path("tell"), 0o755)
    instance.sections = f"[Limit warehouse]\nSlots=20\n[Alert ops]\nCommand={instance.folder}/tell\n"
    instance.write_config()
    made = Pipeline(instance, database, player)
    instance.start()
    return made


def seconds(instant):
    return datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp()


def step(shown, name=None):
    return next(step for step in shown["steps"] if name in (None, step["step_name"]))


def test_c3_phases_follow_each_other_by_themselves(pipeline):
    """C3 (and C11, by name): one start, five phases, each after the success of the one before, for the same day."""
    first = pipeline.run("scrape")["run"]
    until(lambda: pipeline.runs("predict") and pipeline.runs("predict")[0]["status"] == "success", "the last phase is done", 40)
    runs = [pipeline.runs(phase)[0] for phase in PHASES]
    assert [run["status"] for run in runs] == ["success"] * 5
    assert [run["triggered_by"] for run in runs] == ["manual"] + ["job"] * 4
    assert all(earlier["completed_at"] <= later["started_at"] for earlier, later in zip(runs, runs[1:]))
    assert all(run["parameters"] == {"date": DAY} for run in runs) and runs[1]["parent_run_id"] == first["run_id"]
    assert [pipeline.count(table) for table in ("raw_lines", "player_days", "team_days", "features", "predictions")] == [211, 211, 30, 211, 211]
    pipeline.mirrored()
    assert pipeline.database.query("SELECT step_name, records_processed FROM batch_execution_steps WHERE step_name NOT LIKE ':%' ORDER BY started_at") == [
        ("scrape", 211), ("scrape/fetch", 211), ("scrape/store", 211), ("process", 211), ("analytics", 30), ("precompute", 211), ("predict", 211)]


def test_c3_a_phase_whose_input_is_not_ready_waits_and_says_for_what(pipeline):
    pipeline.alone()
    run = pipeline.run("process", wait=False)["run_number"]
    until(lambda: f"the raw lines of {DAY} are not there yet" in pipeline.instance.ctl("status").stdout, lambda: pipeline.instance.ctl("status").stdout)
    assert pipeline.instance.show(run)["run"]["status"] == "queued"
    pipeline.run("scrape")
    shown = pipeline.instance.wait_for_run(run)
    assert shown["run"]["status"] == "success" and step(shown, "process")["records_processed"] == 211


def ends():
    """How a coordinator's work can come to its end, and what the record says then."""
    yield "exit 0", None, ("success", None)
    yield "exit 3", None, ("failed", "exit")
    yield "kill -9 $$$$", None, ("failed", "signal")
    yield "sleep 60", "TimeoutSec=500ms\nKillGraceSec=100ms", ("failed", "timeout")
    yield "sleep 61", "cancel", ("cancelled", "request")
    yield "sleep 62", "monitor", ("failed", "lost")
    yield "sleep 1; exit 0", "daemon", ("success", None)


def monitors(instance):
    return [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]


def test_c1_a_run_ends_in_the_record_whatever_path_the_work_took_and_has_one_row(pipeline):
    instance = pipeline.instance
    expected = {}
    for number, (command, how, outcome) in enumerate(ends()):
        keys = how if how and how.startswith("Timeout") else ""
        instance.write_job(f"coordinator{number}", f"[Step work]\nExec=/bin/sh -c '{command}'\n{keys}\n")
        instance.call("daemon.reload")
        run = instance.run(f"coordinator{number}", wait=False)["run_number"]
        if how in ("cancel", "monitor", "daemon"):
            until(lambda run=run: step(instance.show(run))["status"] == "running" and step(instance.show(run))["started_at"], "it runs")
        if how == "cancel":
            instance.call("run.cancel", run=run)
        elif how == "monitor":
            # The one of the run before may still be about to leave.
            (monitor,) = until(lambda: (lambda found: len(found) == 1 and found)(monitors(instance)), "one monitor is left")
            assert monitor > 1
            os.kill(monitor, signal.SIGKILL)
        elif how == "daemon":
            instance.kill()
            instance.start()
        expected[run] = outcome
        ended = instance.wait_for_run(run)["run"]
        assert (ended["status"], step(instance.show(run))["reason"] if ended["status"] != "success" else None) == outcome, command
    pipeline.mirrored()
    rows = pipeline.database.query("SELECT run_number, status, completed_at IS NOT NULL FROM batch_runs ORDER BY run_number")
    assert rows == [(run, status, True) for run, (status, _) in sorted(expected.items())]


WRITERS = """[Job]
EnvironmentFile=@ENVIRONMENT@
[Step write]
ForEach=w1 w2 w3 w4 w5 w6 w7 w8 w9 w10
MaxParallel=10
Exec=@NBA@ write --date=2026-11-20
Limit=warehouse
"""


def test_c2_thirty_writers_on_twenty_slots_are_never_more_than_twenty(pipeline):
    """Three jobs of ten writers each share the warehouse; the greatest number at once is counted in the warehouse itself."""
    for name in ("props", "injuries", "odds"):
        pipeline.write_job(f"write_{name}", WRITERS)
    pipeline.instance.call("daemon.reload")
    pipeline.set(NBA_WRITE_SECONDS="1.5")
    runs = [pipeline.instance.run(f"write_{name}", wait=False)["run_number"] for name in ("props", "injuries", "odds")]
    limit = until(lambda: [limit for limit in pipeline.instance.call("limit.list")["limits"] if limit["used"] == 20], "all slots are held")
    assert limit[0]["limit"] == "warehouse" and limit[0]["slots"] == 20
    assert all(pipeline.instance.wait_for_run(run, 60)["run"]["status"] == "success" for run in runs)
    ((writers, most, done),) = pipeline.database.query("SELECT writers, most, done FROM nba.warehouse")
    assert (writers, done) == (0, 30) and 10 < most <= 20


def test_c2_many_small_writes_are_one(pipeline):
    pipeline.alone()
    pipeline.run("scrape")
    assert pipeline.count("raw_lines") == 211 and pipeline.count("raw_statements") == 1


def missing_teams(*teams, status=404):
    return [{"kind": "status", "endpoint": "getNBATeamLines", "match": f"teamAbv={team}", "status": status} for team in teams]


def test_c4_a_phase_below_its_coverage_blocks_what_follows_with_figures_and_reasons(pipeline):
    """27 of 30 teams: blocked, with the figures; and 36 of 211 players, 47 of them for no known reason, does not pass unnoticed."""
    pipeline.player.faults(*missing_teams("DEN", "LAL", status=404), *missing_teams("BOS", status=500))
    shown = pipeline.run("scrape")
    error = step(shown)["error_message"]
    assert (step(shown)["status"], step(shown)["reason"], shown["run"]["status"]) == ("failed", "gate", "failed")
    assert error.startswith("coverage 90 % (27 of 30) is below CoverageMin=95%; missing: ")
    assert "2 the source answered 404" in error and "1 the source answered 500" in error
    assert sorted(entry["item"] for entry in step(shown)["metadata"]["missing"]["items"]) == ["BOS", "DEN", "LAL"]
    pipeline.settled()
    assert pipeline.runs("process") == []
    # The same gate, further down.
    pipeline.player.faults()
    pipeline.set(NBA_FEATURES="36", NBA_UNEXPLAINED="47")
    pipeline.run("scrape")
    until(lambda: pipeline.runs("predict") and pipeline.runs("predict")[0]["status"] == "partial", "the last phase is done in another way", 40)
    shown = pipeline.instance.show(pipeline.runs("predict")[0]["run_number"])
    assert (step(shown, "predict")["status"], step(shown, "predict")["reason"]) == ("failed", "gate")
    assert step(shown, "predict")["error_message"] == ("coverage 17.1 % (36 of 211) is below CoverageMin=90%; missing: 128 no features, 47 unknown")
    assert [w["text"] for w in shown["run"]["warnings"] if w["category"] == "missing"][0].startswith("47 of the missing items have no reason, the first is ")
    # Partial data set off the declared fallback: all 211 are foretold, and it shows which in the poorer way.
    assert (step(shown, "own_means")["status"], step(shown, "own_means")["records_processed"]) == ("success", 175)
    assert step(shown, "own_means")["metadata"]["quality"] == "limited"
    assert pipeline.database.query("SELECT source, count(*) FROM nba.predictions GROUP BY source ORDER BY source") == [("features", 36), ("own mean", 175)]


def test_c5_a_false_zero_is_told_a_true_one_and_a_declared_one_are_not(pipeline):
    pipeline.alone()
    days = [f"2026-11-{day:02}" for day in range(10, 13)]
    for day in days:
        pipeline.run("scrape", day)
        assert pipeline.run("process", day)["run"]["status"] == "success"
    # False: the work was done, the counter says zero.
    pipeline.run("scrape", "2026-11-15")
    pipeline.set(NBA_BROKEN_COUNTER="1")
    false = pipeline.run("process", "2026-11-15")
    assert false["run"]["status"] == "partial" and false["run"]["warnings"][0]["text"] == "0 records, usual are 201 to 221 (median 211 of the last 3 successes)"
    pipeline.set()
    # True, and declared by the work itself: nobody plays on Christmas Eve, and RecordsMin=1 does not hold that against it.
    declared = pipeline.run("scrape", "2026-12-24")
    assert declared["run"]["status"] == "success" and step(declared)["records_processed"] == 0 and step(declared)["metadata"]["expected"] == 0
    nothing = pipeline.run("process", "2026-12-24")
    assert nothing["run"]["status"] == "success" and step(nothing, "process")["metadata"]["expected"] == 0
    # True, and declared by nobody: where a minimum is named that is a failure, for it could as well be false.
    pipeline.set(NBA_FEATURES="0")
    undeclared = pipeline.run("precompute", "2026-11-12")
    assert (step(undeclared)["reason"], undeclared["run"]["status"]) == ("records", "failed")
    assert "0 records, RecordsMin=1" in undeclared["run"]["error_message"]


def test_c6_a_missing_heartbeat_and_a_deadline_end_the_step_by_a_clock(pipeline):
    pipeline.alone()
    pipeline.player.faults({"kind": "timeout", "endpoint": "getNBATeamLines", "match": "teamAbv=CHA", "seconds": 4})
    pipeline.change_job("nba_scrape", "HeartbeatSec=5min", "HeartbeatSec=2s\nKillGraceSec=200ms")
    shown = pipeline.run("scrape", steps=["scrape"])
    assert step(shown)["reason"] == "heartbeat" and [a["reason"] for a in shown["attempts"] if a["step_name"] == "scrape"] == ["heartbeat"] * 2
    assert "no sign of life for HeartbeatSec=2s" in step(shown)["error_message"]
    assert [s["status"] for s in shown["steps"] if s["step_name"] == "scrape/fetch"] == ["failed"]
    pipeline.change_job("nba_scrape", "RunTimeoutSec=30min", "RunTimeoutSec=700ms")
    pipeline.instance.call("breaker.reset", job="nba_scrape")
    assert pipeline.run("scrape")["run"]["reason"] == "timeout"


def test_c7_a_source_that_is_down_is_not_asked_again_and_again(pipeline):
    pipeline.alone()
    pipeline.player.faults({"kind": "status", "endpoint": "getNBATeamLines", "status": 503})
    assert [step(pipeline.run("scrape"))["reason"] for _ in range(2)] == ["exit", "exit"]
    asked = pipeline.player.counts()["getNBATeamLines"]
    shown = pipeline.run("scrape")
    assert (step(shown)["reason"], step(shown)["attempts"]) == ("breaker", 0) and "after 2 failures in a row" in shown["run"]["error_message"]
    assert pipeline.player.counts()["getNBATeamLines"] == asked
    until(lambda: 'breaker: ' in pipeline.told(), lambda: f"the opening is told: {pipeline.told()}")
    pipeline.player.faults()
    pipeline.instance.ctl("reset", "nba_scrape", "scrape")
    assert pipeline.run("scrape")["run"]["status"] == "success"


def test_c8_a_missed_day_is_picked_up_and_doing_it_again_does_no_harm(pipeline):
    pipeline.alone()
    for day in ("2026-11-18", "2026-11-20"):
        pipeline.run("scrape", day)
    picked = pipeline.run("scrape", None)["run"]
    assert picked["parameters"] == {"date": "2026-11-19"} and pipeline.count("scraped") == 3
    before = pipeline.database.query("SELECT * FROM nba.raw_lines ORDER BY day, player")
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        assert pipeline.run("scrape", day)["run"]["status"] == "success"
    assert pipeline.database.query("SELECT * FROM nba.raw_lines ORDER BY day, player") == before


def test_c8_a_backfill_over_dates_honours_a_skipped_gate_for_each_day_and_heals_the_gaps(pipeline):
    """Three teams are gone from the source for these days: what there is comes in by an explicit word, kept with each run and audited."""
    pipeline.player.faults(*missing_teams("DEN", "LAL", "BOS"))
    days = ("--from", "2026-11-17", "--to", "2026-11-19")
    plan = pipeline.instance.ctl("backfill", "nba_scrape", *days, "--dry-run").stdout
    assert all(day in plan for day in ("2026-11-17", "2026-11-18", "2026-11-19")) and pipeline.runs("scrape") == []
    blocked = pipeline.instance.ctl("backfill", "nba_scrape", *days, "--wait", check=False)
    assert blocked.returncode == 1 and pipeline.count("scraped") == 0
    let = pipeline.instance.ctl("backfill", "nba_scrape", *days, "--skip-gate", "coverage", "--skip-gate", "scrape/breaker", "--wait", check=False)
    assert let.returncode in (0, 3), let.stderr
    children = [run for run in pipeline.runs("scrape") if run["triggered_by"] == "backfill" and run["status"] == "partial"]
    assert sorted(run["parameters"]["date"] for run in children) == ["2026-11-17", "2026-11-18", "2026-11-19"]
    assert all(run["skip_gates"] == ["coverage", "scrape/breaker"] for run in children)
    assert all(any(w["text"].startswith("coverage was skipped: coverage 90 % (27 of 30)") for w in run["warnings"]) for run in children)
    assert pipeline.database.query("SELECT day::text, count(*) FROM nba.raw_lines GROUP BY day ORDER BY day") == [
        (f"2026-11-{day}", 190) for day in (17, 18, 19)]
    pipeline.mirrored()
    assert pipeline.database.value("SELECT params -> 'skip_gates' FROM batch_audit WHERE method = 'run.backfill' AND params ? 'skip_gates'") == [
        "coverage", "scrape/breaker"]
    # What was missing has come: all of it again, the last day first, and then nothing is missing any more.
    pipeline.player.faults()
    pipeline.instance.ctl("backfill", "nba_scrape", *days, "--only", "all", "--reverse", "--wait")
    assert pipeline.count("raw_lines") == 3 * 211 and pipeline.count("scraped") == 3
    before = len(pipeline.runs("scrape"))
    pipeline.instance.ctl("backfill", "nba_scrape", *days, "--wait")
    assert len(pipeline.runs("scrape")) == before


def test_c9_incompleteness_and_recovery_are_told_with_the_facts(pipeline):
    pipeline.alone()
    pipeline.player.faults(*missing_teams("DEN", "LAL", "BOS"))
    pipeline.run("scrape")
    until(lambda: "27 of 30" in pipeline.told(), lambda: f"the failure is told: {pipeline.told()}")
    assert "3 the source answered 404" in pipeline.told()
    pipeline.player.faults()
    pipeline.run("scrape")
    until(lambda: 'recovery: ' in pipeline.told(), lambda: f"the recovery is told: {pipeline.told()}")


def test_c10_the_source_is_asked_politely_again_where_that_helps_and_all_teams_are_counted(pipeline):
    pipeline.alone()
    pipeline.set(NBA_DELAY="0.05")
    pipeline.player.reset()
    shown = pipeline.run("scrape")
    _, gaps = pipeline.player.traffic()
    assert len(gaps) == 29 and min(gaps) >= 0.05
    assert shown["run"]["metrics"] == {"api_calls_made": 30} and step(shown)["metadata"]["covered"] == [30, 30]
    # Team by team, each a process of its own: the delay is the job's.
    pipeline.write_job("nba_teams", "[Job]\nEnvironmentFile=@ENVIRONMENT@\n[Step team]\nForEach=DEN LAL BOS CHI MIA\nMaxParallel=5\nItemDelaySec=250ms\n"
                                    "Exec=@NBA@ scrape_one --date=2026-11-17\n")
    pipeline.instance.call("daemon.reload")
    pipeline.player.reset()
    teams = pipeline.instance.run("nba_teams")
    assert teams["run"]["status"] == "success" and [s["records_processed"] for s in teams["steps"]] == [7] * 5
    started = sorted(s["started_at"] for s in teams["steps"])
    assert all(seconds(later) - seconds(earlier) >= 0.24 for earlier, later in zip(started, started[1:]))
    # A team that fails once: the second attempt has all thirty.
    pipeline.set()
    pipeline.player.faults(*[dict(fault, times=1) for fault in missing_teams("DEN", "LAL", status=503)])
    shown = pipeline.run("scrape", "2026-11-19")
    assert shown["run"]["status"] == "success"
    assert [(a["attempt"], a["reason"]) for a in shown["attempts"] if a["step_name"] == "scrape"] == [(1, "gate"), (2, None)]
    assert shown["run"]["metrics"] == {"api_calls_made": 60}


def test_c11_processor_history_can_be_asked_by_name_status_and_time_and_before_and_after(pipeline):
    pipeline.alone()
    pipeline.player.faults(*missing_teams("DEN", "LAL", "BOS"))
    pipeline.run("scrape", "2026-11-18")
    middle = pipeline.instance.call("run.list", limit=1)["runs"][0]["completed_at"]
    pipeline.player.faults()
    for day in ("2026-11-18", "2026-11-19"):
        pipeline.run("scrape", day)
        pipeline.run("process", day)
    listed = pipeline.instance.call("step.list", step="scrape", status="failed")["steps"]
    assert [(s["run_number"], s["reason"]) for s in listed] == [(1, "gate")]
    assert [s["run_number"] for s in pipeline.instance.call("step.list", step="scrape", since=middle)["steps"]] == [4, 2]
    assert pipeline.instance.call("step.list", step="process", status="success", limit=1)["steps"][0]["run_number"] == 5
    grouped = {s["step_name"]: s["counts"] for s in pipeline.instance.call("step.list", group=True)["steps"]}
    assert grouped["scrape"] == {"success": 2, "failed": 1} and grouped["process"] == {"success": 2}
    (health,) = pipeline.instance.call("job.health", job="nba_scrape", compare=middle)["jobs"]
    assert (health["before"]["failed"], health["before"]["failure_rate"]) == (1, 1.0)
    assert (health["after"]["failed"], health["after"]["success"]) == (0, 2)
