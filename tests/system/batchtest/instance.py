"""A whole batchd from one folder, as an ordinary user."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

from . import paths, processes
from .protocol import Client, ConnectionClosed, ProtocolError
from .wait import until

FINAL = ("success", "partial", "failed", "cancelled", "skipped")


class Instance:
    """Folder, configuration, jobs and processes of a daemon. `jobs` is {name: text of the job file}."""

    def __init__(self, jobs=None, database=None, settings=None, environment=None):
        # Short, because socket paths must be.
        self.folder = tempfile.mkdtemp(prefix="bt-", dir="/tmp")
        self.settings = dict(settings or {})
        self.environment = dict(environment or {})
        self.sections = ""  # of batchd.conf, beside [Daemon]
        self.database = database
        self.wrapper = []  # of the daemon's command
        self.process = None
        self.clients = []
        for folder in ("state", "run", "jobs.d"):
            os.mkdir(os.path.join(self.folder, folder), 0o700)
        for name, text in (jobs or {}).items():
            self.write_job(name, text)
        self.write_config()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    @property
    def socket(self):
        return self.path("run", "control.sock")

    @property
    def state(self):
        return self.path("state")

    @property
    def config(self):
        return self.path("batchd.conf")

    @property
    def log(self):
        """What the daemon has said."""
        with contextlib.suppress(FileNotFoundError), open(self.path("log"), encoding="utf-8", errors="replace") as log:
            return log.read()
        return ""

    def write_config(self):
        settings = {
            "StateDirectory": self.state,
            "RuntimeDirectory": self.path("run"),
            "JobsDirectory": self.path("jobs.d"),
            "RunnerPath": paths.BATCH_RUNNER,
            "SqlDirectory": paths.SQL,
            "AlertPath": paths.BATCH_ALERT,
            "LogTarget": "console",
            "LogLevel": "debug",
        }
        if self.database:
            settings["Database"] = self.database if isinstance(self.database, str) else self.database.conninfo
        settings.update(self.settings)
        with open(self.config, "w", encoding="utf-8") as config:
            config.write("[Daemon]\n" + "".join(f"{key}={value}\n" for key, value in settings.items()) + self.sections)

    def write_job(self, name, text):
        with open(self.path("jobs.d", f"{name}.job"), "w", encoding="utf-8") as job:
            job.write(text)

    def start(self, wait=True):
        environment = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "BATCHD_SOCKET")}
        environment.update(self.environment)
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, paths.BATCHD, "--config", self.config], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, cwd=self.folder, start_new_session=True)
        if wait:
            until(self.answers, lambda: f"the daemon answers\n{self.log}")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"batchd ended with {self.process.returncode}\n{self.log}")
        with contextlib.suppress(OSError, ConnectionClosed), Client(self.socket) as client:
            client.call("daemon.hello", client="batchtest")
            return True
        return False

    def stop(self, how=signal.SIGTERM, timeout=60):
        """Ends the daemon and returns its exit status; what it launched goes on unless the daemon ends it."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(paths.patience(timeout))
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"batchd does not end after signal {how}\n{self.log}") from error

    def kill(self):
        """SIGKILL: nothing is said and nothing is tidied."""
        return self.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def remove(self):
        for client in self.clients:
            client.close()
        with contextlib.suppress(AssertionError):
            self.stop(signal.SIGKILL)
        processes.kill_all_of(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, timeout=60.0):
        """An open connection, closed at the end of the test."""
        client = Client(self.socket, timeout)
        self.clients.append(client)
        return client

    def call(self, method, **params):
        """One call on a connection of its own."""
        with Client(self.socket) as client:
            return client.call(method, **params)

    def ctl(self, *arguments, check=True, timeout=60, environment=None, text=True):
        """batchctl; stdout and stderr are apart in the result."""
        result = subprocess.run([paths.BATCHCTL, "--socket", self.socket, *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=text, timeout=paths.patience(timeout),
                                check=False, env=dict(os.environ, **(environment or {})))
        if check and result.returncode != 0:
            raise AssertionError(f"batchctl {' '.join(arguments)}: exit status {result.returncode}\n"
                                 f"{result.stdout}{result.stderr}\n{self.log}")
        return result

    def run(self, job, wait=True, seconds=60, **params):
        """Starts a run: the answer to run.show when it has ended, or that to run.start without `wait`. `params` are run.start's."""
        started = self.call("run.start", job=job, **params)
        return self.wait_for_run(started["run_number"], seconds) if wait else started

    def show(self, run):
        """The answer to run.show, its pages put together."""
        with Client(self.socket) as client:
            shown = client.call("run.show", run=run)
            while "next" in shown:
                page = client.call("run.show", run=shown["run"]["run_id"], after=shown.pop("next"))
                for part in ("steps", "attempts"):
                    shown[part] += page[part]
                if "next" in page:
                    shown["next"] = page["next"]
            return shown

    def status_of(self, run):
        return self.show(run)["run"]["status"]

    def wait_for_run(self, run, seconds=60):
        """The answer to run.show when the run has ended."""

        def ended():
            with contextlib.suppress(OSError, ConnectionClosed):
                shown = self.show(run)
                return shown if shown["run"]["status"] in FINAL else None
            return None

        return until(ended, lambda: f"run {run} has ended\n{self.log}", seconds)

    def leftovers(self):
        """Command lines of all processes of this instance but the daemon and the launcher."""
        daemon = self.process.pid if self.process else 0
        return [processes.command_line(pid) for pid in processes.of_folder(self.folder) if pid != daemon]


__all__ = ["Instance", "ProtocolError", "FINAL"]
