"""For every reason that the design knows a run that ends for it, and the page alone tells which step it was, why, its last lines and what to do."""
import os
import signal

import pytest

from batchtest import page, paths
from batchtest.instance import Instance
from batchtest.wait import until

REPORT = f"{paths.BATCHCTL} report"
SAYS = "echo 'this is what it said last' >&2; "
LAST = "this is what it said last"


def job(command, keys="", above="", more=""):
    return f"[Job]\n{above}[Step work]\nExec=/bin/sh -c \"{SAYS}{command}\"\n{keys}{more}"


# reason: (job file, what the page says of it beside the word itself)
JOBS = {
    "exit": (job("seq 1 9000 >&2; " + SAYS + "exit 65"), ["exit status 65 (data it cannot use)", "status that means failure"]),
    "signal": (job("kill -SEGV $$$$"), ["SIGSEGV", "crash"]),
    "timeout": (job("exec sleep 300", "TimeoutSec=300ms\n"), ["300", "raise TimeoutSec="]),
    "heartbeat": (job("exec sleep 300", "HeartbeatSec=300ms\nHeartbeatAction=kill\n"), ["no sign of life", "HeartbeatSec="]),
    # The step ends its own monitor: $PPID cannot be 1, for the monitor is there when the shell begins.
    "lost": (job("sleep 0.3; kill -KILL $$PPID; exec sleep 1"), ["without a result", "Retry it"]),
    "gate": (job(f"{REPORT} --coverage 0.5", "CoverageMin=90%\n"), ["coverage 50 % is below CoverageMin=90%"]),
    "records": (job(f"{REPORT} --records 3", "RecordsMin=5\n"), ["3 records", "RecordsMin=5"]),
    "spawn": ("[Job]\n[Step work]\nExec=/nonexistent/program\n", ["/nonexistent/program", "could not be started"]),
    "request": (job("exec sleep 300"), ["Somebody cancelled it", "wrong week"]),
    "stopped": (job("exec sleep 300"), ["The service was stopped"]),
    "replaced": (job("exec sleep 300", above="Overlap=replace\n"), ["A newer run of the job took its place"]),
    "breaker": (job("exit 1", "BreakerFailures=1\nBreakerResetSec=1h\n"), ["failed too often", "reset the breaker"]),
    "dependency": (job("exit 1", more="[Step after]\nExec=/bin/true\n"), ["status that means failure"]),
}
REASONS = ("exit", "signal", "oom", "timeout", "heartbeat", "lost", "dependency", "not_ready", "condition", "gate", "records", "breaker", "spawn",
           "stopped", "replaced", "request")
WITHOUT_LINES = ("spawn", "breaker")
SILENT = ("stopped",)  # it is ended at its beginning, perhaps before it spoke


@pytest.fixture(scope="module")
def ended():
    """A daemon in which every job has ended for its reason: {reason: number of the run}, the daemon, and the page's address."""
    instance = Instance(jobs={reason: text for reason, (text, _) in JOBS.items()})
    web = None
    try:
        instance.start()
        runs = runs_of(instance)
        web = page.serve(instance, login=False)
        yield runs, instance, page.address(web)
    finally:
        if web:
            web.remove()
        instance.remove()


def speaks(instance, run):
    until(lambda: instance.call("run.tail", run=run)["lines"], f"run {run} speaks")


def runs_of(instance):
    runs = {reason: instance.call("run.start", job=reason)["run_number"] for reason in JOBS}
    for reason in ("request", "stopped", "replaced"):
        speaks(instance, runs[reason])
    instance.call("run.cancel", run=runs["request"], reason="wrong week")
    newer = instance.call("run.start", job="replaced")["run_number"]
    speaks(instance, newer)
    instance.wait_for_run(runs["breaker"])
    runs["breaker"] = instance.call("run.start", job="breaker")["run_number"]
    for reason, run in runs.items():
        if reason != "stopped":
            instance.wait_for_run(run)
    instance.stop(signal.SIGINT)  # the order to end what runs
    instance.start()
    return runs


@pytest.fixture(scope="module")
def words(chromium, ended):
    """{reason: (what it means, what to do)} as the page has them."""
    chromium.open(ended[2])
    told = chromium.driver.execute_async_script(
        "const done = arguments[0]; import(new URL('assets/first.js', location.href)).then("
        "({modules}) => done(modules['words.js'].REASONS), (error) => done(String(error)))")
    assert isinstance(told, dict), told
    return told


def test_every_reason_of_the_design_has_its_words(words):
    lacking = [reason for reason in REASONS if not (len(words[reason]) == 2 and all(len(text) > 20 and text.endswith(".") for text in words[reason]))]
    assert not lacking


@pytest.mark.parametrize("reason", JOBS)
def test_the_page_alone_tells_why(browser, ended, words, reason):
    runs, instance, address = ended
    run = runs[reason]
    shown = instance.show(run)
    step = shown["steps"][0]
    assert step["reason"] == reason or reason == "dependency", shown["run"]
    browser.open(address, f"#/runs/{run}")
    browser.until_text(shown["run"]["status"], "h1")
    browser.until_text("What happened", ".diagnosis")
    told = browser.text(".diagnosis")
    assert browser.text(".diagnosis-step") == "Work"
    means, advice = words[step["reason"]]
    assert browser.text(".diagnosis-cause") == f"{step['reason']}: {means}"
    assert f"What to do\n{advice}" in told
    assert not [words for words in JOBS[reason][1] if words not in told], told
    if reason not in WITHOUT_LINES + SILENT:
        assert LAST in browser.text(".last-lines")
    browser.until_text(step["reason"] if step["reason"] != "exit" else "failed", ".steps-table")


def test_what_depends_on_it(browser, ended):
    runs, _, address = ended
    browser.open(address, f"#/runs/{runs['dependency']}")
    browser.until_text("dependency", ".steps-table")


WAITS = """
[Job]
ReadyWhen=/bin/sh -c "echo waiting for the file of the exchange; test -e {folder}/file"
[Step work]
Exec=/bin/true
"""
CONDITION = "[Job]\nCondition=/bin/sh -c \"echo the market is closed >&2; exit {status}\"\n[Step work]\nExec=/bin/true\n"


def test_what_waits_or_has_nothing_to_do(browser, make_page, make_instance):
    """Reasons that come before any step: the page tells what was asked and what that said."""
    daemon = make_instance(jobs={"closed": CONDITION.format(status=1), "unsure": CONDITION.format(status=2)})
    daemon.write_job("not_ready", WAITS.format(folder=daemon.folder))
    daemon.start()
    waiting = daemon.call("run.start", job="not_ready")["run_number"]
    until(lambda: daemon.show(waiting)["run"]["reason"] == "not_ready", "it waits")
    closed, unsure = (daemon.run(job)["run"]["run_number"] for job in ("closed", "unsure"))
    web = make_page(daemon)

    browser.open(page.address(web), f"#/runs/{waiting}")
    browser.until_text("not ready", "h1")
    browser.until_text("waiting for the file of the exchange", "[aria-label='Why it waits']")
    with open(daemon.path("file"), "w", encoding="ascii"):
        pass
    browser.until_text("success", "h1", 20)
    browser.until_gone("[aria-label='Why it waits']")

    for run, status in ((closed, "skipped"), (unsure, "failed")):
        browser.open(page.address(web), f"#/runs/{run}")
        browser.until_text(status, "h1")
        browser.until_text("condition", ".diagnosis-cause")
        browser.until_text("the market is closed", ".last-lines")


def test_items(browser, make_page, make_instance):
    """Of an item that failed: which one, and its lines; of the others how many there are."""
    command = "echo doing ${item}; case ${item} in c|d) echo ${item} has no prices >&2; exit 65;; esac"
    daemon = make_instance(jobs={"items": f"[Job]\n[Step calc]\nExec=/bin/sh -c '{command}'\nForEach=a b c d\nCritical=no\n"}).start()
    run = daemon.run("items")["run"]["run_number"]
    browser.open(page.address(make_page(daemon)), f"#/runs/{run}")
    browser.until_text("c has no prices", ".last-lines")
    assert browser.text(".diagnosis-step") == "Calc [c]"
    browser.until_text("4/4, 2 failed", ".timeline")
    assert "Calc [d]" in browser.text(".diagnosis .why")
    assert len(browser.all(".steps-table tbody tr")) == 4


def test_out_of_memory(browser, make_page, make_instance):
    controllers = open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii").read() if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else ""
    if "memory" not in controllers.split():
        pytest.skip("the memory controller is not in cgroup2 on this machine: MemoryMax= cannot be enforced")
    instance = make_instance(jobs={"oom": job("exec tail /dev/zero", "MemoryMax=16M\n")}).start()
    run = instance.run("oom")["run"]
    if run["reason"] != "oom":
        pytest.skip("cgroup leaves of this user have no memory controller: MemoryMax= cannot be enforced")
    browser.open(page.address(make_page(instance)), f"#/runs/{run['run_number']}")
    browser.until_text("needed more memory than it may have", ".diagnosis-cause")
    browser.until_text("MemoryMax=", ".diagnosis")
