"""Data readiness over HTTP, with the football database as the shipped jobs fill it from an API player."""
import os
import pwd
import subprocess

import pytest

from batchtest import paths
from batchtest.wait import until
from test_web_description import Caller
from test_weekly_update import prepare


@pytest.fixture
def batch(make_instance, player, database):
    instance = prepare(make_instance, player, database)
    instance.settings.update(TrustedClients=pwd.getpwuid(os.geteuid()).pw_name, ActionsPerMinute=1000)
    instance.write_config()
    instance.start()
    until(lambda: database.value("SELECT to_regprocedure('football_schema_version()')"), "the migrations are applied")
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    return instance


@pytest.fixture
def web(batch, make_web):
    made = subprocess.run([paths.BATCH_WEB, "--make-token", "deploy"], capture_output=True, text=True, check=True)
    web = make_web(batch, {"ActionsPerMinute": 1000})
    web.token = made.stdout.strip()
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(made.stderr.splitlines()[-1])
    web.settings["TokenFile"] = web.path("tokens")
    return web.start()


def weeks_of(answer):
    """Without what changes from one look to the next."""
    for week in answer["weeks"]:
        assert 0 <= week.pop("data_age_hours") < 1
    return answer["weeks"]


def test_readiness(batch, web, database):
    """Of nothing yet, of the current week, of any other, and counted anew on request; all as the API's document says."""
    call = Caller(web)
    assert call("GET", "/readiness") == {"weeks": []}
    batch.run("roster_refresh")
    number = call("POST", "/runs", {"job": "weekly_update"})["run_number"]
    assert batch.wait_for_run(number, 60)["run"]["status"] == "success"
    until(lambda: [week["last_run_number"] for week in call("GET", "/readiness")["weeks"]] == [number], "the run is mirrored")
    current, = weeks_of(call("GET", "/readiness"))
    assert (current["season_year"], current["week"], current["season_type"]) == (2024, 9, "reg")
    assert current["schedule_complete"] and current["games_count"] == 4 and current["odds_available"] and not current["odds_fetch_failed"]
    assert current["predictions_count"] == current["expected_predictions_count"] == 40 and current["prediction_completeness_pct"] == 100
    assert current["last_batch_id"] == batch.show(number)["run"]["run_id"]
    assert weeks_of(call("GET", "/readiness/{week}", week=9)) == [current]
    played, = call("GET", "/readiness/{week}", week=3)["weeks"]
    assert played["game_logs_available"] and played["game_logs_count"] > 0 and not played["odds_available"]
    season = weeks_of(call("GET", "/readiness", query="?season=2024"))
    assert [week["week"] for week in season[:18]] == list(range(1, 19)) and season[8] == current and len(season) == 20
    assert call("GET", "/readiness/{week}", week=9, query="?season=2023") == {"weeks": []}
    call("GET", "/readiness/{week}", week=19, status=422)
    call("GET", "/readiness", query="?season_type=pre", status=422)

    database.query("DELETE FROM predictions WHERE player_id IN (SELECT player_id FROM predictions ORDER BY 1 LIMIT 10)")
    assert weeks_of(call("GET", "/readiness")) == [current], "nobody has counted yet"
    refresh = call("POST", "/readiness/refresh", {"season": 2024, "week": 9})["run_number"]
    shown = batch.wait_for_run(refresh)["run"]
    assert shown["status"] == "success" and shown["parameters"]["week"] == 9
    assert shown["triggered_by_user"] == "token deploy from 127.0.0.1"
    fresh, = call("GET", "/readiness")["weeks"]
    assert fresh["predictions_count"] == 30 and fresh["prediction_completeness_pct"] == 75
    assert web.request("POST", "/api/v1/readiness/refresh", {"week": 9}).status == 401
