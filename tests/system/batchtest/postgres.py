"""A private PostgreSQL: its own folder, a Unix socket and nothing else, as the user of the tests."""
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import uuid

from .wait import until


def find_programs():
    """The newest installed server's folder of programs, or None."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if folders:
        return os.path.dirname(folders[-1])
    initdb = shutil.which("initdb")
    return os.path.dirname(os.path.realpath(initdb)) if initdb else None


class Postgres:
    USER = "batchd"

    def __init__(self, durable=False):
        self.programs = find_programs()
        self.folder = tempfile.mkdtemp(prefix="bt-pg-", dir="/tmp")
        self.durable = durable
        self.process = None
        subprocess.run([os.path.join(self.programs, "initdb"), "-D", self.data, "-U", self.USER, "-A", "trust", "-E", "UTF8",
                        "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
                       check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    @property
    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def conninfo(self, database="postgres"):
        return f"host={self.folder} user={self.USER} dbname={database}"

    def start(self):
        self.launch()
        until(self.answers, lambda: f"PostgreSQL answers\n{self.log}")
        return self

    def launch(self):
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=50", "shared_buffers=32MB",
                    "timezone=UTC", f"fsync={'on' if self.durable else 'off'}"]
        arguments = [argument for setting in settings for argument in ("-c", setting)]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([os.path.join(self.programs, "postgres"), "-D", self.data, *arguments],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def answers(self):
        if self.process.poll() is not None:
            # A backend that was being forked when all were killed is about to see that; until then the next server cannot start.
            if "pre-existing shared memory block" in self.log[-1000:]:
                self.launch()
                return False
            raise AssertionError(f"PostgreSQL ended with {self.process.returncode}\n{self.log}")
        ready = subprocess.run([os.path.join(self.programs, "pg_isready"), "-q", "-h", self.folder], check=False)
        return ready.returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: clients are cut off and everything is written; SIGQUIT: at once, to be recovered from at the next start."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
        self.process = None

    def processes(self):
        """The postmaster and its children, which are leaders of sessions of their own."""
        children = []
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(stat, encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                children.append(int(stat.split("/")[2]))
        return [self.process.pid, *children]

    def signal_all(self, what):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def freeze(self):
        """Stops all its processes where they are: a server that neither answers nor refuses."""
        self.signal_all(signal.SIGSTOP)

    def thaw(self):
        self.signal_all(signal.SIGCONT)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, like=None):
        """An empty one, or a copy of another that nobody is connected to."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute("postgres", f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like.name}"' if like else ""))
        return Database(self, name)

    def execute(self, database, sql, parameters=None):
        """Runs SQL on a connection of its own; the rows, or None."""
        import psycopg2

        connection = psycopg2.connect(self.conninfo(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()


class Database:
    def __init__(self, server, name):
        self.server = server
        self.name = name

    @property
    def conninfo(self):
        return self.server.conninfo(self.name)

    def query(self, sql, parameters=None):
        return self.server.execute(self.name, sql, parameters)

    def value(self, sql, parameters=None):
        """The first column of the first row, or None."""
        rows = self.query(sql, parameters)
        return rows[0][0] if rows else None

    def dicts(self, sql, parameters=None):
        import psycopg2
        import psycopg2.extras

        connection = psycopg2.connect(self.conninfo)
        try:
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(sql, parameters)
                return [dict(row) for row in cursor.fetchall()]
        finally:
            connection.close()

    def remove(self):
        self.server.execute("postgres", f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
