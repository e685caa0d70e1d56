"""batch-nfl run by hand: against an API player and a database, with its reports taken as a monitor would."""
import collections
import os
import resource
import socket
import subprocess
import tempfile
import threading

from . import paths

DATA = os.environ.get("BATCHTEST_DATA") or os.path.join(os.path.dirname(paths.SOURCE), "shared", "data")
HAS_DATA = os.path.exists(os.path.join(DATA, "player_weeks_2023_2024.csv"))

LINE_COLUMNS = ("targets", "receptions", "receiving_yards", "receiving_td", "carries", "rushing_yards", "rushing_td", "return_td")
KEY = "a-very-secret-key"


class Reports:
    """A notify socket: what one command said by the step protocol."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bt-nfl-", dir="/tmp")
        self.path = os.path.join(self.folder.name, "n")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.lines = []
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while True:
            message = self.socket.recv(65536)
            if message == b"END":
                return
            self.lines += message.decode().split("\n")

    def finish(self):
        """Every report that was sent before this has been read afterwards."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"END", self.path)
        self.thread.join()
        self.socket.close()
        self.folder.cleanup()


class Result:
    """How a command ended: status, what it printed, what it reported."""

    def __init__(self, status, out, errors, lines):
        self.status = status
        self.out = out
        self.errors = errors
        self.lines = lines
        self.metrics = collections.Counter()
        for line in self.values("METRIC"):
            name, delta = line.split("+=")
            self.metrics[name] += int(delta)

    def values(self, key):
        return [line[len(key) + 1:] for line in self.lines if line.startswith(key + "=")]

    def warnings(self, category):
        return [text for text in self.values("WARNING") if text.startswith(category + ": ")]

    @property
    def records(self):
        return int(self.values("RECORDS")[-1])

    @property
    def parameters(self):
        return dict(text.split("=", 1) for text in self.values("PARAMETER"))


class Football:
    """batch-nfl with its surroundings."""

    def __init__(self, player, conninfo):
        self.player = player
        self.conninfo = conninfo
        self.now = None
        self.memory_limit = None  # bytes of data a command may have (RLIMIT_DATA)

    def environment(self, more):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("BATCH_", "PG", "TANK01_")) and name != "NOTIFY_SOCKET"}
        environment["TANK01_API_KEY"] = KEY
        if self.player:
            environment["TANK01_BASE_URL"] = self.player.url
        if self.conninfo:
            environment["BATCH_DATABASE"] = self.conninfo
        if self.now:
            environment["BATCH_NOW"] = self.now
        environment.update(more)
        return environment

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_DATA, (self.memory_limit, self.memory_limit))

    def start(self, *arguments, **environment):
        """The command in the background, without reports."""
        return subprocess.Popen([paths.BATCH_NFL, *arguments], env=self.environment(environment), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, **environment):
        """Runs it to its end; --retry-delay is short, so that tests of repetitions are."""
        reports = Reports()
        try:
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
                process = subprocess.Popen([paths.BATCH_NFL, "--retry-delay=50ms", *arguments], stdin=subprocess.DEVNULL,
                                           env=self.environment(dict(environment, NOTIFY_SOCKET=reports.path)), stdout=out,
                                           stderr=errors, preexec_fn=self._limit if self.memory_limit else None)
                try:
                    process.wait(paths.patience(60))
                finally:
                    process.kill()
                    process.wait()
                texts = []
                for file in (out, errors):
                    file.seek(0)
                    texts.append(file.read().decode())
        finally:
            reports.finish()
        result = Result(process.returncode, texts[0], texts[1], reports.lines)
        assert KEY not in texts[0] + texts[1] + "".join(reports.lines), "the key was said aloud"
        return result

    def good(self, *arguments, **environment):
        result = self.run(*arguments, **environment)
        assert result.status == 0, result.errors
        return result


def install_tables(database):
    """The football tables, as the daemon's migrations make them."""
    for name in sorted(os.listdir(paths.SQL)):
        if "_football" in name:
            with open(os.path.join(paths.SQL, name), encoding="utf-8") as file:
                database.query(file.read())
