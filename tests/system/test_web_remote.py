"""batchctl --url: the same commands, screens and exit statuses from another machine."""
import os
import pwd
import re
import signal
import ssl
import socket
import subprocess
import threading

import pytest

from batchtest import paths
from batchtest.wait import until

JOBS = {
    "hello": """
[Job]
[Parameter n]
Type=integer
Minimum=1
Maximum=9
[Step one]
Exec=/bin/sh -c "echo hello; echo oops >&2"
[Step two]
Exec=/bin/echo n=${n}
""",
    "fails": "[Job]\n[Step one]\nExec=/bin/sh -c \"echo bad; exit 3\"\n",
    "warns": "[Job]\n[Step one]\nExec=/bin/sh -c \"exit 5\"\nWarnExitStatus=5\n",
    "sleeper": "[Job]\n[Step s]\nExec=/bin/sh -c \"echo begun; exec sleep 60\"\nKillGraceSec=1s\n",
    "count": "[Job]\n[Step c]\nExec=/bin/sh -c \"i=0; while [ $$i -lt 60 ]; do i=$$((i+1)); echo line $$i; sleep 0.03; done\"\n",
    "long": "[Job]\n[Step c]\nExec=/bin/seq 1 2000\n",
}


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1000}).start()


def token_of(web, *options):
    made = subprocess.run([paths.BATCH_WEB, "--make-token", "script", *options], capture_output=True, text=True, check=True)
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(made.stderr.splitlines()[-1])
    web.settings["TokenFile"] = web.path("tokens")
    return made.stdout.strip()


@pytest.fixture
def web(instance, make_web):
    web = make_web(instance, {"ReadAccess": "login", "ActionsPerMinute": 1000})
    web.token = token_of(web)
    with open(web.path("token"), "w", encoding="ascii") as file:
        file.write(web.token + "\n")
    return web.start()


def environment_of(web, **more):
    return dict({name: value for name, value in os.environ.items() if not name.startswith("BATCHD_")},
                **{"BATCHD_HTTP_HELPER": paths.BATCH_HTTP, "BATCHD_TOKEN_FILE": web.path("token"), **more})


def remote(web, *arguments, url=None, timeout=40, **environment):
    return subprocess.run([paths.BATCHCTL, "--url", url or f"http://127.0.0.1:{web.port}", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=paths.patience(timeout), check=False, env=environment_of(web, **environment))


def timeless(screen):
    """Without how long ago it was, and the widths that this takes."""
    return [re.sub(r"just now|\d+\w+ ago", "then", line).split() for line in screen.splitlines()]


def test_the_same_screens(instance, web):
    instance.run("hello", params={"n": 3})
    instance.run("fails")
    for command in (["status", "1"], ["status", "2"], ["history"], ["history", "-n", "1"], ["history", "--status", "failed"], ["list"], ["show", "hello"],
                    ["tail", "1"], ["logs", "1", "one"], ["why", "2"], ["summary", "1"], ["steps"], ["next"], ["-o", "json", "status", "1"]):
        near, far = instance.ctl(*command, check=False), remote(web, *command)
        assert (far.returncode, timeless(far.stdout)) == (near.returncode, timeless(near.stdout)), f"{command}\n{far.stderr}"
        assert near.stdout or near.returncode == 0
    assert remote(web, "status").returncode == 0


@pytest.mark.parametrize("job, status", [("hello", 0), ("fails", 1), ("warns", 3), ("nothing", 4)])
def test_exit_statuses_of_runs(instance, web, job, status):
    for command in (["run", job, "--wait"], ["run", job, "--follow"]):
        far = remote(web, *command)
        assert far.returncode == status, far.stdout + far.stderr
    if status != 4:
        run = instance.show(1)["run"]
        assert run["triggered_by_user"] == "token script from 127.0.0.1"


def test_refusals_have_their_statuses(instance, web, make_web):
    started = remote(web, "run", "sleeper")
    assert started.returncode == 0 and "sleeper #1" in started.stdout
    again = remote(web, "run", "sleeper")
    assert again.returncode == 5 and "already running" in again.stderr
    assert remote(web, "run", "hello", "-p", "n=77").returncode == 2
    cancelled = remote(web, "cancel", "1")
    assert cancelled.returncode == 0 and instance.status_of(1) == "cancelled"
    assert remote(web, "status", "77").returncode == 4
    assert remote(web, "status", BATCHD_TOKEN="wrong").returncode == 6
    assert remote(web, "status", BATCHD_TOKEN_FILE="/nonexistent").returncode == 8
    closed = remote(web, "status", url="http://127.0.0.1:1")
    assert closed.returncode == 8 and "http://127.0.0.1:1" in closed.stderr
    no_helper = remote(web, "status", BATCHD_HTTP_HELPER="/nonexistent")
    assert no_helper.returncode == 8 and "batch-http" in no_helper.stderr
    clear = remote(web, "status", url="http://192.0.2.1")
    assert clear.returncode == 8 and "https" in clear.stderr
    limited = make_web(instance, {"ActionsPerMinute": 1})
    limited.token = token_of(limited)
    limited.start()
    assert remote(limited, "resume", "hello", BATCHD_TOKEN=limited.token).returncode == 0
    assert remote(limited, "resume", "hello", BATCHD_TOKEN=limited.token).returncode == 7
    reader = make_web(instance)
    reader.token = token_of(reader, "--watch-only")
    reader.start()
    assert remote(reader, "run", "hello", BATCHD_TOKEN=reader.token).returncode == 6
    assert remote(reader, "status", BATCHD_TOKEN=reader.token).returncode == 0


def test_the_url_of_the_environment(web):
    plain = subprocess.run([paths.BATCHCTL, "list"], capture_output=True, text=True, check=False,
                           env=environment_of(web, BATCHD_URL=f"http://127.0.0.1:{web.port}/"))
    assert plain.returncode == 0 and "hello" in plain.stdout
    named = subprocess.run([paths.BATCHCTL, "--socket", "/nonexistent", "list"], capture_output=True, text=True, check=False,
                           env=environment_of(web, BATCHD_URL=f"http://127.0.0.1:{web.port}/"))
    assert named.returncode == 8 and "/nonexistent" in named.stderr


def follow(web, *arguments):
    return subprocess.Popen([paths.BATCHCTL, "--url", f"http://127.0.0.1:{web.port}", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment_of(web))


def numbers(text):
    return [int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if " line " in line or line.startswith("line ")]


@pytest.mark.parametrize("what", ["nothing", "batch-web", "the daemon"])
def test_following_over_restarts(instance, web, what):
    process = follow(web, "run", "count", "--follow")
    until(lambda: instance.call("run.current")["runs"], "it runs")
    until(lambda: instance.show(1)["last_seq"] > 5, "it has written")
    if what == "batch-web":
        web.stop(signal.SIGKILL)
        web.start()
    elif what == "the daemon":
        instance.kill()
        instance.start()
    out, err = process.communicate(timeout=paths.patience())
    assert process.returncode == 0, out + err
    assert numbers(out) == list(range(1, 61)), out


def test_a_whole_tail_of_many_pages(instance, web):
    instance.run("long")
    out = remote(web, "tail", "1", "-n", "2000").stdout
    assert [line.split()[-1] for line in out.splitlines()] == [line.split()[-1] for line in instance.ctl("tail", "1", "-n", "2000").stdout.splitlines()]


def test_waiting_ends_when_the_time_has_passed(web):
    assert remote(web, "run", "sleeper", "--wait", "--timeout", "1s").returncode == 124


class TlsRelay:
    """What a reverse proxy does: TLS outside, plain HTTP inside."""

    def __init__(self, folder, port):
        self.port = port
        self.certificate = os.path.join(folder, "cert.pem")
        key = os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.address = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, target), daemon=True).start()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(1 << 14):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_over_https(instance, web, tmp_path):
    relay = TlsRelay(str(tmp_path), web.port)
    followed = remote(web, "run", "hello", "--follow", url=relay.address, BATCHD_CA_FILE=relay.certificate)
    assert followed.returncode == 0 and "hello" in followed.stdout, followed.stderr
    strange = remote(web, "status", url=relay.address)
    assert strange.returncode == 8 and "certificate" in strange.stderr
    relay.listener.close()
