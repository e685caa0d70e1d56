"""The API of batch-web: answers are the protocol's, errors have its kinds and the right status."""
import gzip
import http.client
import json
import os
import signal
import subprocess

import pytest

from batchtest import paths
from batchtest.wait import until

JOBS = {
    "hello": """
[Job]
Description=Says hello
Type=greeting
[Parameter n]
Type=integer
Minimum=1
Maximum=9
[Step one]
Exec=/bin/sh -c "echo hello; echo oops >&2"
[Step two]
Exec=/bin/echo n=${n} fixed
""",
    "nightly": """
[Job]
OnCalendar=*-*-* 03:00:00
[Step one]
Exec=/bin/true
""",
}


SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
                               "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS).start()


@pytest.fixture
def web(instance, make_web):
    return make_web(instance, page={"index.html": "<!doctype html>" + "<p>hello</p>" * 100, "app.js": "let a = 1;", "part/x.svg": "<svg/>", "notes~": "no"}).start()


def test_answers_are_the_protocols(instance, web):
    run = instance.run("hello", params={"n": 3}, reason="trial")["run"]
    number = run["run_number"]
    for path, method, params in [
            ("/runs", "run.list", {}),
            ("/runs?job=hello&limit=1", "run.list", {"job": "hello", "limit": 1}),
            ("/runs?params.n=3", "run.list", {"params": {"n": 3}}),
            ("/runs?status=failed", "run.list", {"status": "failed"}),
            ("/runs/current", "run.current", {}),
            (f"/runs/{number}", "run.show", {"run": number}),
            (f"/runs/{run['run_id']}", "run.show", {"run": run["run_id"]}),
            ("/runs/latest", "run.show", {}),
            (f"/runs/{number}/logs?step=one", "log.read", {"run": number, "step": "one"}),
            (f"/runs/{number}/lines?after=1", "run.tail", {"run": number, "after": 1}),
            (f"/runs/{number}/summary", "run.summary", {"run": number}),
            ("/runs/latest/quality", "run.quality", {}),
            ("/alerts", "alert.list", {}),
            (f"/runs/{number}/why", "run.why", {"run": number}),
            ("/jobs", "job.list", {}),
            ("/jobs/hello", "job.show", {"job": "hello"}),
            ("/steps?step=one&status=success", "step.list", {"step": "one", "status": "success"}),
            ("/schedules?from=2026-01-01T00:00:00Z&count=2", "schedule.list", {"from": "2026-01-01T00:00:00Z", "count": 2})]:
        answer = web.get("/api/v1" + path)
        assert answer.status == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json" and answer.headers["Cache-Control"] == "no-store"
        assert answer.json == instance.call(method, **params), path
    assert web.get("/api/v1/status").json["instance"] == instance.call("daemon.status")["instance"]


def test_the_whole_output_as_a_file(instance, web):
    instance.write_job("long", "[Job]\n[Step many]\nExec=/bin/sh -c \"seq 1 1700; echo oops >&2\"\n")
    instance.call("daemon.reload")
    run = instance.run("long")["run"]["run_number"]
    answer = web.get(f"/api/v1/runs/{run}/logs/download")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    assert f'filename="batch-{run}-logs.txt"' in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert len(lines) == 1701
    assert sorted(int(line.split(" | ")[1]) for line in lines if " | " in line) == list(range(1, 1701))
    assert [line.split(" ", 1)[1] for line in lines if " ! " in line] == ["many ! oops"]
    assert web.get("/api/v1/runs/latest/logs/download").body == answer.body
    head = web.raw(b"HEAD /api/v1/runs/latest/logs/download HTTP/1.1\r\nHost: h\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"batch-%d-logs.txt" % run in head and head.endswith(b"\r\n\r\n")
    assert web.get("/api/v1/runs/77/logs/download").status == 404


@pytest.mark.parametrize("path, status, kind, parameter", [
    ("/runs/77", 404, "not_found", None),
    ("/jobs/hallo", 404, "not_found", None),
    ("/nothing", 404, "not_found", None),
    ("", 404, "not_found", None),
    ("/runs?limit=1&job=x&limit=2", 422, "invalid_params", "limit"),
    ("/runs?limit=many", 422, "invalid_params", "limit"),
    ("/runs?status=odd", 422, "invalid_params", "status"),
    ("/runs?sttaus=failed", 422, "invalid_params", "sttaus"),
    ("/runs/1/lines?follow=perhaps", 422, "invalid_params", "follow"),
    ("/readiness/77", 422, "invalid_params", "week"),
    ("/readiness", 503, "unavailable", None)])
def test_errors_have_kind_and_status(web, path, status, kind, parameter):
    answer = web.get("/api/v1" + path)
    assert (answer.status, answer.kind) == (status, kind), answer.text
    assert answer.json["error"]["data"].get("parameter") == parameter
    assert answer.json["error"]["message"]


def test_a_wrong_verb_is_told_the_right_ones(web):
    for verb, path, allowed in (("DELETE", "/api/v1/jobs", "GET, HEAD"), ("PUT", "/api/v1/runs", "GET, HEAD, POST"), ("GET", "/api/v1/reload", "POST"),
                                ("POST", "/api/v1/events", "GET"), ("HEAD", "/api/v1/events", "GET"), ("POST", "/", "GET, HEAD"),
                                ("POST", "/healthz", "GET, HEAD"), ("DELETE", "/metrics", "GET, HEAD"), ("OPTIONS", "/nothing", "GET, HEAD")):
        answer = web.request(verb, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed), path
        assert verb == "HEAD" or answer.json["error"]["message"].endswith(allowed)


def test_without_the_daemon_everything_says_so_and_comes_back(instance, web):
    instance.stop()
    answer = web.get("/api/v1/runs")
    assert answer.status == 503 and answer.kind == "unavailable" and "systemctl" in answer.json["error"]["message"]
    assert int(answer.headers["Retry-After"]) > 0
    assert web.get("/healthz").status == 200 and web.get("/readyz").status == 503
    assert web.get("/").status == 200
    instance.start()
    until(lambda: web.get("/readyz").status == 200, "batch-web has found the daemon again")
    assert web.get("/api/v1/runs").status == 200


def test_a_killed_daemon_that_comes_back_is_waited_for(instance, web):
    instance.kill()
    instance.start(wait=False)
    until(lambda: web.get("/api/v1/runs").status == 200, "the API answers again")


def test_page_and_its_files(web):
    answer = web.get("/")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html") and b"hello" in answer.body
    assert SECURITY.items() <= dict(answer.headers).items() and SECURITY.items() <= dict(web.get("/api/v1/runs").headers).items()
    assert web.get("/assets/app.js").headers["Content-Type"].startswith("text/javascript")
    assert web.get("/assets/part/x.svg").headers["Content-Type"] == "image/svg+xml"
    assert web.get("/assets/notes~").status == 404 and web.get("/assets/none.js").status == 404
    packed = web.get("/", Accept_Encoding="br, gzip")
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == answer.body
    assert web.get("/", If_None_Match=answer.headers["ETag"]).status == 304
    assert web.get("/", If_None_Match='"other"').status == 200
    tag = packed.headers["ETag"]
    assert tag != answer.headers["ETag"] and "Accept-Encoding" in packed.headers["Vary"] and packed.headers["Cache-Control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", W/{tag}', "*"):
        again = web.get("/", If_None_Match=known, Accept_Encoding="gzip")
        assert (again.status, again.body, again.headers["Content-Length"], again.headers["ETag"]) == (304, b"", None, tag), known
    head = web.request("HEAD", "/")
    assert head.status == 200 and int(head.headers["Content-Length"]) == len(answer.body) and head.body == b""


def test_the_page_is_read_again_on_sighup(web):
    with open(web.path("page/app.js"), "w", encoding="ascii") as file:
        file.write("let a = 2;")
    assert web.get("/assets/app.js").text == "let a = 1;"
    web.process.send_signal(signal.SIGHUP)
    until(lambda: web.get("/assets/app.js").text == "let a = 2;", "the new page is served")
    os.unlink(web.path("page/index.html"))
    web.process.send_signal(signal.SIGHUP)
    until(lambda: "has no index.html" in web.log, "it is told that the page is broken")
    assert web.get("/").status == 200, "the one before stays"


def test_one_connection_serves_many_requests(web):
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    for _ in range(20):
        connection.request("GET", "/api/v1/jobs")
        assert len(json.loads(connection.getresponse().read())["jobs"]) == 2
    connection.close()


def test_switched_off_parts(instance, make_web):
    web = make_web(instance, {"Stream": "no"}).start()
    instance.run("hello")
    assert web.get("/").status == 404 and "Page=no" in web.get("/").text
    answer = web.get("/api/v1/runs/1/stream")
    assert answer.status == 404 and "Stream=no" in answer.text
    assert web.get("/api/v1/runs/1/lines?after=0").json["lines"]


def test_configuration_mistakes_are_told_at_once(instance, make_web):
    web = make_web(instance, {"Listne": "x", "Stream": "perhaps", "TrustedProxy": "10.0.0.0/40", "PathPrefix": "batch\n[Wbe]\nPage=no"})
    result = subprocess.run([paths.BATCH_WEB, "--config", web.write_config(), "-t"], capture_output=True, text=True, check=False)
    assert result.returncode == 78
    for words in ("did you mean Listen=?", "Stream", "TrustedProxy=10.0.0.0/40", "a path like /batch", "unknown section [Wbe]"):
        assert words in result.stderr, result.stderr
    web = make_web(instance, {"Listen": "localhost:http"})
    result = subprocess.run([paths.BATCH_WEB, "--config", web.write_config()], capture_output=True, text=True, check=False)
    assert result.returncode != 0 and "127.0.0.1:8420" in result.stderr
