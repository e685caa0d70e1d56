"""A disk that is full, and folders that cannot be written: nothing crashes, steps go on, what could not be recorded is said, and
recording goes on when there is room."""
import os
import signal
import subprocess
import time

import pytest

from batchtest import processes
from batchtest.protocol import ProtocolError
from batchtest.small_disk import SmallDisk
from batchtest.wait import until

TICKER = """
[Job]
Overlap=allow
[Step tick]
Exec=/bin/sh -c "i=0; while [ ! -e {stop} ]; do i=$$((i+1)); echo line $$i {padding}; sleep 0.02; done; echo last"
KillGraceSec=2s
"""
FLOOD = "[Step flood]\nExec=/bin/sh -c \"yes | head -c 20000000; echo >&2 end\"\n"
HELLO = "[Step hello]\nExec=/bin/echo hello\n"


@pytest.fixture
def small(make_instance):
    """An instance whose state folder is a disk of 4 MB; `instance.stop_file` ends its tickers."""
    made = []

    def make(size="4m", **more):
        instance = make_instance({"hello": HELLO, "flood": FLOOD}, **more)
        instance.stop_file = instance.path("stop")
        instance.write_job("ticker", TICKER.replace("{stop}", instance.stop_file).replace("{padding}", "." * 500))
        disk = SmallDisk(instance.state, size)
        if disk.why_not:
            pytest.skip(disk.why_not)
        made.append(disk)
        instance.wrapper = disk.wrapper
        return instance.start(), disk

    yield make
    for disk in made:
        disk.remove()


def store(instance):
    return instance.call("daemon.status")["store"]


def room(instance):
    """What is said of the file system that state.db is on."""
    system, = [system for system in instance.call("daemon.status")["file_systems"] if "state" in system["holds"]]
    return system


def ticks(instance):
    """Command lines of what a ticker started, without its sleeps."""
    return [line for line in instance.leftovers() if "while [" in line]


def refused(instance, job, **params):
    before = time.monotonic()
    with pytest.raises(ProtocolError) as error:
        instance.call("run.start", job=job, **params)
    assert time.monotonic() - before < 30, "a refusal does not wait for the disk"
    assert error.value.kind == "unavailable", error.value.message
    return error.value.message


def fill_until_noticed(instance, disk):
    """Something must want to be written for it to be noticed: starts are refused, whether at the folder or at state.db."""
    disk.fill()
    client = instance.client()
    for number in range(3):
        client.send({"jsonrpc": "2.0", "id": 1000 + number, "method": "run.start", "params": {"job": "hello"}})
    until(lambda: store(instance)["state"] == "down", lambda: f"the full disk is noticed\n{instance.log}")


def finish(instance):
    with open(instance.stop_file, "w", encoding="ascii"):
        pass


def test_a_full_disk_stops_nothing_and_recording_goes_on(small):
    instance, disk = small()
    ticker = instance.run("ticker", wait=False)["run_number"]
    until(lambda: len(instance.call("run.tail", run=ticker)["lines"]) > 5, "it ticks")
    assert room(instance)["state"] == "ok" and room(instance)["total_bytes"] == 4 << 20
    fill_until_noticed(instance, disk)
    assert "full" in store(instance)["error"]
    until(lambda: room(instance)["state"] == "low", "little room is seen")
    assert room(instance)["free_bytes"] < 400000 and room(instance)["holds"] == ["state", "runs"]
    assert instance.log.count("has little room left: 0 of 4 MiB") == 1
    assert "make room" in refused(instance, "hello")
    assert "make room" in refused(instance, "hello", force=True, request_id="again")
    # The step goes on; its lines cannot be kept.
    assert instance.status_of(ticker) == "running"
    assert ticks(instance)
    time.sleep(1)
    assert ticks(instance)
    disk.make_room()
    until(lambda: store(instance)["state"] == "up", lambda: f"writing works again\n{instance.log}")
    until(lambda: room(instance)["state"] == "ok", "room is seen")
    assert instance.log.count("has room again") == 1
    # What was taken before it was noticed starts now.
    until(lambda: len(instance.call("run.current")["runs"]) == 1, lambda: f"the held ones have ended\n{instance.log}")
    assert instance.run("hello")["run"]["status"] == "success"


    def goes_on():
        with open(disk.path("runs", instance.show(ticker)["run"]["run_id"], "01-tick.1.log"), encoding="ascii") as log:
            return " F line " in log.read().rpartition("lines are missing here")[2]

    until(goes_on, "its lines are kept again")
    finish(instance)
    shown = instance.wait_for_run(ticker)
    assert shown["run"]["status"] == "success"
    lost = shown["steps"][0]["metadata"]["lines_dropped"]
    assert lost > 0 and any(f"{lost} lines of its output are missing" in note for note in shown["run"]["notes"])
    with open(disk.path("runs", shown["run"]["run_id"], "01-tick.1.log"), encoding="ascii") as log:
        text = log.read().splitlines()
    assert text[-1].endswith("stdout F last")
    # Every gap is said where it is, and accounts for all that is missing.
    missing = sum(int(line.split("[")[1].split()[0]) for line in text if "lines are missing here" in line)
    seen = [int(line.split()[4]) for line in text if " F line " in line]
    assert missing == lost == seen[-1] - len(seen)
    assert "No space left on device" in "".join(text)
    assert "are not in the audit" in instance.log


def test_runs_that_could_not_be_recorded_are_when_there_is_room(small):
    """A step ends while the disk is full: the end waits in its attempt file, for this daemon or the next one."""
    instance, disk = small()
    for kill in (False, True):
        if os.path.exists(instance.stop_file):
            os.unlink(instance.stop_file)
        ticker = instance.run("ticker", wait=False)["run_number"]
        until(lambda: instance.call("run.tail", run=ticker)["lines"], "it ticks")
        fill_until_noticed(instance, disk)
        finish(instance)
        until(lambda: not ticks(instance), "the step has ended")
        time.sleep(0.3)
        assert instance.status_of(ticker) != "failed"
        if kill:
            instance.kill()
        disk.make_room()
        if kill:
            instance.start()
        shown = instance.wait_for_run(ticker)
        assert (shown["run"]["status"], shown["steps"][0]["exit_status"]) == ("success", 0)
        until(lambda: not instance.call("run.current")["runs"], "all that was asked for has ended")


def test_what_fills_the_disk_can_be_cancelled(small):
    instance, disk = small()
    ticker = instance.run("ticker", wait=False)["run_number"]
    until(lambda: instance.call("run.tail", run=ticker)["lines"], "it ticks")
    fill_until_noticed(instance, disk)
    client = instance.client()
    client.send({"jsonrpc": "2.0", "id": 1, "method": "run.cancel", "params": {"run": str(ticker)}})
    until(lambda: not ticks(instance), "its processes are gone")
    disk.make_room()
    assert client.receive(20)["result"]["status"] == "cancelled"
    assert instance.status_of(ticker) == "cancelled"


def test_a_stop_does_not_wait_for_room(small):
    # What is held then, decisions and the answers to them, goes with the process: no leak to look for.
    instance, disk = small(environment={"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0"})
    ticker = instance.run("ticker", wait=False)["run_number"]
    until(lambda: instance.call("run.tail", run=ticker)["lines"], "it ticks")
    fill_until_noticed(instance, disk)
    assert instance.stop(signal.SIGINT) == 0
    assert not ticks(instance)
    disk.make_room()
    instance.start()
    assert instance.wait_for_run(ticker)["run"]["status"] in ("cancelled", "failed")


def test_a_flood_fills_the_disk_and_ends_well(small):
    instance, _ = small()
    flood = instance.run("flood", wait=False)["run_number"]
    until(lambda: not [line for line in instance.leftovers() if "yes" in line], "the flood has ended", 60)
    assert instance.answers()
    assert not [line for line in instance.log.splitlines() if "crash" in line or "Assertion" in line]
    assert instance.status_of(flood) in ("running", "success")


def test_a_daemon_that_finds_a_full_disk_says_so_and_starts_when_there_is_room(small):
    instance, disk = small()
    ticker = instance.run("ticker", wait=False)["run_number"]
    until(lambda: instance.call("run.tail", run=ticker)["lines"], "it ticks")
    instance.kill()
    disk.fill()
    instance.start(wait=False)
    # Either it serves, and refuses starts, or it ends with a message that names the file.
    until(lambda: instance.process.poll() is not None or instance.answers(), "it ends or serves")
    if instance.process.poll() is not None:
        assert "state.db" in instance.log.splitlines()[-1], instance.log
        assert instance.process.returncode != 0
    else:
        assert instance.status_of(ticker) == "running"
    assert ticks(instance), "the step goes on"
    disk.make_room()
    if instance.process.poll() is not None:
        instance.start()
    finish(instance)
    assert instance.wait_for_run(ticker)["run"]["status"] == "success"


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_folders_that_cannot_be_written(make_instance):
    instance = make_instance({"hello": HELLO}).start()
    instance.run("hello")
    for folder, words in ((os.path.join(instance.state, "runs"), "writable"), (instance.path("run", "n"), None)):
        os.chmod(folder, 0o500)
        try:
            if words:
                assert words in refused(instance, "hello") and store(instance)["state"] == "up"
            else:
                shown = instance.run("hello")
                assert (shown["run"]["status"], shown["steps"][0]["reason"]) == ("failed", "spawn")
                assert "notify socket" in instance.call("log.read", run=shown["run"]["run_number"])["text"]
        finally:
            os.chmod(folder, 0o700)
    assert instance.run("hello")["run"]["status"] == "success"
    assert processes.is_alive(instance.process.pid)


TWO = """
[Job]
Overlap=allow
[Step first]
Exec=/bin/sh -c "i=0; while [ ! -e {stop} ]; do i=$$((i+1)); echo line $$i; sleep 0.02; done; echo last"
[Step second]
Exec=/bin/echo second
"""


def make_read_only(disk, folder):
    path = os.path.join(disk.folder, "runs", folder)
    subprocess.run([*disk.wrapper, "sh", "-c", 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"', "sh", path], check=True)


def make_writable(disk, folder):
    subprocess.run([*disk.wrapper, "mount", "-o", "remount,bind,rw", os.path.join(disk.folder, "runs", folder)], check=True)


@pytest.mark.parametrize("kill", [False, True], ids=["running", "killed"])
def test_a_run_whose_folder_becomes_read_only(small, kill):
    """What has its files open goes on, over a restart of the daemon too; what needs new ones fails, and says so."""
    instance, disk = small()
    instance.write_job("two", TWO.replace("{stop}", instance.stop_file))
    instance.call("daemon.reload")
    run = instance.run("two", wait=False)
    number, folder = run["run_number"], run["run_id"]
    until(lambda: len(instance.call("run.tail", run=number)["lines"]) > 5, "it writes")
    if kill:
        instance.kill()
    make_read_only(disk, folder)
    try:
        if kill:
            instance.start()
            assert f"the sequence index in {instance.state}/runs/{folder} cannot be written" in instance.log
        last = instance.call("run.tail", run=number, lines=1)["lines"][-1]["seq"]
        with instance.client() as client:
            client.call("run.tail", run=number, after=last, follow=True)
            assert client.notification("run.lines")[1]["lines"]
        assert instance.status_of(number) == "running"
        finish(instance)
        if kill:
            # Its result is in a file that cannot be opened: nothing is believed that cannot be read.
            until(lambda: not ticks(instance), "the step has ended")
    finally:
        if kill:
            make_writable(disk, folder)
    shown = instance.wait_for_run(number)
    first, *second = shown["attempts"]
    assert first["status"] == "success"
    text = instance.call("log.read", run=number, step="first")["text"].splitlines()
    assert [int(line.split()[4]) for line in text[:-1]] == list(range(1, len(text))) and text[-1].endswith(" last")
    if not kill:
        assert (shown["run"]["status"], second[0]["reason"]) == ("failed", "spawn")
        assert "Read-only file system" in second[0]["error_message"]
        make_writable(disk, folder)
    assert instance.run("hello")["run"]["status"] == "success"
