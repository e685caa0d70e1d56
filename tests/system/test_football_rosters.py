"""A roster refresh with its backfill: the lines of players who came late, and predictions for their past weeks."""
import pytest

from batchtest.football import Football, install_tables

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
LATE_WR, LATE_TE = "5000003", "5000006"


@pytest.fixture
def football(player, database):
    """Eight weeks are stored; two of BUF's players are unknown until the next refresh."""
    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = "2024-10-29T12:00:00Z"
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    database.query("DELETE FROM players WHERE player_id IN (%s, %s)", (LATE_WR, LATE_TE))
    football.good("game-logs", *WEEK_9)
    player.reset()
    return football


def lines_of(database, player):
    return database.query("SELECT week FROM game_logs WHERE player_id = %s ORDER BY week", (player,))


def test_new_players_get_their_lines_and_predictions(football, database):
    others = database.query("SELECT * FROM game_logs ORDER BY 1, 2")
    skipped = database.value("SELECT count(*) FROM game_log_sets WHERE unknown_players > 0")
    assert skipped == 8 and not lines_of(database, LATE_WR)
    football.good("rosters")
    football.player.reset()
    result = football.good("game-logs", *WEEK_9, "--new-players")
    assert football.player.counts() == {"getNFLBoxScore": skipped}, "no other game is read again"
    weeks = [row[0] for row in lines_of(database, LATE_WR)]
    assert len(weeks) > 4 and result.metrics["game_logs_added"] == len(weeks) + len(lines_of(database, LATE_TE))
    assert database.query("SELECT * FROM game_logs WHERE player_id NOT IN (%s, %s) ORDER BY 1, 2", (LATE_WR, LATE_TE)) == others
    assert database.value("SELECT sum(unknown_players) FROM game_log_sets") == 0

    database.query("INSERT INTO predictions (player_id, season_year, week, season_type, td_likelihood, model_odds, model_version) "
                   "VALUES (%s, 2024, %s, 'reg', 0.5, 100, 'kept')", (LATE_WR, weeks[4]))
    result = football.good("history", *WEEK_9)
    made = database.query("SELECT week, model_version FROM predictions WHERE player_id = %s ORDER BY week", (LATE_WR,))
    expected = [(week, "kept" if number == 4 else "limited-1" if number < 3 else "baseline-1") for number, week in enumerate(weeks) if number]
    assert made == expected
    assert database.value("SELECT count(*) FROM predictions WHERE player_id NOT IN (%s, %s)", (LATE_WR, LATE_TE)) == 0
    assert result.metrics["predictions_generated"] == database.value("SELECT count(*) FROM predictions") - 1 > 0
    before = database.query("SELECT * FROM predictions ORDER BY 1, 3")

    # All of it again: nothing is fetched, nothing changes.
    football.player.reset()
    football.good("rosters")
    football.good("game-logs", *WEEK_9, "--new-players")
    again = football.good("history", *WEEK_9)
    assert again.metrics["predictions_generated"] == 0
    assert football.player.counts() == {"getNFLPlayerList": 1}
    assert database.query("SELECT * FROM predictions ORDER BY 1, 3") == before


def test_earlier_games_of_the_season_alone_count(football, database):
    """The chance comes from up to ten lines before the week, whatever came after it and in other seasons."""
    football.good("rosters")
    football.good("game-logs", *WEEK_9, "--new-players")
    database.query("CREATE TABLE copy AS TABLE game_logs; UPDATE game_logs SET receiving_td = 3 WHERE week >= 7; "
                   "INSERT INTO schedule SELECT '2023' || substr(game_id, 5), 2023, week, season_type, game_date, kickoff, away_team, home_team, "
                   "1, 1, 'final', now() FROM schedule WHERE week = 2 AND season_type = 'reg'; "
                   "INSERT INTO game_logs SELECT player_id, '2023' || substr(game_id, 5), 2023, week, season_type, team, 1, 1, 1, 2, 0, 0, 0, 0 "
                   "FROM copy WHERE week = 2")
    football.good("history", *WEEK_9)
    changed = database.query("SELECT player_id, week, td_likelihood FROM predictions WHERE week <= 7 ORDER BY 1, 2")
    database.query("TRUNCATE predictions; DELETE FROM game_logs; INSERT INTO game_logs TABLE copy; "
                   "INSERT INTO game_logs_backfilled SELECT player_id, game_id FROM game_logs WHERE player_id IN (%s, %s)", (LATE_WR, LATE_TE))
    football.good("history", *WEEK_9)
    assert database.query("SELECT player_id, week, td_likelihood FROM predictions WHERE week <= 7 ORDER BY 1, 2") == changed


def test_an_interrupted_backfill_goes_on(football, database):
    football.good("rosters")
    football.player.reset()
    football.player.faults({"kind": "status", "status": 500, "endpoint": "getNFLBoxScore", "after": 3})
    assert football.run("game-logs", *WEEK_9, "--new-players", "--tries", "1", "--parallel", "1").status == 75
    assert database.value("SELECT count(*) FROM game_log_sets WHERE unknown_players > 0") == 5
    football.player.reset()
    football.good("game-logs", *WEEK_9, "--new-players")
    assert football.player.counts() == {"getNFLBoxScore": 5}
