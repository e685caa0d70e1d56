"""The calls of the teams' scripts: each row of the manual's table is made as it stands there."""
import json
import os
import pwd
import re
import subprocess

import pytest

from batchtest import paths
from batchtest.wait import until

SIMPLE = "[Job]\nType={type}\n{more}[Step one]\nExec=/bin/true\n"
JOBS = {
    "nightly": """
[Job]
OnCalendar=Mon..Fri 23:30 UTC
[Parameter portfolio]
Type=string
[Step market_data]
Exec=/bin/true
[Step correlations]
Exec=/bin/true
""",
    "weekly_update": SIMPLE.format(type="weekly_update", more=""),
    "roster_refresh": SIMPLE.format(type="roster_refresh", more=""),
    "long": "[Job]\n[Step s]\nExec=/bin/sleep 60\nKillGraceSec=1s\n",
}
# What the teams have asked for by name.
CALLS = """run run/current run/{id} run/current/cancel jobs/status jobs/summary trigger/market-data trigger/correlations data-quality data-quality/refresh
    schedules scheduler/pause scheduler/resume batch/last-run batch-runs/latest batch-runs/history batch-runs/{id}/stream data-readiness/current
    data-readiness/{week} actions/run-batch-update actions/refresh-rosters actions/backfill-odds""".split()


def table():
    """[(call before, verb, address, body)]"""
    with open(os.path.join(paths.SOURCE, "client", "web", "batch-web.8.scd"), encoding="utf-8") as page:
        section = re.search(r"^# SCRIPTS$(.*?)^# ", page.read(), re.M | re.S).group(1)
    rows = re.findall(r"^\|  (\S+) (\S+)\n:  (\S+) (\S+)(?: (\{.*\}))?$", section, re.M)
    return [(before, verb, address, json.loads(body) if body else None) for _, before, verb, address, body in rows]


def shipped(name):
    with open(os.path.join(paths.SOURCE, "daemon", "worker", "nfl", "jobs.d", f"{name}.job"), encoding="utf-8") as file:
        return re.sub(r"^Exec=.*$", "Exec=/bin/true", file.read(), flags=re.M)


@pytest.fixture
def instance(make_instance, database):
    jobs = dict(JOBS, odds_backfill=shipped("odds_backfill"))
    instance = make_instance(jobs=jobs, database=database,
                             settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1000}).start()
    # Data readiness is asked of PostgreSQL.
    until(lambda: instance.call("daemon.status")["mirror"]["state"] == "up", "the mirror is connected")
    return instance


@pytest.fixture
def web(instance, make_web):
    made = subprocess.run([paths.BATCH_WEB, "--make-token", "script"], capture_output=True, text=True, check=True)
    web = make_web(instance, {"ActionsPerMinute": 1000})
    web.token = made.stdout.strip()
    with open(web.path("tokens"), "w", encoding="ascii") as file:
        file.write(made.stderr.splitlines()[-1])
    web.settings["TokenFile"] = web.path("tokens")
    return web.start()


def test_the_table_has_every_call():
    assert [row[0] for row in table()] == CALLS


def test_every_call_has_its_place(instance, web):
    run = instance.run("weekly_update")["run"]["run_number"]
    for before, verb, address, body in table():
        path = "/api/v1" + address.replace("{run}", str(run)).replace("{week}", "9")
        headers = {"Authorization": f"Bearer {web.token}"}
        long = instance.run("long", wait=False)["run_number"] if before == "run/current/cancel" else None
        if address.endswith("/stream"):
            with web.stream(path, **headers) as stream:
                assert stream.status == 200 and stream.follow()[1]["status"] == "success"
            continue
        answer = web.request(verb, path, body, headers)
        assert answer.status == 200, f"{before}: {answer.text}"
        if verb == "POST" and address == "/runs":
            ended = instance.wait_for_run(answer.json["run_number"])["run"]
            assert ended["status"] == "success" and ended["triggered_by"] == "api", before
            if body.get("steps"):
                assert [step["step_name"] for step in instance.show(ended["run_number"])["steps"] if step["status"] == "success"] == body["steps"]
        if long:
            assert answer.json["run_number"] == long and answer.json["status"] == "cancelled"
    assert not instance.call("job.list")["jobs"][0]["paused"]
