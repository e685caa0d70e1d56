"""A machine with the project installed and a real systemd as PID 1, made from this machine's own files (see `boot`)."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NEEDED = ("unshare", "nsenter", "pivot_root", "mount", "systemctl", "dbus-daemon")


def why_not():
    """Why no machine can be booted here, or None."""
    if os.geteuid() != 0:
        return "needs root to boot a systemd of its own"
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing or not os.path.exists("/lib/systemd/systemd"):
        return f"needs systemd and dbus installed (missing: {', '.join(missing) or 'systemd'})"
    if not cgroup2_mount():
        return "no cgroup2 file system is mounted"
    probe = subprocess.run(["unshare", "--pid", "--fork", "--mount", "--cgroup", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        return f"namespaces are not permitted here: {probe.stderr.decode().strip()}"
    return None


def cgroup2_mount():
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return where
    return None


class Machine:
    """`with Machine(...) as machine:` boots; the end of the block powers off and leaves nothing."""

    # Whether a boot id, a page cache and the disks are the machine's alone.
    has_own_kernel = False
    # How much longer than on an idle machine things may take.
    patience = 1

    def __init__(self, installed, source, build, state=None):
        self.trees = [installed, source, build, *([state] if state else [])]
        self.cgroup = os.path.join(cgroup2_mount(), f"batchtest-{os.getpid()}-{id(self)}")
        self.process = None
        self.pid = None
        self.log = tempfile.TemporaryFile()
        self.folder = tempfile.TemporaryDirectory(prefix="batchtest-")
        self.controllers = []
        self.borrowed = []

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.power_off()
            raise
        return self

    def __exit__(self, *_):
        self.power_off()

    def boot(self):
        os.mkdir(self.cgroup)
        self.enable_controllers()
        command = [os.path.join(HERE, "boot"), self.cgroup, *self.trees]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, TMPDIR=self.folder.name))
        self.pid = self.wait_for(self.find_init, 60, "systemd was not started")
        self.wait_for(self.is_up, 90, "systemd did not come up")
        # Controllers can be enabled only where no process is left in the machine's root cgroup.
        outside = os.path.join(self.cgroup, "outside")
        os.mkdir(outside)
        with open(os.path.join(outside, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write(str(self.process.pid))

    def enable_controllers(self):
        """Hands down what cgroup2 has here. `hugetlb` alone (the others bound to cgroup1) still shows what any controller shows:
        a cgroup with controllers enabled may hold no process."""
        root = cgroup2_mount()
        with open(os.path.join(root, "cgroup.controllers"), encoding="ascii") as controllers:
            self.controllers = controllers.read().split()
        with open(os.path.join(root, "cgroup.subtree_control"), encoding="ascii") as enabled:
            self.borrowed = sorted(set(self.controllers) - set(enabled.read().split()))
        for folder in (root, self.cgroup):
            for name in self.controllers:
                with contextlib.suppress(OSError), open(os.path.join(folder, "cgroup.subtree_control"), "w", encoding="ascii") as f:
                    f.write(f"+{name}")

    def find_init(self):
        """The pid, as seen from here, of the systemd that `unshare` became the parent of."""
        with contextlib.suppress(OSError):
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                for pid in children.read().split():
                    if os.readlink(f"/proc/{pid}/exe").endswith("/systemd/systemd"):
                        return int(pid)
        return None

    def is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def wait_for(self, condition, seconds, what):
        """The first true value of condition(), asked for until the seconds are over."""
        seconds *= self.patience
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{what} within {seconds} s\n{self.console()}")

    def console(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def inside(self, *argv):
        return ["nsenter", "--target", str(self.pid), "--all", "--wdns=/", "env", "-i", "LANG=C.UTF-8", "SYSTEMD_PAGER=",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *argv]

    def run(self, *argv, check=True, user=None, timeout=60, text=True, **more):
        """A command inside; as a user with the groups that the machine gives it."""
        if user:
            argv = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", *argv)
        result = subprocess.run(self.inside(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=text, timeout=timeout * self.patience, check=False, **more)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def out(self, *argv, **more):
        return self.run(*argv, **more).stdout.strip()

    def spawn(self, *argv, user=None):
        if user:
            argv = ("setpriv", "--reuid", user, "--regid", user, "--init-groups", *argv)
        return subprocess.Popen(self.inside(*argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def property(self, unit, name):
        return self.out("systemctl", "show", "-P", name, unit)

    def write(self, path, text, mode="644"):
        subprocess.run(self.inside("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"', "sh", path, mode),
                       input=text, text=True, check=True)

    def journal(self, *matches):
        return self.out("journalctl", "--no-pager", "-o", "short-precise", *matches)

    def ctl(self, *arguments, user="root", check=True, timeout=60):
        return self.run("batchctl", *arguments, user=user, check=check, timeout=timeout)

    def ctl_json(self, *arguments, **more):
        return json.loads(self.ctl(*arguments, "-o", "json", **more).stdout)

    def start_run(self, job, *arguments, user="foreman"):
        """The number of a run that has been started and goes on."""
        return self.ctl_json("run", job, *arguments, user=user)["run_number"]

    def show_run(self, number):
        return self.ctl_json("status", str(number))

    def current_runs(self):
        answer = self.ctl("status", "-o", "json", check=False)
        return json.loads(answer.stdout)["current"] if answer.returncode == 0 else []

    def wait_for_run(self, number, seconds=60):
        """The answer to run.show when the run has ended."""

        def ended():
            shown = self.ctl("status", str(number), "-o", "json", check=False)
            if shown.stdout.startswith("{"):
                value = json.loads(shown.stdout)
                return value if value["run"]["status"] not in ("queued", "running") else None
            return None

        return self.wait_for(ended, seconds, f"the end of run {number}")

    def step_pids(self, text):
        """Ids, as the machine sees them, of the processes whose command line has the text."""
        return [int(pid) for pid in self.out("pgrep", "-f", text, check=False).split()]

    def install(self, tree):
        """Lays another tree as from `meson install` over the machine's files, as a package does: new files in the place of the old ones."""
        subprocess.run(["cp", "-a", "--remove-destination", f"{tree}/.", f"/proc/{self.pid}/root/"], check=True)
        self.run("systemctl", "daemon-reload")

    def crash(self):
        """As if somebody had pulled the plug."""
        self.process.kill()
        self.process.wait()

    def power_off(self):
        if self.process and self.process.poll() is None:
            if self.pid:
                # SIGRTMIN+4 asks systemd for poweroff.target, bus or no bus.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGRTMIN + 4)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            self.process.kill()
            self.process.wait()
        self.remove_cgroups()
        self.folder.cleanup()
        self.log.close()

    def remove_cgroups(self):
        deadline = time.monotonic() + 5
        while os.path.isdir(self.cgroup) and time.monotonic() < deadline:
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
            time.sleep(0.05)
        for name in self.borrowed:
            with contextlib.suppress(OSError), open(os.path.join(cgroup2_mount(), "cgroup.subtree_control"), "w", encoding="ascii") as f:
                f.write(f"-{name}")
