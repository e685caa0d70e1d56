"""Who may do what over HTTP, how often, and that it is known afterwards who it was."""
import os
import pwd
import signal
import socket
import subprocess
import threading
import time

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
Exec=/bin/echo hello
""",
    "sleeper": """
[Job]
[Step sleep]
Exec=/bin/sleep 300
KillGraceSec=1s
""",
}
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def hashed():
    made = subprocess.run([paths.BATCH_WEB, "--hash-password"], input=PASSWORD + "\n", capture_output=True, text=True, check=True)
    assert made.stdout.startswith("$y$") and PASSWORD not in made.stdout
    return made.stdout


def make_token(name, *options):
    """(the token, its line)"""
    made = subprocess.run([paths.BATCH_WEB, "--make-token", name, *options], capture_output=True, text=True, check=True)
    return made.stdout.strip(), next(line for line in made.stderr.splitlines() if line.startswith(name + " "))


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1000}).start()


@pytest.fixture
def make(instance, make_web, hashed):
    def make(settings=None, tokens=()):
        web = make_web(instance, settings)
        with open(web.path("password"), "w", encoding="ascii") as file:
            file.write(hashed)
        with open(web.path("tokens"), "w", encoding="ascii") as file:
            file.write("# scripts\n" + "\n".join(tokens))
        web.settings.update(PasswordFile=web.path("password"), TokenFile=web.path("tokens"))
        return web.start()
    return make


class Browser:
    """Keeps its cookie and the token of its session."""

    def __init__(self, web, **headers):
        self.web, self.headers, self.cookie, self.csrf = web, headers, None, None

    def request(self, verb, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        if self.cookie:
            headers["Cookie"] = f"other=1; {self.cookie}"
        if self.csrf:
            headers.setdefault("X-CSRF-Token", self.csrf)
        return self.web.request(verb, "/api/v1" + path, body, headers)

    def log_in(self, password=PASSWORD):
        answer = self.request("POST", "/session", {"password": password})
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            self.csrf = answer.json["csrf_token"]
        return answer


def test_acting_needs_a_login_and_is_recorded_with_its_name(instance, make):
    web = make()
    browser = Browser(web)
    assert web.get("/api/v1/runs").status == 200
    refused = browser.request("POST", "/runs", {"job": "hello"})
    assert refused.status == 401 and refused.kind == "not_permitted" and refused.headers["WWW-Authenticate"].startswith("Bearer")
    who = browser.request("GET", "/session").json
    assert who["user"] is None and who["may_read"] and not who["may_act"] and who["csrf_token"] is None and who["login_possible"]
    logged_in = browser.log_in()
    assert logged_in.status == 200 and logged_in.json["user"] == "admin" and logged_in.json["may_act"]
    cookie = logged_in.headers["Set-Cookie"]
    assert logged_in.headers["Cache-Control"] == "no-store"
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Secure" not in cookie
    started = browser.request("POST", "/runs", {"job": "hello", "params": {"n": 2}})
    assert started.status == 200 and started.json["run_number"] == 1
    run = instance.wait_for_run(1)["run"]
    assert run["triggered_by_user"] == "admin from 127.0.0.1" and run["triggered_by"] == "manual"
    entry = browser.request("GET", "/audit").json["entries"][0]
    assert entry["on_behalf"] == "admin from 127.0.0.1" and entry["method"] == "run.start" and entry["run_number"] == 1
    out = browser.request("DELETE", "/session")
    assert out.status == 200 and "Max-Age=0" in out.headers["Set-Cookie"]
    assert browser.request("POST", "/runs", {"job": "hello"}).status == 401


def test_actions_of_the_api(instance, make):
    browser = Browser(make({"ActionsPerMinute": 100}))
    browser.log_in()
    run = browser.request("POST", "/runs", {"job": "sleeper"}).json["run_number"]
    again = browser.request("POST", "/runs", {"job": "sleeper"})
    assert (again.status, again.kind) == (409, "already_running")
    assert again.json["error"]["data"]["run_number"] == run
    assert browser.request("GET", "/runs/current").json["runs"][0]["run_number"] == run
    cancelled = browser.request("POST", "/runs/current/cancel", {"reason": "enough"})
    assert cancelled.status == 200 and cancelled.json["status"] == "cancelled"
    assert browser.request("POST", f"/runs/{run}/cancel").status == 422
    paused = browser.request("POST", "/jobs/hello/pause", {"reason": "bye week"})
    assert paused.json["paused"]["by"] == "admin from 127.0.0.1"
    assert (lambda a: (a.status, a.kind))(browser.request("POST", "/runs", {"job": "hello"})) == (409, "paused")
    assert browser.request("POST", "/jobs/hello/resume").json["was_paused"]
    wrong = browser.request("POST", "/runs", {"job": "hello", "params": {"n": 77}})
    assert wrong.status == 422 and wrong.json["error"]["data"]["parameter"] == "n"
    assert browser.request("POST", "/runs", {"job": "nothing"}).status == 404
    assert browser.request("POST", "/reload").json["jobs"] == 2
    assert browser.request("POST", "/drain", {"off": True}).status == 200
    assert browser.request("POST", "/runs", {"job": "hello", "on_behalf": "somebody else"}).status == 422
    same = [browser.request("POST", "/runs", {"job": "hello", "request_id": "r1"}).json["run_number"] for _ in range(2)]
    assert same[0] == same[1]


def test_the_sixth_action_of_a_minute_waits(make):
    web = make()
    browser = Browser(web)
    browser.log_in()
    answers = [browser.request("POST", "/jobs/hello/resume") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[5].kind == "rate_limited" and 0 < int(answers[5].headers["Retry-After"]) <= 12
    assert web.get("/api/v1/runs").status == 200


def test_wrong_passwords_make_the_next_one_wait(make):
    browser = Browser(make())

    def wrong_then_right():
        """The answer to the second of two, and how long that had to wait at most since the first one was looked at."""
        assert (lambda a: (a.status, a.kind))(browser.log_in("wrong")) == (403, "not_permitted")
        began = time.monotonic()
        return browser.log_in(), time.monotonic() - began

    # Each wrong one doubles the wait. On a machine so busy that it was over before the next one came it was none.
    for wait in (1, 2):
        refused, between = wrong_then_right()
        if refused.status == 200 and between > wait:
            return
        assert refused.status == 429 and wait - between <= int(refused.headers["Retry-After"]) <= wait
        time.sleep(wait + 0.05)
    assert browser.log_in().status == 200
    assert browser.log_in().status == 200, "a right one ends the waiting"


def served_during_a_login(web):
    """How many requests are answered while a password is looked at."""
    thread = threading.Thread(target=lambda: Browser(web).log_in())
    thread.start()
    served = 0
    while thread.is_alive():
        assert web.get("/healthz").status == 200
        served += 1
    thread.join()
    return served


def test_a_slow_hash_holds_nobody_up(make):
    web = make()
    # Held up, none would be answered before the login is. A busy machine may answer few in that time, not always.
    assert any(served_during_a_login(web) >= 3 for _ in range(30))


def test_other_sites_cannot_act_with_the_cookie(make):
    web = make({"ActionsPerMinute": 100})
    browser = Browser(web)
    browser.log_in()
    body = {"job": "hello"}
    host = f"127.0.0.1:{web.port}"
    assert browser.request("POST", "/runs", body, X_CSRF_Token="guess").status == 403
    assert browser.request("POST", "/runs", body, Origin="https://evil.example").status == 403
    assert browser.request("POST", "/runs", body, Origin="null").status == 403
    assert browser.request("POST", "/runs", body, Sec_Fetch_Site="cross-site").status == 403
    assert browser.request("POST", "/runs", '{"job": "hello"}', Content_Type="text/plain").status == 415
    assert browser.request("POST", "/session", {"password": PASSWORD}, Origin="https://evil.example").status == 403
    assert browser.request("POST", "/runs", body, Origin=f"http://{host}").status == 200
    without = Browser(web)
    without.cookie = browser.cookie
    assert without.request("POST", "/runs", body).status == 403
    assert without.request("DELETE", "/session").status == 403


def test_tokens_of_scripts(instance, make):
    token, line = make_token("deploy")
    reader, reader_line = make_token("grafana", "--watch-only")
    web = make({"ReadAccess": "login", "ActionsPerMinute": 100}, tokens=[line, reader_line])
    assert token not in line and reader not in reader_line
    deploy, grafana = Browser(web, Authorization=f"Bearer {token}"), Browser(web, Authorization=f"Bearer {reader}")
    assert web.get("/api/v1/runs").status == 401 and web.get("/healthz").status == 200
    assert Browser(web, Authorization="Bearer guess").request("GET", "/runs").status == 401
    assert Browser(web, Authorization="Basic eDp5").request("GET", "/runs").status == 401
    assert Browser(web, Authorization=f"bearer  {reader}").request("GET", "/session").json["user"] == "token grafana"
    assert grafana.request("GET", "/runs").status == 200
    assert grafana.request("POST", "/runs", {"job": "hello"}).status == 403
    assert grafana.request("GET", "/session").json["user"] == "token grafana"
    assert deploy.request("POST", "/runs", {"job": "hello"}).status == 200
    run = instance.wait_for_run(1)["run"]
    assert run["triggered_by_user"] == "token deploy from 127.0.0.1" and run["triggered_by"] == "api"
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(reader_line)
    web.process.send_signal(1)
    until(lambda: deploy.request("GET", "/runs").status == 401, "the token is revoked")
    assert grafana.request("GET", "/runs").status == 200


def test_reading_behind_the_login(make):
    web = make({"ReadAccess": "login", "Page": "yes", "PageDirectory": "/nonexistent"})
    browser = Browser(web)
    for path in ("/runs", "/jobs", "/status", "/runs/1/stream", "/runs/1/logs"):
        answer = browser.request("GET", path)
        assert answer.status == 401 and answer.json["error"]["data"]["login_needed"], path
    assert not browser.request("GET", "/session").json["may_read"]
    assert web.get("/metrics").status == 401
    browser.log_in()
    assert browser.request("GET", "/runs").status == 200


def test_a_session_ends_without_use(make):
    browser = Browser(make({"ReadAccess": "login", "SessionSec": "1s"}))
    while True:
        browser.log_in()
        began = time.monotonic()
        status = browser.request("GET", "/runs").status
        if status == 200 or time.monotonic() - began < 0.9:
            break
    assert status == 200
    time.sleep(1.3)
    assert browser.request("GET", "/runs").status == 401


class Manager:
    """What systemd is to batch-web: it is told when it serves, and keeps a descriptor for the next process."""

    def __init__(self, web):
        self.web, self.fd, self.said = web, None, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(web.path("notify"))
        self.socket.settimeout(paths.patience())
        web.environment["NOTIFY_SOCKET"] = web.path("notify")

    def started(self):
        """What it said until it was ready."""
        self.said = []
        while "READY=1" not in self.said:
            text, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
            self.said += text.decode().split()
            if "FDSTORE=1" in text.decode().split():
                assert "FDNAME=sessions" in self.said and len(fds) == 1
                self.close()
                self.fd, = fds
        return self.said

    def restart(self, how=signal.SIGTERM):
        """With what was kept, as sd_listen_fds(3) finds it."""
        self.web.stop(how)
        self.web.wrapper = ["sh", "-c", f'exec 3<>/proc/self/fd/{self.fd}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=sessions exec "$@"', "sh"]
        self.web.pass_fds = (self.fd,)
        self.web.start()
        return self.started()

    def close(self):
        if self.fd is not None:
            os.close(self.fd)


def test_who_is_signed_in_stays_so_over_a_restart(make_web, instance, hashed):
    web = make_web(instance, {"ReadAccess": "login"})
    with open(web.path("password"), "w", encoding="ascii") as file:
        file.write(hashed)
    web.settings["PasswordFile"] = web.path("password")
    manager = Manager(web)
    web.start()
    assert "FDSTORE=1" in manager.started()
    browser, other = Browser(web), Browser(web)
    assert browser.log_in().status == other.log_in().status == 200
    other.request("DELETE", "/session")
    for how in (signal.SIGTERM, signal.SIGKILL):
        assert "FDSTOREREMOVE=1" not in manager.restart(how)
        assert browser.request("GET", "/runs").status == 200 and other.request("GET", "/runs").status == 401
        assert browser.request("POST", "/jobs/hello/resume").status == 200, "the page's token holds, too"
    # Another password ends them, whether it is read at a start or on SIGHUP.
    changed = subprocess.run([paths.BATCH_WEB, "--hash-password"], input="another\n", capture_output=True, text=True, check=True).stdout
    with open(web.path("password"), "w", encoding="ascii") as file:
        file.write(changed)
    web.process.send_signal(signal.SIGHUP)
    until(lambda: browser.request("GET", "/runs").status == 401, "the session has ended")
    assert browser.log_in("another").status == 200
    with open(web.path("password"), "w", encoding="ascii") as file:
        file.write(hashed)
    manager.restart()
    assert browser.request("GET", "/runs").status == 401
    # What it does not understand is replaced.
    with open(f"/proc/self/fd/{manager.fd}", "r+b", buffering=0) as memory:
        memory.write(b"other layout")
    assert "FDSTOREREMOVE=1" in manager.restart()
    assert browser.log_in().status == 200
    manager.close()
    manager.socket.close()


def test_behind_a_reverse_proxy(instance, make):
    web = make({"TrustedProxy": "127.0.0.0/8", "PathPrefix": "/batch"})
    browser = Browser(web, X_Forwarded_For="10.9.9.9, 203.0.113.7, 127.0.0.1", X_Forwarded_Proto="https", X_Forwarded_Host="ops.example")
    answer = browser.log_in()
    assert "; Secure" in answer.headers["Set-Cookie"] and "Path=/batch/;" in answer.headers["Set-Cookie"]
    assert answer.json["address"] == "203.0.113.7"
    assert browser.request("POST", "/runs", {"job": "hello"}, Origin="https://ops.example").status == 200
    assert instance.wait_for_run(1)["run"]["triggered_by_user"] == "admin from 203.0.113.7"
    assert [browser.request("POST", "/jobs/hello/resume").status for _ in range(5)][-1] == 429
    other = Browser(web, X_Forwarded_For="203.0.113.8")
    other.cookie, other.csrf = browser.cookie, browser.csrf
    assert other.request("POST", "/jobs/hello/resume").status == 200
    assert web.get("/batch/api/v1/runs").status == 200 and web.get("/api/v1/runs").status == 200
    redirect = web.get("/batch")
    assert redirect.status == 302 and redirect.headers["Location"] == "/batch/"
    assert web.get("/batchother").status == 404
    assert web.get("/api/v1/openapi.json").json["servers"] == [{"url": "/batch"}]


def test_nobody_believes_headers_of_strangers(make):
    browser = Browser(make(), X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
    answer = browser.log_in()
    assert answer.json["address"] == "127.0.0.1" and "Secure" not in answer.headers["Set-Cookie"]


def test_without_a_password_nobody_logs_in(instance, make_web):
    browser = Browser(make_web(instance).start())
    assert not browser.request("GET", "/session").json["login_possible"]
    assert browser.log_in().status == 403


def test_a_password_that_is_no_hash_is_none(instance, make_web):
    web = make_web(instance)
    with open(web.path("password"), "w", encoding="ascii") as file:
        file.write(PASSWORD + "\n")
    web.settings["PasswordFile"] = web.path("password")
    browser = Browser(web.start())
    assert not browser.request("GET", "/session").json["login_possible"] and browser.log_in().status == 403
    assert "--hash-password" in web.log and PASSWORD not in web.log


def test_the_daemons_own_limit_says_how_long_to_wait(make_instance, make_web):
    instance = make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1}).start()
    token, line = make_token("deploy")
    web = make_web(instance, {"ActionsPerMinute": 100})
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(line)
    web.settings["TokenFile"] = web.path("tokens")
    browser = Browser(web.start(), Authorization=f"Bearer {token}")
    assert browser.request("POST", "/jobs/hello/resume").status == 200
    refused = browser.request("POST", "/jobs/hello/resume")
    seconds = refused.json["error"]["data"]["retry_after_seconds"]
    assert refused.status == 429 and refused.headers["Retry-After"] == str(seconds) and seconds > 0


def test_a_daemon_that_does_not_trust_us_is_told(make_instance, make_web, hashed):
    instance = make_instance(jobs=JOBS).start()
    web = make_web(instance)
    with open(web.path("password"), "w", encoding="ascii") as file:
        file.write(hashed)
    web.settings["PasswordFile"] = web.path("password")
    browser = Browser(web.start())
    browser.log_in()
    refused = browser.request("POST", "/runs", {"job": "hello"})
    assert refused.status == 403 and "TrustedClients=" in refused.json["error"]["message"]
