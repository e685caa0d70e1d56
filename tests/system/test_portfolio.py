"""The nightly portfolio batch run for real: each requirement B1 to B14, with tables written and counted."""
import datetime
import json
import os

import pytest

from batchtest import paths
from batchtest.portfolio import CALCULATIONS, DAY, PORTFOLIOS, WITH_OPTIONS, House
from batchtest.protocol import ProtocolError
from batchtest.terminal import Terminal
from batchtest.wait import until

EXPECTED_ROWS = {"aggregation": 2, "factor_analysis": 1, "market_risk": 1, "stress_tests": 3, "correlations": 10, "snapshot": 1}


@pytest.fixture
def house(database):
    made = House(database)
    yield made
    made.remove()


def steps_of(shown):
    return {(step["step_name"], step["item"]): step for step in shown["steps"]}


def statuses(shown, item):
    return {step["step_name"]: step["status"] for step in shown["steps"] if step["item"] == item}


def mirrored(house, sql, *values):
    """What the audit trail says, once nothing waits for it any more."""
    until(lambda: house.instance.call("daemon.status")["mirror"]["rows_waiting"] == 0, "the mirror is up to date")
    return house.database.query(sql, values or None)


def test_b1_b9_b10_the_whole_night(house):
    """Three portfolios x eight calculations, greeks off for one: everything written, everything recorded, everything summed up."""
    shown = house.run()
    assert shown["run"]["status"] == "success", shown["run"]["error_message"]
    # B1: known only when it ran, 1 + 3 x 8; what does not apply is skipped and nothing else.
    assert shown["progress"] == {"total": 25, "completed": 25, "failed": 0, "running": 0, "percent": 100.0}
    for portfolio in PORTFOLIOS:
        greeks = "success" if portfolio in WITH_OPTIONS else "skipped"
        assert statuses(shown, portfolio) == {**dict.fromkeys(CALCULATIONS, "success"), "greeks": greeks}
    assert steps_of(shown)["greeks", "growth"]["reason"] == "condition"
    # The work itself: rows of the day, counted in the database.
    for portfolio, positions in PORTFOLIOS.items():
        written = house.results(portfolio)
        greeks = written.pop("greeks", 0)
        assert written == EXPECTED_ROWS and greeks == (positions // 3 if portfolio in WITH_OPTIONS else 0)
    assert house.database.value("SELECT count(DISTINCT symbol) FROM prices") == sum(PORTFOLIOS.values()) + 1
    # B9: every job in the database with name, type, times, records and result.
    rows = mirrored(house, "SELECT s.step_name, s.item, s.status, s.records_processed, s.duration_seconds, s.metadata->'result'->>'positions'"
                           " FROM batch_execution_steps AS s JOIN batch_runs AS r ON r.run_id = s.batch_run_id"
                           " WHERE r.batch_type = 'portfolio' AND s.step_name NOT LIKE '%:%'")
    assert len(rows) == 25 and sum(row[2] == "success" for row in rows) == 24
    assert all(row[3] is not None and row[4] is not None for row in rows if row[2] == "success")
    assert [row[5] for row in rows if row[:2] == ("data_quality", "income")] == ["75"]
    last = house.instance.call("step.list", step="factor_analysis", status="success", limit=1)["steps"]
    assert len(last) == 1 and last[0]["job"] == "nightly_portfolio"
    assert len(house.instance.call("step.list", item="hedge", type="portfolio")["steps"]) == 8
    counts = {step["step_name"]: step["counts"] for step in house.instance.call("step.list", group=True)["steps"]}
    assert counts["greeks"] == {"success": 2, "skipped": 1} and set(counts) == {"market_data", *CALCULATIONS}
    summary = house.instance.call("run.summary", run=1)
    assert {step["step_name"]: step["items"] for step in summary["steps"]} == {"market_data": 1, **dict.fromkeys(CALCULATIONS, 3)}
    assert summary["totals"]["success"] == 24 and summary["run"]["duration_seconds"] > 0
    # B10: how good the data was, over all and portfolio by portfolio.
    quality = house.instance.call("run.quality", run=1)
    assert [quality[word] for word in ("targets", "full", "limited", "failed", "unknown")] == [3, 2, 1, 0, 0]
    assert quality["values"]["positions"]["sum"] == sum(PORTFOLIOS.values()) and quality["values"]["days_of_data"]["mean"] == 60
    assert "2 full, 1 limited, 0 failed" in house.instance.ctl("summary", "1").stdout


def test_b1_totals_grow_while_portfolios_are_found(house):
    house.order_fault("market_data", "hang", 1)
    started = house.instance.call("run.start", job="nightly_portfolio", params={"day": DAY})
    until(lambda: "asking the vendor" in str(house.instance.call("run.tail", run=1)["lines"]), "it has begun")
    before = house.instance.call("run.current")["runs"][0]
    assert before["total"] < 25 and before["progress_percent"] < 50
    house.add_portfolio("late", 4, False)  # found by this run all the same
    house.instance.ctl("cancel", str(started["run_number"]))
    shown = house.run()
    assert shown["progress"]["total"] == 33 and shown["progress"]["percent"] == 100


def test_b2_b8_b9_a_critical_job_that_fails_skips_the_rest_of_that_portfolio_only(house):
    """B8: watched on a terminal, with an exit status that scripts can use."""
    house.order_fault("aggregation", "in-transaction", 9, "hedge")
    terminal = Terminal([paths.BATCHCTL, "--socket", house.instance.socket, "run", "nightly_portfolio", "-p", f"day={DAY}", "--follow"], columns=100)
    try:
        assert terminal.wait(60) == 3  # partial
        screen = terminal.output
    finally:
        terminal.close()
    assert "%" in screen and "/25" in screen and "1 failed" in screen and "income" in screen and "partial" in screen
    shown = house.instance.show(1)
    assert shown["run"]["status"] == "partial"
    hedge = statuses(shown, "hedge")
    assert hedge.pop("aggregation") == "failed" and set(hedge.values()) == {"skipped"}
    for portfolio in ("growth", "income"):
        assert "failed" not in statuses(shown, portfolio).values() and house.results(portfolio)["snapshot"] == 1
    # The job's own transaction was rolled back, and its failure is recorded all the same.
    assert house.results("hedge") == {}
    row, = mirrored(house, "SELECT status, error_message, output_log FROM batch_execution_steps WHERE step_name = 'aggregation' AND item = 'hedge'")
    assert row[0] == "failed" and row[1] and "division by zero" in row[2]
    why = house.instance.call("run.why", run=1)
    assert why["failures"][0]["item"] == "hedge" and any("division by zero" in line for line in why["failures"][0]["lines"])


def test_b3_transient_errors_are_tried_again_and_permanent_ones_are_not(house):
    house.order_fault("market_data", "transient", 1)
    house.order_fault("factor_analysis", "permanent", 9, "growth")
    shown = house.run()
    assert shown["run"]["status"] == "partial"
    market = [a for a in shown["attempts"] if a["step_name"] == "market_data"]
    assert [(a["attempt"], a["status"], a["exit_status"]) for a in market] == [(1, "failed", 75), (2, "success", 0)]
    first = house.instance.call("log.read", run=1, step="market_data", attempt=1)["text"]
    assert f"prices for {DAY}: 503 from the vendor" in first
    beta = steps_of(shown)["factor_analysis", "growth"]
    assert (beta["attempts"], beta["status"]) == (1, "failed")
    log = house.instance.call("log.read", run=1, step="factor_analysis", item="growth")["text"]
    assert "position AAPL of growth: quantity is not a number" in log
    rows = mirrored(house, "SELECT attempt, status FROM batch_execution_steps WHERE step_name = 'market_data' ORDER BY attempt")
    assert rows == [(1, "failed"), (2, "success")]


def test_b4_no_trading_day_is_skipped_and_no_failure(house):
    result = house.instance.ctl("run", "nightly_portfolio", "-p", "day=2026-11-26", "--wait")
    assert result.returncode == 0
    run = house.instance.show(1)["run"]
    assert (run["status"], run["reason"]) == ("skipped", "condition")
    assert house.database.value("SELECT count(*) FROM prices") == 0
    assert house.instance.call("run.why", run=1)["summary"] == "it was skipped, its condition said: 2026-11-26 is no trading day"


def test_b5_b6_b7_b12_start_poll_and_a_second_start(house):
    """The socket's side of starting from afar: the id at once, the run as often as asked, idle when nothing runs. B7: one portfolio only."""
    assert house.instance.call("run.current")["runs"] == []
    house.instance.write_job("nightly_portfolio", read_job("nightly_portfolio").replace("RunTimeoutSec=30min",
                             "RunTimeoutSec=30min\nEnvironment=SECONDS_A_POSITION=0.05"))
    house.instance.call("daemon.reload")
    started = house.instance.call("run.start", job="nightly_portfolio", params={"day": DAY, "portfolio": "income"})
    assert started["status"] in ("queued", "running") and started["run_id"] and started["run_number"] == 1
    # B12: how far it is inside of one long job.
    seen = until(lambda: [run for run in house.instance.call("run.current")["runs"] if run.get("step_total") == 75 and run["step_done"] > 3],
                 "it is among the positions")[0]
    assert (seen["current_step"], seen["current_item"]) == ("aggregation", "income")
    assert seen["status_text"] == f"position {seen['step_done']} of 75" and seen["run_id"] == started["run_id"]
    assert seen["elapsed_seconds"] > 0 and seen["started_at"] and seen["completed"] == 1 and seen["failed"] == 0 and seen["total"] == 9
    assert 0 < seen["progress_percent"] < 50
    # B6: refused with the id of what runs, unless forced.
    with pytest.raises(ProtocolError) as refused:
        house.instance.call("run.start", job="nightly_portfolio", params={"day": DAY})
    assert refused.value.kind == "already_running" and refused.value.data["run_id"] == started["run_id"]
    forced = house.instance.call("run.start", job="nightly_portfolio", params={"day": DAY, "portfolio": "growth"}, force=True)
    shown = house.instance.wait_for_run(forced["run_number"], 60)
    assert shown["run"]["status"] == "success" and {step["item"] for step in shown["steps"]} == {"", "growth"}
    assert house.results("growth")["snapshot"] == 1 and house.results("hedge") == {}
    assert house.instance.wait_for_run(1, 60)["run"]["status"] == "success"
    assert house.instance.call("run.current")["runs"] == []


def read_job(name):
    with open(f"{paths.SOURCE}/tests/portfolio/jobs.d/{name}.job", encoding="utf-8") as job:
        return job.read()


def test_b11_structured_logs_with_the_run_on_every_line(database):
    house = House(database, LogFormat="json", LogLevel="info", LogTarget="file", LogRotateSize="8K", LogRotateKeep="2")
    try:
        run_id = house.run()["run"]["run_id"]
        folder = house.instance.path("state", "log")
        names = sorted(os.listdir(folder))
        assert names == ["batchd.log", "batchd.log.1", "batchd.log.2"]  # rotated, and no more kept
        lines = []
        for name in names:
            with open(f"{folder}/{name}", encoding="utf-8") as log:
                lines += [json.loads(line) for line in log]
        of_steps = [line for line in lines if "step" in {key.lower() for key in line} or "BATCHD_STEP" in line]
        assert of_steps and all(run_id in line.values() for line in of_steps)
    finally:
        house.remove()


def test_b13_a_cancel_that_works_and_schedules_that_tell_the_truth(house):
    instance = house.instance
    house.order_fault("market_data", "hang", 1)
    run = instance.call("run.start", job="nightly_portfolio", params={"day": DAY})["run_number"]
    until(lambda: "asking the vendor" in str(instance.call("run.tail", run=run)["lines"]), "it hangs")
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    assert not [line for line in instance.leftovers() if "sleep 600" in line]
    due = [one for one in instance.call("schedule.list", count=10)["due_times"] if one["outcome"] is None]
    times = [datetime.datetime.fromisoformat(one["due_at"].replace("Z", "+00:00")) for one in due]
    assert len(times) == 10 and all((at.hour, at.minute) == (23, 30) and at.weekday() < 5 for at in times)
    assert {one["job"] for one in due} == {"nightly_portfolio"}
    instance.ctl("pause", "nightly_portfolio", "--reason", "year end")
    assert all(one["paused"] for one in instance.call("schedule.list")["due_times"])
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", job="nightly_portfolio")
    assert refused.value.kind == "paused"
    instance.ctl("resume", "nightly_portfolio")
    assert not any(one["paused"] for one in instance.call("schedule.list")["due_times"])


def test_b14_b10_parts_of_it_started_alone(house):
    assert house.run("market_data")["run"]["status"] == "success"
    prices = house.database.value("SELECT count(*) FROM prices")
    assert prices == 60 * (sum(PORTFOLIOS.values()) + 1)
    assert house.run("correlations", portfolio="hedge")["run"]["status"] == "success"
    assert house.results("hedge") == {"correlations": 10} and house.results("growth") == {}
    shown = house.run("refresh_portfolio", portfolio="hedge")
    assert shown["run"]["status"] == "success" and house.database.value("SELECT count(*) FROM prices") == prices
    assert house.results("hedge") == {"correlations": 10, "aggregation": 2}
    # B10: refreshed for one target.
    quality = house.instance.call("run.quality")
    assert (quality["targets"], quality["full"], quality["values"]["positions"]["sum"]) == (1, 1, 12)
    with pytest.raises(ProtocolError) as refused:
        house.instance.call("run.start", job="refresh_portfolio")
    assert refused.value.kind == "invalid_params" and "portfolio" in str(refused.value)
