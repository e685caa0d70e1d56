"""The control socket of a real daemon under clients that do not behave, and what the daemon says of itself in its log."""
import contextlib
import json
import os
import resource
import signal
import struct
import time

import pytest

from batchtest import paths
from batchtest.protocol import Client, ConnectionClosed, ProtocolError
from batchtest.wait import until

COUNT = "[Job]\nDescription=Counts\n\n[Parameter n]\nType=integer\nDefault=100\n\n" \
        "[Step count]\nExec=/bin/sh -c 'seq -f \"line %g\" ${n}'\n"
SLOW = "[Job]\nDescription=Takes its time\n\n[Step slow]\nExec=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.2; done'\n"


def quick(client_or_instance, seconds=20.0):
    """The answer to a question, which waits for no other client: one that holds the daemon up holds it for ever."""
    start = time.monotonic()
    answer = client_or_instance.call("daemon.status")
    assert time.monotonic() - start < paths.patience(seconds)
    return answer


def resident_kib(instance):
    with open(f"/proc/{instance.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def descriptors(instance):
    return len(os.listdir(f"/proc/{instance.process.pid}/fd"))


@pytest.mark.parametrize("data, kind, words", [
    (struct.pack(">I", 1024 * 1024 + 1) + b"{}", "too_large", "at most 1048576"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "too_large", "4-byte big-endian length"),
    (struct.pack(">I", 0), "parse_error", "an empty frame"),
])
def test_lost_framing_ends_that_connection_alone(instance, data, kind, words):
    other = instance.client()
    client = instance.client()
    client.send_bytes(data)
    error = client.receive()["error"]
    assert error["data"]["kind"] == kind and words in error["message"]
    with pytest.raises((ConnectionClosed, ConnectionResetError)):
        client.receive()
    quick(other)


@pytest.mark.parametrize("payload, kind, words", [
    (b"{", "parse_error", "not JSON"),
    (b"\xff\xff", "parse_error", "not JSON"),
    (b"[1]", "parse_error", "a frame takes one request"),
    (b'{"jsonrpc":"2.0","id":1,"method":"run.strat"}', "unknown_method", "did you mean 'run.start'"),
    (b'{"jsonrpc":"2.0","id":1,"method":"run.list","params":{"limit":0}}', "invalid_params", "from 1 to 1000"),
    (b'{"jsonrpc":"2.0","id":1,"method":"run.list","params":[]}', "parse_error", "by name"),
    (b'{"jsonrpc":"2.0","id":1,"method":"run.start","params":{"job":"x","on_behalf":"eve"}}', "not_permitted", "TrustedClients="),
])
def test_a_bad_call_is_an_answer_and_the_connection_goes_on(instance, payload, kind, words):
    client = instance.client()
    client.send_frame(payload)
    error = client.receive()["error"]
    assert error["data"]["kind"] == kind and words in error["message"]
    quick(client)


def test_a_version_mismatch_names_both_versions(instance):
    with pytest.raises(ProtocolError) as raised:
        instance.call("daemon.hello", client="batchctl 99", protocol=99)
    assert raised.value.kind == "version_mismatch"
    assert "speaks protocol 1" in raised.value.message and "batchctl 99 speaks protocol 99" in raised.value.message


def test_two_hundred_idle_clients(instance):
    clients = [instance.client() for _ in range(200)]
    for _ in range(10):
        quick(instance)
    for client in clients:
        quick(client)


def test_clients_that_vanish_leave_nothing(instance):
    until(lambda: instance.call("daemon.status")["launcher"]["state"] == "up", "the launcher is connected")
    quick(instance)
    before = descriptors(instance)
    for i in range(300):
        with Client(instance.socket) as client:
            client.send_bytes(struct.pack(">I", 100 + i) + b'{"jsonrpc":"2.0"'[:i % 17])
    with Client(instance.socket) as client:
        client.send({"jsonrpc": "2.0", "id": 1, "method": "run.list"})
    until(lambda: descriptors(instance) <= before, "the connections are gone")
    quick(instance)


def test_a_follower_that_never_reads_costs_nothing(make_instance):
    instance = make_instance(jobs={"count": COUNT, "slow": SLOW}).start()
    quick(instance)
    before = resident_kib(instance)
    lazy = [instance.client(timeout=60) for _ in range(5)]
    number = instance.call("run.start", job="count", params={"n": 400000})["run_number"]
    for client in lazy:
        client.send({"jsonrpc": "2.0", "id": 1, "method": "run.tail", "params": {"run": number, "follow": True}})
    shown = instance.call("run.show", run=number)
    while shown["run"]["status"] in ("queued", "running"):
        quick(instance)
        time.sleep(0.02)
        shown = instance.call("run.show", run=number)
    assert shown["run"]["status"] == "success"
    assert resident_kib(instance) - before < 24 * 1024 * paths.patience(1)
    # When they read at last they get what fits the buffers, how much they missed, and the end.
    for client in lazy:
        answer = client.receive()["result"]
        missed, last = 0, 0
        if not answer["following"]:
            continue
        while True:
            method, params = client.notification("run.lines", "run.end")
            if method == "run.end":
                break
            missed += params["skipped"]
            last = params["lines"][-1]["seq"] if params["lines"] else last
        assert params["status"] == "success" and params["last_seq"] == last == 400000
        assert missed > 0


def test_out_of_descriptors(make_instance):
    instance = make_instance(jobs={"slow": SLOW}).start()
    first = instance.client()
    number = first.call("run.start", job="slow")["run_number"]
    until(lambda: first.call("run.show", run=number)["run"]["status"] == "running", "the run runs")
    limit = descriptors(instance) + 12
    resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    waiting = [instance.client() for _ in range(40)]
    for client in waiting:
        # One that was told to come again may be closed by now.
        with contextlib.suppress(BrokenPipeError):
            client.send({"jsonrpc": "2.0", "id": 1, "method": "daemon.hello"})
    # Some are served, one a second is told, the others wait; who is connected already is served as ever.
    quick(first)
    for client in waiting[:-12]:
        client.close()
    hello = waiting[-1].receive()
    assert "result" in hello or hello["error"]["data"]["kind"] == "unavailable"
    quick(first)
    assert instance.wait_for_run(number)["run"]["status"] == "success"
    lines, _ = first.follow(number)
    assert [line["text"] for line in lines] == [str(i) for i in range(1, 11)]


@pytest.mark.parametrize("how, reason", [(signal.SIGTERM, "restart"), (signal.SIGINT, "stop")])
def test_clients_are_told_why_the_daemon_leaves(make_instance, how, reason):
    instance = make_instance(jobs={"slow": SLOW}).start()
    clients = [instance.client() for _ in range(3)]
    for client in clients:
        quick(client)
    assert instance.stop(how) == 0
    for client in clients:
        assert client.notification("daemon.stopping") == ("daemon.stopping", {"reason": reason})
        with pytest.raises((ConnectionClosed, ConnectionResetError)):
            client.receive()
    with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
        Client(instance.socket)


def log_entries(instance):
    return [json.loads(line) for line in instance.log.splitlines()]


def test_log_in_json_has_the_run_on_every_line_about_it(make_instance):
    instance = make_instance(jobs={"count": COUNT}, settings={"LogFormat": "json"}).start()
    run_id = instance.run("count")["run"]["run_id"]
    entries = log_entries(instance)
    assert all(entry["time"].endswith("Z") and entry["level"] and entry["message"] for entry in entries)
    about = [entry for entry in entries if entry.get("run_id") == run_id]
    assert {entry["job"] for entry in about} == {"count"}
    assert {"count"} == {entry["step"] for entry in about if "step" in entry}
    assert len({entry["message_id"] for entry in about if "message_id" in entry}) >= 4


def test_log_in_a_file_rotates(make_instance):
    settings = {"LogTarget": "file", "LogRotateSize": "4K", "LogRotateKeep": "2"}
    instance = make_instance(jobs={"count": COUNT}, settings=settings).start()
    folder = instance.path("state", "log")
    for _ in range(30):
        instance.run("count", params={"n": 1})
    names = sorted(os.listdir(folder))
    assert names == ["batchd.log", "batchd.log.1", "batchd.log.2"]
    for name in names:
        size = os.path.getsize(os.path.join(folder, name))
        assert 0 < size <= 4096
    with contextlib.suppress(FileNotFoundError):
        os.rename(os.path.join(folder, "batchd.log"), os.path.join(folder, "moved"))
    instance.process.send_signal(signal.SIGUSR1)
    until(lambda: os.path.exists(os.path.join(folder, "batchd.log")), "the log file is opened anew")
