"""batch-nfl readiness, integrity and backfill-odds: what is there, what is not, and how the last fetch went."""
import json
import uuid

import pytest

from batchtest.football import Football, install_tables
from batchtest.player import Player
from batchtest.wait import until

SEASON = ("--season", "2024")
WEEK_9 = (*SEASON, "--week", "9", "--season-type", "reg")
TUESDAY = "2024-10-29T12:00:00Z"
DOWN = {"kind": "status", "status": 503}
QUICK = ("--tries", "1")
RUN = str(uuid.uuid4())


@pytest.fixture
def football(player, database):
    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = TUESDAY
    football.good("rosters")
    football.good("schedule", *SEASON)
    return football


def week(database, number=9):
    rows = database.dicts("SELECT * FROM data_readiness WHERE (season_year, week, season_type) = (2024, %s, 'reg')", (number,))
    return rows[0] if rows else None


def test_every_column_follows_the_commands(football, database):
    row = week(database)
    assert row["schedule_complete"] and row["games_count"] == 4
    assert (row["game_logs_available"], row["game_logs_count"], row["odds_available"], row["odds_count"]) == (False, 0, False, 0)
    assert (row["odds_fetch_attempted"], row["odds_fetch_failed"], row["odds_last_fetched_at"]) == (False, False, None)
    assert (row["predictions_available"], row["predictions_count"], row["prediction_completeness_pct"]) == (False, 0, 0)
    assert row["expected_predictions_count"] == database.value(
        "SELECT count(*) FROM players WHERE active_status AND position IN ('WR', 'TE')") == 40
    assert 0 <= row["data_age_hours"] < 1

    football.good("game-logs", *WEEK_9, BATCH_RUN_ID=RUN)
    assert week(database, 8)["game_logs_available"]
    assert week(database, 8)["game_logs_count"] == database.value("SELECT count(*) FROM game_logs WHERE week = 8") > 0
    assert str(week(database, 8)["last_batch_id"]) == RUN, "a run touches each week that it stores lines of"
    assert week(database, 10)["last_batch_id"] is None

    football.good("odds", *WEEK_9, BATCH_RUN_ID=RUN)
    football.good("predictions", *WEEK_9)
    row = week(database)
    assert row["odds_available"] and row["odds_count"] == database.value("SELECT count(*) FROM sportsbook_odds") > 0
    assert (row["odds_fetch_attempted"], row["odds_fetch_failed"]) == (True, False)
    assert row["odds_last_fetched_at"].isoformat() == "2024-10-29T12:00:00+00:00"
    assert row["predictions_available"] and row["predictions_count"] == 40 and row["prediction_completeness_pct"] == 100
    assert str(row["last_batch_id"]) == RUN

    database.query("DELETE FROM predictions WHERE player_id IN (SELECT player_id FROM predictions ORDER BY 1 LIMIT 10)")
    shown = json.loads(football.good("readiness", *WEEK_9, "--json", BATCH_RUN_ID=str(uuid.uuid4())).out)
    assert shown["predictions_count"] == 30 and shown["prediction_completeness_pct"] == 75
    assert shown["last_batch_id"] == RUN, "looking is not touching"
    assert set(shown) == set(row)


def test_failed_is_not_the_same_as_not_tried(football, database):
    football.player.faults(dict(DOWN, endpoint="getNFLBettingOdds"))
    assert football.run("odds", *WEEK_9, *QUICK, BATCH_RUN_ID=RUN).status == 75
    row = week(database)
    assert (row["odds_fetch_attempted"], row["odds_fetch_failed"], row["odds_last_fetched_at"]) == (True, True, None)
    assert str(row["last_batch_id"]) == RUN
    assert not week(database, 10)["odds_fetch_attempted"]
    assert "the last fetch failed" in football.good("readiness", *WEEK_9).out
    assert "not fetched yet" in football.good("readiness", *SEASON, "--week", "10").out

    football.player.faults()
    football.good("odds", *WEEK_9)
    assert not week(database)["odds_fetch_failed"]
    football.player.faults({"kind": "empty", "endpoint": "getNFLBettingOdds"})
    football.good("odds", *SEASON, "--week", "10")
    row = week(database, 10)
    assert (row["odds_available"], row["odds_fetch_attempted"], row["odds_fetch_failed"]) == (False, True, False)
    assert row["odds_last_fetched_at"] is not None, "no prices were there, which is known"


def test_a_killed_fetch_has_failed(football, database):
    football.player.faults({"kind": "slow", "seconds": 20, "endpoint": "getNFLBettingOdds"})
    process = football.start("odds", *WEEK_9)
    until(lambda: week(database)["odds_fetch_attempted"], "the fetch has begun")
    process.kill()
    process.communicate()
    assert week(database)["odds_fetch_failed"]


def test_a_run_that_fails_early_has_touched_its_week(football, database):
    football.player.faults(dict(DOWN, endpoint="getNFLGamesForWeek"))
    assert football.run("schedule", *QUICK, BATCH_RUN_ID=RUN).status == 75
    assert str(week(database)["last_batch_id"]) == RUN


def test_a_schedule_with_a_hole(football, database):
    database.query("DELETE FROM game_log_sets; DELETE FROM schedule WHERE game_id = (SELECT min(game_id) FROM schedule WHERE week = 9 "
                   "AND season_type = 'reg')")
    football.good("readiness", *WEEK_9)
    assert not week(database)["schedule_complete"] and week(database)["games_count"] == 3
    assert week(database, 10)["schedule_complete"]


def test_backfill_odds(football, database):
    """Weeks without prices are notes; a repetition asks for nothing that cannot change."""
    football.now = "2024-12-01T12:00:00Z"
    football.good("game-logs", *SEASON, "--week", "12", "--season-type", "reg")
    database.query("UPDATE schedule SET status = 'final' WHERE week <= 12 AND season_type = 'reg'")
    football.player.reset()
    first = database.value("SELECT min(game_date) FROM schedule WHERE week = 3 AND season_type = 'reg'").strftime("%Y%m")
    days = [row[0] for row in database.query("SELECT DISTINCT left(game_id, 8) FROM schedule WHERE week = 3 AND season_type = 'reg'")]
    assert first == "202409"
    football.player.faults(*[{"kind": "empty", "endpoint": "getNFLBettingOdds", "match": day} for day in days])
    result = football.good("backfill-odds", *SEASON, "--from-week", "2", "--to-week", "4")
    assert "week 3: no prices for 4 of 4 games" in result.values("NOTE")[0]
    assert not result.values("WARNING")
    assert result.records == result.metrics["odds_synced"] == database.value("SELECT count(*) FROM sportsbook_odds") > 0
    assert football.player.counts() == {"getNFLBettingOdds": 12}
    assert result.values("PROGRESS")[-1] == "12/12"
    assert [week(database, number)["odds_available"] for number in (2, 3, 4)] == [True, False, True]

    football.player.reset()
    again = football.good("backfill-odds", *SEASON, BATCH_PARAM_FROM_WEEK="2", BATCH_PARAM_TO_WEEK="4")
    assert football.player.counts() == {"getNFLBettingOdds": 4} and again.metrics["odds_synced"] > 0


def test_backfill_odds_checks_the_schedule_first(football, database):
    database.query("DELETE FROM schedule WHERE week IN (5, 6)")
    football.player.reset()
    result = football.run("backfill-odds", *SEASON, "--from-week", "4", "--to-week", "7")
    assert result.status == 65 and "week 5, 6: run `batch-nfl schedule --season 2024` first" in result.errors
    assert football.player.counts() == {} and database.value("SELECT count(*) FROM sportsbook_odds") == 0


@pytest.mark.parametrize("arguments, words", [((), "which weeks"), (("--from-week", "5", "--to-week", "4"), "comes after"),
                                              (("--from-week", "4", "--to-week", "5", "--season-type", "post"), "1 to 4")])
def test_backfill_odds_wants_a_range(football, arguments, words):
    result = football.run("backfill-odds", *SEASON, *arguments)
    assert result.status == 78 and words in result.errors


def test_backfill_odds_goes_on_after_a_failure(football, database):
    """What came before the failure is stored, and what is over and stored is not asked for again."""
    football.now = "2024-12-01T12:00:00Z"
    database.query("UPDATE schedule SET status = 'final' WHERE week <= 12 AND season_type = 'reg'")
    football.player.faults(dict(DOWN, endpoint="getNFLBettingOdds", match="202409", after=6))
    assert football.run("backfill-odds", *SEASON, "--from-week", "1", "--to-week", "3", *QUICK).status == 75
    stored = database.value("SELECT count(*) FROM sportsbook_odds")
    assert stored > 0
    football.player.reset()
    football.good("backfill-odds", *SEASON, "--from-week", "1", "--to-week", "3")
    assert sum(football.player.counts().values()) <= 12 - 4
    assert database.value("SELECT count(DISTINCT game_id) FROM sportsbook_odds") == 12


# What breaks the data, and the finding that must name it.
GAPS = [
    ("DELETE FROM game_log_sets WHERE game_id = '{game}'", "games_without_logs", "{game}"),
    ("DELETE FROM game_logs WHERE (game_id, player_id) = ('{game}', (SELECT min(player_id) FROM game_logs WHERE game_id = '{game}'))",
     "incomplete_logs", "{game}"),
    ("UPDATE game_log_sets SET unknown_players = 2 WHERE game_id = '{game}'", "unknown_players", "{game} (2)"),
    ("UPDATE schedule SET home_score = NULL WHERE game_id = '{game}'", "missing_scores", "{game}"),
    ("DELETE FROM sportsbook_odds WHERE week = 2", "weeks_without_odds", "2024 reg week 2"),
    ("DELETE FROM sportsbook_odds WHERE game_id = '{game}'", "games_without_odds", "{game}"),
    ("DELETE FROM predictions WHERE week = 2", "weeks_without_predictions", "2024 reg week 2"),
    ("DELETE FROM sportsbook_odds WHERE game_id = '{late}'; DELETE FROM schedule WHERE game_id = '{late}'", "games_missing", "2024 {team} ("),
    ("INSERT INTO schedule SELECT '20240917' || substr(game_id, 9), season_year, week, season_type, '2024-09-17', NULL, away_team, home_team, 1, "
     "1, 'postponed', now() FROM schedule WHERE game_id = '{game}'; UPDATE schedule SET status = 'scheduled' WHERE game_id LIKE '20240917%%'",
     "duplicate_games", "20240917"),
    ("INSERT INTO players SELECT 'x1', name, position, team, true FROM players WHERE player_id = '{player}'", "duplicate_players", "x1"),
    ("INSERT INTO sportsbook_odds SELECT player_id, game_id, 'DraftKings', season_year, week, 150, true, now() FROM sportsbook_odds "
     "WHERE sportsbook = 'draftkings' AND game_id = '{game}' LIMIT 1", "duplicate_odds", "DraftKings, draftkings"),
    ("UPDATE game_logs SET week = 7 WHERE game_id = '{game}'", "misplaced_logs", "{game}"),
    ("UPDATE sportsbook_odds SET week = 7 WHERE game_id = '{game}'", "misplaced_odds", "{game}"),
    ("UPDATE players SET team = 'XXX' WHERE player_id = '{player}'", "unknown_teams", "(XXX)"),
]


@pytest.fixture(scope="module")
def whole(postgres):
    """Two weeks of which nothing is missing."""
    database, player = postgres.create_database(), Player("--generated")
    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = "2024-09-19T12:00:00Z"
    football.good("rosters")
    football.good("schedule", *SEASON)
    football.good("game-logs", *SEASON, "--week", "2")
    football.good("backfill-odds", *SEASON, "--from-week", "1", "--to-week", "2")
    for number in "12":
        football.good("predictions", *SEASON, "--week", number)
    yield football, database
    player.remove()
    database.remove()


@pytest.mark.parametrize("sql, category, words", GAPS, ids=[gap[1] for gap in GAPS])
def test_integrity_names_each_gap(whole, sql, category, words):
    football, database = whole
    result = football.run("integrity", *SEASON)
    assert result.status == 0 and not result.values("WARNING"), result.out
    names = {"game": database.value("SELECT min(game_id) FROM schedule WHERE week = 2 AND season_type = 'reg'"),
             "late": database.value("SELECT min(game_id) FROM schedule WHERE week = 9 AND season_type = 'reg'"),
             "player": database.value("SELECT min(player_id) FROM players WHERE position = 'WR'")}
    names["team"] = names["late"][9:].split("@")[0]
    copies = ("players", "schedule", "game_logs", "game_logs_backfilled", "game_log_sets", "sportsbook_odds", "game_lines", "predictions")
    for table in copies:
        database.query(f"CREATE TABLE copy_{table} AS TABLE {table}")
    try:
        database.query(sql.format(**names).replace("%%", "%"))
        result = football.run("integrity", *SEASON)
        assert result.status == 1, result.out + result.errors
        assert len(result.warnings(category)) == 1 and words.format(**names) in result.warnings(category)[0], result.out
        assert words.format(**names) in result.out
        assert json.loads(result.values("RESULT")[0])[category] > 0
        assert result.metrics["findings"] > 0
        # Another season has no such gap.
        assert category in ("duplicate_players", "unknown_teams") or football.run("integrity", "--season", "2023").status == 0
    finally:
        database.query("TRUNCATE " + ", ".join(copies))
        for table in copies:
            database.query(f"INSERT INTO {table} SELECT * FROM copy_{table}; DROP TABLE copy_{table}")


def test_what_is_to_come_is_no_gap(football):
    football.now = "2024-09-01T12:00:00Z"
    assert football.run("integrity", *SEASON).status == 0
