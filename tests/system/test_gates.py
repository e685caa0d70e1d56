"""Gates: what a step must have reached before it counts as done, judged by what it reports of its own work."""
import pytest

from batchtest import paths
from batchtest.protocol import ProtocolError
from batchtest.wait import until

REPORT = f"{paths.BATCHCTL} report"


def step_of(shown, name="load"):
    return next(step for step in shown["steps"] if step["step_name"] == name)


def job(reports, keys="", more="[Step after]\nExec=/bin/true\n"):
    """One step that reports what is in the file `figures`, and one that builds upon it."""
    return f"""
[Step load]
Exec=/bin/sh -c "{REPORT} {reports}"
{keys}
{more}
"""


def outcome(shown):
    step = step_of(shown)
    return step["status"], step["reason"], step_of(shown, "after")["status"], shown["run"]["status"]


LET_THROUGH = ("success", None, "success", "success")
WITH_WARNING = ("success", None, "success", "partial")


@pytest.mark.parametrize("reports, keys, expected, words", [
    ("--records 12", "RecordsMin=12", LET_THROUGH, []),
    ("--records 11", "RecordsMin=12", ("failed", "records", "skipped", "failed"), ["11 records", "RecordsMin=12"]),
    ("--records 0", "RecordsMin=1", ("failed", "records", "skipped", "failed"), ["0 records", "EXPECTED=0"]),
    ("--note nothing", "RecordsMin=1", ("failed", "records", "skipped", "failed"), ["no RECORDS="]),
    ("--records 0 --expected 0", "RecordsMin=500", LET_THROUGH, []),
    ("--records 523 --expected 530", "RecordsMin=1", WITH_WARNING, ["523 records of 530 expected"]),
    ("--coverage 0.9", "CoverageMin=90%", LET_THROUGH, []),
    ("--coverage 27/30", "CoverageMin=95%", ("failed", "gate", "skipped", "failed"), ["coverage 90 % (27 of 30) is below CoverageMin=95%"]),
    ("--coverage 0.824", "CoverageMin=90%", ("failed", "gate", "skipped", "failed"), ["coverage 82.4 % is below CoverageMin=90%"]),
    ("--records 36 --expected 211 --missing 'a: no file' --missing 'b: no file' --missing c", "CoverageMin=90%",
     ("failed", "gate", "skipped", "failed"), ["coverage 17.1 % (36 of 211) is below CoverageMin=90%", "2 no file", "1 unknown"]),
    ("--records 5", "CoverageMin=90%", ("failed", "gate", "skipped", "failed"), ["cannot be judged"]),
    ("--records 27 --expected 30", "CoverageMin=90%", WITH_WARNING, ["27 records of 30 expected"]),
])
def test_what_a_step_reports_decides(make_instance, reports, keys, expected, words):
    shown = make_instance({"gated": job(reports, keys)}).start().run("gated")
    assert outcome(shown) == expected
    said = [step_of(shown)["error_message"] or "", *(warning["text"] for warning in shown["run"]["warnings"])]
    for word in words:
        assert any(word in text for text in said), said
    if expected[0] == "failed":
        assert words[0] in shown["run"]["error_message"] and step_of(shown)["exit_status"] == 0


def test_a_failure_of_the_command_is_told_before_any_gate(make_instance):
    shown = make_instance({"gated": "[Step load]\nExec=/bin/false\nRecordsMin=1\n[Step after]\nExec=/bin/true\n"}).start().run("gated")
    assert outcome(shown) == ("failed", "exit", "skipped", "failed")


def test_what_is_incomplete_is_tried_again(make_instance):
    """The second attempt finds all of it: a gate is a failure like others."""
    text = f"""
[Step load]
Exec=/bin/sh -c "if test $$BATCH_ATTEMPT = 1; then {REPORT} --coverage 0.5; else {REPORT} --coverage 1; fi"
CoverageMin=90%
Retries=1
RetryDelaySec=10ms
[Step after]
Exec=/bin/true
"""
    shown = make_instance({"gated": text}).start().run("gated")
    assert outcome(shown) == LET_THROUGH
    assert [(a["attempt"], a["status"], a["reason"]) for a in shown["attempts"] if a["step_name"] == "load"] == [
        (1, "failed", "gate"), (2, "success", None)]


def test_missing_items_are_counted_by_reason_and_one_without_is_warned_of(make_instance):
    text = f"""
[Step load]
Exec=/bin/sh -c "for i in $$(seq 1 520); do {REPORT} --missing \\"team $$i: no file\\"; done; {REPORT} --missing late"
[Step few]
Exec=/bin/sh -c "{REPORT} --missing 'DEN: not played' --missing 'LAL: unknown' --missing BOS:"
[Step after]
Exec=/bin/true
"""
    shown = make_instance({"missing": text}).start().run("missing", seconds=60)
    many, few = (step_of(shown, name)["metadata"]["missing"] for name in ("load", "few"))
    assert (many["count"], many["reasons"], len(many["items"]), many["more"]) == (521, {"no file": 500}, 500, 21)
    assert few == {"items": [{"item": "DEN", "reason": "not played"}, {"item": "LAL", "reason": "unknown"}, {"item": "BOS", "reason": "unknown"}],
                   "reasons": {"not played": 1, "unknown": 2}, "count": 3}
    warned = [w["text"] for w in shown["run"]["warnings"] if w["category"] == "missing"]
    assert warned == ['2 of the missing items have no reason, the first is LAL; MISSING= takes "item: reason"']
    assert shown["run"]["status"] == "partial"


def test_a_skipped_gate_lets_through_with_a_warning_and_is_kept_and_audited(make_instance, database):
    instance = make_instance({"gated": job("--coverage 0.5 --records 1", "CoverageMin=90%\nRecordsMin=5")}, database=database).start()
    done = instance.ctl("run", "gated", "--skip-gate", "coverage", "--skip-gate", "load/records", "--wait", check=False)
    assert done.returncode == 3, done.stderr
    shown = instance.show(1)
    assert outcome(shown) == WITH_WARNING
    assert sorted(w["text"].split(" was ")[0] for w in shown["run"]["warnings"]) == ["coverage", "records"]
    assert shown["run"]["skip_gates"] == ["coverage", "load/records"]
    assert "skips gates  coverage, load/records" in instance.ctl("status", "1").stdout
    assert "records>=5 coverage>=90%" in instance.ctl("show", "gated").stdout
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    audited = "SELECT params -> 'skip_gates' FROM batch_audit JOIN batch_runs USING (run_id) WHERE method = 'run.start'"
    until(lambda: database.value(audited) == ["coverage", "load/records"], "the mirror has it")
    assert instance.run("gated", skip_gates=["load/records"])["steps"][0]["reason"] == "gate"


@pytest.mark.parametrize("names", [["coverge"], ["after/coverage"], ["coverage", ""], ["breaker"]])
def test_a_gate_that_no_step_has_is_refused_with_those_there_are(make_instance, names):
    instance = make_instance({"gated": job("--coverage 1", "CoverageMin=90%")}).start()
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", job="gated", skip_gates=names)
    assert refused.value.data["parameter"] == "skip_gates" and "load/coverage" in str(refused.value)
    assert instance.call("run.list")["runs"] == []


def banded(keys="RecordsBand=warn"):
    """The count is given by a parameter, `none` standing for no report at all."""
    return f"""
[Parameter n]
Type=string
[Mode full]
Steps=load after
[Mode other]
Steps=load
[Job]
DefaultMode=full
[Step load]
Exec=/bin/sh -c "{REPORT} --records ${{n}}"
{keys}
[Step after]
Exec=/bin/true
"""


def feed(instance, counts, **more):
    return [instance.run("band", params={"n": str(n)}, **more) for n in counts]


def test_the_band_is_learned_from_earlier_successes(make_instance):
    instance = make_instance({"band": banded()}).start()
    usual = feed(instance, [100, 104, 96, 102, 98])
    assert all(outcome(shown) == LET_THROUGH for shown in usual)
    assert step_of(usual[3])["metadata"]["records_band"] == {"learned_from": 3}
    assert outcome(feed(instance, [101])[0]) == LET_THROUGH
    low = feed(instance, [60])[0]
    assert outcome(low) == WITH_WARNING
    assert low["run"]["warnings"][0]["category"] == "records"
    assert low["run"]["warnings"][0]["text"] == "60 records, usual are 89 to 112 (median 100.5 of the last 6 successes)"
    assert step_of(low)["metadata"]["records_band"]["outside"] is True
    # A mode has its own history: nothing is usual there yet.
    assert feed(instance, [7], mode="other")[0]["run"]["status"] == "success"


def test_a_false_zero_is_caught_again_and_again_and_a_declared_one_never(make_instance):
    instance = make_instance({"band": banded()}).start()
    feed(instance, [40, 90, 10, 200, 5])
    for _ in range(3):
        assert outcome(feed(instance, [0])[0]) == WITH_WARNING
    declared = banded().replace("--records ${n}", "--records ${n} --expected 0")
    instance.write_job("band", declared)
    instance.call("daemon.reload")
    assert outcome(feed(instance, [0])[0]) == LET_THROUGH
    instance.write_job("band", banded())
    instance.call("daemon.reload")
    assert outcome(feed(instance, [0])[0]) == WITH_WARNING


def test_a_band_that_fails_is_let_through_by_name_and_learns_from_it(make_instance):
    instance = make_instance({"band": banded("RecordsBand=fail window=6 least=4")}).start()
    feed(instance, [100] * 4)
    failed = feed(instance, [300])[0]
    assert outcome(failed) == ("failed", "records", "skipped", "failed")
    assert "usual are 95 to 105" in failed["run"]["error_message"]
    for _ in range(2):
        assert outcome(feed(instance, [300], skip_gates=["band"])[0]) == WITH_WARNING
    assert outcome(feed(instance, [300])[0]) == LET_THROUGH


def test_the_band_is_the_same_after_the_daemon_was_killed_at_the_end_of_the_step(make_instance):
    instance = make_instance({"band": banded()}).start()
    feed(instance, [100] * 5)
    instance.write_job("band", banded().replace('"\nRecords', '; sleep 1"\nRecords'))
    instance.call("daemon.reload")
    run = instance.run("band", wait=False, params={"n": "50"})["run_number"]
    until(lambda: step_of(instance.show(run))["records_processed"] == 50, "it has reported")
    instance.kill()
    until(lambda: not [line for line in instance.leftovers() if "sleep" in line], "the step has ended")
    instance.start()
    shown = instance.wait_for_run(run)
    assert outcome(shown) == WITH_WARNING
    assert step_of(shown)["metadata"]["records_band"]["learned_from"] == 5


def test_skipped_gates_outlive_the_daemon(make_instance):
    instance = make_instance({"gated": job("--coverage 0.5; sleep 1", "CoverageMin=90%")}).start()
    run = instance.run("gated", wait=False, skip_gates=["coverage"])["run_number"]
    until(lambda: step_of(instance.show(run))["metadata"].get("coverage") == 0.5, "it has reported")
    instance.kill()
    instance.start()
    assert outcome(instance.wait_for_run(run)) == WITH_WARNING


@pytest.mark.parametrize("line, words", [
    ("CoverageMin=0.9", ["CoverageMin=", "90%"]),
    ("CoverageMin=101%", ["0%", "100%"]),
    ("RecordsMin=-1", ["RecordsMin=", "whole number"]),
    ("RecordsMin=5 records", ["RecordsMin=", "500"]),
    ("RecordsBand=width=4", ["RecordsBand=", "warn or fail"]),
    ("RecordsBand=warn windw=4", ["windw=4", "window="]),
    ("RecordsBand=warn window=4", ["least=5", "window=4"]),
])
def test_a_mistake_is_told_with_its_line(make_instance, line, words):
    instance = make_instance({"wrong": f"[Step load]\nExec=/bin/true\n{line}\n"}).start()
    errors = instance.call("daemon.status")["job_errors"]
    assert [error["line"] for error in errors] == [3]
    for word in words:
        assert word in errors[0]["message"]


def test_each_item_has_its_own_gate_and_its_own_fallback(make_instance):
    text = f"""
[Step load]
ForEach=east west north
MaxParallel=3
Exec=/bin/sh -c "test $$BATCH_ITEM = west && {REPORT} --coverage 5/10 --missing 'x: late' || {REPORT} --coverage 10/10"
CoverageMin=90%
Fallback=yesterday
[Step yesterday]
Exec=/bin/sh -c "{REPORT} --records 5 --quality limited"
[Step after]
Exec=/bin/true
"""
    shown = make_instance({"gated": text}).start().run("gated")
    assert {(s["item"], s["status"], s["reason"]) for s in shown["steps"] if s["step_name"] == "load"} == {
        ("east", "success", None), ("west", "failed", "gate"), ("north", "success", None)}
    west = next(s for s in shown["steps"] if (s["step_name"], s["item"]) == ("load", "west"))
    assert west["error_message"] == "coverage 50 % (5 of 10) is below CoverageMin=90%; missing: 1 late"
    assert [(s["item"], s["status"]) for s in shown["steps"] if s["step_name"] == "yesterday" and s["started_at"]] == [("west", "success")]
    assert step_of(shown, "after")["status"] == "success" and shown["run"]["status"] == "partial"
