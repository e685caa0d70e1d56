"""What decides whether and when something runs: Condition=, ReadyWhen=, Fallback=."""
import os

import pytest

from batchtest.wait import until


def statuses(shown):
    return {f"{step['step_name']} {step['item']}".strip(): (step["status"], step["reason"]) for step in shown["steps"]}


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as text:
        return text.read().splitlines()


@pytest.mark.parametrize("status, run, steps", [
    (0, ("success", None), ("success", None)),
    (1, ("skipped", "condition"), ("skipped", "condition")),
    (2, ("failed", "condition"), ("skipped", "dependency")),
])
def test_a_condition_decides_on_the_run(make_instance, status, run, steps):
    instance = make_instance({"trading": f"""
[Job]
Condition=/bin/sh -c "echo asked; exit {status}"
[Step a]
Exec=/bin/true
[Step b]
Exec=/bin/true
"""}).start()
    shown = instance.run("trading")
    assert (shown["run"]["status"], shown["run"]["reason"]) == run
    assert statuses(shown) == {"a": steps, "b": steps}
    assert [line["text"] for line in instance.call("run.tail", run=shown["run"]["run_number"])["lines"]] == ["asked"]
    if status == 2:
        assert shown["run"]["error_message"] == "Condition= of the job failed: exit status 2"
    waited = instance.ctl("run", "trading", "--wait", check=False)
    assert waited.returncode == (1 if status == 2 else 0)


@pytest.mark.parametrize("status, step, after, run", [
    (0, ("success", None), ("success", None), "success"),
    (1, ("skipped", "condition"), ("success", None), "success"),
    (7, ("failed", "condition"), ("skipped", "dependency"), "failed"),
])
def test_a_condition_decides_on_a_step(make_instance, status, step, after, run):
    instance = make_instance({"some": f"""
[Parameter n]
Type=integer
[Step calc]
Condition=/bin/sh -c "exit $$1" sh ${{n}}
Exec=/bin/true
[Step after]
Exec=/bin/true
"""}).start()
    shown = instance.run("some", params={"n": status})
    assert statuses(shown) == {"calc": step, "after": after} and shown["run"]["status"] == run
    assert shown["progress"]["total"] == 2
    if run == "failed":
        assert shown["run"]["error_message"] == "Condition= of step calc failed: exit status 7"


def test_a_condition_decides_for_each_item_and_is_retried_like_its_step(make_instance):
    instance = make_instance()
    marker = instance.path("marker")
    instance.write_job("items", f"""
[Step calc]
ForEach=a b c
MaxParallel=2
Retries=1
RetryDelaySec=50ms
Condition=/bin/sh -c "test $$1 != c || test -e {marker} || {{ touch {marker}; exit 75; }}; test $$1 != b" sh ${{item}}
Exec=/bin/echo ${{item}}
""")
    instance.start()
    shown = instance.run("items")
    assert shown["run"]["status"] == "success"
    assert statuses(shown) == {"calc a": ("success", None), "calc b": ("skipped", "condition"), "calc c": ("success", None)}
    asked = [(a["item"], a["attempt"]) for a in shown["attempts"] if a["step_name"] == "calc:condition"]
    assert sorted(asked) == [("a", 1), ("b", 1), ("c", 1), ("c", 2)]


FALLBACK = """
[Step fetch]
Exec=/bin/sh -c "exit {status}"
Fallback=old_prices
[Step old_prices]
Exec=/bin/sh -c "exit {other}"
[Step use]
Exec=/bin/true
"""


@pytest.mark.parametrize("status, other, run, expected", [
    (0, 0, "success", {"fetch": ("success", None), "use": ("success", None)}),
    (1, 0, "partial", {"fetch": ("failed", "exit"), "old_prices": ("success", None), "use": ("success", None)}),
    (1, 2, "failed", {"fetch": ("failed", "exit"), "old_prices": ("failed", "exit"), "use": ("skipped", "dependency")}),
])
def test_a_fallback_runs_instead_of_a_failed_step(make_instance, status, other, run, expected):
    instance = make_instance({"prices": FALLBACK.format(status=status, other=other)}).start()
    shown = instance.run("prices")
    assert (shown["run"]["status"], statuses(shown)) == (run, expected)
    assert shown["progress"]["total"] == len(expected) and shown["progress"]["percent"] == 100
    if run == "partial":
        assert shown["run"]["error_message"] == "step fetch failed: exit status 1"
    if run == "failed":
        assert shown["run"]["error_message"] == "step old_prices failed: exit status 2"


def test_a_fallback_runs_for_the_item_that_failed(make_instance):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("teams", f"""
[Step scrape]
ForEach=a b c
MaxParallel=3
Exec=/bin/sh -c "test $$BATCH_ITEM != b"
Fallback=cache
[Step cache]
Exec=/bin/sh -c "echo cache ${{item}} >> {out}"
[Step parse]
ForEach=a b c
Exec=/bin/sh -c "echo parse $$BATCH_ITEM >> {out}"
""".replace("${item}", "$$BATCH_ITEM"))
    instance.start()
    shown = instance.run("teams")
    assert shown["run"]["status"] == "partial"
    assert statuses(shown) == {"scrape a": ("success", None), "scrape b": ("failed", "exit"), "scrape c": ("success", None),
                               "cache b": ("success", None), **{f"parse {item}": ("success", None) for item in "abc"}}
    assert lines(out).index("parse b") > lines(out).index("cache b")


def test_a_killed_daemon_goes_on_with_a_fallback(make_instance):
    instance = make_instance({"prices": """
[Mode all]
Steps=fetch use
[Step fetch]
Exec=/bin/false
Fallback=old
[Step old]
Exec=/bin/sleep 1
[Step use]
Exec=/bin/true
"""}).start()
    run = instance.run("prices", wait=False)["run_number"]
    until(lambda: "running" in [s["status"] for s in instance.show(run)["steps"] if s["step_name"] == "old"], "the fallback runs")
    instance.kill()
    instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "partial"
    assert statuses(shown) == {"fetch": ("failed", "exit"), "old": ("success", None), "use": ("success", None)}


READY = """
[Job]
ReadyWhen=/bin/sh -c "echo waiting for {marker}; test -e {marker}"
RunTimeoutSec={timeout}
[Step a]
Exec=/bin/true
"""


def not_ready(instance):
    runs = instance.call("run.current")["runs"]
    return runs and runs[0]["status"] == "queued" and runs[0]["reason"] == "not_ready" and runs[0]["waits_for"].get("said")


def test_a_run_waits_until_it_is_ready_and_says_for_what(make_instance):
    instance = make_instance()
    marker = instance.path("marker")
    instance.write_job("input", READY.format(marker=marker, timeout="infinity"))
    instance.start()
    run = instance.run("input", wait=False)["run_number"]
    assert until(lambda: not_ready(instance), "it waits") == f"waiting for {marker}"
    shown = instance.show(run)
    assert shown["run"]["error_message"] == f"waiting for {marker}" and shown["run"]["started_at"] is None
    assert f"waiting for {marker}" in instance.ctl("status", str(run)).stdout
    instance.kill()
    instance.start()
    assert until(lambda: not_ready(instance), "it waits again")
    with open(marker, "w", encoding="utf-8"):
        pass
    shown = instance.wait_for_run(run, 30)
    assert (shown["run"]["status"], shown["run"]["reason"], shown["run"]["error_message"]) == ("success", None, None)
    assert [a["status"] for a in shown["attempts"] if a["step_name"] == ":ready"] == ["failed", "success"]


def test_a_run_that_is_not_ready_is_cancelled_and_runs_out_of_time(make_instance):
    instance = make_instance()
    instance.write_job("input", READY.format(marker=instance.path("marker"), timeout="infinity"))
    instance.write_job("short", READY.format(marker=instance.path("marker"), timeout="1s"))
    instance.start()
    run = instance.run("input", wait=False)["run_number"]
    until(lambda: not_ready(instance), "it waits")
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    shown = instance.run("short")
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "timeout")


def test_a_command_that_cannot_be_started_is_no_reason_to_wait(make_instance):
    instance = make_instance({"broken": "[Job]\nReadyWhen=/nowhere/at/all\n[Step a]\nExec=/bin/true\n"}).start()
    shown = instance.run("broken")
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "spawn")
    assert "ReadyWhen= of the job failed: could not be started" in shown["run"]["error_message"]
