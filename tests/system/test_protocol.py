"""proto/protocol.md and the daemon say the same: every example is JSON, and no answer has a member that the page does not show."""
import json
import os
import re

import pytest

from batchtest import paths
from batchtest.wait import until

# Their members are the job's own.
FREE = {"parameters", "metrics", "metadata", "params"}

JOB = """[Job]
Description=Everything that an answer can tell
DefaultMode=full
[Parameter week]
Type=integer
Minimum=1
Maximum=18
Description=Week
[Mode full]
Steps=talk fail
[Step talk]
Exec=/bin/sh -c "echo line; echo error >&2; batchctl report --progress 1/2 --metric games+=1 --records 3 --status busy --note n --warning 'c: t' --result '{}'; sleep 0.5"
[Step fail]
Exec=/bin/sh -c "exit 65"
Retries=1
RetryDelaySec=10ms
"""


def examples():
    """{heading: [the JSON examples of its section]}, as texts."""
    with open(os.path.join(paths.SOURCE, "proto", "protocol.md"), encoding="utf-8") as page:
        text = page.read()
    sections = re.split(r"(?m)^### (\S+)$", text)
    blocks = {"": re.findall(r"```json\n(.*?)```", sections[0], re.S)}
    for name, section in zip(sections[1::2], sections[2::2]):
        blocks.setdefault(name, []).extend(re.findall(r"```json\n(.*?)```", re.split(r"(?m)^## ", section)[0], re.S))
    return blocks


def members(value, path="", found=None):
    """The paths of all members: "runs[].job"."""
    found = set() if found is None else found
    if isinstance(value, dict):
        for name, inner in value.items():
            found.add(f"{path}.{name}")
            if name not in FREE:
                members(inner, f"{path}.{name}", found)
    elif isinstance(value, list):
        for inner in value:
            members(inner, f"{path}[]", found)
    return found


DOCUMENTED = {name: [json.loads(text) for text in texts] for name, texts in examples().items() if name}
RUN_OBJECT = members(DOCUMENTED["run.list"][0]["runs"][0])
STEP_OBJECT = members(DOCUMENTED["run.show"][0]["steps"][0]) | members(DOCUMENTED["run.show"][0]["steps"][1])


def check(name, value, also=()):
    """`also`: (path, members that stand below it), for what the page describes elsewhere."""
    known = set()
    for example in DOCUMENTED[name]:
        members(example.get("params", {}) if "jsonrpc" in example else example, "", known)
    for path, more in also:
        known |= {path + member for member in more}
    unknown = members(value) - known
    assert not unknown, f"proto/protocol.md does not show {sorted(unknown)} of {name}"


def test_every_example_is_json():
    for name, texts in examples().items():
        for text in texts:
            for one in text.strip().split("\n{"):
                # two messages may stand in one block, a line each
                json.loads(one if one.startswith("{") else "{" + one)
        assert texts, f"{name} has no example"


@pytest.fixture
def daemon(make_instance):
    return make_instance(jobs={"talk": JOB}, environment={"PATH": os.path.dirname(paths.BATCHCTL) + ":" + os.environ["PATH"]}).start()


def test_answers_have_no_member_that_is_not_described(daemon):
    check("daemon.hello", daemon.call("daemon.hello"))
    check("daemon.status", daemon.call("daemon.status"))
    check("daemon.reload", daemon.call("daemon.reload"))
    check("run.start", daemon.call("run.start", job="talk", params={"week": 3}))
    until(lambda: any("status_text" in run for run in daemon.call("run.current")["runs"]), "it reports")
    check("run.current", daemon.call("run.current"))
    shown = [(".run", RUN_OBJECT), (".steps[]", STEP_OBJECT), (".attempts[]", STEP_OBJECT)]
    check("run.show", daemon.call("run.show"), shown)
    daemon.wait_for_run(1)
    check("run.show", daemon.call("run.show", run=1), shown)
    check("run.list", daemon.call("run.list"))
    check("run.list", daemon.call("run.list", limit=1))
    check("step.list", daemon.call("step.list", limit=1), [(".steps[]", STEP_OBJECT)])
    check("step.list", daemon.call("step.list", group=True))
    check("run.summary", daemon.call("run.summary", run=1), [(".run", RUN_OBJECT)])
    check("run.quality", daemon.call("run.quality", run=1))
    check("run.why", daemon.call("run.why", run=1), [(".run", RUN_OBJECT)])
    check("job.health", daemon.call("job.health"))
    check("run.why", daemon.call("run.why", job="talk"), [(".run", RUN_OBJECT)])
    check("job.list", daemon.call("job.list"), [(".jobs[].last_run", RUN_OBJECT)])
    check("job.show", daemon.call("job.show", job="talk"), [(".last_run", RUN_OBJECT)])
    check("schedule.list", daemon.call("schedule.list"))
    check("limit.list", daemon.call("limit.list"))
    check("job.pause", daemon.call("job.pause", job="talk", reason="test"))
    check("job.list", daemon.call("job.list"), [(".jobs[].last_run", RUN_OBJECT)])
    check("job.resume", daemon.call("job.resume", job="talk"))
    check("daemon.drain", daemon.call("daemon.drain"))
    check("daemon.drain", daemon.call("daemon.drain", off=True))
    check("run.tail", daemon.call("run.tail", run=1))
    log = daemon.call("log.read", run=1, step="talk")
    check("log.read", log)
    assert log["run_id"] == daemon.call("run.show", run=1)["run"]["run_id"]
    daemon.call("run.start", job="talk")
    check("run.cancel", daemon.call("run.cancel", run=2))


def test_notifications_have_no_member_that_is_not_described(daemon):
    client = daemon.client()
    number = client.call("run.start", job="talk")["run_number"]
    check("run.tail", client.call("run.tail", run=number, follow=True))
    seen = set()
    while "run.end" not in seen:
        method, params = client.notification("run.lines", "run.state", "run.end")
        check(method, params, [(".steps[]", STEP_OBJECT), (".lines[]", {".item", ".partial"})])
        seen.add(method)
    assert seen == {"run.lines", "run.state", "run.end"}
