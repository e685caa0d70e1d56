"""batch-web under those who come by the hundred, go without a word, and leave it no descriptors; and over many restarts of the daemon."""
import contextlib
import os
import shutil
import signal
import socket
import time

import pytest

from batchtest import paths
from batchtest.wait import until

JOBS = {
    "ticks": """
[Job]
[Parameter gate]
Type=string
[Step tick]
Exec=/bin/sh -c "i=0; while [ ! -e ${gate} ]; do i=$$((i+1)); echo line $$i; sleep 0.02; done; echo last"
""",
}
HALF = b"GET /healthz HTTP/1.1\r\nHost: h\r\n"


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS).start()


@pytest.fixture
def web(instance, make_web):
    return make_web(instance).start()


def connect(web):
    return socket.create_connection(("127.0.0.1", web.port), paths.patience(60))


def descriptors(web):
    return len(os.listdir(f"/proc/{web.process.pid}/fd"))


def start(instance):
    """The run_id of a run that ticks until finish."""
    return instance.run("ticks", wait=False, params={"gate": instance.path("gate")})["run_id"]


def finish(instance):
    with open(instance.path("gate"), "w", encoding="ascii"):
        pass


def test_unfinished_requests_hold_nobody_up(web):
    """Heads that never end, by the hundred: others are served meanwhile, and those who give up leave nothing behind."""
    before = descriptors(web)
    slow = [connect(web) for _ in range(300)]
    for connection in slow:
        connection.sendall(HALF)
    for _ in range(20):
        assert web.get("/readyz").status == 200
        for connection in slow[::10]:
            connection.sendall(b"X: y\r\n")
    slow[7].sendall(b"Connection: close\r\n\r\n")
    assert slow[7].recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
    for connection in slow:
        connection.close()
    until(lambda: descriptors(web) <= before, "all are forgotten")


def test_a_thousand_streams_come_and_go(instance, web):
    run = start(instance)
    before, watchers = descriptors(web), instance.call("daemon.status")["watchers"]
    with web.stream(f"/api/v1/runs/{run}/stream?after=0") as faithful:
        for _ in range(5):
            streams = [web.stream(f"/api/v1/runs/{run}/stream?lines=2") for _ in range(200)]
            for stream in streams[::20]:
                next(stream.events("lines"))
            assert instance.call("daemon.status")["watchers"] == watchers + 1, "the daemon is asked once"
            for stream in streams:
                stream.close()
        until(lambda: descriptors(web) <= before + 1, "all but one are forgotten")
        finish(instance)
        lines, end = faithful.follow()
        assert [line["seq"] for line in lines] == list(range(1, end["last_seq"] + 1)) and lines[-1]["text"] == "last"


def test_it_ends_while_the_daemon_owes_answers(instance, web):
    instance.call("run.cancel", run=start(instance))
    instance.process.send_signal(signal.SIGSTOP)
    try:
        waiting = [connect(web) for _ in range(7)]
        for connection, path in zip(waiting, ("/api/v1/runs", "/metrics", "/readyz", "/api/v1/events", "/api/v1/runs/1/stream", "/api/v1/runs/latest/stream?after=0",
                                              "/api/v1/runs/1/logs/download")):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert web.get("/healthz").status == 200
        assert web.stop() == 0
        for connection in waiting:
            connection.close()
    finally:
        instance.process.send_signal(signal.SIGCONT)


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
def test_descriptors_run_out(instance, make_web):
    """Whoever is connected is served; the others wait until there is room, and the loop does not spin meanwhile."""
    web = make_web(instance)
    web.wrapper = ["prlimit", "--nofile=40:40"]
    begun = time.monotonic()
    web.start()
    run = start(instance)
    with web.stream(f"/api/v1/runs/{run}/stream") as stream, connect(web) as served:
        next(stream.events("lines"))
        crowd = [connect(web) for _ in range(60)]
        until(lambda: "no clients are accepted for a second" in web.log, "descriptors have run out")
        served.sendall(HALF + b"\r\n")
        assert served.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
        last = crowd.pop()
        last.sendall(HALF + b"Connection: close\r\n\r\n")
        for connection in crowd:
            connection.close()
        assert last.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
        last.close()
        assert web.get("/readyz").status == 200
        finish(instance)
        assert stream.follow()[0][-1]["text"] == "last"
    assert web.log.count("no clients are accepted") <= time.monotonic() - begun + 1, "once a second"


def test_a_daemon_that_is_killed_again_and_again(instance, web):
    """Fifty who watch, twenty daemons, one after the other: no line is lost and none comes twice."""
    run = start(instance)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(web.stream(f"/api/v1/runs/{run}/stream?after=0")) for _ in range(50)]
        for _ in range(20):
            instance.kill()
            instance.start()
        finish(instance)
        for stream in streams:
            lines, states = [], []
            for name, data in stream.events("lines", "daemon", "end"):
                if name == "lines":
                    assert not data["skipped"]
                    lines += data["lines"]
                elif name == "daemon":
                    states.append(data["state"])
                else:
                    break
            assert [line["seq"] for line in lines] == list(range(1, data["last_seq"] + 1)) and lines[-1]["text"] == "last"
            assert data["status"] == "success" and states and states[-1] == "up"
