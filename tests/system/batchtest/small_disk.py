"""A file system of a few megabytes that only one instance sees: a tmpfs in a mount namespace of an ordinary user."""
import contextlib
import os
import shutil
import subprocess


class SmallDisk:
    """Mounted on `folder`, for those that are started with `wrapper` before their command. `why_not` says why there is none."""

    def __init__(self, folder, size="4m"):
        self.folder = folder
        self.holder = None
        self.why_not = None
        if not shutil.which("unshare") or not shutil.which("nsenter"):
            self.why_not = "unshare and nsenter are not installed"
            return
        script = 'mount -t tmpfs -o "size=$1,mode=700" none "$2" && echo mounted && exec cat'
        self.holder = subprocess.Popen(["unshare", "-Urm", "sh", "-c", script, "sh", size, folder], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "mounted":
            self.why_not = "no user and mount namespace here: " + self.holder.communicate()[1].strip()
            self.holder = None

    @property
    def wrapper(self):
        return ["nsenter", "--preserve-credentials", "-U", "-m", "-t", str(self.holder.pid), "--"]

    def path(self, *parts):
        """The same file, seen from outside."""
        return os.path.join(f"/proc/{self.holder.pid}/root{self.folder}", *parts)

    def fill(self):
        """Until not a byte more goes in."""
        with contextlib.suppress(OSError), open(self.path("ballast"), "ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 16, 1 << 12, 1 << 9, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(b"\0" * size)

    def make_room(self):
        os.unlink(self.path("ballast"))

    def set_mode(self, mode):
        os.chmod(self.path(), mode)

    def remove(self):
        if self.holder:
            self.holder.stdin.close()
            self.holder.wait()
            self.holder.stdout.close()
            self.holder.stderr.close()
