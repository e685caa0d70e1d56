"""A program on a terminal of its own, and what it has written there."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from .paths import patience


class Terminal:
    def __init__(self, argv, environment=None, columns=100, rows=30):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "PAGER", "LESS", "COLUMNS", "LINES")}
        env.update({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(environment or {})})
        # a session of its own with the terminal as its controlling one, so that Ctrl-C is a signal
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = ""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds=0.05):
        """Takes what comes within the time; False at the end."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data.decode(errors="replace")
        return bool(data)

    def expect(self, text, seconds=60):
        deadline = time.monotonic() + patience(seconds)
        while text not in self.output:
            alive = self.read()
            if text in self.output:
                break
            assert alive and time.monotonic() < deadline, f"{text!r} is not in {self.output!r}"

    def wait(self, seconds=60):
        """Reads to the end; the exit status."""
        deadline = time.monotonic() + patience(seconds)
        while self.read() and time.monotonic() < deadline:
            pass
        return self.process.wait(patience(seconds))

    def screen(self):
        """The lines as they stand in the end: what was taken away again is gone, colours too."""
        lines = [""]
        for piece in re.split(r"(\r\x1b\[K|\r\n|\n|\x1b\[[0-9;]*m)", self.output):
            if piece == "\r\x1b[K":
                lines[-1] = ""
            elif piece in ("\n", "\r\n"):
                lines.append("")
            elif not piece.startswith("\x1b["):
                lines[-1] += piece
        return lines

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
