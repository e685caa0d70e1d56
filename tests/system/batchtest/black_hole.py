"""A proxy in front of a Unix socket that can fall silent: it forwards no more, in neither direction, and closes nothing. What is at both ends
then is a half-open connection, as behind a router that went away."""
import contextlib
import os
import socket
import tempfile
import threading
import time


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        self.dark = threading.Event()
        self.closed = threading.Event()
        self.forwarded = {"client": 0, "server": 0}  # bytes that came from there and went on
        if proxy.swallows:
            self.dark.set()

    def start(self):
        with contextlib.suppress(OSError):
            self.server.connect(self.proxy.target)
        for source, sink, name in ((self.client, self.server, "client"), (self.server, self.client, "server")):
            threading.Thread(target=self.forward, args=(source, sink, name), daemon=True).start()

    def forward(self, source, sink, name):
        with contextlib.suppress(OSError):
            while True:
                if self.dark.is_set():
                    self.closed.wait()
                    return
                data = source.recv(65536)
                if self.proxy.delay:
                    time.sleep(self.proxy.delay)
                if self.proxy.watch:
                    data = self.proxy.watch(self, name, data)
                if self.dark.is_set():
                    continue
                if not data:
                    break
                sink.sendall(data)
                self.forwarded[name] += len(data)
        self.close()

    def close(self):
        self.closed.set()
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class BlackHole:
    """`target` is the path of the socket behind it. `path`, or with `tcp` `port`, is where it listens. Settings that a test changes as it goes:
    `swallows`: new connections are accepted and fall silent at once; `delay`: seconds before each piece goes on; `watch`: a function of
    (link, "client" or "server" whose bytes they are, data) that returns what goes on, and may call link.dark.set()."""

    def __init__(self, target, tcp=False, name="proxy.sock"):
        self.target = target
        self.swallows = False
        self.delay = 0
        self.watch = None
        self.links = []
        self.folder = tempfile.TemporaryDirectory(prefix="bt-hole-", dir="/tmp")
        self.path = os.path.join(self.folder.name, name)
        self.listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        self.listener.bind(("127.0.0.1", 0) if tcp else self.path)
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1] if tcp else None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                link = Link(self, client)
                self.links.append(link)
                link.start()

    def fall_silent(self):
        """All connections that there are; later ones are served."""
        for link in self.links:
            link.dark.set()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in self.links:
            link.close()
        self.folder.cleanup()
