"""Damaged files: each is recovered from or reported, and nothing that it says is believed."""
import contextlib
import fcntl
import os
import random
import shutil
import signal
import sqlite3

import pytest

from batchtest.protocol import ProtocolError
from batchtest.wait import until

TICKER = """
[Step tick]
Exec=/bin/sh -c "i=0; while [ ! -e {stop} ]; do i=$$((i+1)); echo line $$i; sleep 0.02; done; echo last"
"""
HELLO = "[Step hello]\nExec=/bin/sh -c \"for i in 1 2 3 4 5; do echo hello $$i; done\"\n"


def cut(file, dice):
    file.truncate(dice.randrange(file.seek(0, os.SEEK_END) + 1))


def cut_to_nothing(file, _):
    file.truncate(0)


def flip(file, dice):
    size = file.seek(0, os.SEEK_END)
    for _ in range(20):
        at = dice.randrange(size)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << dice.randrange(8))]))


def add_garbage(file, dice):
    file.seek(0, os.SEEK_END)
    file.write(dice.randbytes(777))


def add_zeros(file, _):
    file.seek(0, os.SEEK_END)
    file.write(bytes(4096))


DAMAGES = [cut, cut_to_nothing, flip, add_garbage, add_zeros]
each_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


def damage_file(path, how, seed=1):
    with open(path, "r+b") as file:
        how(file, random.Random(seed))


@pytest.fixture
def ticking(make_instance):
    """A daemon, killed, and the number and folder of its run, which goes on until `stop`."""
    instance = make_instance({"hello": HELLO})
    instance.stop_file = instance.path("stop")
    instance.write_job("ticker", TICKER.replace("{stop}", instance.stop_file))
    instance.start()
    run = instance.run("ticker", wait=False)
    until(lambda: len(instance.call("run.tail", run=run["run_number"])["lines"]) > 20, "it ticks")
    instance.kill()
    return instance, run["run_number"], os.path.join(instance.state, "runs", run["run_id"])


def finish(instance):
    with open(instance.stop_file, "w", encoding="ascii"):
        pass


def all_lines(instance, run):
    lines, after = [], 0
    while True:
        page = instance.call("run.tail", run=run, after=after)
        lines += page["lines"]
        if not page.get("next"):
            return lines
        after = page["next"]


def is_unlocked(path):
    with open(path, "rb") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@each_damage
def test_a_damaged_sequence_index(ticking, damage):
    """Numbers rise, every line is shown that the log holds, and none that it does not hold."""
    instance, run, folder = ticking
    damage_file(os.path.join(folder, "sequence"), damage)
    instance.start()
    finish(instance)
    assert instance.wait_for_run(run)["run"]["status"] == "success"
    lines = all_lines(instance, run)
    sequence = [line["seq"] for line in lines]
    assert sequence == sorted(set(sequence))
    with open(os.path.join(folder, "01-tick.1.log"), encoding="ascii") as log:
        written = [line.split(" ", 3)[3] for line in log.read().splitlines()]
    shown = [line["text"] for line in lines]
    assert set(shown) <= set(written) and shown[-1] == "last"
    assert written == [f"line {n}" for n in range(1, len(written))] + ["last"], "the log itself is untouched"
    assert len(shown) == len(set(shown)), "no line is shown twice"


@each_damage
def test_a_damaged_attempt_file_of_a_living_step(ticking, damage):
    """The lock says that it lives, and the monitor itself tells the rest."""
    instance, run, folder = ticking
    damage_file(os.path.join(folder, "01-tick.1.attempt"), damage)
    instance.start()
    assert instance.status_of(run) == "running"
    finish(instance)
    assert instance.wait_for_run(run)["run"]["status"] == "success"


@pytest.mark.parametrize("damage", [cut_to_nothing, flip], ids=lambda damage: damage.__name__)
def test_a_damaged_result_is_not_believed(ticking, damage):
    """Both slots are gone: nobody knows how it ended, and that is said."""
    instance, run, folder = ticking
    finish(instance)
    path = os.path.join(folder, "01-tick.1.attempt")
    until(lambda: is_unlocked(path), "the monitor has ended")
    for seed in range(1000 if damage is flip else 1):
        damage_file(path, damage, seed)
    instance.start()
    shown = instance.wait_for_run(run)
    assert (shown["run"]["status"], shown["steps"][0]["reason"]) == ("failed", "lost")
    assert shown["steps"][0]["exit_status"] is None
    with open(os.path.join(folder, "01-tick.1.log"), encoding="ascii") as log:
        assert log.read().count(" F last\n") == 1, "it is not begun a second time"


@pytest.mark.parametrize("damage", [flip, add_garbage, add_zeros], ids=lambda damage: damage.__name__)
def test_a_damaged_log(make_instance, damage):
    """What is no line is left out; what is one stays."""
    instance = make_instance({"hello": HELLO}).start()
    run = instance.run("hello")["run"]
    path = os.path.join(instance.state, "runs", run["run_id"], "01-hello.1.log")
    instance.stop()
    damage_file(path, damage)
    instance.start()
    shown = [line["text"] for line in all_lines(instance, run["run_number"])]
    good = [f"hello {n}" for n in range(1, 6)]
    assert len(shown) <= 6 and (damage is flip or shown[:5] == good)
    instance.call("log.read", run=run["run_number"])
    assert instance.ctl("logs", str(run["run_number"]), check=False).returncode == 0


def state_db(instance):
    return os.path.join(instance.state, "state.db")


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_state_db_is_reported_or_survived(make_instance, seed):
    """Whichever bytes are wrong: the daemon refuses to start with the remedy, or serves; it never crashes, and never changes the file
    that it refuses."""
    instance = make_instance({"hello": HELLO}).start()
    for _ in range(3):
        instance.run("hello")
    instance.stop()
    with sqlite3.connect(state_db(instance)) as state:
        state.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_file(state_db(instance), [flip, cut, cut_to_nothing, add_garbage][seed], seed)
    with open(state_db(instance), "rb") as file:
        before = file.read()
    instance.start(wait=False)
    until(lambda: instance.process.poll() is not None or instance.answers(), "it ends or serves")
    if instance.process.poll() is not None:
        assert instance.process.returncode == 1
        assert "state.db" in instance.log and ("damaged" in instance.log or "cannot" in instance.log), instance.log
        with open(state_db(instance), "rb") as file:
            assert file.read() == before
        return
    for number in (1, 2, 3):
        try:
            instance.show(number)
        except ProtocolError as error:
            assert error.kind in ("not_found", "internal", "unavailable")
    assert instance.stop() == 0


def test_a_torn_wal_gives_the_last_whole_commit(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    for _ in range(5):
        instance.run("hello")
    instance.kill()
    damage_file(state_db(instance) + "-wal", cut, 3)
    instance.start()
    numbers = [run["run_number"] for run in instance.call("run.list")["runs"]]
    assert numbers == list(range(len(numbers), 0, -1))
    for number in numbers:
        instance.wait_for_run(number)
    assert instance.run("hello")["run"]["status"] == "success"


def test_logs_outlive_a_state_db_that_is_replaced(make_instance):
    """The remedy for a damaged state.db is to move it away: what it knew is gone, the logs are not."""
    instance = make_instance({"hello": HELLO}).start()
    run = instance.run("hello")["run"]
    instance.stop()
    os.mkdir(instance.path("away"))
    for name in os.listdir(instance.state):
        if name.startswith("state.db"):
            shutil.move(os.path.join(instance.state, name), instance.path("away", name))
    instance.start()
    until(lambda: "hold logs of runs that state.db does not know" in instance.log, "it is said")
    assert os.path.exists(os.path.join(instance.state, "runs", run["run_id"], "01-hello.1.log"))
    assert instance.run("hello")["run"]["run_number"] == 1
    assert instance.stop(signal.SIGTERM) == 0
