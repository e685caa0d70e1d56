"""A PostgreSQL socket that forwards to the real one and cuts the connection after so many bytes from the client."""
import contextlib
import os
import select
import socket
import tempfile
import threading


class CutProxy:
    def __init__(self, server_folder, cut_after=None):
        """cut_after: bytes that the next connection may send; None: all that it wants. `sent` counts them."""
        self.folder = tempfile.TemporaryDirectory(prefix="bt-cut-", dir="/tmp")
        self.target = os.path.join(server_folder, ".s.PGSQL.5432")
        self.cut_after = cut_after
        self.sent = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.folder.name, ".s.PGSQL.5432"))
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def conninfo(self, database):
        return f"host={self.folder.name} user={database.server.USER} dbname={database.name}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                limit, self.cut_after = self.cut_after, None
                threading.Thread(target=self._forward, args=(client, limit), daemon=True).start()

    def _forward(self, client, limit):
        sent = 0
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self.target)
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is server:
                        client.sendall(data)
                        continue
                    if limit is not None:
                        data = data[:limit - sent]
                    sent += len(data)
                    self.sent = max(self.sent, sent)
                    server.sendall(data)
                    if limit is not None and sent >= limit:
                        return

    def close(self):
        self.listener.close()
        self.folder.cleanup()
