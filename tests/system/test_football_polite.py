"""What batch-nfl costs the API: distances, requests at once, the plan's calls, and nothing fetched twice without need."""
import pytest

from batchtest.football import Football, install_tables

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
RANGE = ("--season", "2024", "--from-week", "7", "--to-week", "9")


@pytest.fixture
def football(player, database):
    """Week 9 of the generated league is over; nothing of it is stored but players and schedule."""
    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = "2024-11-12T12:00:00Z"
    football.good("rosters")
    football.good("schedule", *WEEK_9)
    football.player.reset()
    return football


def check_calls(football, *results):
    assert sum(result.metrics["api_calls_made"] for result in results) == sum(football.player.counts().values())


def test_distance_between_requests(football):
    """From one request to the next, however many may run at once."""
    result = football.good("game-logs", *WEEK_9, "--delay", "60ms", "--parallel", "8")
    _, gaps = football.player.traffic()
    assert len(gaps) == 35 and min(gaps) > 0.045, sorted(gaps)[:5]
    check_calls(football, result)


@pytest.mark.parametrize("parallel", (1, 3))
def test_requests_at_once(football, parallel):
    football.player.faults({"kind": "slow", "seconds": 0.1})
    result = football.good("backfill-odds", *RANGE, "--parallel", str(parallel))
    peak, _ = football.player.traffic()
    assert peak == parallel
    check_calls(football, result)


def test_six_at_once_unless_asked(football):
    football.player.faults({"kind": "slow", "seconds": 0.1})
    football.good("game-logs", *WEEK_9)
    assert football.player.traffic()[0] == 6


def test_a_tenth_of_the_plan_is_early_enough(football):
    football.player.settings(quota=[1000, 136, 7380])
    result = football.good("game-logs", *WEEK_9)
    warning, = result.warnings("quota")
    assert warning == ("quota: 100 of the plan's 1000 calls are left, until it is full again in 2h 3min; this command made 36")
    assert "100 of the plan's 1000 calls are left" in result.errors


@pytest.mark.parametrize("quota, options, words", [
    ([1000, 137, 60], (), None),
    ([1000, 500, 60], ("--quota-warning", "464"), "464 of the plan's 1000 calls are left, until it is full again in 1min"),
    ([1000, 40, 60], ("--quota-warning", "0"), None),
    ([1000, 36, 60], ("--quota-warning", "0"), "none of the plan's 1000 calls are left, until"),
    ([1000, 37, 60], (), "1 of the plan's 1000 calls is left"),
    # Metered plans go on, and say how far beyond.
    ([1000, -378, 60], (), "none of the plan's 1000 calls are left (414 were made beyond it), until"),
    ([None, 86, None], (), "50 of the plan's calls are left; this command made 36"),
    ([None, 87, None], (), None),
    ([None, None, None], (), None),
])
def test_warning_of_the_quota(football, quota, options, words):
    football.player.settings(quota=[quota[0], 99999 if quota[1] is None else quota[1], quota[2]])
    if quota[1] is None:
        football.player.settings(quota=[None, 10**9, None])
    result = football.good("game-logs", *WEEK_9, "--parallel", "1", *options)
    warnings = result.warnings("quota")
    assert len(warnings) == (words is not None), warnings
    assert words is None or words in warnings[0]


def test_nothing_is_fetched_twice_without_need(football):
    """What changes no more is not asked for again; what does costs what it must."""
    first = [football.good(*command) for command in (("game-logs", *WEEK_9), ("backfill-odds", *RANGE))]
    assert football.player.counts() == {"getNFLBoxScore": 36, "getNFLBettingOdds": 12}
    check_calls(football, *first)
    football.player.reset()
    again = [football.good(*command) for command in (("game-logs", *WEEK_9), ("backfill-odds", *RANGE), ("game-logs", *WEEK_9, "--new-players"),
                                                     ("predictions", *WEEK_9), ("history", *WEEK_9), ("readiness", *WEEK_9))]
    assert football.player.counts() == {}
    assert all(result.metrics["api_calls_made"] == 0 for result in again)
    # The next week asks for its own games alone.
    football.good("game-logs", "--season", "2024", "--week", "10")
    assert football.player.counts() == {"getNFLBoxScore": 4}
    football.player.reset()
    results = [football.good("rosters"), football.good("schedule", *WEEK_9), football.good("odds", *WEEK_9)]
    assert football.player.counts() == {"getNFLPlayerList": 1, "getNFLGamesForWeek": 5, "getNFLBettingOdds": 4}
    check_calls(football, *results)


def test_a_box_score_again_when_asked(football, database):
    """A correction by the league: the week's stored games are read again, and no other."""
    football.good("game-logs", *WEEK_9)
    before = database.query("SELECT player_id, game_id, receiving_td FROM game_logs ORDER BY 1, 2")
    week = {row[0] for row in database.query("SELECT game_id FROM schedule WHERE week = 9 AND season_type = 'reg'")}
    football.player.reset()
    football.player.faults({"kind": "field", "name": "recTD", "value": "3"})
    football.good("game-logs", *WEEK_9)
    assert football.player.counts() == {}
    result = football.good("game-logs", *WEEK_9, "--again")
    assert football.player.counts() == {"getNFLBoxScore": 4}
    check_calls(football, result)
    after = database.query("SELECT player_id, game_id, receiving_td FROM game_logs ORDER BY 1, 2")
    assert [row[:2] for row in after] == [row[:2] for row in before]
    changed = {now[1] for now, then in zip(after, before) if now != then}
    assert changed == week and result.metrics["game_logs_added"] == 0
    assert database.value("SELECT count(*) FROM game_logs_backfilled") == 0
    football.player.faults()
    football.good("game-logs", *WEEK_9, BATCH_PARAM_AGAIN="yes")
    assert database.query("SELECT player_id, game_id, receiving_td FROM game_logs ORDER BY 1, 2") == before
    assert football.run("game-logs", *WEEK_9, BATCH_PARAM_AGAIN="perhaps").status == 78


def test_calls_are_counted_whatever_becomes_of_them(football):
    """Also those of a command that fails, of repetitions, and of requests under way when it ends."""
    football.player.faults({"kind": "reset", "times": 2}, {"kind": "status", "status": 500, "times": 3}, {"kind": "truncate", "times": 2},
                           {"kind": "status", "status": 403, "body": '{"message": "You are not subscribed to this API."}', "after": 20})
    result = football.run("game-logs", *WEEK_9, "--parallel", "5")
    assert result.status == 78, result.errors
    check_calls(football, result)
