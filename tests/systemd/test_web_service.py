"""batch-web as systemd runs it: sandboxed, with its own user, and its actions on record under the person's name."""
import json
import subprocess

import pytest

PASSWORD = "horse battery"


@pytest.fixture
def web(machine):
    hashed = subprocess.run(machine.inside("batch-web", "--hash-password"), input=PASSWORD + "\n", text=True, capture_output=True, check=True).stdout
    token = subprocess.run(machine.inside("batch-web", "--make-token", "deploy"), text=True, capture_output=True, check=True)
    machine.write("/etc/credstore/batch-web-password", hashed, "600")
    machine.write("/etc/credstore/batch-web-tokens", token.stderr.splitlines()[-1], "600")
    machine.write("/etc/batchd/batchd.conf", "[Daemon]\nActionsPerMinute=1000\nLogLevel=debug\nTrustedClients=batch-web\n")
    machine.run("systemctl", "restart", "batchd.service", "batch-web.service")
    machine.token = token.stdout.strip()
    yield machine
    machine.run("systemctl", "stop", "batch-web.service")


def ask(machine, verb, path, body=None, headers=()):
    """(status, body); by a client within the machine, since the port is of its loopback. -1: nobody answers."""
    code = ("import http.client, sys, json\n"
            "verb, path, body, headers = json.loads(sys.argv[1])\n"
            "connection = http.client.HTTPConnection('127.0.0.1', 8420, timeout=20)\n"
            "try:\n"
            "    connection.request(verb, path, body, headers)\n"
            "    answer = connection.getresponse()\n"
            "    print(json.dumps([answer.status, answer.read().decode(), answer.getheader('Set-Cookie')]))\n"
            "except OSError:\n"
            "    print(json.dumps([-1, '', None]))\n")
    headers = dict(headers, **({"Content-Type": "application/json"} if body else {}))
    return json.loads(machine.out("/usr/bin/python3", "-c", code, json.dumps([verb, path, json.dumps(body) if body else None, headers])))


def test_unit_is_clean_and_sandboxed(machine):
    result = machine.run("systemd-analyze", "verify", "--man=no", "batch-web.service")
    assert result.stdout + result.stderr == ""
    text = machine.out("systemd-analyze", "security", "--no-pager", "batch-web.service")
    figure = float(text.splitlines()[-1].split(":")[1].split()[0])
    print("exposure", figure)
    assert figure <= 1.5


def test_it_serves_as_nobody_in_particular(web):
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web is ready")
    pid = web.property("batch-web.service", "MainPID")
    status = web.out("cat", f"/proc/{pid}/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert web.out("stat", "-c", "%U", f"/proc/{pid}") == "batch-web"
    assert ask(web, "GET", "/")[0] == 200
    assert web.property("batchd.service", "MainPID") != pid


def test_actions_arrive_under_the_persons_name(web):
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web is ready")
    status, body, cookie = ask(web, "POST", "/api/v1/session", {"password": PASSWORD})
    assert status == 200, body
    headers = {"Cookie": cookie.partition(";")[0], "X-CSRF-Token": json.loads(body)["csrf_token"]}
    status, body, _ = ask(web, "POST", "/api/v1/runs", {"job": "quick"}, headers)
    assert status == 200, body
    run = web.wait_for_run(json.loads(body)["run_number"])["run"]
    assert run["status"] == "success" and run["triggered_by_user"] == "admin from 127.0.0.1"
    status, body, _ = ask(web, "POST", "/api/v1/runs", {"job": "quick"}, {"Authorization": f"Bearer {web.token}"})
    assert status == 200, body
    assert web.wait_for_run(json.loads(body)["run_number"])["run"]["triggered_by_user"] == "token deploy from 127.0.0.1"


def test_batchctl_by_url(web):
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web is ready")
    result = web.run("env", f"BATCHD_TOKEN={web.token}", "batchctl", "--url", "http://127.0.0.1:8420", "run", "quick", "--follow", user="stranger")
    assert "hello" in result.stdout and "success" in result.stdout


def test_a_stop_of_batchd_is_not_undone(web):
    """With batchd.socket enabled a client that connected again would start it."""
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web is ready")
    web.run("systemctl", "stop", "batchd.service")
    web.run("systemctl", "start", "batchd.socket")
    web.run("systemctl", "start", "batchd.service")
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web has come back after a restart")
    web.run("systemctl", "stop", "batchd.service")
    for _ in range(5):
        status, body, _ = ask(web, "GET", "/api/v1/runs")
        assert status == 503 and "stopped" in body
    assert web.property("batchd.service", "ActiveState") == "inactive"
    web.run("systemctl", "stop", "batchd.socket")
    web.run("systemctl", "start", "batchd.service")
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web has found the new daemon")


def test_a_killed_one_is_back_at_once(web):
    before = web.property("batch-web.service", "MainPID")
    web.run("systemctl", "kill", "-s", "KILL", "batch-web.service")
    web.wait_for(lambda: ask(web, "GET", "/healthz")[0] == 200 and web.property("batch-web.service", "MainPID") != before, 60, "batch-web is back")


def test_who_is_signed_in_stays_so_over_a_restart(web):
    """And a crash; a stop ends the session."""
    web.wait_for(lambda: ask(web, "GET", "/readyz")[0] == 200, 60, "batch-web is ready")
    status, body, cookie = ask(web, "POST", "/api/v1/session", {"password": PASSWORD})
    assert status == 200, body
    headers = {"Cookie": cookie.partition(";")[0], "X-CSRF-Token": json.loads(body)["csrf_token"]}

    def user():
        return json.loads(ask(web, "GET", "/api/v1/session", headers=headers)[1])["user"]

    web.run("systemctl", "restart", "batch-web.service")
    assert user() == "admin", "restart waits until it serves"
    before = web.property("batch-web.service", "MainPID")
    web.run("systemctl", "kill", "-s", "KILL", "batch-web.service")
    web.wait_for(lambda: web.property("batch-web.service", "MainPID") not in (before, "0") and ask(web, "GET", "/readyz")[0] == 200, 60, "it is back")
    assert user() == "admin"
    assert ask(web, "POST", "/api/v1/jobs/quick/resume", headers=headers)[0] == 200
    web.run("systemctl", "stop", "batch-web.service")
    web.run("systemctl", "start", "batch-web.service")
    assert user() is None
