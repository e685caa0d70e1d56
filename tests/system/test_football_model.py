"""batch-nfl train, evaluate and what predictions make of a model, on a real PostgreSQL."""
import json

import pytest

from batchtest.football import DATA, HAS_DATA, Football, install_tables
from batchtest.seasons import fill_generated, fill_recorded, fill_recorded_lines

WEEK_12 = ("--season", "2024", "--week", "12", "--season-type", "reg")
WEEK_18 = ("--season", "2024", "--week", "18", "--season-type", "reg")
needs_data = pytest.mark.skipif(not HAS_DATA, reason=f"no recorded seasons in {DATA}")

@pytest.fixture
def league(database):
    """Two generated seasons and a batch-nfl without an API."""
    install_tables(database)
    fill_generated(database)
    return Football(None, database.conninfo)


@pytest.fixture
def recorded(database):
    install_tables(database)
    fill_recorded(database)
    return Football(None, database.conninfo)


def evaluate(football, start, end):
    return json.loads(football.good("evaluate", "--from", start, "--to", end, "--json").out)


def predicted(database, week):
    return dict((row[0], row[1:]) for row in database.query(
        "SELECT player_id, td_likelihood, model_odds, model_version FROM predictions WHERE season_year = 2024 AND week = %s", (week,)))


def test_a_model_is_stored_with_what_it_is(league, database):
    result = league.good("train", *WEEK_12, BATCH_NOW="2024-11-19T12:00:00Z")
    row = database.dicts("SELECT * FROM models")[0]
    lines, scored = database.query(
        "SELECT count(*), count(*) FILTER (WHERE receiving_td + rushing_td > 0) FROM game_logs JOIN players USING (player_id) "
        "WHERE position IN ('WR', 'TE') AND (season_year, week) < (2024, 12)")[0]
    assert (row["trained_lines"], row["trained_touchdowns"]) == (lines, scored)
    assert [row[name] for name in ("first_season", "first_type", "first_week")] == [2023, "reg", 1]
    assert [row[name] for name in ("last_season", "last_type", "last_week")] == [2024, "reg", 11]
    assert len(row["features"]) == len(set(row["features"])) == len(row["coefficients"]) > 20
    assert row["created_at"].isoformat() == "2024-11-19T12:00:00+00:00"
    assert row["model_version"] in result.out and f"{row['test_log_loss']:.4f}" in result.out
    # Its own test is the same walk that `evaluate` takes over its last ten weeks.
    walked = evaluate(league, "2024-2", "2024-11")
    assert row["test_lines"] == walked["lines"]
    assert row["test_log_loss"] == pytest.approx(walked["ways"]["model"]["log_loss"], abs=1e-6)
    assert row["test_auc"] == pytest.approx(walked["ways"]["model"]["auc"], abs=1e-6)


def test_the_same_lines_train_the_same_model(league, database):
    league.good("train", *WEEK_12)
    league.good("train", *WEEK_12)
    rows = database.query("SELECT intercept, coefficients FROM models ORDER BY model_number")
    assert rows[0] == rows[1]


def test_too_little_to_train(league, database):
    database.query("DELETE FROM game_logs WHERE season_year = 2024 OR week > 3")
    result = league.run("train", *WEEK_12)
    assert result.status == 65 and "too few" in result.errors and "game-logs" in result.errors
    assert database.value("SELECT count(*) FROM models") == 0
    result = league.run("evaluate", "--from", "2024", "--to", "2024")
    assert result.status == 65 and "no lines are stored" in result.errors


def test_nothing_of_a_later_week_counts(league, database):
    """The same model, the same figures and the same predictions, whatever the weeks from the predicted one on hold."""
    def everything():
        league.good("train", *WEEK_12)
        model = database.query("SELECT intercept, coefficients, test_log_loss FROM models ORDER BY model_number DESC LIMIT 1")
        database.query("DELETE FROM predictions")
        league.good("predictions", *WEEK_12)
        chances = {player: row[0] for player, row in predicted(database, 12).items()}
        return model, chances, evaluate(league, "2024-5", "2024-11")

    before = everything()
    database.query("UPDATE game_logs SET receiving_td = 3, targets = 40, receiving_yards = 400, rushing_td = 2 "
                   "WHERE season_year = 2024 AND week >= 12")
    database.query("UPDATE schedule SET home_score = 70, away_score = 0 WHERE season_year = 2024 AND week >= 12")
    database.query("DELETE FROM game_logs WHERE season_year = 2024 AND week >= 15")
    assert everything() == before
    database.query("UPDATE game_logs SET receiving_td = 3 WHERE season_year = 2024 AND week = 11")
    after = everything()
    assert all(after[i] != before[i] for i in range(3))


def test_only_a_model_of_earlier_weeks_predicts(league, database):
    league.good("train", *WEEK_18)
    league.good("predictions", *WEEK_12)
    used, last = database.query("SELECT DISTINCT d.model_version, last_week FROM predictions d JOIN models USING (model_version)")[0]
    assert used == "logistic-2.2" and last == 11, "not the one that knows week 17, but one trained when it was needed"
    database.query("DELETE FROM predictions; DELETE FROM models WHERE last_week = 11")
    league.good("train", "--season", "2024", "--week", "6")
    league.good("train", *WEEK_12)
    league.good("train", "--season", "2024", "--week", "8")
    league.good("predictions", *WEEK_12)
    chosen = database.value("SELECT model_version FROM models WHERE last_season = 2024 AND last_week = 11")
    assert {row[2] for row in predicted(database, 12).values()} == {chosen}


def test_the_first_predictions_train_a_model(league, database):
    """Nobody has to know of `train`: a database with enough lines gets its model when it is first needed, and only then."""
    first = league.good("predictions", *WEEK_12)
    model = database.dicts("SELECT * FROM models")[0]
    assert (model["last_season"], model["last_week"]) == (2024, 11) and model["test_lines"] > 0
    assert {row[2] for row in predicted(database, 12).values()} == {model["model_version"]}
    assert f"{model['model_version']}: trained on" in first.out
    league.good("train", *WEEK_12)
    assert database.query("SELECT count(DISTINCT (intercept, coefficients)), count(*) FROM models") == [(1, 2)]
    second = league.good("predictions", *WEEK_18)
    assert "trained on" not in second.out and database.value("SELECT count(*) FROM models") == 2


def test_too_little_for_a_model_is_said(league, database):
    database.query("DELETE FROM game_logs WHERE season_year = 2023 OR week > 3")
    result = league.good("predictions", *WEEK_12)
    assert {row[2] for row in predicted(database, 12).values()} == {"baseline-2"}
    assert any("too few for a model" in note for note in result.values("NOTE"))
    assert database.value("SELECT count(*) FROM models") == 0


def test_the_baseline_early_in_the_season(league, database):
    for week in ("3", "4"):
        league.good("predictions", "--season", "2024", "--week", week)
    assert {row[2] for row in predicted(database, 3).values()} == {"baseline-2"}
    assert {row[2].split("-")[0] for row in predicted(database, 4).values()} == {"logistic"}


def test_limited_data_has_the_baseline(league, database):
    """Three lines give the model; fewer, or none, the baseline."""
    league.good("train", *WEEK_12)
    players = [row[0] for row in database.query("SELECT player_id FROM players WHERE position IN ('WR', 'TE') ORDER BY 1 LIMIT 4")]
    cut = dict(zip(players, (0, 1, 2, 3)))
    for player, kept in cut.items():
        database.query("DELETE FROM game_logs WHERE player_id = %s AND game_id NOT IN (SELECT game_id FROM game_logs WHERE player_id = %s "
                       "AND (season_year, week) < (2024, 12) ORDER BY season_year, week LIMIT %s)", (player, player, kept))
    league.good("predictions", *WEEK_12)
    rows = predicted(database, 12)
    assert [rows[player][2].split("-")[0] for player in cut] == ["baseline", "baseline", "baseline", "logistic"]
    assert all(rows[player][2].startswith("logistic") for player in rows if player not in cut)
    for chance, odds, _ in rows.values():
        stake = 100 * max(chance, 1 - chance) / min(chance, 1 - chance)
        assert abs(odds) == pytest.approx(stake, abs=0.51) and (odds > 0) == (chance <= 0.5 or odds == 100)


def test_what_bookmakers_expect_counts(league, database):
    """A team of which they expect more points scores more likely; lines of games to come are no look ahead."""
    database.query("INSERT INTO game_lines SELECT game_id, book, 40 + away_score / 7, (away_score - home_score) / 2.0, kickoff_or_day FROM "
                   "(SELECT game_id, away_score, home_score, game_date::timestamptz AS kickoff_or_day FROM schedule) s, "
                   "unnest(ARRAY['a', 'b', 'c']) AS book")
    league.good("train", *WEEK_12)
    plain = {}
    for home_spread in (-10, 10):
        database.query("DELETE FROM predictions")
        database.query("UPDATE game_lines SET total = 50, home_spread = %s FROM schedule s WHERE s.game_id = game_lines.game_id AND "
                       "season_year = 2024 AND week = 12", (home_spread,))
        # One book that errs changes nothing.
        database.query("UPDATE game_lines SET total = 110, home_spread = -home_spread WHERE sportsbook = 'c' AND game_id IN "
                       "(SELECT game_id FROM schedule WHERE season_year = 2024 AND week = 12)")
        league.good("predictions", *WEEK_12)
        plain[home_spread] = dict(database.query(
            "SELECT home_team = team, avg(td_likelihood) FROM predictions JOIN players USING (player_id) JOIN schedule s ON "
            "(s.season_year, s.week) = (2024, 12) AND team IN (away_team, home_team) GROUP BY 1"))
    assert plain[-10][True] > plain[10][True] + 0.02 and plain[-10][False] < plain[10][False] - 0.02
    assert database.value("SELECT count(*) FROM game_expectations WHERE home_points = 20 AND away_points = 30") == 8


def test_a_new_model_rewrites_nothing(league, database):
    league.good("predictions", *WEEK_12)
    before = database.query("SELECT * FROM predictions ORDER BY player_id")
    league.good("train", *WEEK_12)
    result = league.good("predictions", *WEEK_12)
    assert database.query("SELECT * FROM predictions ORDER BY player_id") == before
    assert result.metrics["predictions_skipped"] == len(before) and result.metrics["predictions_generated"] == 0


def test_favourable_is_what_pays_more_than_the_chance(league, database):
    league.good("train", *WEEK_12)
    database.query("INSERT INTO sportsbook_odds (player_id, game_id, sportsbook, season_year, week, anytime_td_odds, consensus, fetched_at) "
                   "SELECT player_id, game_id, book, 2024, 12, CASE WHEN book = 'fanduel' THEN 110 ELSE -110 END * "
                   "(CASE WHEN player_id LIKE '%-1' THEN 90 ELSE 1 END), false, now() "
                   "FROM players JOIN schedule ON team IN (away_team, home_team), unnest(ARRAY['draftkings', 'fanduel']) AS book "
                   "WHERE season_year = 2024 AND week = 12")
    league.good("predictions", *WEEK_12)
    for player, chance, favor in database.query("SELECT player_id, td_likelihood, favor FROM predictions"):
        price = 9900 if player.endswith("-1") else 110
        assert favor == (chance > 100 / (price + 100)), player
    assert {row[0] for row in database.query("SELECT DISTINCT favor FROM predictions")} == {True, False}


def test_evaluation_of_a_generated_league(league):
    """Where targets decide, the model knows more than shares of games do; its chances mean what they say."""
    found = evaluate(league, "2024-5", "2024-18")
    losses = {way: figures["log_loss"] for way, figures in found["ways"].items()}
    assert found["weeks"] == 14
    assert losses["model"] < losses["own"] < losses["position"]
    assert found["ways"]["model"]["auc"] > found["ways"]["own"]["auc"] > 0.6
    assert sum(row["lines"] for row in found["calibration"]) == found["lines"]
    for row in found["calibration"]:
        if row["lines"] >= 100:
            deviation = (row["foretold"] * (1 - row["foretold"]) / row["lines"]) ** 0.5
            assert abs(row["scored"] / row["lines"] - row["foretold"]) < 4 * deviation
    table = league.good("evaluate", "--from", "2024-5", "--to", "2024-18").out
    assert f"{losses['model']:.4f}" in table and "Calibration" in table


@pytest.mark.parametrize("bounds, what", [
    ((), "which weeks"), (("--from", "2024"), "which weeks"), (("--from", "2024-19", "--to", "2024"), "2024-19"),
    (("--from", "2024", "--to", "2024-post-5"), "2024-post-5"), (("--from", "24", "--to", "2024"), "24"),
    (("--from", "2024-5x", "--to", "2024"), "2024-5x"), (("--from", "2024-9", "--to", "2024-8"), "after"),
])
def test_bounds_that_make_no_sense(league, bounds, what):
    result = league.run("evaluate", *bounds)
    assert result.status == 78 and what in result.errors


@needs_data
def test_real_seasons(recorded, database):
    """2024, weeks 5 to 18, and the end of 2023 from its own beginning: better than shares, calibrated, and not by luck."""
    alone = evaluate(recorded, "2024-5", "2024-18")
    assert alone["ways"]["model"]["log_loss"] < 0.4756
    fill_recorded_lines(database)
    late = evaluate(recorded, "2024-5", "2024-18")
    assert late["lines"] == 2477 and late["scored"] == 513
    assert late["ways"]["model"]["log_loss"] < 0.4750
    assert late["ways"]["model"]["auc"] > 0.685 and late["ways"]["predicted"]["log_loss"] < 0.4758
    first = evaluate(recorded, "2023-10", "2023-18")
    assert first["lines"] == 1651
    assert first["ways"]["model"]["log_loss"] < first["ways"]["own"]["log_loss"] - 0.01
    for found in (late, first):
        foretold = sum(row["lines"] * row["foretold"] for row in found["calibration"])
        assert abs(foretold - found["scored"]) < 0.1 * found["scored"]


def test_history_asks_the_model(league, database):
    """Past weeks of a player who came late: the model of before each week, and nothing of other seasons or later weeks."""
    player = database.value("SELECT player_id FROM players WHERE position = 'WR' ORDER BY 1 LIMIT 1")
    for week in ("4", "9"):
        league.good("train", "--season", "2024", "--week", week)
    database.query("INSERT INTO game_logs_backfilled SELECT player_id, game_id FROM game_logs WHERE player_id = %s AND season_year = 2024",
                   (player,))
    league.good("history", *WEEK_18)
    made = database.query("SELECT week, model_version, td_likelihood FROM predictions ORDER BY week")
    weeks = [row[0] for row in database.query("SELECT week FROM game_logs WHERE player_id = %s AND season_year = 2024 ORDER BY week", (player,))]
    expected = [(week, "limited-1" if number < 3 else "logistic-2.1" if week < 9 else "logistic-2.2")
                for number, week in enumerate(weeks) if number]
    assert [row[:2] for row in made] == expected
    database.query("TRUNCATE predictions")
    database.query("UPDATE game_logs SET receiving_td = 3, targets = 30 WHERE season_year = 2023 OR week > 12")
    league.good("history", *WEEK_18)
    again = database.query("SELECT week, model_version, td_likelihood FROM predictions ORDER BY week")
    assert [row for row in again if row[0] <= 13] == [row for row in made if row[0] <= 13]
    assert again != made


def test_history_trains_what_it_needs(league, database):
    """No model is stored, and the player's past weeks get theirs all the same, each from the weeks before it."""
    player = database.value("SELECT player_id FROM players WHERE position = 'WR' ORDER BY 1 LIMIT 1")
    database.query("INSERT INTO game_logs_backfilled SELECT player_id, game_id FROM game_logs WHERE player_id = %s AND season_year = 2024",
                   (player,))
    database.query("DELETE FROM game_logs WHERE season_year = 2023")
    league.good("history", *WEEK_18)
    made = database.query("SELECT week, split_part(model_version, '-', 1) FROM predictions ORDER BY week")
    weeks = [row[0] for row in database.query("SELECT week FROM game_logs WHERE player_id = %s AND season_year = 2024 ORDER BY week", (player,))]
    lines = {week: database.value("SELECT count(*) FROM game_logs JOIN players USING (player_id) WHERE position IN ('WR', 'TE') AND week < %s",
                                  (week,)) for week in weeks}
    # The league has 80 such lines a week: the sixth week's end brings the 450 that a model takes.
    assert made == [(week, "limited" if number < 3 else "baseline" if lines[week] < 450 else "logistic")
                    for number, week in enumerate(weeks) if number]
    assert {"limited", "baseline", "logistic"} == {row[1] for row in made}
    first = min(week for week in weeks if lines[week] >= 450)
    assert database.query("SELECT last_season, last_week FROM models") == [(2024, first - 1)]
    before = database.query("SELECT * FROM predictions ORDER BY week")
    league.good("history", *WEEK_18)
    assert database.query("SELECT * FROM predictions ORDER BY week") == before
