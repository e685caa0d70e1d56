"""What a step says of itself from inside its work, in any language, and what becomes of it."""
from batchtest import paths
from batchtest.wait import until

REPORT = f"{paths.BATCHCTL} report"


def step_of(shown, name, item=""):
    return next(step for step in shown["steps"] if (step["step_name"], step["item"]) == (name, item))


def heartbeats(shown):
    return [warning["text"] for warning in shown["run"]["warnings"] if warning["category"] == "heartbeat"]


def silent(folder, more=""):
    """Says nothing until the file `go` is there, then one word, then ends when `stop` is there."""
    return f"""
[Step quiet]
Exec=/bin/sh -c "{REPORT} --heartbeat; while ! test -e {folder}/go; do sleep 0.05; done; {REPORT} --status awake; while ! test -e {folder}/stop; do sleep 0.05; {REPORT} --heartbeat; done"
HeartbeatSec=600ms
{more}
"""


def touch(instance, name):
    with open(instance.path(name), "w", encoding="utf-8"):
        pass


def test_a_missing_heartbeat_is_a_warning_while_it_is_missing_and_told_when_it_comes_back(make_instance, database):
    instance = make_instance(database=database)
    instance.write_job("quiet", silent(instance.folder))
    instance.start()
    run = instance.run("quiet", wait=False)["run_number"]
    missing = until(lambda: heartbeats(instance.show(run)), "it is missed", 10)
    assert len(missing) == 1 and missing[0].startswith("no sign of life since 20") and missing[0].endswith("UTC, HeartbeatSec=600ms")
    step = step_of(instance.show(run), "quiet")
    assert step["status"] == "running" and step["metadata"]["heartbeat"]["missing_since"] and step["metadata"]["heartbeat"]["times"] == 1
    assert "no sign of life for" in instance.ctl("status", str(run)).stdout
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up", 10)
    until(lambda: database.value("SELECT warnings -> 0 ->> 'text' FROM batch_runs") == missing[0], "PostgreSQL tells it while it lasts", 10)
    # A daemon that was killed meanwhile takes it up.
    instance.kill()
    instance.start()
    assert heartbeats(instance.show(run)) == missing
    touch(instance, "go")
    back = until(lambda: [text for text in heartbeats(instance.show(run)) if "came back" in text], "it is heard of again", 10)
    assert len(heartbeats(instance.show(run))) == 1 and back[0].startswith("no sign of life for ") and "UTC on, HeartbeatSec=600ms; it came back" in back[0]
    step = step_of(instance.show(run), "quiet")
    assert step["metadata"]["heartbeat"]["missing_since"] is None and step["metadata"]["heartbeat"]["silent_seconds"] >= 0.6
    touch(instance, "stop")
    shown = instance.wait_for_run(run)
    assert shown["run"]["status"] == "partial" and step_of(shown, "quiet")["status"] == "success"


def test_a_missing_heartbeat_ends_the_step_where_the_job_says_so(make_instance):
    instance = make_instance()
    instance.write_job("quiet", silent(instance.folder, "HeartbeatAction=kill"))
    instance.start()
    shown = instance.run("quiet")
    step = step_of(shown, "quiet")
    assert (shown["run"]["status"], step["status"], step["reason"]) == ("failed", "failed", "heartbeat")
    assert step["error_message"] == "no sign of life for HeartbeatSec=600ms"
    assert not [line for line in instance.leftovers() if "/go" in line]


def test_other_reports_are_signs_of_life_too(make_instance):
    shown = make_instance({"talks": f"""
[Step talks]
Exec=/bin/sh -c "for i in 1 2 3 4 5 6 7 8; do sleep 0.2; {REPORT} --progress $$i/8; done"
HeartbeatSec=1s
HeartbeatAction=kill
"""}).start().run("talks")
    assert shown["run"]["status"] == "success"
