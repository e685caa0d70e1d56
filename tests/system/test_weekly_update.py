"""The shipped football jobs through the daemon: modes, detected parameters, counters, the audit trail, and a failing step."""
import os
import subprocess

import pytest

from batchtest import paths
from batchtest.football import KEY
from batchtest.wait import until
from test_protocol import check

JOBS = os.path.join(paths.SOURCE, "daemon", "worker", "nfl", "jobs.d")
TUESDAY = "2024-10-29T12:00:00Z"


def prepare(make_instance, player, database, more=""):
    """A daemon with the shipped jobs, its mirror, and the API player at the Tuesday before week 9. more: for every job."""
    instance = make_instance(database=database)
    instance.settings["JobsDirectory"] = f"{instance.path('jobs.d')} {JOBS}"
    instance.write_config()
    variables = player.environment(TUESDAY, KEY)
    for job in (name[:-4] for name in os.listdir(JOBS)):
        os.mkdir(instance.path("jobs.d", f"{job}.job.d"))
        with open(instance.path("jobs.d", f"{job}.job.d", "test.conf"), "w", encoding="utf-8") as drop_in:
            drop_in.write(f"[Job]\nEnvironment=PATH={os.path.dirname(paths.BATCH_NFL)}:/usr/bin:/bin "
                          + " ".join(f"{name}={value}" for name, value in variables.items())
                          + f"\nEnvironment=\"BATCH_DATABASE={database.conninfo}\"\n" + more)
    return instance


@pytest.fixture
def batch(make_instance, player, database):
    instance = prepare(make_instance, player, database).start()
    until(lambda: database.value("SELECT to_regprocedure('football_schema_version()')"), "the migrations are applied")
    return instance


def steps_of(shown):
    return {step["step_name"]: step["status"] for step in shown["steps"]}


def test_the_weekly_update(batch, player, database):
    rosters = batch.run("roster_refresh")
    assert rosters["run"]["status"] == "success", batch.log
    shown = batch.run("weekly_update", seconds=60)
    assert shown["run"]["status"] == "success", batch.log
    assert list(steps_of(shown)) == ["schedule", "game_logs", "odds", "predictions"]
    assert set(steps_of(shown).values()) == {"success"}
    assert shown["run"]["parameters"] == {"season": 2024, "week": 9, "season_type": "reg"}

    def mirrored():
        rows = database.dicts("SELECT * FROM batch_runs WHERE job = 'weekly_update' AND completed_at IS NOT NULL")
        return rows[0] if rows else None

    row = until(mirrored, "the run is in PostgreSQL")
    assert (row["season_year"], row["week"], row["season_type"], row["status"]) == (2024, 9, "reg", "success")
    assert row["games_processed"] == 32
    assert row["game_logs_added"] == database.value("SELECT count(*) FROM game_logs") > 0
    assert row["odds_synced"] == database.value("SELECT count(*) FROM sportsbook_odds") > 0
    assert row["predictions_generated"] == database.value("SELECT count(*) FROM predictions") > 0
    assert row["api_calls_made"] == sum(player.counts().values()) - 1  # one was roster_refresh's
    assert row["errors_encountered"] == 0

    again = batch.run("weekly_update", seconds=60)
    assert again["run"]["metrics"]["predictions_skipped"] == row["predictions_generated"]
    assert again["run"]["metrics"]["predictions_generated"] == 0


def test_every_mode(batch, database):
    batch.run("roster_refresh")
    for mode, steps in (("schedule_only", ["schedule"]), ("ingest_only", ["schedule", "game_logs"]), ("game_logs_only", ["game_logs"]),
                        ("odds_only", ["odds"]), ("predictions_only", ["predictions"])):
        shown = batch.run("weekly_update", mode=mode, seconds=60)
        assert shown["run"]["status"] == "success", batch.log
        assert list(steps_of(shown)) == steps
    shown = batch.run("weekly_update", mode="odds_only", params={"season": 2024, "week": 3}, seconds=60)
    assert shown["run"]["parameters"] == {"season": 2024, "week": 3, "season_type": "reg"}
    assert database.value("SELECT count(DISTINCT week) FROM sportsbook_odds") == 2


def test_a_step_that_fails_ends_the_run(batch, player, database):
    """No key is accepted: permanent, so it is not tried again, and what follows does not run."""
    player.faults({"kind": "status", "status": 403, "body": '{"message": "You are not subscribed to this API."}'})
    shown = batch.run("weekly_update", seconds=60)
    assert shown["run"]["status"] == "failed"
    statuses = steps_of(shown)
    assert statuses.pop("schedule") == "failed"
    assert set(statuses.values()) == {"skipped"}
    assert "not subscribed" in batch.call("log.read", run=shown["run"]["run_number"], step="schedule")["text"]
    assert sum(player.counts().values()) <= 5


def test_the_other_jobs(batch, database):
    """Each does its work with parameters from the run, and has its type in the history; findings make a run partial."""
    batch.run("roster_refresh")
    batch.run("weekly_update", mode="schedule_only")
    shown = batch.run("odds_backfill", params={"from_week": 8, "to_week": 9}, seconds=60)
    assert shown["run"]["status"] == "success", batch.log
    assert shown["run"]["parameters"] == {"season": 2024, "from_week": 8, "to_week": 9, "season_type": "reg"}
    assert database.value("SELECT count(DISTINCT week) FROM sportsbook_odds") == 2
    shown = batch.run("prediction_generation", params={"season": 2024, "week": 8}, seconds=60)
    assert shown["run"]["status"] == "success" and shown["run"]["metrics"]["predictions_generated"] > 0
    shown = batch.run("data_readiness", params={"season": 2024, "week": 8})
    assert shown["run"]["status"] == "success", batch.log
    row = database.dicts("SELECT * FROM data_readiness WHERE week = 8 AND season_type = 'reg'")[0]
    assert row["odds_available"] and row["predictions_available"] and row["last_batch_id"]

    batch.run("weekly_update", mode="game_logs_only", params={"season": 2024, "week": 3}, seconds=60)
    shown = batch.run("roster_refresh", mode="with_predictions", seconds=60)
    assert shown["run"]["status"] == "success", batch.log
    assert list(steps_of(shown)) == ["rosters", "game_logs", "history"]

    shown = batch.run("integrity_check", params={"season": 2024, "week": 8}, seconds=60)
    assert shown["run"]["status"] == "partial", shown["run"]
    assert [warning["category"] for warning in shown["run"]["warnings"] if "finished games have no logs" in warning["text"]] \
        == ["games_without_logs"], shown["run"]["warnings"]

    # The generated league's one season is too little to learn from, which the run says.
    shown = batch.run("model_training", params={"season": 2024, "week": 3}, seconds=60)
    assert shown["run"]["status"] == "failed" and "too few for a model" in shown["run"]["error_message"], shown["run"]
    types = {run["batch_type"] for run in batch.call("run.list")["runs"]}
    assert types == {"roster_refresh", "weekly_update", "odds_backfill", "prediction_generation", "data_readiness", "integrity_check",
                     "model_training"}


def test_readiness_over_the_protocol(batch, database, make_instance):
    """Shown for the current week, one week, a season; counted anew on request; honest when nothing can be known."""
    until(lambda: batch.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    assert batch.call("readiness.show") == {"weeks": []}
    batch.run("roster_refresh")
    number = batch.run("weekly_update", seconds=60)["run"]["run_number"]
    week, = until(lambda: batch.call("readiness.show")["weeks"], "the current week is known")
    assert (week["season_year"], week["week"], week["season_type"]) == (2024, 9, "reg")
    assert until(lambda: batch.call("readiness.show")["weeks"][0]["last_run_number"], "the run is mirrored") == number
    columns = {row[0] for row in database.query("SELECT column_name FROM information_schema.columns WHERE table_name = 'data_readiness'")}
    assert set(week) == columns | {"last_run_number"}
    check("readiness.show", {"weeks": [week]})
    assert week["odds_last_fetched_at"] == "2024-10-29T12:00:00.000000Z"
    assert week["prediction_completeness_pct"] == 100
    assert len(batch.call("readiness.show", season=2024)["weeks"]) == 20
    assert batch.call("readiness.show", week=3)["weeks"][0]["game_logs_available"]
    assert batch.call("readiness.show", season=2023)["weeks"] == []

    database.query("DELETE FROM predictions WHERE player_id IN (SELECT player_id FROM predictions ORDER BY 1 LIMIT 10)")
    started = batch.call("readiness.refresh", week=9, season=2024)
    check("readiness.refresh", started)
    assert batch.wait_for_run(started["run_number"])["run"]["status"] == "success"
    assert batch.call("readiness.show")["weeks"][0]["predictions_count"] == 30

    ctl = [paths.BATCHCTL, "--socket", batch.path("run", "control.sock")]
    shown = subprocess.run([*ctl, "readiness"], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert "season 2024, week 9" in shown and "75 %  30 of 40 players" in shown and f"run {number}" in shown
    # A bar and its words for each part; of games that are to come nothing is missing yet.
    parts = {line[2:13].strip(): line[15:].split(None, 1) for line in shown.splitlines()[1:5]}
    assert {part: (bar.count("\u2588"), len(bar)) for part, (bar, _) in parts.items()} == {
        "schedule": (20, 20), "game logs": (0, 20), "odds": (20, 20), "predictions": (15, 20)}, shown
    assert parts["schedule"][1].endswith("4 games") and parts["game logs"][1].endswith("no lines yet")
    assert "prices, fetched, last at 2024-10-29" in parts["odds"][1]
    database.query("UPDATE data_readiness_weeks SET odds_fetch_failed = true, schedule_complete = false, game_logs_count = 9 WHERE week = 9")
    shown = subprocess.run([*ctl, "readiness"], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    for words in ("4 games, some are missing", "9 lines, not of every finished game", "the last fetch failed"):
        assert words in shown
    assert "reg 18" in subprocess.run([*ctl, "readiness", "-S", "2024"], capture_output=True, text=True, check=True).stdout
    assert subprocess.run([*ctl, "readiness", "-S", "2020", "3"], capture_output=True, check=False).returncode == 4
    assert subprocess.run([*ctl, "readiness", "19"], capture_output=True, check=False).returncode == 2


def test_readiness_without_a_database(make_instance):
    instance = make_instance().start()
    with pytest.raises(Exception, match="Database="):
        instance.call("readiness.show")
    ctl = subprocess.run([paths.BATCHCTL, "--socket", instance.path("run", "control.sock"), "readiness"], capture_output=True, text=True,
                         check=False)
    assert ctl.returncode == 8 and "Database=" in ctl.stderr


def test_a_first_run_before_the_tables(make_instance, player, own_postgres):
    """The run comes before the database can be reached and before the daemon has made the tables: it is tried again, and succeeds."""
    database = own_postgres.create_database()
    own_postgres.stop()
    batch = prepare(make_instance, player, database, "[Step rosters]\nRetryDelaySec=1s\nRetryBackoff=1\nRetries=30\n").start()
    run = batch.call("run.start", job="roster_refresh")["run_number"]
    until(lambda: batch.call("run.show", run=run)["steps"][0]["attempts"] >= 2, "the first attempt has failed")
    own_postgres.start()
    shown = until(lambda: ended(batch, run), "the run ends", 60)
    assert shown["run"]["status"] == "success", batch.log
    statuses = until(lambda: attempts_of(database), "all attempts are in PostgreSQL")
    assert len(statuses) >= 2 and set(statuses[:-1]) == {75}
    assert database.value("SELECT count(*) FROM players") > 0


def attempts_of(database):
    """The exit statuses, once the last is there."""
    statuses = [row[0] for row in database.query("SELECT exit_status FROM batch_execution_steps ORDER BY attempt")]
    return statuses if statuses and statuses[-1] == 0 else None


def ended(batch, run):
    shown = batch.call("run.show", run=run)
    return shown if shown["run"]["status"] not in ("queued", "running") else None
