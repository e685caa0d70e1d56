"""What can be asked of the past: steps of all runs, listed and counted; what came of a run against what is usual; how good its data was."""
import datetime
import json
import os
import sqlite3
import statistics
import time

import pytest

from batchtest import past, paths
from batchtest.instance import Instance
from batchtest.protocol import ProtocolError

NIGHTLY = """
[Job]
Type=portfolio
[Parameter fail]
Type=boolean
Default=no
[Step market_data]
Exec=/bin/true
[Step factor_analysis]
Exec=/bin/sh -c "test ${fail} = false || { echo no prices >&2; exit 4; }"
Retries=1
RetryDelaySec=10ms
[Step stress]
Exec=/bin/true
"""
OTHER = "[Step market_data]\nExec=/bin/true\n"


@pytest.fixture(scope="module")
def instance():
    made = Instance({"nightly": NIGHTLY, "other": OTHER}).start()
    for fail in (False, False, True):
        made.run("nightly", params={"fail": fail})
    made.run("other")
    yield made
    made.remove()


def names(steps):
    return [(step["run_number"], step["step_name"], step["status"]) for step in steps]


def test_b9_when_did_a_step_last_succeed(instance):
    steps = instance.call("step.list", step="factor_analysis", status="success", limit=1)["steps"]
    assert names(steps) == [(2, "factor_analysis", "success")]
    assert steps[0]["job"] == "nightly" and steps[0]["completed_at"] and steps[0]["exit_status"] == 0
    text = instance.ctl("steps", "factor_analysis", "--status", "success", "-n", "1", "--utc").stdout
    assert "factor_analysis" in text and steps[0]["completed_at"][:10] in text and len(text.splitlines()) == 2


def test_a_step_that_was_tried_twice_is_one_step(instance):
    steps = instance.call("step.list", step="factor_analysis")["steps"]
    assert names(steps) == [(3, "factor_analysis", "failed"), (2, "factor_analysis", "success"), (1, "factor_analysis", "success")]
    assert steps[0]["attempt"] == 2 and "exit status 4" in steps[0]["error_message"]


def test_b9_steps_by_name_type_item_status_and_time(instance):
    first = instance.call("step.list", step="stress")["steps"][-1]
    assert names(instance.call("step.list", type="portfolio", step="market_data")["steps"]) == [
        (run, "market_data", "success") for run in (3, 2, 1)]
    assert names(instance.call("step.list", job="other")["steps"]) == [(4, "market_data", "success")]
    assert names(instance.call("step.list", status="skipped")["steps"]) == [(3, "stress", "skipped")]
    assert instance.call("step.list", item="P1")["steps"] == []
    assert len(instance.call("step.list", since=first["completed_at"])["steps"]) == 8
    assert len(instance.call("step.list", until=first["completed_at"])["steps"]) == 2


def test_pages_go_on_where_the_last_one_ended(instance):
    seen, before = [], None
    while True:
        page = instance.call("step.list", limit=3, **({"before": before} if before else {}))
        seen += names(page["steps"])
        before = page.get("next")
        if not before:
            break
    assert len(seen) == len(set(seen)) == 10
    assert seen == names(json.loads(instance.ctl("steps", "-n", "100", "-o", "json").stdout))
    with pytest.raises(ProtocolError) as refused:
        instance.call("step.list", before="yesterday")
    assert refused.value.kind == "invalid_params" and "yesterday" in str(refused.value)


def test_c11_steps_counted_by_name_and_status(instance):
    steps = {step["step_name"]: step for step in instance.call("step.list", group=True)["steps"]}
    assert {name: step["counts"] for name, step in steps.items()} == {
        "market_data": {"success": 4}, "factor_analysis": {"success": 2, "failed": 1}, "stress": {"success": 2, "skipped": 1}}
    assert steps["factor_analysis"]["last_failure_at"] > steps["factor_analysis"]["last_success_at"]
    assert steps["stress"]["last_failure_at"] is None and steps["market_data"]["total"] == 4
    rows = [line.split() for line in instance.ctl("steps", "--group", "--utc").stdout.splitlines()]
    assert rows[0][:4] == ["STEP", "TOTAL", "SUCCESS", "FAILED"] and rows[1][:4] == ["factor_analysis", "3", "2", "1"]


def test_the_steps_of_many_runs_are_found_by_an_index(make_instance):
    instance = make_instance({"job01": "[Step a]\nExec=/bin/true\n"}).start()
    instance.stop()
    past.fill(instance.state, 2000, steps=10)
    with sqlite3.connect(instance.path("state", "state.db")) as db:
        plan = str(db.execute("EXPLAIN QUERY PLAN SELECT rowid FROM attempts AS a WHERE step_name = 'step03' AND status = 'failed'"
                              " AND completed_at > 0 ORDER BY completed_at DESC, rowid DESC LIMIT 1").fetchall())
    assert "attempts_ended" in plan and "SCAN" not in plan
    instance.start()
    assert names(instance.call("step.list", step="step03", status="failed", limit=1)["steps"]) == [(1989, "step03", "failed")]
    assert sum(step["total"] for step in instance.call("step.list", group=True)["steps"]) == 20000


WORK = """
[Job]
Type=portfolio
[Parameter seconds]
Type=string
Default=0
[Parameter rows]
Type=integer
Default=100
[Step load]
Exec=/bin/sh -c "sleep ${seconds}; batchctl report --records ${rows} --metric rows+=${rows} --quality full --result '{\\"positions\\":${rows}}'"
Retries=1
RetryDelaySec=10ms
[Step check]
Exec=/bin/sh -c "batchctl report --quality limited --missing 'AAPL: no prices' --result '{\\"positions\\":5,\\"days_of_data\\":200}'; exit 3"
WarnExitStatus=3
[Step quiet]
Exec=/bin/true
"""


@pytest.fixture(scope="module")
def worker():
    made = Instance({"work": WORK}, environment={"PATH": f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"}).start()
    for rows in (90, 100, 110):
        made.run("work", params={"rows": rows})
    made.run("work", params={"rows": 400, "seconds": "0.4"})
    yield made
    made.remove()


def test_b9_a_run_is_summed_up_against_what_is_usual(worker):
    summary = worker.call("run.summary", run=4)
    assert summary["totals"] == {"items": 3, "attempts": 3, "pending": 0, "running": 0, "success": 3, "failed": 0, "skipped": 0, "cancelled": 0}
    load = summary["steps"][0]
    assert (load["step_name"], load["records_processed"], load["metrics"]) == ("load", 400, {"rows": 400})
    assert load["median"]["runs"] == 3 and load["median"]["records_processed"] == 100
    earlier = [worker.show(number) for number in (1, 2, 3)]
    assert load["median"]["duration_seconds"] == pytest.approx(statistics.median(shown["steps"][0]["duration_seconds"] for shown in earlier), abs=0.001)
    assert load["duration_seconds"] == pytest.approx(worker.show(4)["steps"][0]["duration_seconds"], abs=0.001)
    assert summary["compared"]["runs"] == 3
    assert summary["compared"]["duration_seconds"] == pytest.approx(statistics.median(shown["run"]["duration_seconds"] for shown in earlier), abs=0.001)
    assert worker.call("run.summary", run=1)["compared"]["runs"] == 0
    text = worker.ctl("summary", "4").stdout
    assert "the median of 3 earlier runs" in text and "load" in text and "400" in text and "rows=400" in text
    assert "no earlier run to compare with" in worker.ctl("summary", "1").stdout


def test_b10_the_quality_of_a_runs_data_is_rolled_up(worker):
    quality = worker.call("run.quality", run=3)
    assert [quality[word] for word in ("targets", "full", "limited", "failed", "unknown")] == [2, 1, 1, 0, 0]
    assert quality["values"]["positions"]["sum"] == 115 and quality["values"]["days_of_data"]["mean"] == 200
    assert [(item["item"], item["quality"]) for item in quality["items"]] == [("load", "full"), ("check", "limited")]
    assert quality["items"][0]["missing"] == {} and quality["items"][1]["missing"] == {"AAPL": "no prices"}
    text = worker.ctl("summary", "3", "--quality").stdout
    assert "1 full, 1 limited, 0 failed" in text and "no prices" in text and "days_of_data" in text
    assert "1 full, 1 limited" in worker.ctl("summary", "3").stdout


def test_a_run_without_a_word_on_quality_says_so(instance):
    assert instance.call("run.quality", run=1)["targets"] == 0
    assert "QUALITY=" in instance.ctl("summary", "1", "--quality").stdout
    assert json.loads(instance.ctl("summary", "-o", "json").stdout)["run"]["run_number"] == 4
    assert instance.ctl("summary", "99", check=False).returncode == 4


ZEROS = """
[Parameter records]
Type=integer
[Parameter fail]
Type=boolean
Default=no
[Step load]
Exec=/bin/sh -c "batchctl report --records ${records}; test ${fail} = false"
[Step declared]
Exec=/bin/sh -c "test ${records} -lt 5 || test ${records} -gt 6 || batchctl report --records 0 --expected 0"
"""


def test_c11_health_of_jobs_before_and_after_a_date(make_instance):
    instance = make_instance({"loads": ZEROS, "quiet": "[Step one]\nExec=/bin/true\n"},
                             environment={"PATH": f"{os.path.dirname(paths.BATCHCTL)}:{os.environ['PATH']}"}).start()
    for params in ({"records": 0}, {"records": 0}, {"records": 7, "fail": True}, {"records": 7}):
        instance.run("loads", params=params)
    instance.run("quiet")
    time.sleep(0.01)
    date = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    for params in ({"records": 5}, {"records": 9}):
        instance.run("loads", params=params)
    jobs = {job["job"]: job for job in instance.call("job.health")["jobs"]}
    loads = jobs["loads"]
    assert (loads["runs"], loads["success"], loads["failed"], loads["zero_record_runs"]) == (6, 5, 1, 2)
    assert loads["failure_rate"] == pytest.approx(1 / 6) and loads["last_success_run"] == 7 and loads["durations"] == 6
    assert loads["median_duration_seconds"] <= loads["p95_duration_seconds"]
    # A job that never speaks of records has no zero-record runs.
    assert jobs["quiet"]["zero_record_runs"] == 0
    compared, = instance.call("job.health", job="loads", compare=date, since="2020-01-01T00:00:00Z")["jobs"]
    assert (compared["before"]["runs"], compared["before"]["failed"], compared["before"]["zero_record_runs"]) == (4, 1, 2)
    assert (compared["after"]["runs"], compared["after"]["failure_rate"], compared["after"]["zero_record_runs"]) == (2, 0, 0)
    rows = [line.split() for line in instance.ctl("history", "--summary", "--utc").stdout.splitlines()]
    assert rows[0][:5] == ["JOB", "RUNS", "SUCCESS", "PARTIAL", "FAILED"] and rows[1][:5] == ["loads", "6", "5", "0", "1"]
    text = instance.ctl("history", "loads", "--compare", date, "--since", "2020-01-01").stdout
    assert "25.0% -> 0.0%" in text and "2 -> 0" in text
    assert "--mode" in instance.ctl("history", "--summary", "-m", "full", check=False).stderr
    assert instance.ctl("history", "loads", "--summary", "--until", "-1h").stdout == "no runs in that time\n"


def test_a_run_of_very_many_steps_is_shown_page_by_page(make_instance):
    instance = make_instance({"job01": "[Step a]\nExec=/bin/true\n"}).start()
    instance.stop()
    past.fill(instance.state, 2, steps=1300)
    with sqlite3.connect(instance.path("state", "state.db")) as db:
        # As much as a step may say of itself: no frame holds all of it.
        db.execute("UPDATE attempts SET error_message = printf('%.*c', 3000, 'x') WHERE run_id LIKE '00000002%'")
    instance.start()
    first = instance.call("run.show", run=1)
    assert len(first["steps"]) == len(first["attempts"]) == 500 and first["next"] == 500
    assert first["progress"] == {"total": 1300, "completed": 1300, "failed": 0, "running": 0, "percent": 100.0}
    for run in (1, 2):
        shown = instance.show(run)
        assert [step["step_order"] for step in shown["steps"]] == list(range(1, 1301))
        assert [attempt["step_order"] for attempt in shown["attempts"]] == list(range(1, 1301))
    assert len(instance.call("run.show", run=2)["steps"]) < 500
    whole = json.loads(instance.ctl("status", "2", "-o", "json").stdout)
    assert len(whole["steps"]) == len(whole["attempts"]) == 1300 and "next" not in whole
    assert len(instance.ctl("status", "1").stdout.splitlines()) > 1300
