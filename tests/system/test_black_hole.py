"""PostgreSQL behind a connection that falls silent without an end (half-open), at the worst moments: nothing else waits for it, it is given up
after the time that batchd.conf(5) says, and then everything is there once. The daemon's timers are moved on instead of waited for."""
import os
import struct

import pytest

from batchtest import invariants, paths, sanitizer
from batchtest.black_hole import BlackHole
from batchtest.protocol import ProtocolError
from batchtest.wait import until

SHIM = os.path.join(paths.BUILD, "tests", "support", "libclock_shim.so")
CONNECT_LIMIT, STATEMENT_LIMIT = 15, 30
JOB = """[Job]
Overlap=allow
[Step say]
Exec=/bin/sh -c "i=0; while [ $$i -lt 100 ]; do i=$$((i+1)); echo line $$i of a hundred; done"
[Step then]
Exec=/bin/echo done
"""
NIGHTLY = "[Job]\nOnCalendar=*:*:*\nOverlap=allow\n[Step one]\nExec=/bin/true\n"


class Site:
    """An instance whose database is behind the proxy, and its clock."""

    def __init__(self, make_instance, database, hole):
        self.hole = hole
        self.database = database
        server = database.server
        self.instance = make_instance({"say": JOB}, database=f"host=127.0.0.1 port={hole.port} user={server.USER} dbname={database.name} "
                                                             "sslmode=disable gssencmode=disable")
        self.clock = self.instance.path("clock")
        self.passed = 0
        self.move_on(0)
        self.instance.environment = {"LD_PRELOAD": sanitizer.preload(SHIM), "CLOCK_SHIM": self.clock}

    def move_on(self, seconds):
        """The daemon's timers see it at the next event."""
        self.passed += seconds
        with open(self.clock, "r+b" if os.path.exists(self.clock) else "wb") as file:
            file.write(struct.pack("=qq", 0, self.passed))

    def mirror(self):
        return self.instance.call("daemon.status")["mirror"]

    def wait_up(self):
        until(lambda: self.mirror()["state"] == "up" and self.mirror()["rows_waiting"] == 0, lambda: f"all is sent: {self.mirror()}")

    def wait_given_up(self, limit, text):
        """The time passes; with the next connection all is well."""
        self.move_on(limit)
        until(lambda: self.mirror() and text in self.instance.log, lambda: f"it is given up: {self.mirror()}\n{self.instance.log}")
        self.move_on(15)  # until it is tried again

    def work(self):
        """What has nothing to do with PostgreSQL goes on while that does not answer."""
        before = self.mirror()["rows_waiting"]
        shown = self.instance.run("say")
        number = shown["run"]["run_number"]
        assert shown["run"]["status"] == "success"
        assert len(self.instance.call("run.tail", run=number)["lines"]) == 101
        assert self.instance.call("run.list", limit=1)["runs"][0]["run_number"] == number
        self.instance.write_job("nightly", NIGHTLY)
        self.instance.call("daemon.reload")
        until(lambda: self.instance.call("run.list", job="nightly", status="success")["runs"], "what is due is run")
        os.unlink(self.instance.path("jobs.d", "nightly.job"))
        self.instance.call("daemon.reload")
        until(lambda: not self.instance.call("run.current")["runs"], "nothing runs")
        status = until(lambda: self.mirror()["rows_waiting"] >= before + 6 and self.mirror(), lambda: f"it is said how far behind it is: {self.mirror()}")
        assert status["oldest_waiting"]

    def check(self):
        self.wait_up()
        invariants.records_are_equal(self.instance, self.database)
        assert self.mirror()["parked"] == 0


@pytest.fixture
def site(make_instance, database):
    hole = BlackHole(os.path.join(database.server.folder, ".s.PGSQL.5432"), tcp=True)
    yield Site(make_instance, database, hole)
    hole.close()


class SilentAt:
    """The connection on which the server says the so manieth message of that kind falls silent instead of passing it on."""

    def __init__(self, kind, count, after=b""):
        self.kind = kind
        self.left = count
        self.after = after  # something that the client has sent by then
        self.seen = not after
        self.buffers = {}

    def __call__(self, link, source, data):
        if source == "client":
            self.seen = self.seen or self.after in data
            return data
        buffer = self.buffers[link] = self.buffers.get(link, b"") + data
        while len(buffer) >= 5:
            kind, length = buffer[:1], 1 + struct.unpack(">I", buffer[1:5])[0]
            if len(buffer) < length:
                break
            buffer = buffer[length:]
            if self.seen and kind == self.kind and self.left > 0:
                self.left -= 1
                if self.left == 0:
                    link.dark.set()
        self.buffers[link] = buffer
        return data


def test_at_connect(site):
    site.hole.swallows = True
    site.instance.start()
    until(lambda: site.hole.links, "it connects")
    site.work()
    assert site.mirror()["state"] == "down"
    site.hole.swallows = False
    site.wait_given_up(CONNECT_LIMIT, "did not accept the connection in time")
    site.check()


def test_while_nothing_is_sent(site):
    site.instance.start()
    site.wait_up()
    site.hole.fall_silent()
    site.work()
    site.wait_given_up(STATEMENT_LIMIT, "did not answer in time")
    site.check()


@pytest.mark.parametrize("table", ["mirror_runs", "mirror_steps"])
def test_in_the_middle_of_a_batch(site, table):
    """The server waits for the rows of a table, for ever: what it has done of the batch by then must not be in the way of the next connection."""
    site.instance.start()
    site.wait_up()
    site.hole.watch = silent = SilentAt(b"G", 1 if table == "mirror_runs" else 2, b"COPY mirror_steps")
    site.instance.run("say")
    until(lambda: silent.left == 0, "a batch has begun")
    site.work()
    site.wait_given_up(STATEMENT_LIMIT, "did not answer in time")
    site.check()


def test_between_commit_and_its_answer(site):
    site.instance.start()
    site.wait_up()
    site.hole.watch = silent = SilentAt(b"Z", 1, b"COPY mirror_steps")
    site.instance.run("say")
    until(lambda: silent.left == 0, "a batch is done")
    assert site.database.value("SELECT count(*) FROM batch_execution_steps") > 0
    site.work()
    site.wait_given_up(STATEMENT_LIMIT, "did not answer in time")
    site.check()


def test_when_every_packet_is_late(site):
    site.hole.delay = 0.05
    site.instance.start()
    for _ in range(3):
        site.instance.run("say")
    site.check()


def test_who_gets_the_number_of_a_descriptor_that_libpq_closed_is_heard(site):
    """What makes no sense makes libpq close its descriptor, and say so with the result only. The next client to connect gets its number."""
    site.instance.start()
    site.wait_up()

    def answer_nonsense(link, source, data):
        if source == "client" and b"data_readiness" in data:
            site.hole.watch = lambda link, source, data: b"T\x7f\xff\xff\xff" if source == "server" else data
        return data

    site.hole.watch = answer_nonsense
    # They have the lower numbers.
    early = [site.instance.client() for _ in range(10)]
    assert [client.call("daemon.hello")["protocol"] for client in early] == [1] * 10
    with pytest.raises(ProtocolError, match="synchronization"):
        early[0].call("readiness.show", season=2024)
    late = [site.instance.client() for _ in range(10)]
    assert [client.call("daemon.hello")["protocol"] for client in late] == [1] * 10
    site.hole.watch = None
    site.instance.run("say")
    site.check()
    assert "[warn]" not in site.instance.log
