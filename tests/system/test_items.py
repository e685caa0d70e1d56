"""Steps that go over items: lists, commands that find them, order, bounds, failures, restarts."""
import contextlib
import os
import sqlite3
import time

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until


def steps_of(shown):
    return {(step["step_name"], step["item"]): step for step in shown["steps"]}


def statuses(shown):
    return {f"{name} {item}".strip(): step["status"] for (name, item), step in steps_of(shown).items()}


def sql(instance, statement):
    """The first value of a query on state.db."""
    with contextlib.closing(sqlite3.connect(f"file:{instance.path('state', 'state.db')}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchone()[0]


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as text:
        return text.read().splitlines()


def test_a_list_runs_the_step_for_each_item(make_instance):
    instance = make_instance({"cities": """
[Step greet]
ForEach=oslo "new york" a/b..c %
Exec=/bin/sh -c "echo hello $$BATCH_ITEM" hello --city=${item}
[Step last]
Exec=/bin/echo all of them
"""}).start()
    shown = instance.run("cities")
    assert shown["run"]["status"] == "success"
    assert [(s["step_name"], s["item"], s["status"], s["attempts"]) for s in shown["steps"]] == [
        ("greet", "%", "success", 1), ("greet", "a/b..c", "success", 1), ("greet", "new york", "success", 1),
        ("greet", "oslo", "success", 1), ("last", "", "success", 1)]
    assert shown["progress"]["total"] == 5 and shown["progress"]["percent"] == 100
    tail = instance.call("run.tail", run=shown["run"]["run_number"])["lines"]
    assert [(line["step"], line.get("item"), line["text"]) for line in tail] == [
        ("greet", "oslo", "hello oslo"), ("greet", "new york", "hello new york"), ("greet", "a/b..c", "hello a/b..c"),
        ("greet", "%", "hello %"), ("last", None, "all of them")]
    names = sorted(name for name in os.listdir(instance.path("state", "runs", shown["run"]["run_id"])) if name.endswith(".log"))
    assert names == ["01-greet.%25.1.log", "01-greet.a%2Fb..c.1.log", "01-greet.new%20york.1.log", "01-greet.oslo.1.log", "02-last.1.log"]
    log = instance.call("log.read", run=shown["run"]["run_number"], step="greet", item="a/b..c")
    assert "hello a/b..c" in log["text"]


def test_a_command_finds_the_items_when_its_turn_has_come(make_instance):
    instance = make_instance()
    table = instance.path("table")
    instance.write_job("found", f"""
[Step load]
Exec=/bin/sh -c "printf 'x\\\\n\\\\n  y  \\\\nx\\\\n' > {table}"
[Step calc]
ForEach=!/bin/sh -c "echo looking >&2; cat {table}"
Exec=/bin/echo ${{item}}
""")
    instance.start()
    shown = instance.run("found")
    assert statuses(shown) == {"load": "success", "calc x": "success", "calc y": "success"}
    assert shown["run"]["status"] == "partial"  # an item that was named twice is a warning
    assert [(w["category"], w["step"]) for w in shown["run"]["warnings"]] == [("items", "calc")]
    assert shown["progress"]["total"] == 3
    assert [(a["step_name"], a["status"]) for a in shown["attempts"]][1] == ("calc:items", "success")
    log = instance.call("log.read", run=shown["run"]["run_number"], step="calc:items")["text"]
    assert "stderr F looking" in log and "stdout F x" in log


def test_no_items_are_nothing_to_do(make_instance):
    instance = make_instance({"none": """
[Step calc]
ForEach=!/bin/true
Exec=/bin/false
[Step after]
Exec=/bin/true
"""}).start()
    shown = instance.run("none")
    assert shown["run"]["status"] == "success"
    assert statuses(shown) == {"calc": "success", "after": "success"}
    assert any("there are no items" in note for note in shown["run"]["notes"])


def test_a_parameter_names_the_items(make_instance):
    instance = make_instance({"some": """
[Parameter portfolios]
Default=a b c
[Step calc]
ForEach=${portfolios}
Exec=/bin/echo ${item}
"""}).start()
    assert statuses(instance.run("some")) == {"calc a": "success", "calc b": "success", "calc c": "success"}
    assert statuses(instance.run("some", params={"portfolios": "b"})) == {"calc b": "success"}
    with pytest.raises(ProtocolError) as refused:
        instance.call("run.start", job="some", params={"portfolios": "x" * 300})
    assert refused.value.kind == "invalid_params" and "255" in str(refused.value)
    assert len(instance.call("run.list")["runs"]) == 2


def test_a_step_fills_in_the_items_of_a_later_one(make_instance):
    instance = make_instance({"late": """
[Parameter portfolios]
[Step choose]
Exec=/bin/sh -c "printf 'PARAMETER=portfolios=p q' | socat -u - unix-sendto:$$NOTIFY_SOCKET 2>/dev/null || systemd-notify 'PARAMETER=portfolios=p q'"
[Step calc]
ForEach=${portfolios}
Exec=/bin/echo ${item}
"""}).start()
    shown = instance.run("late")
    assert statuses(shown) == {"choose": "success", "calc p": "success", "calc q": "success"}


@pytest.mark.parametrize("command, words", [
    ("exit 3", ["ForEach= of step calc", "exit status 3"]),
    ("printf 'good\\\\nb\\\\001d\\\\n'", ["line 2", "no name of an item", "control characters"]),
    ("head -c 300 /dev/zero | tr '\\\\0' x", ["line 1", "255 bytes"]),
    ("seq 1 100001", ["at most 100000 items"]),
])
def test_what_is_no_list_fails_the_step_with_the_reason(make_instance, command, words):
    instance = make_instance({"bad": f"""
[Step calc]
ForEach=!/bin/sh -c "{command}"
Exec=/bin/true
[Step after]
Exec=/bin/true
"""}).start()
    shown = instance.run("bad")
    assert shown["run"]["status"] == "failed"
    assert shown["run"]["reason"] == ("exit" if "exit" in command else "items")
    assert statuses(shown) == {"calc": "failed", "after": "skipped"}
    for word in words:
        assert word in shown["run"]["error_message"]
    assert words[-1] in steps_of(shown)["calc", ""]["error_message"]


MATRIX = """
[Step market]
Exec=/bin/true
[Step aggregate]
ForEach=!/bin/sh -c "echo listed >> {out}; printf 'a\\\\nb\\\\nc\\\\n'"
Exec=/bin/sh -c "echo aggregate {item} >> {out}; sleep 0.1; test {item} != b"
MaxParallel=3
[Step greeks]
ForEach=!/bin/sh -c "echo listed >> {out}; printf 'a\\\\nb\\\\nc\\\\n'"
After=aggregate
MaxParallel=3
Condition=/bin/test ${{item}} != a
Exec=/bin/sh -c "echo greeks {item} >> {out}"
[Step report]
Exec=/bin/sh -c "echo report >> {out}"
"""


def test_items_follow_each_other_and_a_failure_ends_its_item_only(make_instance):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("matrix", MATRIX.format(out=out, item="$$BATCH_ITEM"))
    instance.start()
    shown = instance.run("matrix")
    assert shown["run"]["status"] == "partial"
    assert shown["run"]["error_message"] == "step aggregate (b) failed: exit status 1"
    assert statuses(shown) == {"market": "success", "aggregate a": "success", "aggregate b": "failed", "aggregate c": "success",
                               "greeks a": "skipped", "greeks b": "skipped", "greeks c": "success", "report": "success"}
    steps = steps_of(shown)
    assert (steps["greeks", "a"]["reason"], steps["greeks", "b"]["reason"]) == ("condition", "dependency")
    written = lines(out)
    assert written[0] == "listed" and written.count("listed") == 1 and written[-1] == "report"
    assert written.index("greeks c") > written.index("aggregate c")
    assert (shown["progress"]["total"], shown["progress"]["completed"], shown["progress"]["failed"]) == (8, 8, 1)


def test_steps_of_other_items_wait_for_all(make_instance):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("two", f"""
[Step first]
ForEach=a b
MaxParallel=2
Exec=/bin/sh -c "test $$BATCH_ITEM = a || sleep 0.3; echo first $$BATCH_ITEM >> {out}"
[Step second]
ForEach=x a
MaxParallel=2
Exec=/bin/sh -c "echo second $$BATCH_ITEM >> {out}"
""")
    instance.start()
    assert instance.run("two")["run"]["status"] == "success"
    assert lines(out)[:2] == ["first a", "first b"] and sorted(lines(out)[2:]) == ["second a", "second x"]


def test_items_are_retried_each_for_itself(make_instance):
    instance = make_instance()
    instance.write_job("flaky", f"""
[Step calc]
ForEach=a b c
MaxParallel=3
Retries=2
RetryDelaySec=50ms
Exec=/bin/sh -c "test $$BATCH_ITEM != b || test -e {instance.path('marker')} || {{ touch {instance.path('marker')}; exit 75; }}"
""")
    instance.start()
    shown = instance.run("flaky")
    assert shown["run"]["status"] == "success"
    assert {item: step["attempts"] for (_, item), step in steps_of(shown).items()} == {"a": 1, "b": 2, "c": 1}
    assert (shown["progress"]["total"], shown["progress"]["completed"]) == (3, 3)


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_than_max_parallel_at_once(make_instance, parallel):
    instance = make_instance()
    instance.write_job("many", f"""
[Step calc]
ForEach={' '.join(f'i{n}' for n in range(12))}
MaxParallel={parallel}
Exec=/bin/sh -c "echo + >> {instance.path('out')}; sleep 0.05; echo - >> {instance.path('out')}"
""")
    instance.start()
    assert instance.run("many")["run"]["status"] == "success"
    now = most = 0
    for line in lines(instance.path("out")):
        now += 1 if line == "+" else -1
        most = max(most, now)
    assert most == parallel


def test_items_keep_their_distance(make_instance):
    instance = make_instance({"polite": """
[Step calc]
ForEach=a b c d
MaxParallel=4
ItemDelaySec=200ms
Exec=/bin/date +%s.%N
"""}).start()
    shown = instance.run("polite")
    begun = [float(line["text"]) for line in instance.call("run.tail", run=shown["run"]["run_number"])["lines"]]
    assert len(begun) == 4
    assert all(later - earlier >= 0.19 for earlier, later in zip(begun, begun[1:]))
    assert begun[-1] - begun[0] < 5


def test_a_cancel_ends_every_item(make_instance):
    instance = make_instance({"long": """
[Step calc]
ForEach=!/usr/bin/seq 1 300
MaxParallel=4
Exec=/bin/sleep 333
[Step after]
Exec=/bin/true
"""}).start()
    run = instance.run("long", wait=False)["run_number"]
    until(lambda: instance.call("run.current")["runs"][0]["running"] == 4, "four items run")
    current = instance.call("run.current")["runs"][0]
    assert (current["total"], current["completed"], current["progress_percent"]) == (301, 0, 0)
    assert current["current_step"] == "calc" and current["current_item"] == "1"
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    assert [c for c in instance.leftovers() if "333" in c] == []
    assert sql(instance, "SELECT count(*) FROM attempts WHERE step_name IN ('calc', 'after') AND status = 'cancelled'") == 301


COUNTED = """
[Step calc]
ForEach=!/bin/sh -c "echo listed >> {out}; seq 1 40"
MaxParallel=4
Exec=/bin/sh -c "echo $$BATCH_ITEM >> {out}; sleep 0.05"
[Step sum]
ForEach=!/bin/sh -c "echo listed >> {out}; seq 1 40"
After=calc
MaxParallel=4
Exec=/bin/sh -c "echo sum $$BATCH_ITEM >> {out}"
"""


@pytest.mark.parametrize("kills", [1, 4])
def test_a_killed_daemon_goes_on_with_the_same_items(make_instance, kills):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("counted", COUNTED.format(out=out))
    instance.start()
    run = instance.run("counted", wait=False)["run_number"]
    for k in range(kills):
        until(lambda: len(lines(out)) > 5 + k * 15, "some items have begun")
        instance.kill()
        instance.write_job("counted", "[Step other]\nExec=/bin/false\n")  # the run keeps what it began with
        instance.start()
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "success"
    assert sorted(lines(out)) == sorted(["listed", *map(str, range(1, 41)), *(f"sum {n}" for n in range(1, 41))])
    assert (shown["progress"]["total"], shown["progress"]["completed"]) == (80, 80)
    assert sql(instance, "SELECT count(*) FROM settings WHERE key GLOB 'run/*'") == 0


def test_a_daemon_killed_while_items_are_looked_for_finds_them(make_instance):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("slow", f"""
[Step calc]
ForEach=!/bin/sh -c "echo looking >> {out}; sleep 1; seq 1 3"
Exec=/bin/sh -c "echo $$BATCH_ITEM >> {out}"
""")
    instance.start()
    run = instance.run("slow", wait=False)["run_number"]
    until(lambda: lines(out), "the command runs")
    instance.kill()
    time.sleep(1.2)
    instance.start()
    assert instance.wait_for_run(run)["run"]["status"] == "success"
    assert lines(out) == ["looking", "1", "2", "3"]


def test_a_reload_leaves_a_run_its_own_items(make_instance):
    instance = make_instance()
    out = instance.path("out")
    instance.write_job("changing", f"""
[Step first]
Exec=/bin/sh -c "touch {instance.path('begun')}; sleep 0.5"
[Step calc]
ForEach=old1 old2
Exec=/bin/sh -c "echo $$BATCH_ITEM >> {out}"
""")
    instance.start()
    run = instance.run("changing", wait=False)["run_number"]
    until(lambda: os.path.exists(instance.path("begun")), "it has begun")
    instance.write_job("changing", f"""
[Step calc]
ForEach=new
Exec=/bin/sh -c "echo $$BATCH_ITEM >> {out}"
""")
    instance.call("daemon.reload")
    assert instance.wait_for_run(run)["run"]["status"] == "success"
    assert lines(out) == ["old1", "old2"]
    instance.run("changing")
    assert lines(out) == ["old1", "old2", "new"]


def test_very_many_items_are_counted_not_listed(make_instance):
    instance = make_instance({"many": """
[Step calc]
ForEach=!/usr/bin/seq 1 120
MaxParallel=8
Exec=/bin/sh -c "test $$BATCH_ITEM != 7"
"""}).start()
    followed = instance.ctl("run", "many", "--follow", check=False)
    assert followed.returncode == 3
    shown = followed.stdout.splitlines()
    assert "== calc: 120 items" in shown and "== calc: all 120 items done, 1 failed" in shown
    assert any(line.startswith("== calc[7]: failed in") for line in shown)
    assert not any("success" in line or "| 3" in line for line in shown[:-2]) and len(shown) < 20
    status = instance.ctl("status", "1").stdout
    assert "119 items that succeeded or were skipped are not listed" in status and len(status.splitlines()) < 15
    totals = instance.call("run.summary", run=1)["totals"]
    assert (totals["items"], totals["success"], totals["failed"]) == (120, 119, 1)


def test_a_hundred_thousand_items_stay_small(make_instance):
    instance = make_instance({"most": """
[Step calc]
ForEach=!/usr/bin/seq 1 100000
MaxParallel=2
Exec=/bin/true
"""}).start()
    run = instance.run("most", wait=False)["run_number"]
    until(lambda: instance.call("run.current")["runs"][0]["completed"] > 30, "some are done")
    current = instance.call("run.current")["runs"][0]
    assert current["total"] == 100000 and 0 <= current["progress_percent"] < 1
    with instance.client() as client:
        tail = client.call("run.tail", run=run, follow=True)
        assert tail["following"]
        _, state = client.notification("run.state")
        assert len(state["steps"]) <= 101 and len(str(state)) < 60000
        assert state["items"][0]["total"] == 100000 and state["items"][0]["known"]
    shown = instance.call("run.show", run=run)
    assert len(shown["steps"]) < 300 and shown["items"][0]["running"] == 2
    instance.kill()
    instance.start()
    until(lambda: instance.call("run.current")["runs"][0]["completed"] > 40, "it goes on")
    assert instance.call("run.cancel", run=run)["status"] == "cancelled"
    shown = instance.call("run.show", run=run)
    assert shown["next"] == 500
    assert (shown["progress"]["total"], shown["progress"]["completed"]) == (100000, 100000)
    assert sql(instance, "SELECT count(DISTINCT item) FROM attempts") == 100001  # that of the command is empty
