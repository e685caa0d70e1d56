"""A daemon, or a connection to it, that falls silent without an end: batchctl asks anew after a while, nothing is missing and nothing is twice.
Its patience is 20 seconds, so that all situations are waited for at once."""
import os
import signal
import subprocess

import pytest

from batchtest import paths, processes
from batchtest.black_hole import BlackHole
from batchtest.fake_daemon import FakeDaemon, FakeRun
from batchtest.wait import until

PATIENCE = 90
# Says line N when the file say.N is there, and ends when there is none to say and `end` is there.
TALKER = """[Job]
Overlap=allow
[Step talk]
Exec=/bin/sh -c "n=1; while :; do if [ -e FOLDER/say.$$n ]; then echo line $$n; n=$$((n+1)); elif [ -e FOLDER/end ]; then break; else sleep 0.02; fi; done"
"""


def start(socket, *arguments):
    return subprocess.Popen([paths.BATCHCTL, "--socket", socket, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"})


def lines_of(out):
    return [line.rpartition("| ")[2] for line in out.splitlines() if "| " in line]


def socket_of(process):
    """What tells one connection of a batchctl from the next."""
    for name in sorted(os.listdir(f"/proc/{process.pid}/fd"), key=int):
        target = os.readlink(f"/proc/{process.pid}/fd/{name}")
        if target.startswith("socket:") and int(name) > 2:
            return target
    return None


class Talker:
    """An instance whose one run says what the test wants, and a follower of it."""

    def __init__(self, make_instance):
        self.instance = make_instance()
        self.instance.write_job("talk", TALKER.replace("FOLDER", self.instance.folder))
        self.instance.start()
        self.said = 0
        self.process = None

    def follow(self, socket, *arguments):
        self.process = start(socket, *arguments)

    def say(self):
        self.said += 1
        with open(self.instance.path(f"say.{self.said}"), "w", encoding="ascii"):
            pass

    def heard(self, line):
        """The daemon has it; what the follower has shows at its end."""
        until(lambda: f"line {line}" in [one["text"] for one in self.instance.call("run.tail", run=1)["lines"]], f"line {line} is said")

    def end(self):
        with open(self.instance.path("end"), "w", encoding="ascii"):
            pass

    def check(self):
        out, err = self.process.communicate(timeout=paths.patience(PATIENCE))
        assert (self.process.returncode, err) == (0, ""), (out, err)
        assert lines_of(out) == [f"line {number}" for number in range(1, self.said + 1)], out
        assert len(self.instance.call("run.list")["runs"]) == 1


@pytest.fixture
def hole():
    made = []

    def make(target):
        made.append(BlackHole(target))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def forgetful():
    daemon = FakeDaemon().start()
    yield daemon
    daemon.remove()


def begin_silent_connection(make_instance, hole):
    """In the middle of a run the connection falls silent."""
    talker = Talker(make_instance)
    proxy = hole(talker.instance.socket)
    talker.follow(proxy.path, "run", "talk", "--follow")
    until(lambda: talker.instance.call("run.current")["runs"], "it runs")
    talker.say()
    talker.heard(1)
    proxy.fall_silent()
    for line in (2, 3):
        talker.say()
        talker.heard(line)
    talker.end()
    return talker


def begin_lost_question(make_instance, hole):
    """What is asked first never arrives: no run begins."""
    talker = Talker(make_instance)
    proxy = hole(talker.instance.socket)
    proxy.swallows = True
    talker.follow(proxy.path, "run", "talk", "--follow")
    until(lambda: proxy.links, "it has connected")
    proxy.swallows = False
    talker.say()
    talker.end()
    return talker


def begin_lost_answer(make_instance, hole):
    """The run begins, and who asked for it is not told: asked again, it is not begun a second time."""
    talker = Talker(make_instance)
    proxy = hole(talker.instance.socket)

    def lose_answer(link, source, data):
        if source == "server" and link is proxy.links[0]:
            link.dark.set()
        return data

    proxy.watch = lose_answer
    talker.follow(proxy.path, "run", "talk", "--follow")
    until(lambda: talker.instance.call("run.current")["runs"], "it runs")
    talker.say()
    talker.heard(1)
    talker.end()
    return talker


def begin_stopped_daemon(make_instance, _):
    """The daemon itself stands still, with all its connections."""
    talker = Talker(make_instance)
    talker.follow(talker.instance.socket, "run", "talk", "--follow")
    until(lambda: talker.instance.call("run.current")["runs"], "it runs")
    talker.say()
    talker.heard(1)
    talker.connection = socket_of(talker.process)
    assert talker.connection
    talker.instance.process.send_signal(signal.SIGSTOP)
    talker.say()
    talker.say()
    return talker


def go_on(talker):
    until(lambda: socket_of(talker.process) not in (None, talker.connection), "the follower asks anew", PATIENCE)
    talker.instance.process.send_signal(signal.SIGCONT)
    talker.heard(3)
    talker.end()


def check_forgotten(process):
    out, err = process.communicate(timeout=paths.patience(PATIENCE))
    assert (process.returncode, err) == (0, "")
    assert lines_of(out) == ["one", "two"], out


def test_whoever_hears_nothing_asks_anew(make_instance, hole, forgetful):
    run = FakeRun()
    forgetful.answers["run.tail"] = run.tail
    run.line("one")
    forgotten = start(forgetful.socket, "tail", "-f")
    until(lambda: run.followers, "it follows")
    with run.lock:  # the daemon has lost sight of the follower, and nothing tells either
        run.followers.clear()
    run.line("two")
    run.end("success")
    talkers = [begin(make_instance, hole) for begin in (begin_silent_connection, begin_lost_question, begin_lost_answer)]
    stopped = begin_stopped_daemon(make_instance, hole)
    try:
        go_on(stopped)
        for talker in [*talkers, stopped]:
            talker.check()
        check_forgotten(forgotten)
    finally:
        for process in [forgotten, stopped.process, *(talker.process for talker in talkers)]:
            if processes.is_alive(process.pid):
                process.kill()
            process.wait()
