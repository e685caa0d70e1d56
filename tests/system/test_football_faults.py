"""batch-nfl when the API or the database misbehaves: clear errors by class, nothing lost, the rest goes on."""
import time

import pytest

from batchtest import paths
from batchtest.football import Football, install_tables
from batchtest.player import Player
from batchtest.wait import until

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
QUICK = ("--tries", "2", "--timeout", "1s")

TOO_MANY = '{"message": "Too many requests"}'
QUOTA = '{"message": "You have exceeded the MONTHLY quota for Requests on your current plan, BASIC."}'


@pytest.fixture(scope="module")
def one_player():
    made = Player("--generated")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def stored(postgres, one_player):
    """Players and schedule, as each test of `football` finds them in a database of its own."""
    made = postgres.create_database()
    install_tables(made)
    football = Football(one_player, made.conninfo)
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    yield made
    made.remove()


@pytest.fixture
def database(postgres, request):
    made = postgres.create_database(request.getfixturevalue("stored") if "football" in request.fixturenames else None)
    yield made
    made.remove()


@pytest.fixture
def football(one_player, database):
    one_player.reset()
    return Football(one_player, database.conninfo)


def odds(database):
    return database.query("SELECT player_id, game_id, sportsbook, anytime_td_odds, consensus, fetched_at FROM sportsbook_odds ORDER BY 1, 2, 3")


def check_calls(football, *results):
    assert sum(result.metrics["api_calls_made"] for result in results) == sum(football.player.counts().values())


# Fault, exit status, words of the error.
BROKEN = [
    ({"kind": "status", "status": 429, "body": TOO_MANY}, 75, "429"),
    ({"kind": "status", "status": 429}, 75, "429"),
    ({"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}}, 75, "429"),
    ({"kind": "status", "status": 429, "body": QUOTA}, 75, "quota"),
    ({"kind": "status", "status": 500, "body": "oops"}, 75, "500"),
    ({"kind": "status", "status": 503}, 75, "503"),
    ({"kind": "status", "status": 401, "body": '{"message": "Invalid API key"}'}, 78, "Invalid API key"),
    ({"kind": "status", "status": 403, "body": '{"message": "You are not subscribed to this API."}'}, 78, "not subscribed"),
    ({"kind": "status", "status": 404}, 78, "TANK01_BASE_URL"),
    ({"kind": "status", "status": 302}, 65, "302"),
    ({"kind": "timeout", "seconds": 3}, 75, "timed out"),
    ({"kind": "reset"}, 75, "first 2024"),
    ({"kind": "truncate"}, 75, "first 2024"),
    ({"kind": "nonjson"}, 75, "no JSON"),
    ({"kind": "wrong_types"}, 65, "none of 4"),
    ({"kind": "field", "name": "playerProps", "value": "text"}, 65, "playerProps is a string"),
    ({"kind": "field", "name": "gameID", "value": "20241103_XX@YY"}, 65, "another game"),
]


@pytest.mark.parametrize("fault, status, words", BROKEN, ids=[f"{fault['kind']}-{number}" for number, (fault, _, _) in enumerate(BROKEN)])
def test_broken_odds_leave_the_old_ones(football, database, fault, status, words):
    football.good("odds", *WEEK_9)
    before = odds(database)
    assert before
    football.player.reset()
    football.player.faults(dict(fault, endpoint="getNFLBettingOdds"))
    result = football.run("odds", *WEEK_9, *QUICK)
    assert result.status == status, result.errors
    assert words in result.errors
    assert odds(database) == before
    assert result.metrics["errors_encountered"] > 0
    assert result.values("ERROR_CLASS") == ["transient" if status == 75 else "permanent"]
    check_calls(football, result)


@pytest.mark.parametrize("fault", [
    {"kind": "error200", "error": "Your query returned no results."}, {"kind": "error200", "error": "bad gameID", "body": []},
    {"kind": "empty"}, {"kind": "empty", "body": []}, {"kind": "empty", "missing": True},
    {"kind": "field", "name": "playerProps", "value": []}, {"kind": "field", "name": "propBets", "value": {}},
    {"kind": "field", "name": "anytd", "value": ""}], ids=str)
def test_a_week_without_prices_is_a_note(football, database, fault):
    football.good("odds", *WEEK_9)
    before = odds(database)
    football.player.faults(dict(fault, endpoint="getNFLBettingOdds"))
    result = football.good("odds", *WEEK_9)
    assert odds(database) == before
    assert result.records == 0 and "EXPECTED=0" in result.lines
    assert "4 of 4 games" in result.values("NOTE")[0]
    assert not result.values("WARNING")


def test_half_a_slate(football, database):
    """What came is stored; what did not come keeps its old prices; the step says that it is not done."""
    football.good("odds", *WEEK_9)
    before = odds(database)
    database.query("UPDATE sportsbook_odds SET anytime_td_odds = 9999, fetched_at = '2020-01-01'")
    football.player.reset()
    football.player.faults({"kind": "status", "status": 500, "match": "20241103_"})
    result = football.run("odds", *WEEK_9, *QUICK)
    assert result.status == 75 and "2 of 4 failed" in result.errors and result.metrics["errors_encountered"] == 2
    assert database.query("SELECT DISTINCT anytime_td_odds FROM sportsbook_odds WHERE game_id LIKE '20241103_%%'") == [(9999,)]
    assert database.value("SELECT count(*) FROM sportsbook_odds WHERE game_id NOT LIKE '20241103_%%' AND anytime_td_odds = 9999") == 0
    check_calls(football, result)
    football.player.faults()
    football.good("odds", *WEEK_9)
    assert [row[:5] for row in odds(database)] == [row[:5] for row in before]


def test_a_moment_of_trouble_passes(football, database):
    """Each kind of trouble that may pass, once a request: the repetition brings everything."""
    kinds = [{"kind": "status", "status": 500}, {"kind": "status", "status": 429}, {"kind": "truncate"}, {"kind": "nonjson"},
             {"kind": "reset"}, {"kind": "timeout", "seconds": 3}]
    football.player.faults(*[dict(kind, times=1) for kind in kinds])
    result = football.good("game-logs", *WEEK_9, "--timeout", "1s")
    assert result.metrics["games_processed"] == 36
    assert football.player.counts()["getNFLBoxScore"] == 36 + len(kinds)
    assert result.metrics["errors_encountered"] == 0
    check_calls(football, result)


def test_retry_after_is_honoured(football):
    football.player.faults({"kind": "status", "status": 429, "times": 1, "headers": {"Retry-After": "2"}})
    began = time.monotonic()
    result = football.good("odds", *WEEK_9, "--parallel", "1")
    assert time.monotonic() - began > 1.9
    check_calls(football, result)


def test_an_exhausted_quota_is_not_asked_again(football):
    football.player.faults({"kind": "status", "status": 429, "body": QUOTA})
    result = football.run("game-logs", *WEEK_9, "--parallel", "2")
    assert result.status == 75
    assert "quota is used up" in result.errors
    assert sum(football.player.counts().values()) <= 2
    check_calls(football, result)


def test_slow_answers_are_waited_for(football):
    football.player.faults({"kind": "slow", "seconds": 1, "times": 2})
    assert football.good("odds", *WEEK_9).records > 0


def test_delay_between_requests(football):
    began = time.monotonic()
    football.good("odds", *WEEK_9, "--delay", "300ms")
    assert time.monotonic() - began > 0.9


def test_parallel_requests_overlap(football, make_player):
    football.player = make_player("--generated")  # one that nobody has left a request at
    football.player.faults({"kind": "slow", "seconds": 1})
    football.good("odds", *WEEK_9, "--parallel", "4")
    assert football.player.traffic()[0] > 1


def test_one_bad_box_score_is_a_warning(football, database):
    game = database.value("SELECT min(game_id) FROM schedule WHERE week = 3")
    football.player.faults({"kind": "wrong_types", "match": game})
    result = football.good("game-logs", *WEEK_9)
    warning, = result.warnings("unusable_data")
    assert game in warning
    assert result.metrics["games_processed"] == 35
    assert database.value("SELECT count(*) FROM game_logs WHERE game_id = %s", (game,)) == 0
    football.player.faults()
    again = football.good("game-logs", *WEEK_9)
    assert again.metrics["games_processed"] == again.metrics["api_calls_made"] == 1


@pytest.mark.parametrize("name, value", [("recYds", "many"), ("targets", {"a": 1}), ("rushTD", "1.5"), ("homePts", [1]),
                                         ("playerStats", "text"), ("gameID", "20240101_A@B"), ("carries", "999999")])
def test_wrong_types_in_box_scores(football, database, name, value):
    football.player.faults({"kind": "field", "name": name, "value": value})
    result = football.run("game-logs", *WEEK_9)
    assert result.status == 65, result.errors
    assert "none of 36 can be used" in result.errors
    assert database.value("SELECT count(*) FROM game_logs") == 0
    assert database.value("SELECT count(*) FROM game_log_sets") == 0


def test_some_box_scores_later(football, database):
    """Those that came are stored; the next run asks for the others only."""
    football.player.faults({"kind": "status", "status": 500, "match": "202410"})
    result = football.run("game-logs", *WEEK_9, *QUICK)
    missing = database.value("SELECT count(*) FROM schedule WHERE week <= 9 AND season_type = 'reg' AND game_id LIKE '202410%%'")
    assert result.status == 75 and f"{missing} of 36 failed" in result.errors
    assert result.metrics["games_processed"] == 36 - missing
    football.player.reset()
    again = football.good("game-logs", *WEEK_9)
    assert football.player.counts() == {"getNFLBoxScore": missing}
    assert again.metrics["games_processed"] == missing


def test_killed_in_the_middle(football, database):
    """What is stored is whole, and is not fetched again."""
    football.player.faults({"kind": "slow", "seconds": 0.2})
    process = football.start("game-logs", *WEEK_9, "--parallel", "1")
    until(lambda: database.value("SELECT count(*) FROM game_log_sets") > 0, "a first part is stored")
    process.kill()
    process.communicate()
    stored = database.value("SELECT count(*) FROM game_log_sets")
    assert 0 < stored < 36
    assert database.value("SELECT count(*) FROM game_logs") == database.value("SELECT sum(log_count) FROM game_log_sets")
    football.player.reset()
    again = football.good("game-logs", *WEEK_9)
    assert again.metrics["games_processed"] == 36 - stored == football.player.counts()["getNFLBoxScore"]


@pytest.mark.parametrize("fault, status", [
    ({"kind": "wrong_types"}, 65), ({"kind": "empty", "body": []}, 75), ({"kind": "status", "status": 500}, 75),
    ({"kind": "field", "name": "gameID", "value": "nonsense"}, 65), ({"kind": "field", "name": "season", "value": "1999"}, 65),
    ({"kind": "field", "name": "gameTime_epoch", "value": "soon"}, 65), ({"kind": "field", "name": "away", "value": None}, 65),
    ({"kind": "truncate"}, 75)], ids=str)
def test_a_broken_schedule_changes_nothing(football, database, fault, status):
    before = database.query("SELECT * FROM schedule ORDER BY 1")
    football.player.faults(dict(fault, endpoint="getNFLGamesForWeek"))
    result = football.run("schedule", "--season", "2024", *QUICK)
    assert result.status == status, result.errors
    assert database.query("SELECT * FROM schedule ORDER BY 1") == before


@pytest.mark.parametrize("fault, status", [
    ({"kind": "wrong_types"}, 65), ({"kind": "empty"}, 75), ({"kind": "truncate"}, 75), ({"kind": "nonjson"}, 75),
    ({"kind": "field", "name": "playerID", "value": None}, 65), ({"kind": "field", "name": "longName", "value": 3}, 0)], ids=str)
def test_a_broken_player_list_changes_nothing(football, database, fault, status):
    before = database.query("SELECT * FROM players ORDER BY 1")
    football.player.faults(dict(fault, endpoint="getNFLPlayerList"))
    result = football.run("rosters", *QUICK)
    assert result.status == status, result.errors
    assert database.query("SELECT * FROM players ORDER BY 1") == before


def test_postponed_games_are_no_finished_ones(football, database):
    football.player.faults({"kind": "field", "name": "gameStatus", "value": "Postponed"})
    football.good("schedule", "--season", "2024")
    assert database.query("SELECT DISTINCT status FROM schedule") == [("postponed",)]
    football.player.faults()
    assert football.good("game-logs", *WEEK_9).metrics["games_processed"] == 0


def test_what_must_come_first_is_said(player, database):
    install_tables(database)
    football = Football(player, database.conninfo)
    for command in ("game-logs", "odds", "predictions"):
        result = football.run(command, *WEEK_9)
        assert result.status == 65 and "batch-nfl schedule" in result.errors, result.errors
        assert result.metrics["errors_encountered"] == 1
    football.good("schedule", "--season", "2024")
    for command in ("game-logs", "odds", "predictions"):
        result = football.run(command, *WEEK_9)
        assert result.status == 65 and "batch-nfl rosters" in result.errors
    assert database.value("SELECT count(*) FROM game_log_sets") == 0


def test_keys_and_addresses(player, database):
    install_tables(database)
    football = Football(player, database.conninfo)
    for address, words in (("http://example.net", "https://"), ("https://localhost:1", "TANK01_API_KEY")):
        result = football.run("rosters", TANK01_BASE_URL=address, TANK01_API_KEY="")
        assert result.status == 78 and words in result.errors, result.errors
    result = football.run("rosters", *QUICK, TANK01_BASE_URL="http://127.0.0.1:1")
    assert result.status == 75
    assert result.metrics["api_calls_made"] == 0


def test_no_proxy_for_this_machine(football):
    assert football.good("odds", *WEEK_9, http_proxy="http://127.0.0.1:1", all_proxy="http://127.0.0.1:1").records > 0


def test_a_wrong_key(make_player, database):
    install_tables(database)
    football = Football(make_player("--generated", "--key", "another"), database.conninfo)
    result = football.run("rosters")
    assert result.status == 78 and "key or the subscription" in result.errors


def test_database_errors(own_postgres, player):
    database = own_postgres.create_database()
    football = Football(player, database.conninfo)
    result = football.run("rosters")
    # Not a mistake: the daemon makes them in a moment.
    assert result.status == 75 and "tables are missing or older" in result.errors and "transient" in result.values("ERROR_CLASS")
    install_tables(database)
    football.good("rosters")
    database.query("CREATE OR REPLACE FUNCTION football_schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 99'")
    result = football.run("rosters")
    assert result.status == 78 and "version 99" in result.errors
    database.query("CREATE OR REPLACE FUNCTION football_schema_version() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    database.query("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    football.conninfo = database.conninfo.replace("user=batchd", "user=reader")
    result = football.run("rosters")
    assert result.status == 78 and "lacks a right" in result.errors
    for wrong in ("dbname=absent", "user=nobody_here", "frob=1"):
        football.conninfo = f"{database.conninfo} {wrong}"
        result = football.run("rosters")
        assert result.status == 78 and "PostgreSQL" in result.errors, result.errors
    database.query(f"ALTER DATABASE \"{database.name}\" SET default_transaction_read_only = on")
    football.conninfo = database.conninfo
    assert football.run("rosters").status == 75
    own_postgres.stop()
    result = football.run("rosters")
    assert result.status == 75 and "cannot be reached" in result.errors


def test_the_database_goes_away_in_the_middle(own_postgres, player):
    """Nothing is half written, and the next run finishes."""
    database = own_postgres.create_database()
    install_tables(database)
    football = Football(player, database.conninfo)
    football.good("rosters")
    football.good("schedule", "--season", "2024")
    player.faults({"kind": "slow", "seconds": 0.2})
    process = football.start("game-logs", *WEEK_9, "--parallel", "1")
    until(lambda: database.value("SELECT count(*) FROM game_log_sets") > 0, "a first part is stored")
    own_postgres.stop()
    _, errors = process.communicate(timeout=paths.patience())
    assert process.returncode == 75, errors
    own_postgres.start()
    assert database.value("SELECT count(*) FROM game_logs") == database.value("SELECT sum(log_count) FROM game_log_sets")
    player.faults()
    football.good("game-logs", *WEEK_9)
    assert database.value("SELECT count(*) FROM game_log_sets") == 36


def test_a_refused_write_leaves_the_old_odds(football, database):
    """The transaction as a whole fails, at its last row."""
    football.good("odds", *WEEK_9)
    before = odds(database)
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.player_id = "
                   "(SELECT max(player_id) FROM sportsbook_odds) THEN RAISE 'refused' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$; "
                   "CREATE TRIGGER refuse BEFORE INSERT ON sportsbook_odds FOR EACH ROW EXECUTE FUNCTION refuse()")
    database.query("UPDATE sportsbook_odds SET anytime_td_odds = anytime_td_odds WHERE false")
    result = football.run("odds", *WEEK_9)
    assert result.status == 75 and "refused" in result.errors
    assert odds(database) == before


@pytest.mark.parametrize("state, status", (("53100", 75), ("23514", 65)))
def test_a_refused_line_takes_its_transaction_alone(football, database, state, status):
    """The server refuses a line in the middle of the season: what was committed before stays, the game it belongs to is not half there."""
    game = database.value("SELECT game_id FROM schedule WHERE week = 8 AND season_type = 'reg' ORDER BY game_id LIMIT 1")
    database.query("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.game_id = '" + game + "' THEN "
                   "RAISE 'refused' USING ERRCODE = '" + state + "'; END IF; RETURN NEW; END $$; "
                   "CREATE TRIGGER refuse BEFORE INSERT ON game_logs FOR EACH ROW EXECUTE FUNCTION refuse()")
    result = football.run("game-logs", *WEEK_9, "--parallel", "1")
    assert result.status == status and "refused" in result.errors, result.errors
    stored = database.value("SELECT count(*) FROM game_log_sets")
    assert 16 <= stored < 36 and stored == result.metrics["games_processed"]
    assert database.value("SELECT count(*) FROM game_logs") == database.value("SELECT sum(log_count) FROM game_log_sets")
    assert database.value("SELECT count(*) FROM game_logs WHERE game_id = %s", (game,)) == 0
    database.query("DROP TRIGGER refuse ON game_logs")
    again = football.good("game-logs", *WEEK_9)
    assert again.metrics["games_processed"] == 36 - stored


@pytest.mark.parametrize("shape", ("single", "list", "books"))
def test_duplicate_rows_change_nothing(player, database, shape):
    """Every player, game, line and price twice in the answers: what is stored is what comes without that."""
    def everything():
        football.good("rosters")
        football.good("schedule", *WEEK_9)
        results = [football.good("game-logs", *WEEK_9), football.good("odds", *WEEK_9), football.good("predictions", *WEEK_9)]
        assert football.run("integrity", *WEEK_9).warnings("games_without_logs") == []
        tables = {name: database.query(f"SELECT (to_jsonb(t) - 'updated_at' - 'stored_at' - 'fetched_at' - 'created_at')::text FROM {name} t "
                                       "ORDER BY 1")
                  for name in ("players", "schedule", "game_logs", "game_log_sets", "sportsbook_odds", "game_lines", "predictions")}
        return tables, [(result.records, result.metrics) for result in results]

    install_tables(database)
    football = Football(player, database.conninfo)
    football.now = "2024-10-29T12:00:00Z"
    player.settings(odds_shape=shape)
    single = everything()
    database.query("TRUNCATE players, schedule CASCADE; TRUNCATE models RESTART IDENTITY")
    player.faults({"kind": "duplicate"})
    assert everything() == single
