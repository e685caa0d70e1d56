"""The history and the settings of the status page in a real Chromium: filters, pages, opened rows, the chart, export, alerts, limits, breakers."""
import csv
import io
import json
import os
import pwd
import re

import pytest

from batchtest import page, paths
from batchtest.fake_daemon import FakeDaemon
from batchtest.page import PASSWORD
from batchtest.wait import until

JOBS = {
    "many": "[Job]\nDefaultMode=plain\n[Parameter n]\nType=integer\n[Mode plain]\nSteps=count\n[Mode odd]\nSteps=count\n"
            f"[Step count]\nExec=/bin/sh -c 'echo n is ${{n}}; {paths.BATCHCTL} report --records ${{n}} --metric rows+=${{n}}'\n",
    "broken": f"[Job]\nType=weather\n[Step try]\nExec=/bin/sh -c '{paths.BATCHCTL} report --warning \"late: the file came late\"; echo it broke >&2; exit 3'\n"
              "BreakerFailures=2\nBreakerResetSec=1h\n",
}


EXPORTED = ("run_number", "run_id", "job", "batch_type", "batch_mode", "status", "reason", "triggered_by", "triggered_by_user", "created_at", "started_at",
            "completed_at", "duration_seconds", "error_message", "parameters", "metrics", "warnings", "retry_of", "parent_run_id", "due_at")


def rows(browser):
    return [int(text.lstrip("#")) for text in browser.script(
        "return [...document.querySelectorAll('.run-item .cell-number')].map((cell) => cell.textContent)")]


def shows(browser, wanted):
    until(lambda: rows(browser) == wanted, lambda: f"{wanted} are listed at {browser.place}, not {rows(browser)}\n{browser.text('main')}")


@pytest.fixture
def daemon(make_instance):
    return make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name}).start()


def test_pages_and_export(browser, make_page, daemon):
    with daemon.client() as client:
        for n in range(1, 61):
            client.call("run.start", job="many", params={"n": n}, force=True)
    for number in range(1, 61):
        daemon.wait_for_run(number)
    browser.open(page.address(make_page(daemon)), "#/history")
    shows(browser, list(range(60, 10, -1)))
    assert browser.text("[role=status].small") == "50 runs, and there are more"
    browser.click("button", "Show 50 more")
    shows(browser, list(range(60, 0, -1)))
    until(lambda: "60" in browser.text(".run-item .cell-records"), "the records of a run are told")

    assert len(browser.all(".chart-bar")) == 60
    assert "Records, up to 60" in browser.text(".chart-figure")
    assert "60 runs" in browser.attribute(".chart", "aria-label")

    # A newer run comes by itself, and what was unfolded stays.
    daemon.run("broken")
    shows(browser, list(range(61, 0, -1)))

    browser.click("[aria-label=Export] button", "CSV")
    table = list(csv.DictReader(io.StringIO(browser.downloaded("batch-runs.csv").decode())))
    assert [int(row["run_number"]) for row in table] == list(range(61, 0, -1))
    assert json.loads(table[1]["parameters"]) == {"n": 60} and table[1]["status"] == "success"
    shown = daemon.show(61)["run"]
    for name in EXPORTED:
        if isinstance(shown[name], (str, int)):
            assert table[0][name] == str(shown[name]), name
    assert tuple(table[0]) == EXPORTED
    browser.choose("#filter-job", "broken")
    shows(browser, [61])
    browser.click("[aria-label=Export] button", "JSON")
    runs = json.loads(browser.downloaded("batch-runs.json"))["runs"]
    assert [run["job"] for run in runs] == ["broken"] and runs[0]["warnings"][0]["category"] == "late"


def many_runs(total):
    """run.list of a daemon with so many runs."""
    def listed(params, _):
        newest = (params.get("before") or total + 1) - 1
        numbers = list(range(newest, max(newest - params["limit"], 0), -1))
        runs = [{"run_number": number, "run_id": f"id-{number}", "job": "many", "status": "success", "reason": None, "version": 1, "triggered_by": "manual",
                 "parameters": {}, "metrics": {}, "warnings": [], "started_at": "2026-11-22T04:20:07.000000Z", "duration_seconds": 1} for number in numbers]
        return {"runs": runs, "next": numbers[-1] if numbers and numbers[-1] > 1 else None}
    return FakeDaemon({"run.list": listed, "daemon.status": {}, "job.list": {"jobs": []}, "step.list": {"steps": []}, "run.current": {"runs": []}})


@pytest.mark.parametrize("total, exported, said", [(1201, 1201, "1,201 runs in batch-runs.csv."), (10400, 10000, "there are more: narrow the filters")])
def test_export_of_more_than_a_page(browser, make_page, total, exported, said):
    daemon = many_runs(total)
    daemon.process = None  # there is none that batch-web would wait for
    try:
        browser.open(page.address(make_page(daemon.start(), login=False)), "#/history")
        shows(browser, list(range(total, total - 50, -1)))
        browser.click("[aria-label=Export] button", "CSV")
        browser.until_text(said, ".toast")
        table = list(csv.DictReader(io.StringIO(browser.downloaded("batch-runs.csv").decode())))
    finally:
        daemon.remove()
    assert [int(row["run_number"]) for row in table] == list(range(total, total - exported, -1))


def test_filters(browser, make_page, daemon):
    daemon.run("many", params={"n": 1})
    daemon.run("many", mode="odd", params={"n": 2})
    daemon.run("broken")
    daemon.run("many", params={"n": 3}, triggered_by="ci")
    browser.open(page.address(make_page(daemon)), "#/history")
    shows(browser, [4, 3, 2, 1])
    browser.choose("#filter-job", "many")
    shows(browser, [4, 2, 1])
    assert browser.place == "#/history?job=many"
    browser.type("#filter-mode", "odd")
    shows(browser, [2])
    until(lambda: browser.place == "#/history?job=many&mode=odd", "the filters are in the address")
    browser.driver.refresh()
    shows(browser, [2])
    browser.click(".filters button", "Clear")
    shows(browser, [4, 3, 2, 1])
    browser.type("#filter-params", "n=2")
    shows(browser, [2])
    until(lambda: browser.place == "#/history?params=n%3D2", lambda: f"the filter is in the address: {browser.place}")
    browser.click(".filters button", "Clear")
    browser.choose("#filter-type", "weather")
    shows(browser, [3])
    browser.click(".filters button", "Clear")
    browser.choose("#filter-status", "failed")
    shows(browser, [3])
    browser.choose("#filter-status", "")
    browser.choose("#filter-trigger", "ci")
    shows(browser, [4])
    browser.choose("#filter-trigger", "")
    today = browser.script("return new Date().toLocaleDateString('sv')")
    browser.choose("#filter-until", today)
    browser.choose("#filter-since", today)
    shows(browser, [4, 3, 2, 1])  # both days are included
    browser.choose("#filter-until", "2001-01-01")
    shows(browser, [])
    browser.choose("#filter-until", "")
    browser.choose("#filter-since", "2099-01-01")
    browser.until_text("No run fits these filters.", "main")
    browser.click("main button", "Clear the filters")
    shows(browser, [4, 3, 2, 1])


def test_rows_open(browser, make_page, daemon):
    daemon.run("many", params={"n": 7})
    daemon.run("broken")
    browser.open(page.address(make_page(daemon)), "#/history")
    shows(browser, [2, 1])
    browser.click(".run-item:nth-child(2) .cell-job")
    panel = ".run-item:nth-child(2) .run-panel"
    browser.until_text("n is 7", panel)
    told = browser.text(panel)
    assert re.search(r"Count\n?\s*success\s+[\d.]+ m?s\s+7\s+1", told), told
    assert "Rows\n7" in told, told

    browser.click("[aria-label='Details of run 2']")
    panel = ".run-item:nth-child(1) .run-panel"
    browser.until_text("it broke", panel)
    told = browser.text(panel)
    for words in ("What happened", "exit status 3", "the file came late", "Retry"):
        assert words in told, told
    browser.click("[aria-label='Details of run 2']")
    browser.until_gone(panel)


def test_alerts_limits_and_breakers(browser, make_page, make_instance, tmp_path):
    daemon = make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name})
    daemon.write_job("holder", "[Job]\nLimit=warehouse:2\n[Step long]\nExec=/bin/sleep 300\nKillGraceSec=1s\n")
    daemon.sections = f"[Alert ops]\nCommand=/bin/sh -c 'touch {daemon.path('told')}'\nOn=failure\n[Limit warehouse]\nSlots=3\n"
    daemon.write_config()
    daemon.start()
    for _ in range(2):
        daemon.run("broken")
    daemon.call("run.start", job="holder")
    browser.open(page.address(make_page(daemon)), "#/settings")
    browser.until_text("2 of 3", "[data-limit=warehouse]")
    browser.until_text("on failure", "[data-alert=ops]")
    browser.until_text("2 failures, the last in #2", "[data-breaker='broken/try']")

    browser.click("[data-alert=ops] button", "Send a test")
    browser.log_in(PASSWORD)
    browser.until_text("A test is on its way to ops.", ".toast")
    until(lambda: os.path.exists(daemon.path("told")), "the test has arrived")

    browser.click("[data-breaker='broken/try'] button", "Reset")
    browser.until_text("No breaker is open", "main")
    asked = daemon.call("audit.list", limit=1)["entries"][0]
    assert (asked["method"], asked["params"]["step"]) == ("breaker.reset", "try")
    assert not daemon.call("daemon.status")["breakers"]
    assert daemon.run("broken")["run"]["reason"] == "exit"
