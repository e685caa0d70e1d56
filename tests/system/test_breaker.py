"""Circuit breakers: a step that keeps failing is not tried for a while, says so, and is tried again."""
import os

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until


def flaky(folder, keys="BreakerFailures=2\nBreakerResetSec=1h", command=""):
    """Fails until the file `works` is there, and notes each attempt."""
    return f"""
[Job]
Overlap=allow
[Step load]
Exec=/bin/sh -c "echo >> {folder}/attempts; {command} test -e {folder}/works"
{keys}
[Step after]
Exec=/bin/true
"""


def attempts(instance):
    try:
        with open(instance.path("attempts"), encoding="utf-8") as lines:
            return len(lines.readlines())
    except FileNotFoundError:
        return 0


def set_works(instance, works=True):
    if works:
        os.close(os.open(instance.path("works"), os.O_CREAT, 0o600))
    else:
        os.unlink(instance.path("works"))


def first(shown):
    step = shown["steps"][0]
    return step["status"], step["reason"], step["attempts"]


def breaker(instance, job="flaky"):
    return instance.call("job.show", job=job)["steps"][0]["breaker"]


@pytest.fixture
def instance(make_instance):
    made = make_instance()
    made.write_job("flaky", flaky(made.folder))
    return made.start()


def test_failures_in_a_row_open_it_and_then_nothing_is_tried(instance):
    assert breaker(instance) is None
    assert first(instance.run("flaky")) == ("failed", "exit", 1)
    assert (breaker(instance)["state"], breaker(instance)["failures"]) == ("closed", 1)
    assert first(instance.run("flaky")) == ("failed", "exit", 1)
    refused = instance.run("flaky")
    assert first(refused) == ("failed", "breaker", 0) and attempts(instance) == 2
    assert (refused["run"]["status"], refused["run"]["reason"]) == ("failed", "breaker")
    assert refused["steps"][1]["reason"] == "dependency" and refused["attempts"] == []
    for text in (refused["run"]["error_message"], refused["steps"][0]["error_message"]):
        for word in ("its breaker is open since 20", "after 2 failures in a row (the last in run 2: exit status 1)", "until 20", "batchctl reset flaky load"):
            assert word in text
    shown = breaker(instance)
    assert (shown["state"], shown["failures"], shown["run_number"], shown["error"]) == ("open", 2, 2, "exit status 1")
    assert [(b["job"], b["step"], b["state"]) for b in instance.call("daemon.status")["breakers"]] == [("flaky", "load", "open")]
    for screen in (instance.ctl("status").stdout, instance.ctl("show", "flaky").stdout):
        assert "breaker" in screen and "open since" in screen and "after 2 failures in a row, the last in run 2: exit status 1" in screen


def test_a_success_between_them_begins_anew(instance):
    instance.run("flaky")
    set_works(instance)
    assert first(instance.run("flaky")) == ("success", None, 1)
    assert breaker(instance) is None
    set_works(instance, False)
    assert first(instance.run("flaky"))[1] == "exit"
    assert breaker(instance)["state"] == "closed"


def test_retries_of_one_step_are_one_failure(make_instance):
    instance = make_instance()
    instance.write_job("flaky", flaky(instance.folder, "BreakerFailures=2\nRetries=2\nRetryDelaySec=10ms"))
    instance.start()
    assert first(instance.run("flaky")) == ("failed", "exit", 3)
    assert breaker(instance)["failures"] == 1


def test_after_the_reset_time_one_probe_decides(make_instance):
    instance = make_instance()
    instance.write_job("flaky", flaky(instance.folder, "BreakerFailures=1\nBreakerResetSec=500ms", "sleep 0.7;"))
    instance.start()
    assert first(instance.run("flaky"))[1] == "exit"
    assert first(instance.run("flaky"))[1] == "breaker"
    until(lambda: breaker(instance)["state"] == "half_open", "the reset time is over")
    probe = instance.run("flaky", wait=False)["run_number"]
    until(lambda: attempts(instance) == 2, "the probe is on its way")
    beside = instance.run("flaky")
    assert first(beside)[1] == "breaker" and f"run {probe} is trying it" in beside["run"]["error_message"]
    assert first(instance.wait_for_run(probe))[1] == "exit"
    assert breaker(instance)["state"] == "open" and breaker(instance)["failures"] == 2
    set_works(instance)
    until(lambda: breaker(instance)["state"] == "half_open", "the reset time is over again")
    assert first(instance.run("flaky")) == ("success", None, 1)
    assert breaker(instance) is None and attempts(instance) == 3
    assert "the breaker opened: 1 failure, the last: exit status 1" in instance.log and "the breaker closed: it works again" in instance.log


def test_the_retries_of_a_probe_belong_to_it(make_instance):
    instance = make_instance()
    instance.write_job("flaky", flaky(instance.folder, "BreakerFailures=1\nBreakerResetSec=0\nRetries=1\nRetryDelaySec=10ms",
                                      f"test $$(wc -l <{instance.folder}/attempts) -lt 4 || exit 0;"))
    instance.start()
    assert first(instance.run("flaky")) == ("failed", "exit", 2)
    assert first(instance.run("flaky")) == ("success", None, 2)
    assert breaker(instance) is None


def test_a_cancelled_probe_tells_nothing(make_instance):
    instance = make_instance()
    instance.write_job("flaky", flaky(instance.folder, "BreakerFailures=1\nBreakerResetSec=0", "test -e {}/works || ! test -e {}/slow || sleep 60;".format(instance.folder, instance.folder)))
    instance.start()
    instance.run("flaky")
    os.close(os.open(instance.path("slow"), os.O_CREAT, 0o600))
    probe = instance.run("flaky", wait=False)["run_number"]
    until(lambda: attempts(instance) == 2, "the probe is on its way")
    instance.call("run.cancel", run=probe)
    assert (breaker(instance)["state"], breaker(instance)["failures"], breaker(instance)["probe"]) == ("half_open", 1, None)
    set_works(instance)
    assert first(instance.run("flaky")) == ("success", None, 1)


def test_it_is_reset_by_hand_and_that_is_audited(make_instance, database):
    instance = make_instance(database=database)
    instance.write_job("flaky", flaky(instance.folder))
    instance.start()
    assert instance.ctl("reset", "flaky").stdout == "flaky: no breaker was open, and none has counted failures\n"
    instance.run("flaky")
    instance.run("flaky")
    said = instance.ctl("reset", "flaky", "load").stdout
    assert said.startswith("flaky load: closed (it was open since ") and said.endswith("after 2 failures in a row, the last in run 2: exit status 1)\n")
    assert breaker(instance) is None and "the breaker was reset (it was open, with 2 counted)" in instance.log
    assert first(instance.run("flaky"))[1] == "exit"
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is up")
    until(lambda: database.value("SELECT count(*) FROM batch_audit WHERE method = 'breaker.reset' AND outcome = 'ok'") == 2, "the audit has it")
    for arguments in (("nothing",), ("flaky", "laod")):
        assert instance.ctl("reset", *arguments, check=False).returncode == 4
    with pytest.raises(ProtocolError) as refused:
        instance.call("breaker.reset", job="flaky", step="nothing")
    assert refused.value.kind == "not_found"


def test_a_start_may_skip_it(instance):
    instance.run("flaky")
    instance.run("flaky")
    set_works(instance)
    shown = instance.run("flaky", skip_gates=["load/breaker"])
    assert first(shown) == ("success", None, 1) and shown["run"]["status"] == "partial"
    assert shown["run"]["warnings"][0]["text"].startswith("breaker was skipped: not tried")
    assert breaker(instance) is None


def test_what_is_counted_and_open_outlives_a_kill(instance):
    instance.run("flaky")
    instance.kill()
    instance.start()
    assert breaker(instance)["failures"] == 1
    instance.run("flaky")
    instance.kill()
    instance.start()
    assert breaker(instance)["state"] == "open"
    assert first(instance.run("flaky"))[1] == "breaker"


def test_a_probe_that_outlives_the_daemon_still_decides(make_instance):
    instance = make_instance()
    instance.write_job("flaky", flaky(instance.folder, "BreakerFailures=1\nBreakerResetSec=0", "sleep 1;"))
    instance.start()
    instance.run("flaky")
    set_works(instance)
    probe = instance.run("flaky", wait=False)["run_number"]
    until(lambda: attempts(instance) == 2, "the probe is on its way")
    instance.kill()
    instance.start()
    assert breaker(instance)["probe"]["run_number"] == probe
    assert first(instance.run("flaky"))[1] == "breaker"
    assert first(instance.wait_for_run(probe)) == ("success", None, 1)
    assert breaker(instance) is None


def test_items_that_fail_in_a_row_spare_the_rest(make_instance):
    """A source that is down is asked three times, not thirty."""
    instance = make_instance()
    items = " ".join(f"team{number}" for number in range(30))
    instance.write_job("flaky", flaky(instance.folder, f"ForEach={items}\nBreakerFailures=3"))
    instance.start()
    shown = instance.run("flaky")
    reasons = [s["reason"] for s in shown["steps"] if s["step_name"] == "load"]
    assert (reasons.count("exit"), reasons.count("breaker")) == (3, 27) and attempts(instance) == 3
    assert breaker(instance)["state"] == "open"


@pytest.mark.parametrize("lines, message", [
    ("BreakerFailures=1001", "BreakerFailures="),
    ("BreakerFailures=-1", "BreakerFailures="),
    ("BreakerFailures=2\nBreakerResetSec=soon", "BreakerResetSec="),
])
def test_a_mistake_is_told(make_instance, lines, message):
    instance = make_instance({"wrong": f"[Step load]\nExec=/bin/true\n{lines}\n"}).start()
    assert message in instance.call("daemon.status")["job_errors"][0]["message"]
