"""A disk that does not answer: the thread that writes state.db hangs. It is held by a debugger's means, alone; all else goes on."""
import contextlib
import os
import signal
import socket
import time

import pytest

from batchtest import chaos, paths, processes, sanitizer
from batchtest.held import held, thread_of
from batchtest.protocol import ProtocolError
from batchtest.wait import until

SHIM = os.path.join(paths.BUILD, "tests", "support", "libstuck_disk_shim.so")
HELLO = "[Job]\nOverlap=allow\n[Step hello]\nExec=/bin/echo hello\n"
TICKER = "[Step tick]\nExec=/bin/sh -c \"while :; do echo tick; sleep 0.05; done\"\n"


def pings(notify, seconds):
    """How often the watchdog was fed within so many seconds."""
    deadline, count = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        notify.settimeout(max(deadline - time.monotonic(), 0.001))
        with contextlib.suppress(TimeoutError):
            count += notify.recv(4096) == b"WATCHDOG=1"
    return count


def unknown(instance):
    """The file systems whose room is not known."""
    return [system for system in instance.call("daemon.status")["file_systems"] if system["state"] == "unknown"]


def test_a_store_that_hangs_is_noticed(make_instance):
    instance = make_instance({"hello": HELLO, "ticker": TICKER})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(instance.path("notify"))
        instance.wrapper = ["env", f"NOTIFY_SOCKET={instance.path('notify')}", "WATCHDOG_USEC=2000000"]
        instance.start()
        ticker = instance.run("ticker", wait=False)["run_number"]
        until(lambda: len(instance.call("run.tail", run=ticker)["lines"]) > 3, "it ticks")
        monitor, = [pid for pid in chaos.children(chaos.launcher_of(instance)) if chaos.name_of(pid).startswith("mon.")]
        client = instance.client()
        assert not unknown(instance)
        with held(thread_of(instance, "store")):
            with held(thread_of(instance, "reader")):
                client.send({"jsonrpc": "2.0", "id": 1, "method": "run.start", "params": {"job": "hello"}})
                store = until(lambda: instance.call("daemon.status")["store"]["error"] and instance.call("daemon.status")["store"],
                              "it is noticed")
                pings(notify, 1)
                assert pings(notify, 2) == 0, "systemd starts a daemon anew whose store hangs"
                assert store["state"] == "down" and store["waiting"] > 0 and "the disk has not answered for 1" in store["error"]
                systems = until(lambda: unknown(instance), "and that its room cannot be told")
                assert "no answer for 1" in systems[0]["error"] and systems[0]["total_bytes"] > 0
            with pytest.raises(ProtocolError) as refusal:
                instance.call("run.start", job="hello", force=True)
            assert refusal.value.kind == "unavailable" and "has not answered" in refusal.value.message
            assert instance.log.count("the disk has not answered") == 1
            # Nor what is read from it: the overview shows what is known without.
            with held(thread_of(instance, "reader")):
                said = instance.ctl("status")
                assert "has not answered" in said.stdout and "ticker" in said.stdout and "cannot be read" in said.stdout, said.stdout
            last = instance.call("run.tail", run=ticker, lines=1)["lines"][0]["seq"]
            until(lambda: instance.call("run.tail", run=ticker, lines=1)["lines"][0]["seq"] > last + 5, "the step goes on, and is shown")
            assert "hello" not in str(instance.leftovers())
        # It answers again: what was held happens, once.
        assert client.receive()["result"]["run_number"] == ticker + 1
        assert instance.wait_for_run(ticker + 1)["run"]["status"] == "success"
        until(lambda: instance.call("daemon.status")["store"]["state"] == "up", "it is well again")
        until(lambda: not unknown(instance), "its room is told again")
        assert "the disk answers again" in instance.log
        until(lambda: pings(notify, 1), "the watchdog is fed again")
        until(lambda: pings(notify, 1), "and again")
        assert len(instance.call("run.list")["runs"]) == 2 and processes.is_alive(monitor)
        instance.call("run.cancel", run=ticker)


def test_a_daemon_whose_store_hangs_can_be_replaced(make_instance):
    """What systemd's watchdog does then."""
    instance = make_instance({"hello": HELLO, "ticker": TICKER}).start()
    ticker = instance.run("ticker", wait=False)["run_number"]
    until(lambda: len(instance.call("run.tail", run=ticker)["lines"]) > 3, "it ticks")
    with held(thread_of(instance, "store")):
        with instance.client() as client:
            client.send({"jsonrpc": "2.0", "id": 1, "method": "run.start", "params": {"job": "hello"}})
            time.sleep(0.3)
        instance.process.send_signal(signal.SIGKILL)
    instance.kill()
    instance.start()
    assert instance.run("hello")["run"]["status"] == "success"
    cancelled = instance.call("run.cancel", run=ticker)
    assert cancelled["status"] == "cancelled"
    attempt, = instance.show(ticker)["attempts"]
    lines = [line["seq"] for line in instance.call("run.tail", run=ticker)["lines"]]
    assert attempt["attempt"] == 1 and lines == list(range(lines[0], lines[0] + len(lines)))


def state_of(instance, thread):
    with open(f"/proc/{instance.process.pid}/task/{thread}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(") ")[2][0]


def test_the_watchdog_is_fed_while_the_disk_does_not_answer(make_instance):
    """Who waits in the kernel for a disk would wait for it as a new daemon, too, which could not even say so: it is not started anew."""
    instance = make_instance({"hello": HELLO})
    stuck = instance.path("stuck")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(instance.path("notify"))
        instance.wrapper = ["env", f"NOTIFY_SOCKET={instance.path('notify')}", "WATCHDOG_USEC=300000", f"STUCK_DISK={stuck}",
                            f"LD_PRELOAD={sanitizer.preload(SHIM)}"]
        client = instance.start().client()
        store = thread_of(instance, "store")
        with open(stuck, "w", encoding="ascii"):
            pass
        client.send({"jsonrpc": "2.0", "id": 1, "method": "run.start", "params": {"job": "hello"}})
        until(lambda: state_of(instance, store) == "D", "the store waits for the disk")
        time.sleep(0.6)  # longer than the watchdog lets it
        pings(notify, 0.1)
        until(lambda: pings(notify, 0.2) > 0, "the watchdog is fed")
        assert state_of(instance, store) == "D" and instance.call("run.list")["runs"] == []
        os.unlink(stuck)
        assert client.receive()["result"]["run_number"] == 1
        assert instance.wait_for_run(1)["run"]["status"] == "success"
