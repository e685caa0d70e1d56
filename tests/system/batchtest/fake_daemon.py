"""A daemon of a few lines that speaks the control protocol (proto/protocol.md) and says what the test tells it to. batchctl is tried against it
where a real daemon cannot be made to answer so on order."""
import contextlib
import json
import os
import shutil
import socket
import struct
import tempfile
import threading


class Refusal(Exception):
    def __init__(self, kind, message, code=-32000, **data):
        super().__init__(message)
        self.error = {"code": code, "message": message, "data": {"kind": kind, **data}}


class Hangup(Exception):
    """The connection is closed without an answer."""


class FakeRun:
    """A run that the test moves along; run.tail serves it, with `after` and `lines` as the protocol says."""

    def __init__(self, number=42, job="weekly", run_id="0b8c3d6e-3d0f-4b0a-9b1e-0d8f7c2a5e11"):
        self.lock = threading.Lock()
        self.head = {"run_number": number, "run_id": run_id, "job": job}
        self.status = "running"
        self.reason = None
        self.error_message = None
        self.lines = []
        self.followers = []

    def line(self, text, step="work", stream="stdout", **more):
        with self.lock:
            number = len(self.lines) + 1
            entry = {"seq": number, "time": f"2026-11-22T04:21:{number % 60:02d}.000001Z", "step": step, "stream": stream,
                     "text": text, **more}
            self.lines.append(entry)
            self.notify("run.lines", {"run_id": self.head["run_id"], "lines": [entry], "skipped": 0})

    def state(self, **members):
        with self.lock:
            self.notify("run.state", {**self.head, "status": self.status, "reason": self.reason, **members})

    def end(self, status="success", reason=None, error_message=None):
        with self.lock:
            self.status, self.reason, self.error_message = status, reason, error_message
            self.notify("run.end", {**self.head, "status": status, "reason": reason, "error_message": error_message,
                                    "last_seq": len(self.lines)})
            self.followers.clear()

    def notify(self, method, params):
        for connection in list(self.followers):
            connection.notify(method, params)

    def tail(self, params, connection):
        with self.lock:
            after = params.get("after")
            first = after if after is not None else max(0, len(self.lines) - params.get("lines", 500))
            page = self.lines[first:first + 500]
            following = bool(params.get("follow")) and self.status in ("queued", "running")
            if following:
                self.followers.append(connection)
            more = not following and first + len(page) < len(self.lines)
            return {**self.head, "status": self.status, "reason": self.reason, "error_message": self.error_message,
                    "following": following, "lines": page, "last": first + len(page),
                    **({"next": first + len(page)} if more else {})}


class Connection:
    def __init__(self, daemon, stream):
        self.daemon = daemon
        self.stream = stream
        self.lock = threading.Lock()

    def send(self, message):
        payload = json.dumps(message).encode()
        with self.lock, contextlib.suppress(OSError):
            self.stream.sendall(struct.pack(">I", len(payload)) + payload)

    def notify(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def close(self):
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()

    def serve(self):
        with contextlib.suppress(OSError, struct.error, Hangup):
            reader = self.stream.makefile("rb")
            while True:
                (length,) = struct.unpack(">I", reader.read(4))
                self.daemon.take(json.loads(reader.read(length)), self)
        self.close()


class FakeDaemon:
    """`answers` maps a method to a result, or to a function of (params, connection) that returns one or raises Refusal or Hangup."""

    def __init__(self, answers=None):
        self.folder = tempfile.mkdtemp(prefix="bf-", dir="/tmp")
        self.socket = os.path.join(self.folder, "control.sock")
        self.answers = {"daemon.hello": {"version": "9.9.9", "protocol": 1, "host": "testhost", "pid": 1}, **(answers or {})}
        self.calls = []
        self.connections = []
        self.listener = None

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)
        self.listener.bind(self.socket)
        self.listener.listen(16)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
        return self

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                stream, _ = listener.accept()
                connection = Connection(self, stream)
                self.connections.append(connection)
                threading.Thread(target=connection.serve, daemon=True).start()

    def take(self, call, connection):
        self.calls.append((call["method"], call.get("params", {})))
        answer = self.answers.get(call["method"])
        try:
            if answer is None:
                raise Refusal("unknown_method", f"there is no method {call['method']}", -32601)
            result = answer(call.get("params", {}), connection) if callable(answer) else answer
        except Refusal as refusal:
            connection.send({"jsonrpc": "2.0", "id": call["id"], "error": refusal.error})
        else:
            connection.send({"jsonrpc": "2.0", "id": call["id"], "result": result})

    def params_of(self, method):
        return [params for name, params in self.calls if name == method]

    def stop(self, keep_socket=True):
        """As if killed: connections break and nobody listens; the socket's file stays unless said."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()
        self.connections = []
        if not keep_socket:
            os.unlink(self.socket)

    def say_stopping(self, reason):
        for connection in self.connections:
            connection.notify("daemon.stopping", {"reason": reason})

    def remove(self):
        with contextlib.suppress(OSError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
