"""batch-web beside an instance, and clients that speak HTTP to it."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from . import paths
from .wait import until


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def kind(self):
        """Of an error."""
        return self.json["error"]["data"]["kind"]


class Web:
    """A batch-web process for the daemon of `instance`, on a port of its own."""

    def __init__(self, instance, settings=None, page=None, environment=None):
        self.instance = instance
        self.folder = tempfile.mkdtemp(prefix="web-", dir=instance.folder)
        self.settings = {"Listen": "127.0.0.1:0", "Socket": instance.socket, "LogLevel": "debug", "Page": "no" if page is None else "yes"}
        if page is not None:
            self.settings["PageDirectory"] = self.write_page(page)
        self.settings.update(settings or {})
        self.environment = dict(environment or {})
        self.wrapper = []  # a command that runs it
        self.pass_fds = ()
        self.process = None
        self.port = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_page(self, files):
        for name, content in files.items():
            path = os.path.join(self.folder, "page", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return os.path.join(self.folder, "page")

    def write_config(self):
        with open(self.path("batch-web.conf"), "w", encoding="utf-8") as config:
            config.write("[Web]\n" + "".join(f"{key}={value}\n" for key, value in self.settings.items()))
        return self.path("batch-web.conf")

    @property
    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def start(self):
        if self.port:
            self.settings["Listen"] = f"127.0.0.1:{self.port}"
        with open(self.path("log"), "wb") as log:
            self.process = subprocess.Popen([*self.wrapper, paths.BATCH_WEB, "--config", self.write_config()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, pass_fds=self.pass_fds, env=dict(os.environ, **self.environment))
        until(self.find_port, lambda: f"batch-web listens\n{self.log}")
        until(lambda: self.get("/readyz").status == 200 or not self.instance.process, lambda: f"batch-web is ready\n{self.log}")
        return self

    def find_port(self):
        assert self.process.poll() is None, f"batch-web ended with {self.process.returncode}\n{self.log}"
        found = re.search(r"listening on \S+ port (\d+)", self.log)
        self.port = int(found.group(1)) if found else None
        return self.port

    def stop(self, how=signal.SIGTERM):
        """Ends it; its exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(paths.patience())
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else None

    def remove(self):
        """Ends it at the end of a test, which it has to do cleanly."""
        if self.process and self.process.poll() is None:
            status = self.stop()
            assert status == 0, f"batch-web ended with {status}\n{self.log}"

    def request(self, verb, path, body=None, headers=None, timeout=60):
        """One request on a connection of its own; a dict as body is sent as JSON."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=paths.patience(timeout))
        try:
            connection.request(verb, path, body, headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def raw(self, data, timeout=60):
        """What comes back for these bytes, until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), paths.patience(timeout)) as connection:
            connection.sendall(data)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(1 << 16):
                    received += part
            return received

    def stream(self, path, **headers):
        return EventStream(self.port, path, {name.replace("_", "-"): value for name, value in headers.items()})


class EventStream:
    """A reader of Server-Sent Events, after the rules of the HTML standard."""

    def __init__(self, port, path, headers=None, timeout=60):
        self.connection = socket.create_connection(("127.0.0.1", port), paths.patience(timeout))
        head = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{head}\r\n".encode())
        self.file = self.connection.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = http.client.parse_headers(self.file)
        self.last_id = None
        self.retry = None
        self.comments = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.connection.close()

    def event(self):
        """The next (name, data), data as JSON; None at the end of the stream."""
        name, data, number = "message", [], None
        deadline = time.monotonic() + paths.patience()
        for line in self.file:
            line = line.decode().rstrip("\n")
            if line.startswith(":"):
                self.comments += 1
                # They come for ever.
                assert time.monotonic() < deadline, "no event, comments alone"
            elif line == "" and data:
                self.last_id = number if number is not None else self.last_id
                return name, json.loads("\n".join(data))
            elif line == "":
                name, data, number = "message", [], None
            else:
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif field == "id":
                    number = value
                elif field == "retry":
                    self.retry = int(value)
        return None

    def events(self, *names):
        """All that come, of those names when some are given."""
        while (event := self.event()) is not None:
            if not names or event[0] in names:
                yield event

    def follow(self):
        """To the end: (all lines, the data of `end`)."""
        lines = []
        for name, data in self.events("lines", "end"):
            if name == "end":
                return lines, data
            lines += data["lines"]
        raise AssertionError(f"the stream ended without its end after {len(lines)} lines")
