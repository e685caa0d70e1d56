"""A client of the control protocol (proto/protocol.md), written from its description alone."""
import itertools
import json
import socket
import struct
import time
from collections import deque

from .paths import patience


class ProtocolError(Exception):
    """An error object of the daemon: `kind` is data.kind, `data` the rest of it."""

    def __init__(self, error):
        super().__init__(error.get("message"))
        self.code = error.get("code")
        self.message = error.get("message")
        self.data = error.get("data") or {}
        self.kind = self.data.get("kind")


class ConnectionClosed(Exception):
    pass


class Client:
    def __init__(self, path, timeout=60.0):
        self.timeout = patience(timeout)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(self.timeout)
        self.socket.connect(path)
        self.buffer = bytearray()
        self.numbers = itertools.count(1)
        self.notifications = deque()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def call(self, method, **params):
        """The result, or ProtocolError. Notifications that arrive meanwhile are kept for `notification`."""
        number = next(self.numbers)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while True:
            message = self.receive()
            if "id" not in message:
                self.notifications.append(message)
            elif message["id"] == number or message["id"] is None:
                if "error" in message:
                    raise ProtocolError(message["error"])
                return message["result"]

    def send(self, message):
        self.send_frame(json.dumps(message, ensure_ascii=False).encode())

    def send_frame(self, payload):
        self.send_bytes(struct.pack(">I", len(payload)) + payload)

    def send_bytes(self, data):
        """As it is: frames that lie are made with this."""
        self.socket.sendall(data)

    def receive(self, timeout=None):
        """The next message, whatever it is."""
        return json.loads(self.receive_frame(timeout))

    def receive_frame(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else patience(timeout))
        while True:
            if len(self.buffer) >= 4:
                (length,) = struct.unpack(">I", self.buffer[:4])
                if len(self.buffer) >= 4 + length:
                    payload = bytes(self.buffer[4:4 + length])
                    del self.buffer[:4 + length]
                    return payload
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionClosed(f"the daemon closed the connection with {len(self.buffer)} bytes of a frame sent")
            self.buffer += data

    def notification(self, *methods, timeout=None):
        """The next notification, of one of the methods when some are named; (method, params)."""
        while True:
            message = self.notifications.popleft() if self.notifications else self.receive(timeout)
            if "id" not in message and (not methods or message["method"] in methods):
                return message["method"], message.get("params", {})

    def follow(self, run, lines=500):
        """Tails a run to its end: (all its lines from the last `lines` on, its final status)."""
        page = self.call("run.tail", run=run, lines=lines, follow=True)
        collected = list(page["lines"])
        while not page["following"] and page.get("next"):
            page = self.call("run.tail", run=run, after=page["next"])
            collected += page["lines"]
        if not page["following"]:
            return collected, page["status"]
        while True:
            method, params = self.notification("run.lines", "run.end")
            if method == "run.end":
                return collected, params["status"]
            collected += params["lines"]
