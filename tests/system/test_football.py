"""batch-nfl on a real PostgreSQL: what a weekly update stores, and that a repetition changes nothing."""
import collections
import csv
import json
import math
import os
import sys
import urllib.request

import pytest

from batchtest import paths
from batchtest.football import DATA, HAS_DATA, LINE_COLUMNS, Football, install_tables

sys.path.insert(0, os.path.join(paths.SOURCE, "tests"))

from apiplayer.generated import generate_league  # noqa: E402

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
COMMANDS = ("rosters", "schedule", "game-logs", "odds", "predictions")
needs_data = pytest.mark.skipif(not HAS_DATA, reason=f"no recorded seasons in {DATA}")


@pytest.fixture
def football(player, database):
    install_tables(database)
    return Football(player, database.conninfo)


@pytest.fixture
def recorded(make_player, database):
    install_tables(database)
    return Football(make_player("--data", DATA), database.conninfo)


def rows(name):
    with open(os.path.join(DATA, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stored_lines(database):
    columns = ", ".join(LINE_COLUMNS)
    return {(row[0], row[1]): row[2:] for row in database.query(
        f"SELECT player_id, game_id, season_year, week, season_type, team, {columns} FROM game_logs")}


def expected_lines(lines):
    return {(line["espn_id"], line["game_id"]): (int(line["season"]), int(line["week"]), line["season_type"], line["team"],
                                                 *(int(line[column] or 0) for column in LINE_COLUMNS))
            for line in lines if line["espn_id"]}


def snapshot(database):
    """Every row of every table without the times at which they were written."""
    tables = {"players": "updated_at", "schedule": "updated_at", "game_logs": "", "game_log_sets": "stored_at",
              "sportsbook_odds": "fetched_at", "predictions": ""}
    return {table: database.query(f"SELECT (to_jsonb(t) - '{time}')::text FROM {table} t ORDER BY 1") for table, time in tables.items()}


def check_calls(football, results):
    assert sum(result.metrics["api_calls_made"] for result in results) == sum(football.player.counts().values())


@needs_data
def test_week_9_of_2024(recorded, database):
    """The week with real prices, twice."""
    first = {command: recorded.good(command, *WEEK_9) for command in COMMANDS}
    lines = [line for line in rows("player_weeks_2023_2024.csv")
             if line["season"] == "2024" and line["season_type"] == "reg" and int(line["week"]) <= 9]
    assert stored_lines(database) == expected_lines(lines)
    strangers = {line["player_name"] for line in lines if not line["espn_id"]}
    warning, = first["game-logs"].warnings("unknown_players")
    assert all(name in warning for name in strangers)

    prices = {(price["espn_id"], price["game_id"]): int(price["anytime_td_american"])
              for price in rows("anytime_td_odds_2024_w09.csv") if price["espn_id"]}
    assert len(prices) == 385
    for book in ("draftkings", "fanduel"):
        stored = database.query("SELECT player_id, game_id, anytime_td_odds FROM sportsbook_odds WHERE sportsbook = %s AND consensus "
                                "AND season_year = 2024 AND week = 9", (book,))
        assert {(row[0], row[1]): row[2] for row in stored} == prices
    assert first["odds"].metrics["odds_synced"] == 2 * len(prices) == first["odds"].records
    assert "4 players" in first["odds"].warnings("unknown_players")[0]

    games = [game for game in rows("games_2023_2024.csv") if game["season"] == "2024"]
    assert database.value("SELECT count(*) FROM schedule") == len(games) == 285
    played = {game["game_id"]: (int(game["away_score"]), int(game["home_score"])) for game in games
              if game["season_type"] == "reg" and int(game["week"]) <= 9}
    stored = database.query("SELECT game_id, away_score, home_score FROM schedule WHERE away_score IS NOT NULL")
    assert {row[0]: row[1:] for row in stored} == played

    predicted = database.value("SELECT count(*) FROM predictions WHERE season_year = 2024 AND week = 9 AND season_type = 'reg'")
    assert first["predictions"].metrics["predictions_generated"] == predicted > 300
    before = snapshot(database)
    second = {command: recorded.good(command, *WEEK_9) for command in COMMANDS}
    assert snapshot(database) == before
    assert second["game-logs"].metrics["api_calls_made"] == 0
    assert second["game-logs"].metrics["games_processed"] == 0
    assert "EXPECTED=0" in second["game-logs"].lines
    assert second["predictions"].metrics["predictions_skipped"] == predicted
    assert second["predictions"].metrics["predictions_generated"] == 0
    check_calls(recorded, [*first.values(), *second.values()])


@needs_data
def test_both_seasons_line_by_line(recorded, database):
    recorded.good("rosters")
    for season in ("2023", "2024"):
        recorded.good("schedule", "--season", season)
        result = recorded.good("game-logs", "--season", season, "--week", "4", "--season-type", "post")
        assert result.metrics["games_processed"] == 285
    assert stored_lines(database) == expected_lines(rows("player_weeks_2023_2024.csv"))
    scored = database.query("SELECT name, sum(receiving_td + rushing_td) FROM game_logs JOIN players USING (player_id) "
                            "WHERE season_type = 'reg' AND season_year = 2024 GROUP BY name ORDER BY 2 DESC LIMIT 1")
    assert scored == [("Jahmyr Gibbs", 20)]


@needs_data
def test_the_tuesday_before_week_9(recorded, database):
    """At its time the run detects its week, takes the games before it and looks at none that comes."""
    recorded.now = "2024-10-29T12:00:00Z"
    recorded.good("rosters")
    schedule = recorded.good("schedule")
    assert schedule.parameters == {"season": "2024", "week": "9", "season_type": "reg"}
    assert not schedule.values("WARNING")
    logs = recorded.good("game-logs")
    assert logs.parameters == {"season": "2024", "week": "9", "season_type": "reg"}
    assert database.value("SELECT max(week) FROM game_logs") == 8
    assert logs.metrics["games_processed"] == database.value("SELECT count(*) FROM schedule WHERE week <= 8 AND season_type = 'reg'")


@needs_data
def test_the_player_passes_recordings_through(recorded):
    folder = os.path.join(DATA, "boxscores")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file, \
                urllib.request.urlopen(f"{recorded.player.url}/getNFLBoxScore?gameID={name[:-5]}", timeout=30) as answer:
            assert answer.read() == file.read()


def test_derived_prices_are_always_the_same(make_player, player):
    game = generate_league().week_games(2024, "reg", 9)[1]["game_id"]
    path = f"getNFLBettingOdds?gameID={game}&playerProps=true"
    answers = []
    for other in (player, make_player("--generated", "--now", "2024-10-29T12:00:00Z")):
        with urllib.request.urlopen(f"{other.url}/{path}", timeout=30) as answer:
            answers.append(json.load(answer))
    assert answers[0] == answers[1]
    assert answers[0]["body"]["playerProps"]


def test_full_week(football, database):
    league = generate_league()
    first = {command: football.good(command, *WEEK_9) for command in COMMANDS}
    lines = [line for rows_of_game in league.lines.values() for line in rows_of_game
             if line["season_type"] == "reg" and int(line["week"]) <= 9]
    assert stored_lines(database) == expected_lines(lines)
    assert first["game-logs"].metrics["game_logs_added"] == len(lines) == first["game-logs"].records
    assert first["game-logs"].metrics["games_processed"] == 36
    assert first["schedule"].records == len(league.games) == database.value("SELECT count(*) FROM schedule")
    assert first["rosters"].records == len(league.players) == database.value("SELECT count(*) FROM players WHERE active_status")
    prices = sum(len(league.prices(game["game_id"])) for game in league.week_games(2024, "reg", 9))
    assert first["odds"].metrics["odds_synced"] == 2 * prices == database.value("SELECT count(*) FROM sportsbook_odds")
    receivers = sum(player["position"] in ("WR", "TE") for player in league.players)
    assert first["predictions"].metrics["predictions_generated"] == receivers == database.value("SELECT count(*) FROM predictions")
    assert not any(result.values("WARNING") for result in first.values())
    assert first["game-logs"].values("PROGRESS")[-1] == "36/36"
    assert "36 of 36 games stored" in first["game-logs"].out and not first["game-logs"].errors
    before = snapshot(database)
    second = {command: football.good(command, *WEEK_9) for command in COMMANDS}
    assert snapshot(database) == before
    assert second["predictions"].metrics["predictions_skipped"] == receivers
    check_calls(football, [*first.values(), *second.values()])


def test_predictions_use_earlier_games_only(football, database):
    """His chance in week 9 is the documented formula over the games of weeks 1 to 8, with week 9 stored as well."""
    for command in COMMANDS:
        football.good(command, *WEEK_9)
    lines = collections.defaultdict(list)
    for player, targets, scored in database.query(
            "SELECT player_id, targets, (receiving_td + rushing_td > 0)::integer FROM game_logs WHERE week < 9 ORDER BY week DESC"):
        lines[player].append((targets, scored))
    for player, position, chance, odds, favor in database.query(
            "SELECT player_id, position, td_likelihood, model_odds, favor FROM predictions JOIN players USING (player_id)"):
        usual, touchdown = {"WR": (3.4, 0.055), "TE": (2.4, 0.046)}[position]
        last = [(0.93**number, *line) for number, line in enumerate(lines[player][:10])]
        games = sum(weight for weight, _, _ in last)
        targets = (sum(weight * caught for weight, caught, _ in last) + 2 * usual) / (games + 2)
        expected = (sum(weight * scored for weight, _, scored in last) + 8 * (1 - math.exp(-touchdown * targets))) / (games + 8)
        assert chance == pytest.approx(expected, abs=1e-6)
        fair = 100 * (1 - chance) / chance if chance <= 0.5 else -100 * chance / (1 - chance)
        assert odds == pytest.approx(fair, abs=0.51)
        price = database.value("SELECT max(anytime_td_odds) FROM sportsbook_odds WHERE player_id = %s", (player,))
        if price is None:
            assert favor is None
        else:
            implied = 100 / (price + 100) if price > 0 else -price / (100 - price)
            assert favor == (chance > implied)


def test_predictions_are_never_rewritten(football, database):
    for command in COMMANDS:
        football.good(command, *WEEK_9)
    kept = database.value("UPDATE predictions SET td_likelihood = 0.5, model_odds = 100, created_at = '2020-01-01' "
                          "WHERE player_id = (SELECT min(player_id) FROM predictions) RETURNING player_id")
    database.query("DELETE FROM predictions WHERE player_id = (SELECT max(player_id) FROM predictions)")
    before = database.query("SELECT * FROM predictions WHERE player_id = %s", (kept,))
    result = football.good("predictions", *WEEK_9)
    assert database.query("SELECT * FROM predictions WHERE player_id = %s", (kept,)) == before
    assert result.metrics["predictions_generated"] == 1
    assert result.metrics["predictions_skipped"] == database.value("SELECT count(*) FROM predictions") - 1


@pytest.mark.parametrize("shape", ["single", "list", "map"])
def test_odds_in_every_shape(football, database, shape):
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    football.player.settings(odds_shape=shape)
    football.good("odds", *WEEK_9)
    league = generate_league()
    for game in league.week_games(2024, "reg", 9):
        expected = {(player, book, 100 if price == "even" else int(price), True)
                    for player, price in league.prices(game["game_id"]) for book in ("draftkings", "fanduel")}
        assert set(database.query("SELECT player_id, sportsbook, anytime_td_odds, consensus FROM sportsbook_odds WHERE game_id = %s",
                                  (game["game_id"],))) == expected


def test_odds_by_bookmaker(football, database):
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    football.player.settings(odds_shape="books")
    football.good("odds", *WEEK_9)
    assert database.value("SELECT bool_or(consensus) FROM sportsbook_odds") is False
    assert database.value("SELECT count(*) FROM sportsbook_odds d JOIN sportsbook_odds f USING (player_id, game_id) "
                          "WHERE d.sportsbook = 'draftkings' AND f.sportsbook = 'fanduel' "
                          "AND abs(f.anytime_td_odds - d.anytime_td_odds) = 5") > 20


def test_players_in_pages(football, database):
    football.player.settings(paged_players=True, fringe_players=2500)
    result = football.good("rosters")
    assert result.metrics["api_calls_made"] == 3
    assert result.records == database.value("SELECT count(*) FROM players") == 2564


def test_players_come_and_go(football, database):
    football.player.settings(fringe_players=10)
    football.good("rosters")
    football.player.settings(fringe_players=0)
    result = football.good("rosters")
    assert result.metrics["players_left"] == 10
    assert database.value("SELECT count(*) FROM players WHERE NOT active_status") == 10
    football.player.settings(fringe_players=10)
    football.good("rosters")
    assert database.value("SELECT count(*) FROM players WHERE NOT active_status") == 0


def test_half_a_list_marks_nobody(football, database):
    football.player.settings(fringe_players=100)
    football.good("rosters")
    football.player.settings(fringe_players=0)
    assert football.good("rosters").warnings("short_player_list")
    assert database.value("SELECT count(*) FROM players WHERE NOT active_status") == 0


def test_the_real_size_of_the_player_list(football, database):
    football.player.settings(fringe_players=4200)
    if not paths.SANITIZED:
        football.memory_limit = 48 << 20
    football.good("rosters")
    assert database.value("SELECT count(*) FROM players") == 4264


def test_unknown_players_are_named_once(football, database):
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    gone = database.query("DELETE FROM players WHERE player_id IN (SELECT player_id FROM players WHERE position = 'WR' "
                          "ORDER BY player_id LIMIT 3) RETURNING player_id, name")
    logs = football.good("game-logs", *WEEK_9)
    warning, = logs.warnings("unknown_players")
    assert warning.startswith("unknown_players: 3 players")
    assert all(f"{name} ({player})" in warning for player, name in gone)
    assert logs.metrics["players_skipped"] == 3
    skipped = database.value("SELECT sum(unknown_players) FROM game_log_sets")
    league = generate_league()
    assert skipped == sum(line["espn_id"] in dict(gone) and int(line["week"]) <= 9 and line["season_type"] == "reg"
                          for lines in league.lines.values() for line in lines)
    odds = football.good("odds", *WEEK_9)
    assert len(odds.warnings("unknown_players")) == 1


def test_a_moved_game_keeps_what_it_has(football, database):
    for command in COMMANDS:
        football.good(command, *WEEK_9)
    before = snapshot(database)
    game = database.value("SELECT min(game_id) FROM schedule WHERE week = 9")
    database.query("UPDATE schedule SET game_id = '20241030_' || substr(game_id, 10), game_date = '2024-10-30' WHERE game_id = %s", (game,))
    assert database.value("SELECT count(*) FROM sportsbook_odds WHERE game_id LIKE '20241030_%%'") > 0
    football.good("schedule", "--season", "2024")
    assert snapshot(database) == before


def test_two_updates_at_once(football, database):
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    for command in ("game-logs", "odds", "predictions"):
        both = [football.start(command, *WEEK_9) for _ in range(2)]
        for process in both:
            out, errors = process.communicate(timeout=paths.patience())
            assert process.returncode == 0, errors
    alone = snapshot(database)
    for command in ("game-logs", "odds", "predictions"):
        football.good(command, *WEEK_9)
    assert snapshot(database) == alone
    assert database.value("SELECT count(*) FROM game_logs") == database.value("SELECT sum(log_count) FROM game_log_sets")


def week_at(football, instant, **environment):
    result = football.good("week", "--json", BATCH_NOW=instant, **environment)
    return json.loads(result.out), result


def test_week_from_the_schedule(football):
    football.good("schedule", "--season", "2024")
    for instant, week in (("2024-10-29T03:59:59Z", 8), ("2024-10-29T04:00:00Z", 9), ("2024-11-05T04:59:59Z", 9),
                          ("2024-11-05T05:00:00Z", 10), ("2024-07-01T12:00:00Z", 1)):
        said, result = week_at(football, instant)
        assert (said["week"], said["source"], said["season_type"]) == (week, "schedule", "reg"), instant
        assert not result.values("WARNING")
        assert result.parameters == {"season": "2024", "week": str(week), "season_type": "reg"}


def test_week_without_an_answer_falls_back(football, database):
    said, result = week_at(football, "2024-10-29T12:00:00Z")
    assert said == {"season_year": 2024, "week": 9, "season_type": "reg", "source": "calendar"}
    assert "holds no game" in result.warnings("week_detection")[0]
    football.conninfo = "host=/nonexistent"
    said, result = week_at(football, "2025-01-12T12:00:00Z")
    assert said == {"season_year": 2024, "week": 1, "season_type": "post", "source": "calendar"}
    warning = result.warnings("week_detection")[0]
    assert "cannot be reached" in warning and "playoffs" in warning


def test_parameters_of_the_run(football, database):
    """The daemon's variables count like options, and options count more."""
    football.good("rosters")
    football.good("schedule", BATCH_PARAM_SEASON="2024")
    odds = football.good("odds", BATCH_PARAM_SEASON="2024", BATCH_PARAM_WEEK="3", BATCH_PARAM_SEASON_TYPE="reg")
    assert database.query("SELECT DISTINCT week FROM sportsbook_odds") == [(3,)]
    assert odds.parameters == {}
    football.good("odds", "--week=4", BATCH_PARAM_SEASON="2024", BATCH_PARAM_WEEK="3")
    assert database.query("SELECT DISTINCT week FROM sportsbook_odds ORDER BY 1") == [(3,), (4,)]
    post = football.good("odds", "--season=2024", "--week=1", "--season-type=post")
    assert post.records > 0
    result = football.run("odds", BATCH_PARAM_SEASON="2024", BATCH_PARAM_WEEK="19")
    assert result.status == 78 and "from 1 to 18" in result.errors


def test_usage():
    football = Football(None, None)
    for arguments in ([], ["nothing"], ["odds", "schedule"], ["odds", "--week=x"], ["odds", "--frob"], ["odds", "--week"]):
        result = football.run(*arguments)
        assert result.status == 64 and result.errors, arguments
    assert "predictions" in football.good("--help").out
    assert football.good("--version").out.startswith("batch-nfl ")
