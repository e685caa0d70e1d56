"""run.retry: what did not succeed runs again, with the old parameters and mode; what changed meanwhile is told."""
import os

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until

# A step writes its name and fails while the file bad.STEP is there.
JOB = """
[Job]
DefaultMode=full
[Parameter week]
Type=integer
[Mode full]
Steps=a b c d
[Mode short]
Steps=a d
[Step a]
Exec=FOLDER/work ${week}
[Step b]
Exec=FOLDER/work ${week}
[Step c]
Exec=FOLDER/work ${week}
[Step d]
Exec=FOLDER/work ${week}
"""
WORK = '#!/bin/sh\necho "$BATCH_RUN $BATCH_STEP $1 $BATCH_TRIGGER" >>FOLDER/done\nwhile [ -e FOLDER/hold ]; do sleep 0.02; done\n[ ! -e FOLDER/bad.$BATCH_STEP ]\n'


@pytest.fixture
def batch(make_instance):
    instance = make_instance()
    with open(instance.path("work"), "w", encoding="ascii") as file:
        file.write(WORK.replace("FOLDER", instance.folder))
    os.chmod(instance.path("work"), 0o755)
    instance.write_job("work", JOB.replace("FOLDER", instance.folder))
    return instance.start()


def mark(instance, name, there=True):
    if there:
        with open(instance.path(name), "w", encoding="ascii"):
            pass
    else:
        os.remove(instance.path(name))


def done(instance, number):
    with open(instance.path("done"), encoding="ascii") as file:
        return [line.split()[1:] for line in file if line.startswith(f"{number} ")]


def failed_in_the_middle(instance, **params):
    mark(instance, "bad.b")
    run = instance.run("work", params={"week": 7}, **params)["run"]
    assert run["status"] == "failed"
    mark(instance, "bad.b", False)
    return run


def test_only_what_did_not_succeed_runs_again(batch):
    old = failed_in_the_middle(batch)
    answer = batch.call("run.retry", run=old["run_number"], reason="prices are there now")
    assert answer["steps"] == ["b", "c", "d"] and answer["retry_of"] == old["run_id"]
    shown = batch.wait_for_run(answer["run_number"])
    run = shown["run"]
    assert (run["status"], run["triggered_by"], run["retry_of"], run["parameters"], run["batch_mode"]) == \
        ("success", "retry", old["run_id"], {"week": 7}, "full")
    assert run["notes"] == ["prices are there now"]
    assert done(batch, run["run_number"]) == [[step, "7", "retry"] for step in "bcd"]
    with pytest.raises(ProtocolError, match="nothing to retry"):
        batch.call("run.retry", run=run["run_number"])
    # From a named step: it and all behind it, though they had succeeded.
    again = batch.call("run.retry", run=run["run_number"], **{"from": "c"})
    assert again["steps"] == ["c", "d"]
    batch.wait_for_run(again["run_number"])
    with pytest.raises(ProtocolError, match='no step "x"; it has b, c, d'):
        batch.call("run.retry", run=run["run_number"], **{"from": "x"})


def test_a_mode_and_a_selection_stay_what_they_were(batch):
    mark(batch, "bad.d")
    old = batch.run("work", mode="short", params={"week": 1})["run"]
    answer = batch.call("run.retry", run=old["run_id"])
    assert answer["steps"] == ["d"] and batch.wait_for_run(answer["run_number"])["run"]["batch_mode"] == "short"
    picked = batch.run("work", steps=["b", "d"])["run"]
    assert batch.call("run.retry", run=picked["run_number"], **{"from": "b"})["steps"] == ["b", "d"]


def test_an_active_run_is_not_retried(batch):
    mark(batch, "hold")
    number = batch.call("run.start", job="work")["run_number"]
    with pytest.raises(ProtocolError, match="has not ended yet") as refused:
        batch.call("run.retry", run=number)
    assert refused.value.data["kind"] == "already_running" and refused.value.data["run_number"] == number
    batch.call("run.cancel", run=number)
    # One that was cancelled goes on where it was; another that runs meanwhile is in its way, as for any start.
    other = batch.call("run.start", job="work")["run_number"]
    with pytest.raises(ProtocolError) as refused:
        batch.call("run.retry", run=number)
    assert refused.value.data["run_number"] == other
    mark(batch, "hold", False)
    batch.wait_for_run(other)
    assert batch.call("run.retry", run=number)["steps"] == ["a", "b", "c", "d"]
    with pytest.raises(ProtocolError) as refused:
        batch.call("run.retry", run=4711)
    assert refused.value.data["kind"] == "not_found"


def test_a_changed_job_needs_force_and_says_what_changed(batch):
    old = failed_in_the_middle(batch)
    changed = JOB.replace("Steps=a b c d", "Steps=a b c d e") + "Retries=2\n[Step e]\nExec=FOLDER/work ${week}\n"
    batch.write_job("work", changed.replace("FOLDER", batch.folder))
    batch.ctl("reload")
    refused = batch.ctl("retry", str(old["run_number"]), check=False)
    assert refused.returncode == 2
    assert "work has changed since run 1 ([Mode full] Steps=, [Step d] Retries=, [Step e], [Step e] Exec=)" in refused.stderr
    with pytest.raises(ProtocolError) as error:
        batch.call("run.retry", run=old["run_number"])
    assert error.value.data["changed"] == ["[Mode full] Steps=", "[Step d] Retries=", "[Step e]", "[Step e] Exec="]
    told = batch.ctl("retry", str(old["run_number"]), "--force", "--wait")
    assert "started with b, c, d, e" in told.stdout
    batch.write_job("work", "# a comment\n" + changed.replace("FOLDER", batch.folder))
    batch.ctl("reload")
    with pytest.raises(ProtocolError, match="in comments or order only"):
        batch.call("run.retry", run=2, **{"from": "e"})


def test_a_retry_is_taken_up_after_a_kill(batch):
    old = failed_in_the_middle(batch)
    mark(batch, "hold")
    number = batch.call("run.retry", run=old["run_number"], request_id="once")["run_number"]
    until(lambda: done(batch, number), "it has begun")
    batch.kill()
    batch.start()
    assert batch.call("run.retry", run=old["run_number"], request_id="once")["run_number"] == number
    mark(batch, "hold", False)
    assert batch.wait_for_run(number)["run"]["status"] == "success"
    assert [step for step, _, _ in done(batch, number)] == ["b", "c", "d"]
    assert batch.show(number)["run"]["retry_of"] == old["run_id"]


ITEMS = """
[Step load]
ForEach=LIST
MaxParallel=2
Exec=FOLDER/item ${item}
[Step check]
ForEach=LIST
After=load
Exec=FOLDER/item ${item}
[Step sum]
After=check
Exec=FOLDER/item all
"""
# An item of a step fails while bad.STEP.ITEM is there.
ITEM = '#!/bin/sh\necho "$BATCH_RUN $BATCH_STEP $1" >>FOLDER/done\nwhile [ -e FOLDER/hold ]; do sleep 0.02; done\n[ ! -e FOLDER/bad.$BATCH_STEP.$1 ]\n'


@pytest.mark.parametrize("listed", ("a b c d e", "!FOLDER/list"))
def test_only_items_that_did_not_succeed_run_again(make_instance, listed):
    instance = make_instance()
    for name, text in (("item", ITEM), ("list", "#!/bin/sh\necho listed >>FOLDER/lists\nprintf 'a\\nb\\nc\\nd\\ne\\n'\n")):
        with open(instance.path(name), "w", encoding="ascii") as file:
            file.write(text.replace("FOLDER", instance.folder))
        os.chmod(instance.path(name), 0o755)
    instance.write_job("each", ITEMS.replace("LIST", listed).replace("FOLDER", instance.folder))
    instance.start()
    mark(instance, "bad.load.b")
    mark(instance, "bad.check.d")
    old = instance.run("each")["run"]
    assert old["status"] == "partial", old
    mark(instance, "bad.load.b", False)
    mark(instance, "bad.check.d", False)
    mark(instance, "hold")
    answer = instance.call("run.retry", run=old["run_number"])
    until(lambda: len(done(instance, answer["run_number"])) == 2, "two items are at it")
    instance.kill()
    instance.start()
    mark(instance, "hold", False)
    shown = instance.wait_for_run(answer["run_number"])
    assert shown["run"]["status"] == "success", shown
    again = sorted(tuple(line) for line in done(instance, answer["run_number"]) if line[1] != "all")
    # b was not loaded; d was, and is only checked.
    assert again == [("check", "b"), ("check", "d"), ("load", "b")], again
    steps = {(step["step_name"], step["item"]): (step["status"], step["attempts"]) for step in shown["steps"]}
    assert steps["load", "d"] == ("success", 0) and steps["load", "b"] == ("success", 1)
    if listed.startswith("!"):
        with open(instance.path("lists"), encoding="ascii") as file:
            assert len(file.readlines()) == 1
    whole = instance.call("run.retry", run=old["run_number"], **{"from": "load"})
    instance.wait_for_run(whole["run_number"])
    assert sorted(line[1] for line in done(instance, whole["run_number"]) if line[0] == "load") == list("abcde")
