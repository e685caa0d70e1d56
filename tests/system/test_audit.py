"""Who did what: it can be asked for, by run, user, method and time."""
import getpass
import json
import os
import pwd

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until

JOB = "[Job]\nOverlap=reject\n[Parameter n]\n[Step work]\nExec=/bin/sh -c \"echo begun; sleep 100\"\nKillGraceSec=100ms\n"


def me():
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()


def test_who_started_and_who_cancelled(make_instance):
    instance = make_instance({"work": JOB}).start()
    number = instance.run("work", wait=False, params={"n": "a; b"}, reason="because")["run_number"]
    with pytest.raises(ProtocolError):
        instance.call("run.start", job="work")
    instance.call("run.cancel", run=number, reason="enough")
    instance.call("job.pause", job="work", reason="not now")
    entries = instance.call("audit.list")["entries"]
    assert [(entry["method"], entry["outcome"]) for entry in entries] == [
        ("job.pause", "ok"), ("run.cancel", "ok"), ("run.start", "already_running"), ("run.start", "ok")]
    assert {(entry["user"], entry["uid"], entry["pid"]) for entry in entries} == {(me(), os.geteuid(), os.getpid())}
    of_run = instance.call("audit.list", run=number)["entries"]
    assert [(entry["method"], entry["run_number"], entry["job"]) for entry in of_run] == [("run.cancel", number, "work"), ("run.start", number, "work")]
    assert of_run[1]["params"]["params"] == {"n": "a; b"} and of_run[0]["params"]["reason"] == "enough"
    assert json.loads(instance.ctl("audit", "--method", "job.pause", "-o", "json").stdout) == entries[:1]
    assert instance.call("audit.list", user="nobody-else")["entries"] == []
    assert instance.call("audit.list", user=me())["entries"] == entries
    assert instance.call("audit.list", since=entries[1]["at"], until=entries[0]["at"])["entries"] == entries[1:2]
    with pytest.raises(ProtocolError) as error:
        instance.call("audit.list", run=99)
    assert error.value.kind == "not_found"
    # The same on the terminal, and in the journal's words.
    shown = instance.ctl("audit", str(number)).stdout
    assert "run.cancel" in shown and "run.start" in shown and "job.pause" not in shown and str(os.geteuid()) in shown
    assert "n=a; b" in shown or '"n":"a; b"' in shown, shown
    assert f"run.cancel by {me()} (uid {os.geteuid()}, pid {os.getpid()}): ok" in instance.log


def test_pages(make_instance):
    instance = make_instance({"work": JOB}).start()
    for i in range(7):
        instance.call("job.pause" if i % 2 == 0 else "job.resume", job="work")
    until(lambda: len(instance.call("audit.list")["entries"]) == 7, "all are there")
    first = instance.call("audit.list", limit=3)
    second = instance.call("audit.list", limit=3, before=first["next"])
    third = instance.call("audit.list", limit=3, before=second["next"])
    ids = [entry["audit_id"] for page in (first, second, third) for entry in page["entries"]]
    assert len(ids) == 7 and ids == sorted(ids, reverse=True) and "next" not in third


def test_it_stays_readable_whatever_was_given(make_instance):
    """Text that a terminal or a JSON reader could stumble over; more of it than fits."""
    instance = make_instance({"work": JOB}).start()
    for name in ("../../etc/passwd", "a\u001b[31mb", "%s%n", "x" * 500000, "a'b\"c`d$(e)"):
        with pytest.raises(ProtocolError):
            instance.call("run.start", job=name)
    entries = instance.call("audit.list")["entries"]
    assert len(entries) == 5 and isinstance(entries[1]["params"], str) and len(entries[1]["params"]) <= 16384
    assert "\x1b" not in instance.ctl("audit").stdout
