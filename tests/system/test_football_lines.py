"""What the bookmakers expect of the games: read from the answers about odds, stored, and never lost or spoilt by a later answer."""
import os
import sys

import pytest

from batchtest import paths
from batchtest.football import Football, install_tables

sys.path.insert(0, os.path.join(paths.SOURCE, "tests"))

from apiplayer.generated import generate_league  # noqa: E402

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
LEAGUE = generate_league()


@pytest.fixture
def football(player, database):
    """Two days before week 9."""
    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = "2024-10-29T12:00:00Z"
    football.good("rosters")
    football.good("schedule", *WEEK_9)
    return football


def expected(books):
    return {(game["game_id"], book): (total, -favour) for game in LEAGUE.week_games(2024, "reg", 9)
            for total, favour in [LEAGUE.game_lines(game)] for book in books}


def stored(database):
    return {(row[0], row[1]): row[2:] for row in database.query("SELECT game_id, sportsbook, total, home_spread FROM game_lines")}


@pytest.mark.parametrize("shape", ("single", "list", "map", "books"))
def test_lines_in_every_shape(football, database, shape):
    """A book without lines (betmgm's empty object) has none."""
    football.player.settings(odds_shape=shape)
    football.good("odds", *WEEK_9)
    assert stored(database) == expected(("draftkings", "fanduel"))
    assert len(stored(database)) == 8
    home, away = database.query("SELECT home_points, away_points FROM game_expectations ORDER BY game_id")[0]
    (total, spread) = min(expected(("draftkings",)).items())[1]
    assert (home + away, away - home) == (total, spread)


def test_a_later_line_replaces_an_earlier_one_until_the_kickoff(football, database):
    def change(total):
        football.player.faults({"kind": "field", "endpoint": "getNFLBettingOdds", "name": "totalOver", "value": total})
        football.good("odds", *WEEK_9)
        return set(database.query("SELECT DISTINCT total FROM game_lines ORDER BY 1"))

    football.good("odds", *WEEK_9)
    assert change("51.5") == {(51.5,)}
    first, second = [row[0] for row in database.query("SELECT game_id FROM schedule WHERE week = 9 AND season_type = 'reg' ORDER BY kickoff LIMIT 2")]
    # The first game is under way, then over: its line stays; the others move.
    football.now = "2024-11-01T01:00:00Z"
    assert change("52.5") == {(51.5,), (52.5,)}
    assert database.query("SELECT DISTINCT total FROM game_lines WHERE game_id = %s", (first,)) == [(51.5,)]
    database.query("UPDATE schedule SET status = 'final' WHERE game_id = %s", (first,))
    assert change("53.5") == {(51.5,), (53.5,)}
    # A game without a line from before gets none while it is played, and the closing one after its end.
    database.query("DELETE FROM game_lines; UPDATE schedule SET kickoff = '2024-11-01T00:30:00Z', status = 'in_progress' WHERE game_id = %s",
                   (second,))
    change("54.5")
    assert database.value("SELECT count(*) FROM game_lines WHERE game_id = %s", (second,)) == 0
    database.query("UPDATE schedule SET status = 'final' WHERE game_id = %s", (second,))
    change("55.5")
    assert database.query("SELECT DISTINCT total FROM game_lines WHERE game_id = %s", (second,)) == [(55.5,)]


@pytest.mark.parametrize("name, value", (("totalOver", {"a": 1}), ("homeTeamSpread", "a lot"), ("totalOver", ""), ("homeTeamSpread", None)))
def test_what_is_no_line_leaves_the_old_one(football, database, name, value):
    """A price in the same answer is taken all the same."""
    football.good("odds", *WEEK_9)
    before = stored(database)
    other = {"totalOver": "totalUnder", "homeTeamSpread": "awayTeamSpread"}[name]
    database.query("TRUNCATE sportsbook_odds")
    football.player.faults({"kind": "field", "endpoint": "getNFLBettingOdds", "name": other, "value": value, "times": 0},
                           {"kind": "field", "endpoint": "getNFLBettingOdds", "name": name, "value": value})
    football.good("odds", *WEEK_9)
    assert stored(database) == before
    assert database.value("SELECT count(*) FROM sportsbook_odds") > 0


def test_backfill_brings_past_lines(football, database):
    """Also where the API has forgotten the prices of a game; those are asked for again when somebody asks."""
    football.now = "2024-11-12T12:00:00Z"
    football.good("schedule", *WEEK_9)
    football.player.faults({"kind": "field", "endpoint": "getNFLBettingOdds", "name": "playerProps", "value": [], "times": 8})
    football.player.settings(odds_shape="list")
    weeks = ("backfill-odds", "--season", "2024", "--from-week", "8", "--to-week", "9")
    football.good(*weeks)
    assert database.value("SELECT count(*) FROM sportsbook_odds") == 0
    assert database.value("SELECT count(DISTINCT game_id) FROM game_lines") == 8
    football.good(*weeks)
    assert database.value("SELECT count(DISTINCT game_id) FROM sportsbook_odds") == 8
    football.player.reset()
    football.good(*weeks)
    assert football.player.counts() == {}


def test_lines_of_a_moved_game_follow_it(football, database):
    football.good("odds", *WEEK_9)
    game = database.value("SELECT min(game_id) FROM game_lines")
    database.query("UPDATE schedule SET game_id = '20241231' || substr(game_id, 9) WHERE game_id = %s", (game,))
    assert database.value("SELECT count(*) FROM game_lines WHERE game_id = %s", ("20241231" + game[8:],)) == 2
