"""Programs of different versions meet: what is compatible is served, else it is said which is which and what to do."""
import os
import signal
import struct

import pytest

from batchtest import chaos, processes
from batchtest.ctl import ctl, daemon  # noqa: F401
from batchtest.fake_daemon import Refusal
from batchtest.protocol import ProtocolError
from batchtest.wait import until
from batchtest.web import Web

PROTOCOL = 1
COUNTER = """[Step count]
Exec=/bin/sh -c "for i in 1 2 3; do echo line $$i; done; while [ ! -e GO ]; do sleep 0.02; done; for i in 4 5; do echo line $$i; done; exit 7"
SuccessExitStatus=7
"""


# --- clients and the daemon


@pytest.mark.parametrize("theirs, what_to_do", [(PROTOCOL - 1, "upgrade the client to batchd's version"),
                                                (PROTOCOL + 1, "upgrade batchd to the client's version and restart it")])
def test_the_daemon_says_which_is_which(instance, theirs, what_to_do):
    version = instance.call("daemon.hello")["version"]
    with pytest.raises(ProtocolError) as refused:
        instance.call("daemon.hello", client="someone 7.0", protocol=theirs)
    assert (refused.value.kind, refused.value.code) == ("version_mismatch", -32007)
    assert refused.value.message == f"{what_to_do}: batchd {version} speaks protocol {PROTOCOL}, someone 7.0 speaks protocol {theirs}"
    assert refused.value.data["protocol"] == PROTOCOL and refused.value.data["version"] == version


def test_hello_takes_what_later_versions_add(instance):
    for params in ({}, {"protocol": PROTOCOL}, {"client": "x", "protocol": PROTOCOL, "compression": ["zstd"], "since": None}):
        assert instance.call("daemon.hello", **params)["protocol"] == PROTOCOL


def test_what_the_daemon_does_not_know_yet_is_named(instance):
    with pytest.raises(ProtocolError, match="protocol 1") as refused:
        instance.call("quantum.entangle")
    assert refused.value.kind == "unknown_method"
    with pytest.raises(ProtocolError, match="takes no parameter 'colour'"):
        instance.call("run.list", colour="blue")


def refuse_version(_params, _connection):
    raise Refusal("version_mismatch", "upgrade the client to batchd's version: batchd 9.0 speaks protocol 2, batchctl speaks protocol 1", -32007)


def refuse_method(_params, _connection):
    raise Refusal("unknown_method", "there is no method 'job.list'", -32601)


def refuse_parameter(_params, _connection):
    raise Refusal("invalid_params", "job.list takes no parameter 'x'", -32602, parameter="x")


@pytest.mark.parametrize("refusal", [refuse_method, refuse_parameter])
def test_batchctl_explains_a_daemon_of_another_version(daemon, refusal):  # noqa: F811
    daemon.answers["job.list"] = refusal
    _, out, err = ctl(daemon, "list")
    own = ctl(None, "--version")[1].split()[1]
    assert out == "" and err.splitlines()[1:] == ["batchctl: restart batchd after an upgrade ('systemctl restart batchd'), or use the batchctl of its "
                                                  f"version: batchd is 9.9.9, this batchctl {own}"]
    daemon.answers["daemon.hello"] = refuse_version
    assert "batchd 9.0 speaks protocol 2" in ctl(daemon, "list")[2].splitlines()[1]
    # A daemon of the same version is no explanation.
    daemon.answers["daemon.hello"] = {"version": own, "protocol": PROTOCOL, "host": "h", "pid": 1}
    assert len(ctl(daemon, "list")[2].splitlines()) == 1


def test_batch_web_asks_nothing_of_a_daemon_of_another_protocol(daemon):  # noqa: F811
    hello = daemon.answers["daemon.hello"]
    daemon.process = None
    daemon.answers["daemon.hello"] = refuse_version
    daemon.answers["job.list"] = {"jobs": []}
    web = Web(daemon)
    try:
        web.start()
        until(lambda: "batchd 9.0 speaks protocol 2" in web.log, lambda: web.log)
        answer = web.get("/api/v1/jobs")
        assert answer.status == 503 and "batchd 9.0 speaks protocol 2" in answer.text
        until(lambda: len(daemon.params_of("daemon.hello")) >= 10, "it asks again")
        assert {method for method, _ in daemon.calls} == {"daemon.hello"}
        assert web.log.count("batchd 9.0 speaks protocol 2") <= 3  # once for each of its connections
        daemon.answers["daemon.hello"] = hello  # it was upgraded
        until(lambda: web.get("/api/v1/jobs").status == 200, lambda: web.log)
    finally:
        web.remove()


# --- the daemon and what runs the steps


def crc32c(data):
    checksum = 0xffffffff
    for byte in data:
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x82f63b78 if checksum & 1 else 0)
    return checksum ^ 0xffffffff


def make_later_version(path):
    """The attempt file as a later format's: nothing in it may be believed."""
    with open(path, "r+b") as file:
        head = file.read(16)
        assert head == b"batchd attempt\n\0"
        head += struct.pack("<I", 2)
        file.seek(0)
        file.write(head + struct.pack("<I", crc32c(head)))


def begin_and_leave(make_instance):
    """A daemon that was killed with a step under way, whose attempt file is a later version's: (instance, run)."""
    instance = make_instance()
    instance.write_job("count", COUNTER.replace("GO", instance.path("go")))
    number = instance.start().run("count", wait=False)["run_number"]
    until(lambda: len(instance.call("run.tail", run=number)["lines"]) == 3, "it runs")
    instance.kill()
    folder = os.path.join(instance.state, "runs", os.listdir(os.path.join(instance.state, "runs"))[0])
    attempt, = [name for name in os.listdir(folder) if name.endswith(".attempt")]
    make_later_version(os.path.join(folder, attempt))
    return instance, number


def test_a_monitor_whose_file_is_of_a_later_version_is_followed_to_its_end(make_instance):
    """After a downgrade: what it says over its socket is enough."""
    instance, number = begin_and_leave(make_instance)
    instance.start()
    assert instance.status_of(number) == "running"
    with open(instance.path("go"), "w", encoding="ascii"):
        pass
    shown = instance.wait_for_run(number)
    assert shown["run"]["status"] == "success" and [attempt["exit_status"] for attempt in shown["attempts"]] == [7]
    assert [line["text"] for line in instance.call("run.tail", run=number)["lines"]] == [f"line {i}" for i in range(1, 6)]


def test_an_end_in_a_file_of_a_later_version_is_not_guessed(make_instance):
    """The monitor has ended meanwhile. The step is not begun once more either."""
    instance, number = begin_and_leave(make_instance)
    monitor, = [pid for pid in processes.of_folder(instance.folder) if chaos.name_of(pid).startswith("mon.")]
    chaos.kill(monitor, signal.SIGKILL)
    until(lambda: not processes.is_alive(monitor), "the monitor has ended")
    shown = instance.start().wait_for_run(number)
    assert (shown["run"]["status"], [attempt["reason"] for attempt in shown["attempts"]]) == ("failed", ["lost"])
    assert "a later version of batchd wrote it; install that one again" in instance.log
