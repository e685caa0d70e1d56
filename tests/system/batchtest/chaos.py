"""Breaking processes at chosen moments: who, when, and what must have come of it. A round is one run that is broken once; its number and the
seed decide everything that is chosen, so that a round can be repeated."""
import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections import Counter

from . import invariants, paths, processes
from .protocol import ConnectionClosed
from .wait import until

# Writes `$1` lines, with a count and a pause after every `$2`th, leaves a process of its own session behind, and marks its beginning and
# its end.
WORK = """#!/bin/sh
echo "$BATCH_RUN $BATCH_STEP $BATCH_ATTEMPT" >>FOLDER/marks/starts
setsid sleep 300 </dev/null >/dev/null 2>&1 &
i=0
while [ $i -lt $1 ]; do
    i=$((i+1))
    echo "$BATCH_STEP $BATCH_ATTEMPT line $i of $1"
    [ $((i % $2)) != 0 ] || { BATCHCTL report --metric counted+=$2; sleep 0.01; }
done
: >FOLDER/marks/$BATCH_RUN.$BATCH_STEP.$BATCH_ATTEMPT
"""

JOB = """
[Job]
Type=chaos
Overlap=allow
[Step paced]
Exec=/bin/sh FOLDER/work.sh 24 4
Retries=3
RetryDelaySec=20ms
KillGraceSec=1s
TimeoutSec=60s
[Step quick]
Exec=/bin/sh FOLDER/work.sh 150 75
Retries=3
RetryDelaySec=20ms
KillGraceSec=1s
TimeoutSec=60s
"""

VICTIMS = ("daemon", "launcher", "monitor", "step", "batchctl", "postgres", "all three", "any")
TOTAL = {"paced": 24, "quick": 150}
MOMENTS = ("request", "recorded", "launch", "output", "exit", "mirror", "stop")
# Where there is nobody to kill: monitors and steps do not exist yet, or no more.
EMPTY = {(victim, moment) for victim in ("monitor", "step", "all three") for moment in ("request", "recorded", "mirror")} | {("step", "exit")}
CELLS = [(victim, moment) for victim in VICTIMS for moment in MOMENTS if (victim, moment) not in EMPTY]


def kill(pid, how=signal.SIGKILL):
    assert pid > 1, f"never a signal to {pid}"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def wait_for(condition, seconds=60):
    """As `until`, in steps short enough to hit a moment; None when it never came."""
    deadline = time.monotonic() + paths.patience(seconds)
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.0005)
    return None


def children(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
    return []


def name_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
        return file.read().strip()
    return ""


def launcher_of(instance):
    """The pid of who listens on the launcher's socket, or None."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(instance.path("run", "launcher.sock"))
        return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return None


class Matrix:
    """An instance with a database that is broken round after round."""

    def __init__(self, make_instance, server, seed):
        self.make_instance = make_instance
        self.server = server
        self.seed = seed
        self.counts = Counter()
        self.outcomes = Counter()
        self.ends = Counter()
        self.rows = [0, 0]
        self.instance = None
        self.database = None

    def begin(self):
        self.database = self.server.create_database()
        self.instance = self.make_instance(database=self.database)
        os.mkdir(self.instance.path("marks"))
        for name, text in (("work.sh", WORK), ("jobs.d/chaos.job", JOB)):
            with open(self.instance.path(name), "w", encoding="ascii") as file:
                file.write(text.replace("FOLDER", self.instance.folder).replace("BATCHCTL", paths.BATCHCTL))
        self.instance.start()

    def finish(self):
        """The records of all rounds of this instance are compared, and it is taken away."""
        until(lambda: not self.instance.call("run.current")["runs"], "nothing runs any more")
        # libevent's, about a descriptor that was closed behind its back: whoever gets the number next would not be heard.
        assert "[warn]" not in self.instance.log, [line for line in self.instance.log.splitlines() if "[warn]" in line]
        until(lambda: not invariants.untidy(self.instance), lambda: f"the folders are tidy: {invariants.untidy(self.instance)}")
        for i, count in enumerate(invariants.records_are_equal(self.instance, self.database)):
            self.rows[i] += count
        self.instance.remove()
        self.database.remove()
        self.instance = None

    def play(self, number, cell=None):
        victim, moment = cell or CELLS[(self.seed + number) % len(CELLS)]
        try:
            outcome = Round(self, random.Random(self.seed + number), victim, moment).play()
        except BaseException as error:
            raise AssertionError(f"round {number} ({victim} killed at {moment}) of seed {self.seed}; to repeat it: "
                                 f"--chaos-seed={self.seed + number} --chaos-rounds=1\n{error}\n{self.instance.log[-6000:]}") from error
        self.counts[victim, moment] += 1
        self.outcomes[outcome] += 1

    def table(self):
        width = max(map(len, VICTIMS)) + 2
        lines = [" " * width + "".join(f"{moment:>10}" for moment in MOMENTS)]
        for victim in VICTIMS:
            cells = ("-" if (victim, moment) in EMPTY else str(self.counts[victim, moment]) for moment in MOMENTS)
            lines.append(f"{victim:<{width}}" + "".join(f"{cell:>10}" for cell in cells))
        lines.append(f"{self.rows[0]} runs and {self.rows[1]} attempts compared: runs {in_words(self.outcomes)}; attempts {in_words(self.ends)}")
        return "\n".join(lines)


def in_words(counter):
    return ", ".join(f"{count} {word}" for word, count in sorted(counter.items()))


class Round:
    def __init__(self, matrix, chance, victim, moment):
        self.matrix = matrix
        self.instance = matrix.instance
        self.server = matrix.server
        self.database = matrix.database
        self.state = invariants.StateFile(self.instance)
        self.chance = chance
        self.victim = victim
        self.moment = moment
        self.ctl = None
        self.run_id = None
        self.last_number = 0
        self.launcher = None
        self.killed = set()
        self.away = 0.0

    # Where things are

    def folders(self):
        with contextlib.suppress(FileNotFoundError):
            return set(os.listdir(os.path.join(self.instance.state, "runs")))
        return set()

    def attempt_files(self, step=""):
        folder = os.path.join(self.instance.state, "runs", self.run_id)
        return [name for name in os.listdir(folder) if name.endswith(".attempt") and step in name]

    def log_size(self, step):
        folder = os.path.join(self.instance.state, "runs", self.run_id)
        return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder) if step in name and name.endswith(".log"))

    def marks(self, step):
        return [name for name in os.listdir(self.instance.path("marks")) if f".{step}." in name and name.startswith(f"{self.number()}.")]

    def number(self):
        rows = self.state.query("SELECT run_number FROM runs WHERE run_id = ?", self.run_id)
        return rows[0][0] if rows else None

    def monitors(self):
        return [pid for pid in children(self.launcher) if name_of(pid).startswith("mon.")] if self.launcher else []

    # The moments

    def pause(self, most):
        time.sleep(self.chance.uniform(0, most))

    def reach(self):
        """Returns when the moment is there."""
        folders = self.folders()
        self.ctl = subprocess.Popen([paths.BATCHCTL, "--socket", self.instance.socket, "run", "chaos", "--follow", "-o", "json"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.moment == "request":
            self.pause(0.010)
            return
        # The folder is made before the run is recorded: a run whose daemon dies between the two never was.
        self.run_id = wait_for(lambda: next(iter(self.folders() - folders), None))
        assert self.run_id, "no run has appeared"
        step = self.chance.choice(("paced", "quick"))
        if self.moment == "recorded":
            self.pause(0.004)
        elif self.moment == "launch":
            assert wait_for(lambda: self.attempt_files(step)), "nothing was launched"
            self.pause(0.004)
        elif self.moment in ("output", "stop"):
            size = self.chance.randrange(1, 1200 if step == "paced" else 6000)
            assert wait_for(lambda: self.log_size(step) >= size or self.marks(step)), "no output"
        elif self.moment == "exit":
            assert wait_for(lambda: self.marks(step)), "no end of the step"
            self.pause(0.004)
        elif self.moment == "mirror":
            assert wait_for(lambda: self.state.status_of(self.run_id) in invariants.FINAL), "no end of the run"
            self.pause(0.006)
        if self.moment == "stop":
            self.instance.process.send_signal(signal.SIGINT)
            self.pause(0.030)

    def strike(self):
        if self.victim in ("monitor", "step", "all three", "any"):
            # At the launch of a step there may be none for a moment; one that has ended meanwhile is not missed.
            wait_for(self.monitors, 0.2 if self.moment == "launch" else 0.001)
        targets = {"daemon": [("daemon", self.instance.process.pid)],
                   "launcher": [("launcher", self.launcher)],
                   "monitor": [("monitor", pid) for pid in self.monitors()],
                   "step": [("step", pid) for monitor in self.monitors() for pid in children(monitor)],
                   "batchctl": [("batchctl", self.ctl.pid)],
                   "postgres": []}
        targets["all three"] = targets["daemon"] + targets["launcher"] + targets["monitor"]
        targets["any"] = self.chance.sample(targets["all three"] + targets["step"], self.chance.randint(1, len(targets["all three"])))
        chosen = targets[self.victim]
        self.chance.shuffle(chosen)
        for name, pid in chosen:
            if pid:
                kill(pid)
                self.killed.add(name)
        if self.victim == "postgres":
            self.server.signal_all(signal.SIGKILL)
            self.server.process.wait(60)

    def revive(self):
        """What a service manager would do: who was killed is started again, and so is a daemon that was stopped."""
        began = time.monotonic()
        if self.victim == "postgres":
            self.pause(0.2)
            self.server.start()
        if self.moment == "stop" or "daemon" in self.killed:
            self.instance.process.wait(paths.patience())
            if self.chance.random() < 0.3:  # and once more while it takes up what was left
                self.instance.start(wait=False)
                self.pause(0.060)
                kill(self.instance.process.pid)
                self.instance.process.wait()
            self.instance.start()
        self.away = time.monotonic() - began

    # What has come of it

    def play(self):
        self.launcher = launcher_of(self.instance)
        self.last_number = self.state.query("SELECT coalesce(max(run_number), 0) FROM runs")[0][0]
        self.reach()
        self.strike()
        self.revive()
        if self.victim == "batchctl":
            self.ctl.communicate()
        if self.moment in ("request", "recorded") and not self.find_run():
            self.no_run()
            return "never began"
        until(lambda: self.state.status_of(self.run_id) in invariants.FINAL, "the run has an end", 60)
        shown = until(self.show, "the run is shown")
        self.check_record(shown)
        lines = invariants.lines_are_whole(self.instance, shown)
        self.check_starts(shown)
        self.check_follower(shown, lines)
        self.check_counts(shown)
        invariants.durations_are_sane(shown)
        until(lambda: not self.left_behind(), lambda: f"no process is left: {self.left_behind()}")
        self.reap()
        if self.moment in ("mirror", "exit"):
            until(lambda: self.state.rows_waiting() == 0, "the mirror has caught up")
        return shown["run"]["status"]

    def show(self):
        with contextlib.suppress(OSError, ConnectionClosed):
            return self.instance.show(self.run_id)
        return None

    def find_run(self):
        """The run that a request has become while somebody was killed over it, or None."""
        def found():
            rows = self.state.query("SELECT run_id FROM runs WHERE run_number > ?", self.last_number)
            assert len(rows) <= 1, f"one request has become {len(rows)} runs"
            self.run_id = rows[0][0] if rows else None
            return self.run_id or self.ctl.poll() is not None

        until(found, "the request has become a run, or was given up")
        # What a killed batchctl has sent may still be on its way to the daemon.
        wait_for(lambda: found() and self.run_id, 0.5)
        return self.run_id

    def no_run(self):
        if self.victim == "batchctl":
            return
        out, err = self.ctl.communicate(timeout=paths.patience())
        assert self.ctl.returncode == 8 and self.away > 1.5, f"batchctl: {self.ctl.returncode}, daemon away for {self.away}\n{out}{err}"

    def check_record(self, shown):
        run = shown["run"]
        harmed = self.killed & {"monitor", "step"}
        attempts = {}
        for attempt in shown["attempts"]:
            attempts.setdefault(attempt["step_name"], []).append((attempt["attempt"], attempt["status"], attempt["reason"]))
            self.matrix.ends[f"{attempt['status']}/{attempt['reason']}"] += 1
        for step, made in attempts.items():
            assert [number for number, _, _ in made] == list(range(1, len(made) + 1)), (step, made)
        if self.moment == "stop" and run["status"] == "cancelled":
            assert run["reason"] == "stopped", run
            return
        assert run["status"] == "success" and set(attempts) == {"paced", "quick"}, (run, attempts)
        for step, made in attempts.items():
            assert made[-1][1] == "success", (step, made)
            assert all(status == "failed" and reason in ("lost", "signal") for _, status, reason in made[:-1]), (step, made)
        extra = sum(len(made) - 1 for made in attempts.values())
        assert extra <= (1 if harmed else 0), f"{extra} attempts more than anybody was killed for: {attempts}"

    def check_starts(self, shown):
        """The work itself tells how often it was begun: never twice for one attempt, and always where it ended by itself."""
        with open(self.instance.path("marks", "starts"), encoding="ascii") as file:
            starts = Counter((step, int(attempt)) for number, step, attempt in map(str.split, file)
                             if int(number) == shown["run"]["run_number"])
        assert all(count == 1 for count in starts.values()), f"begun twice: {starts}"
        known = {(attempt["step_name"], attempt["attempt"]): attempt for attempt in shown["attempts"]}
        assert not set(starts) - set(known), f"begun and not recorded: {set(starts) - set(known)}"
        for key, attempt in known.items():
            assert attempt["status"] != "success" or key in starts, f"{key} succeeded without having been begun"

    def check_counts(self, shown):
        """What was counted is counted once: all of it where an attempt ended well, and the run's sum is that of its attempts."""
        counted = {(attempt["step_name"], attempt["attempt"]): (attempt.get("metrics") or {}).get("counted", 0) for attempt in shown["attempts"]}
        for attempt in shown["attempts"]:
            step, number = attempt["step_name"], attempt["attempt"]
            assert counted[step, number] == TOTAL[step] or attempt["status"] != "success" and counted[step, number] < TOTAL[step] + 1, counted
        assert (shown["run"].get("metrics") or {}).get("counted", 0) == sum(counted.values()), (shown["run"]["metrics"], counted)

    def check_follower(self, shown, lines):
        """batchctl run --follow has lived through it: all lines once, and the run's end as its exit status."""
        if self.victim == "batchctl":
            return
        try:
            out, err = self.ctl.communicate(timeout=paths.patience())
        except subprocess.TimeoutExpired as error:
            kill(self.ctl.pid)
            out, err = self.ctl.communicate()
            raise AssertionError(f"the follower does not end; it has seen\n{out[-2000:]}\n{err}") from error
        events = [json.loads(line) for line in out.splitlines()]
        told = [event["seq"] for event in events if event.get("event") == "line"]
        if self.moment == "stop":
            assert told == list(range(1, len(told) + 1)), told
            return
        assert self.ctl.returncode == 0, f"{shown['run']['status']}, batchctl ended with {self.ctl.returncode}: {err}"
        assert told == [line["seq"] for line in lines], f"the follower has seen {told} of {len(lines)} lines\n{err}"

    def left_behind(self):
        return [command for command in self.instance.leftovers() if "--launcher" not in command]

    def reap(self):
        """Orphans come to this process, which adopts them, when they end."""
        keep = {self.instance.process.pid, self.server.process.pid, self.ctl.pid}
        for pid, (parent, state) in processes.parents().items():
            if parent == os.getpid() and state == "Z" and pid not in keep:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
