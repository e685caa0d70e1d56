"""What batch-web says of itself: the OpenAPI document is held against real answers, /metrics against Prometheus' own rules."""
import os
import pwd
import re
import subprocess

import pytest

from batchtest import paths
from batchtest.wait import until

JOBS = {
    "hello": """
[Job]
OnCalendar=*-*-* 03:00:00
[Parameter n]
Type=integer
Minimum=1
Maximum=9
[Mode full]
Steps=one two
[Step one]
Exec=/bin/sh -c "echo hello; echo oops >&2"
[Step two]
Exec=/bin/echo n=${n}
""",
    "fails": """
[Job]
[Step one]
Exec=/bin/sh -c "exit 3"
BreakerFailures=1
""",
    "sleeper": "[Job]\n[Step s]\nExec=/bin/sleep 60\nKillGraceSec=1s\n",
}
JSON_TYPES = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1000}).start()


@pytest.fixture
def web(instance, make_web):
    made = subprocess.run([paths.BATCH_WEB, "--make-token", "t"], capture_output=True, text=True, check=True)
    web = make_web(instance, {"ActionsPerMinute": 1000})
    web.token = made.stdout.strip()
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(made.stderr.splitlines()[-1])
    web.settings["TokenFile"] = web.path("tokens")
    return web.start()


def complaints(schema, value, document, where="answer"):
    """What of a value is not as the schema says; the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return complaints(target, value, document, where)
    if "anyOf" in schema:
        tried = [complaints(choice, value, document, where) for choice in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds

    def fits(kind):
        if kind in ("integer", "number"):
            return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
        return isinstance(value, JSON_TYPES[kind])

    if kinds and not any(fits(kind) for kind in kinds):
        return [f"{where} is {value!r}, not {' or '.join(kinds)}"]
    found = []
    if isinstance(value, dict):
        found += [f"{where} has no {name}" for name in schema.get("required", []) if name not in value]
        for name, part in schema.get("properties", {}).items():
            if name in value:
                found += complaints(part, value[name], document, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, element in enumerate(value):
            found += complaints(schema["items"], element, document, f"{where}[{index}]")
    if schema.get("format") == "date-time" and isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)", value):
        found.append(f"{where} is no instant: {value}")
    return found


class Caller:
    """Asks, and holds the answer against the document."""

    def __init__(self, web):
        self.web = web
        self.document = web.get("/api/v1/openapi.json").json
        self.called = set()

    def __call__(self, verb, pattern, body=None, status=200, query="", **values):
        path = pattern
        for name, value in values.items():
            path = path.replace("{%s}" % name, str(value))
        answer = self.web.request(verb, f"/api/v1{path}{query}", body, {"Authorization": f"Bearer {self.web.token}"})
        assert answer.status == status, answer.text
        operation = self.document["paths"]["/api/v1" + pattern][verb.lower()]
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        assert complaints(schema, answer.json, self.document) == [], f"{verb} {pattern}"
        if status == 200:
            self.called.add((verb.lower(), "/api/v1" + pattern))
        return answer.json


def test_every_answer_is_as_the_document_says(instance, web):
    call = Caller(web)
    assert call.document["openapi"].startswith("3.1")
    run = call("POST", "/runs", {"job": "hello", "params": {"n": 3}, "mode": "full"})["run_number"]
    instance.wait_for_run(run)
    failed = call("POST", "/runs", {"job": "fails"})["run_number"]
    instance.wait_for_run(failed)
    sleeper = call("POST", "/runs", {"job": "sleeper"})["run_number"]
    call("POST", "/runs", {"job": "sleeper"}, status=409)
    call("GET", "/runs/current")
    call("GET", "/runs/{run}", run=sleeper)
    call("POST", "/runs/current/cancel", {"reason": "enough"})
    call("POST", "/runs/{run}/cancel", status=422, run=run)
    instance.run("sleeper", wait=False)
    call("POST", "/runs/{run}/cancel", run=instance.call("run.current")["runs"][0]["run_number"])
    call("POST", "/runs/{run}/retry", status=422, run=run)
    instance.wait_for_run(call("POST", "/runs/{run}/retry", {"force": True}, run=failed)["run_number"])
    instance.run("hello")
    for pattern in ("/status", "/runs", "/jobs", "/steps", "/alerts", "/limits", "/audit", "/health", "/session", "/openapi.json"):
        call("GET", pattern)
    for which in (run, failed):
        for pattern in ("/runs/{run}", "/runs/{run}/logs", "/runs/{run}/lines", "/runs/{run}/summary", "/runs/{run}/quality", "/runs/{run}/why"):
            call("GET", pattern, run=which)
    for pattern in ("/runs/latest", "/runs/latest/logs", "/runs/latest/lines", "/runs/latest/summary", "/runs/latest/quality", "/runs/latest/why"):
        call("GET", pattern)
    call("GET", "/runs", query="?limit=1")
    call("POST", "/backfills", {"job": "hello", "parameter": "n", "from": "1", "to": "2", "dry_run": True})
    parent = call("POST", "/backfills", {"job": "hello", "parameter": "n", "values": ["7", "8"]})["run_number"]
    instance.wait_for_run(parent)
    call("GET", "/runs/{run}", run=parent)
    call("GET", "/runs/{run}/summary", run=parent)
    call("GET", "/jobs/{job}", job="hello")
    call("GET", "/schedules", query="?from=2026-01-01T00:00:00Z")
    call("POST", "/jobs/{job}/pause", {"reason": "x", "until": "2099-01-01T00:00:00Z"}, job="hello")
    call("GET", "/jobs")
    call("POST", "/jobs/{job}/resume", job="hello")
    call("POST", "/breakers/reset", {"job": "fails"})
    call("POST", "/reload")
    call("POST", "/drain", {"reason": "trial"})
    call("POST", "/runs", {"job": "hello"}, status=503)
    call("POST", "/drain", {"off": True})
    call("GET", "/runs/{run}", status=404, run=77)
    call("GET", "/runs", status=422, query="?limit=x")
    call("GET", "/readiness", status=503)
    call("GET", "/readiness/{week}", status=503, week=9)
    call("POST", "/readiness/refresh", status=404)
    call("POST", "/alerts/{alert}/test", status=404, alert="none")
    # Those that need more than this instance has, give no JSON, or would log out, have their own tests.
    elsewhere = {("get", f"/api/v1{path}") for path in ("/readiness", "/readiness/{week}", "/events")} | \
        {("get", f"/api/v1/runs/{which}/{what}") for which in ("{run}", "latest") for what in ("stream", "logs/download")} | \
        {("post", f"/api/v1{path}") for path in ("/session", "/readiness/refresh", "/alerts/{alert}/test")} | {("delete", "/api/v1/session")}
    described = {(verb, path) for path, operations in call.document["paths"].items() for verb in operations}
    assert described - call.called - elsewhere == set()


def test_the_manual_has_every_address(web):
    with open(os.path.join(paths.SOURCE, "client", "web", "batch-web.8.scd"), encoding="utf-8") as page:
        manual = page.read()
    for path, operations in web.get("/api/v1/openapi.json").json["paths"].items():
        path = path.removeprefix("/api/v1")
        for verb in operations:
            if "/latest/" not in path and "/current/" not in path:
                assert f"  {verb.upper()} {path}\n" in manual, f"{verb.upper()} {path} is not in batch-web(8)"


def scrape(web):
    """{(name, labels): value}, and {name: type}; checks the text on the way."""
    answer = web.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples, types, helps, finished, current = {}, {}, set(), set(), None
    for line in answer.text.splitlines():
        if match := re.fullmatch(r"# HELP ([a-z_]+) (\S.*\.)", line):
            assert match.group(1) not in helps
            helps.add(match.group(1))
        elif match := re.fullmatch(r"# TYPE ([a-z_]+) (gauge|counter|summary)", line):
            finished.add(current)
            current = match.group(1)
            assert current in helps and current not in finished
            types[current] = match.group(2)
        else:
            match = re.fullmatch(r"([a-z_]+)(?:\{((?:[a-z_]+=\"(?:[^\"\\\n]|\\.)*\",?)+)\})? (\S+)", line)
            assert match, line
            name, labels, value = match.groups()
            assert name.removesuffix("_sum").removesuffix("_count") == current
            key = (name, tuple(sorted(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', labels or ""))))
            assert key not in samples, f"{key} twice"
            samples[key] = float(value)
    for name, kind in types.items():
        assert name.startswith("batchd_") and (kind == "counter") == name.endswith("_total")
        assert not re.search(r"_(ms|milliseconds|minutes|kb|percent)(_|$)", name)
    return samples, types


def test_metrics(instance, web):
    before, _ = scrape(web)
    assert before["batchd_up", ()] == 1
    instance.run("hello")
    instance.run("fails")
    until(lambda: len([key for key in scrape(web)[0] if key[0] == "batchd_run_ends_total"]) == 2, "ends are counted")
    samples, types = scrape(web)

    def value(name, **labels):
        return samples[name, tuple(sorted(labels.items()))]

    assert value("batchd_runs", job="hello", status="success") == 1 and value("batchd_runs", job="fails", status="failed") == 1
    assert value("batchd_run_ends_total", job="hello", status="success") == 1
    assert value("batchd_run_duration_seconds_count", job="hello") == 1 and value("batchd_run_duration_seconds_sum", job="hello") > 0
    assert value("batchd_job_last_success_timestamp_seconds", job="hello") > 1.7e9
    assert ("batchd_job_last_success_timestamp_seconds", (("job", "fails"),)) not in samples
    assert value("batchd_job_next_due_timestamp_seconds", job="hello") > 1.7e9
    assert value("batchd_job_paused", job="hello") == 0 and value("batchd_runs_active") == 0 and value("batchd_runs_queued") == 0
    assert value("batchd_breaker_open", job="fails", step="one") == 1
    room = {use: system for system in instance.call("daemon.status")["file_systems"] for use in system["holds"]}
    assert set(room) == {"state", "runs", "runtime"}
    for use, system in room.items():
        of_use = {"holds": use, "path": system["path"]}
        assert value("batchd_filesystem_size_bytes", **of_use) == system["total_bytes"] > value("batchd_filesystem_free_bytes", **of_use) > 0
        assert ("batchd_filesystem_free_files", tuple(sorted(of_use.items()))) in samples
    assert value("batchd_store_up") == 1 and value("batchd_launcher_up") == 1
    assert not [key for key in samples if key[0].startswith("batchd_mirror")]
    with web.stream("/api/v1/events") as stream:
        stream.event()
        assert scrape(web)[0]["batchd_web_streams", (("kind", "events"),)] == 1
    instance.stop()
    samples, _ = scrape(web)
    assert samples["batchd_up", ()] == 0 and ("batchd_runs_active", ()) not in samples
    assert types["batchd_run_ends_total"] == "counter"


def test_metrics_of_the_mirror(make_instance, make_web, database):
    instance = make_instance(jobs=JOBS, database=database).start()
    web = make_web(instance).start()
    instance.run("hello")
    until(lambda: scrape(web)[0].get(("batchd_mirror_rows_waiting", ())) == 0, "the mirror has all rows")
    samples, _ = scrape(web)
    assert samples["batchd_mirror_up", ()] == 1 and samples["batchd_mirror_lag_seconds", ()] == 0
