"""Clients that sit, that never read, that vanish, and descriptors that run out: the daemon answers others in time and stays small.
BATCHTEST_FLOOD_MB says how much the flooding step prints (200)."""
import contextlib
import os
import resource
import socket
import statistics
import struct
import time

from batchtest import paths
from batchtest.protocol import Client, ConnectionClosed, ProtocolError
from batchtest.wait import until

FLOOD_MB = int(os.environ.get("BATCHTEST_FLOOD_MB", "200"))
HELLO = "[Step hello]\nExec=/bin/echo hello\n"
FLOOD = "[Step flood]\nExec=/bin/sh -c \"while [ ! -e {go} ]; do sleep 0.05; done; yes {line} | head -c {bytes}\"\n"
# What the daemon may grow by under any of this, in MB (rings of 256 KiB, 2 MiB a client that does not read).
GROWTH_MAX = 24
# An answer usually takes; one alone may meet a moment in which the machine is busy, yet none waits for a client that does not read.
IN_TIME = 0.5
AT_MOST = 20


def memory(instance):
    """Resident memory in MB. 0 under sanitizers, which keep what was freed: there only crashes and leaks are looked for."""
    if paths.SANITIZED:
        return 0
    with open(f"/proc/{instance.process.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def times_of(client, n):
    """How long each of so many answers took."""
    times = []
    for _ in range(n):
        before = time.monotonic()
        client.call("daemon.status")
        times.append(time.monotonic() - before)
        time.sleep(0.02)
    return times


def assert_in_time(times):
    assert statistics.median(times) < paths.patience(IN_TIME) and max(times) < paths.patience(AT_MOST), sorted(times)[-20:]


def test_idle_clients(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    instance.run("hello")
    before = memory(instance)
    clients = [instance.client() for _ in range(200)]
    for client in clients:
        client.call("daemon.hello")
    assert_in_time(times_of(instance.client(), 40))
    assert memory(instance) - before < 8
    assert instance.run("hello")["run"]["status"] == "success"


def test_clients_that_never_read_while_a_step_floods(make_instance):
    instance = make_instance()
    go = instance.path("go")
    instance.write_job("flood", FLOOD.format(go=go, line="x" * 99, bytes=FLOOD_MB * 1000000))
    instance.write_job("hello", HELLO)
    instance.start()
    instance.run("hello")
    run = instance.run("flood", wait=False)["run_number"]
    before = memory(instance)
    for _ in range(20):
        stalled = instance.client()
        stalled.send({"jsonrpc": "2.0", "id": 1, "method": "run.tail", "params": {"run": str(run), "follow": True}})
    with open(go, "w", encoding="ascii"):
        pass
    times, peak = [], 0
    deadline = time.monotonic() + paths.patience(60 + FLOOD_MB)
    while instance.status_of(run) == "running":
        times += times_of(instance.client(), 15)
        peak = max(peak, memory(instance))
        assert time.monotonic() < deadline
    print(f"flood of {FLOOD_MB} MB: slowest answer {max(times) * 1000:.0f} ms, {peak - before:.1f} MB more")
    assert_in_time(times)
    assert peak - before < GROWTH_MAX
    shown = instance.show(run)
    assert shown["run"]["status"] == "success" and "lines_dropped" not in (shown["steps"][0]["metadata"] or {})
    lines, _ = instance.client(60).follow(run, 10)
    assert lines[-1]["seq"] == FLOOD_MB * 10000
    assert instance.run("hello")["run"]["status"] == "success"


def test_clients_that_vanish_in_the_middle(make_instance):
    """In the middle of a length, of a frame, of an answer: nothing of them stays."""
    instance = make_instance({"hello": HELLO}).start()
    run = instance.run("hello")["run"]["run_number"]
    tail = b'{"jsonrpc":"2.0","id":1,"method":"run.tail","params":{"run":"%d"}}' % run

    def descriptors():
        return len(os.listdir(f"/proc/{instance.process.pid}/fd"))

    idle = descriptors()
    before = memory(instance)
    for round_number in range(300):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(instance.socket)
        data = struct.pack(">I", len(tail)) + tail
        client.sendall([b"\0\0", data[:20], data, data * 8 + b"\0\0\0\x10"][round_number % 4])
        if round_number % 3 == 0:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert_in_time(times_of(instance.client(), 20))
    until(lambda: descriptors() <= idle + 1, "their descriptors are closed")
    assert memory(instance) - before < 8


def test_descriptors_run_out(make_instance):
    """Who is connected is served, runs go on and start; who comes too late waits, and is served when there is room."""
    instance = make_instance({"hello": HELLO}).start()
    instance.run("hello")
    first = instance.client()
    first.call("daemon.hello")
    used = len(os.listdir(f"/proc/{instance.process.pid}/fd"))
    _, hard = resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (used + 5, hard))
    crowd = []
    for _ in range(40):
        client = Client(instance.socket, 1)
        crowd.append(client)
    before = cpu_of(instance)
    assert_in_time(times_of(first, 40))
    assert cpu_of(instance) - before < 0.5, "it does not spin on the descriptors that it cannot get"
    with contextlib.suppress(ProtocolError):
        first.call("run.start", job="hello")
    assert first.call("daemon.status")["pid"] == instance.process.pid
    for client in crowd:
        client.close()
    resource.prlimit(instance.process.pid, resource.RLIMIT_NOFILE, (min(hard, 4096), hard))

    def served():
        with contextlib.suppress(OSError, ConnectionClosed), Client(instance.socket, 2) as client:
            return client.call("daemon.hello")
        return None

    until(served, lambda: f"later clients are served\n{instance.log}")
    until(lambda: not instance.call("run.current")["runs"], lambda: f"what was started has ended\n{instance.log}")
    assert instance.run("hello")["run"]["status"] == "success"


def cpu_of(instance):
    with open(f"/proc/{instance.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
