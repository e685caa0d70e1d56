"""The player of the football API (tests/apiplayer) as a process of its own."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

from . import paths
from .wait import until


class Player:
    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory(prefix="bt-api-", dir="/tmp")
        port_file = os.path.join(self.folder.name, "port")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([sys.executable, paths.APIPLAYER, "--port", "0", "--port-file", port_file, *options],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        until(lambda: os.path.exists(port_file) or self.process.poll() is not None, "the API player listens")
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"the API player ended with {self.process.returncode}\n{self.log.read()}")
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self, now=None, key="test-key"):
        """What a step that speaks to it needs."""
        variables = {"TANK01_BASE_URL": self.url, "TANK01_API_KEY": key}
        if now:
            variables["BATCH_NOW"] = now
        return variables

    def control(self, name, value=None):
        data = None if name in ("counts", "traffic") else json.dumps(value).encode()
        with urllib.request.urlopen(f"{self.url}/_control/{name}", data, 30) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def counts(self):
        """{endpoint: requests so far}."""
        return self.control("counts")

    def traffic(self):
        """The most requests at once, and the seconds between one's arrival and the next."""
        found = self.control("traffic")
        return found["peak"], [later - earlier for earlier, later in zip(found["arrivals"], found["arrivals"][1:])]

    def reset(self):
        self.control("reset")

    def faults(self, *rules):
        """Orders faults; see tests/apiplayer/faults.py."""
        self.control("faults", list(rules))

    def settings(self, **values):
        self.control("settings", values)

    def remove(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()
