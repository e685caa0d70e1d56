"""Acting on the status page in a real Chromium: how many clicks everything takes, the login before it, the limit on actions, and that what
was done is done."""
import contextlib
import os
import pwd
import re
import time

import pytest

from batchtest import page, paths
from batchtest.page import PASSWORD
from batchtest.wait import until

SHIPPED = os.path.join(paths.SOURCE, "daemon", "worker", "nfl", "jobs.d")
MOST_CLICKS = 2  # fewer than three, counted from the opened page

JOBS = {
    "quick": "[Job]\nDescription=Is done at once\n[Parameter n]\nType=integer\nMinimum=1\nMaximum=9\n[Step one]\nExec=/bin/echo n is ${n}\n",
    "wait": "[Job]\nOnCalendar=*-*-* 06:00\n[Step long]\nExec=/bin/sleep 300\nKillGraceSec=1s\n",
    "flaky": "[Job]\n[Step first]\nExec=/bin/true\n[Step second]\nExec=/bin/sh -c 'test -e FOLDER/mended || { echo not mended >&2; exit 1; }'\n",
}


@pytest.fixture
def daemon(make_instance):
    """A daemon that believes batch-web whom it acts for."""
    instance = make_instance(settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name})
    for name, text in JOBS.items():
        instance.write_job(name, text.replace("FOLDER", instance.folder))
    return instance.start()


@pytest.fixture
def shipped(make_instance):
    """The jobs as they are shipped, but for their commands."""
    instance = make_instance(settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name, "ActionsPerMinute": 1000})
    fake = instance.path("batch-nfl")
    with open(fake, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 0\n")
    os.chmod(fake, 0o755)
    instance.settings["JobsDirectory"] = f"{instance.path('jobs.d')} {SHIPPED}"
    instance.write_config()
    for name in os.listdir(SHIPPED):
        os.mkdir(instance.path("jobs.d", name + ".d"))
        with open(instance.path("jobs.d", name + ".d", "path.conf"), "w", encoding="ascii") as drop_in:
            drop_in.write(f"[Job]\nEnvironment=PATH={instance.folder}:/usr/bin:/bin\n")
    return instance.start()


def latest(daemon):
    runs = daemon.call("run.list", limit=1)["runs"]
    return runs[0] if runs else None


def started(daemon, browser, before):
    """The run that a click has started; its live view is open then."""
    run = until(lambda: (found := latest(daemon)) and found["run_number"] > before and found, lambda: f"a run starts\n{browser.text()}")
    until(lambda: browser.place == f"#/runs/{run['run_number']}", lambda: f"its live view opens, not {browser.place}")
    return run


def open_logged_in(browser, web, place=""):
    browser.open(page.address(web))
    browser.click("#session")
    browser.log_in(PASSWORD)
    until(lambda: browser.text("#session") == "Log out", lambda: f"somebody is logged in\n{browser.text()}")
    browser.driver.get("about:blank")
    browser.driver.get(page.address(web, place))
    browser.clicks = 0


def test_one_click(browser, make_page, shipped):
    web = make_page(shipped, ActionsPerMinute=1000)
    open_logged_in(browser, web)
    for label, mode in (("Full batch", "full"), ("Odds only", "odds_only"), ("Predictions only", "predictions_only")):
        before = latest(shipped)
        browser.driver.get(page.address(web))
        browser.find(".quick-button")
        browser.clicks = 0
        browser.click(".quick-button", f"{label}\nWeekly update")
        run = started(shipped, browser, before["run_number"] if before else 0)
        assert (run["job"], run["batch_mode"], run["triggered_by"]) == ("weekly_update", mode, "manual")
        assert run["triggered_by_user"] == "admin from 127.0.0.1"
        assert browser.clicks == 1
        shipped.wait_for_run(run["run_number"])


def test_every_mode_of_every_shipped_job(browser, make_page, shipped):
    """From the opened page, without typing anything: required fields are filled in beforehand."""
    web = make_page(shipped, ActionsPerMinute=1000)
    open_logged_in(browser, web)
    modes = [(job["job"], mode) for job in shipped.call("job.list")["jobs"] for mode in job["modes"] or [None]]
    assert len(modes) >= 14
    browser.find(".quick-button")
    number = 0
    for job, mode in modes:
        browser.go("#/overview")
        browser.find(".quick-button")
        browser.clicks = 0
        browser.click(".tabs a", "Actions")
        browser.click(f"[data-job={job}] " + (f"[data-mode={mode}]" if mode else ".button.primary"))
        run = started(shipped, browser, number)
        assert browser.clicks <= MOST_CLICKS
        assert (run["job"], run["batch_mode"]) == (job, mode)
        number = run["run_number"]
        shipped.wait_for_run(number)


def test_for_a_week(browser, make_page, shipped):
    web = make_page(shipped)
    open_logged_in(browser, web, "#/actions")
    number = 0
    for label, mode in (("Update schedule", "schedule_only"), ("Fetch game logs", "game_logs_only")):
        browser.go("#/actions")
        browser.type(".by-week [name=season]", "2024")
        browser.type(".by-week [name=week]", "9")
        browser.clicks = 0
        browser.click(".by-week button", label)
        run = started(shipped, browser, number)
        assert (run["batch_mode"], run["parameters"]) == (mode, {"season": 2024, "week": 9})
        assert browser.clicks == 1
        number = run["run_number"]
        shipped.wait_for_run(number)


def test_the_login(browser, make_page, daemon):
    browser.open(page.address(make_page(daemon)), "#/actions")
    browser.click("[data-job=quick] .button.primary")
    browser.until_text("needs the admin password", "dialog")
    browser.log_in("a wrong one")
    browser.until_text("the password is wrong", "dialog")
    assert latest(daemon) is None

    def is_put_off():
        """After a wrong one the next is looked at later, each time twice as late: a slow browser meets that as well."""
        browser.log_in("another wrong one")
        return re.search(r"wait (\d+) s and try again", browser.text("dialog"))

    wait = int(until(is_put_off, "the next has to wait")[1])
    for _ in range(5):
        time.sleep(wait)
        browser.log_in(PASSWORD)
        with contextlib.suppress(AssertionError):
            browser.until_gone("dialog", 5)
            break
    run = started(daemon, browser, 0)
    assert run["triggered_by_user"] == "admin from 127.0.0.1"
    daemon.wait_for_run(run["run_number"])
    browser.go("#/settings")
    browser.until_text("You are logged in as admin", "main")
    browser.click("#session")
    until(lambda: browser.text("#session") == "Log in", "nobody is logged in")
    browser.until_text("you may look, not act", "main")


def test_reading_behind_the_login(browser, make_page, daemon):
    daemon.run("quick")
    browser.open(page.address(make_page(daemon, ReadAccess="login")), "#/runs/1")
    browser.until_text("Log in to read", "main")
    assert "n is" not in browser.text()
    browser.click("main .button.primary")
    browser.log_in(PASSWORD)
    browser.until_text("Quick #1", "h1")


def test_without_a_password_nobody_acts(browser, make_page, daemon):
    browser.open(page.address(make_page(daemon, login=False)), "#/actions")
    browser.click("[data-job=quick] .button.primary")
    browser.until_text("No admin password is set here", ".toast")
    assert latest(daemon) is None


def test_the_sixth_action_is_told_to_wait(browser, make_page, daemon):
    web = make_page(daemon)
    open_logged_in(browser, web)
    for number in range(6):
        browser.go("#/actions")
        browser.click("[data-job=quick] .button.primary")
        if number < 5:
            daemon.wait_for_run(started(daemon, browser, number)["run_number"])
    browser.until_text("has used its 5 actions a minute", ".toast.error")
    assert "wait" in browser.text(".toast.error") and "try again" in browser.text(".toast.error")
    assert latest(daemon)["run_number"] == 5


def test_wrong_parameters_are_told_at_their_field(browser, make_page, daemon):
    web = make_page(daemon)
    open_logged_in(browser, web, "#/scripts/quick")
    browser.type("[name=n]", "10")
    browser.click("form .button.primary")
    browser.until_text("It takes a whole number from 1 to 9.", ".fields .field")
    assert browser.attribute("[name=n]", "aria-invalid") == "true"
    browser.type("[name=n]", "7")
    browser.type("#run-reason", "as agreed")
    browser.click("form .button.primary")
    run = daemon.wait_for_run(started(daemon, browser, 0)["run_number"])["run"]
    assert run["parameters"] == {"n": 7}
    browser.until_text("as agreed", "main")


def test_cancel_and_already_running(browser, make_page, daemon):
    web = make_page(daemon)
    open_logged_in(browser, web, "#/actions")
    browser.click("[data-job=wait] .button.primary")
    run = started(daemon, browser, 0)
    browser.go("#/actions")
    browser.click("[data-job=wait] .button.primary")
    browser.until_text("already running", ".toast.error")
    browser.click(".toast.error a", "Show run 1")
    browser.click(".run-head button", "Cancel")
    browser.type("#dialog-reason", "not today")
    browser.click("dialog .button.danger")
    browser.until_text("cancelled", "h1")
    browser.until_text("not today", ".diagnosis")
    browser.until_text("admin from 127.0.0.1", ".diagnosis")
    assert daemon.show(run["run_number"])["run"]["status"] == "cancelled"


def test_retry(browser, make_page, daemon):
    daemon.run("flaky")
    web = make_page(daemon)
    open_logged_in(browser, web, "#/runs/1")
    browser.until_text("not mended", ".last-lines")
    with open(daemon.path("mended"), "w", encoding="ascii"):
        pass
    browser.click(".diagnosis .button.primary", "Retry")
    run = started(daemon, browser, 1)
    shown = daemon.wait_for_run(run["run_number"])
    assert (shown["run"]["status"], shown["run"]["triggered_by"]) == ("success", "retry")
    browser.until_text("success", "h1")

    # A job that has changed since is asked about first.
    with open(daemon.path("jobs.d", "flaky.job"), "a", encoding="ascii") as file:
        file.write("TimeoutSec=1min\n")
    daemon.call("daemon.reload")
    browser.go("#/runs/1")
    browser.click(".diagnosis .button.primary", "Retry")
    browser.until_text("The job has changed since", "dialog")
    browser.click("dialog .button.primary")
    started(daemon, browser, 2)


def test_pause_and_resume(browser, make_page, daemon):
    web = make_page(daemon)
    open_logged_in(browser, web, "#/settings")
    browser.click("[data-job=wait] button", "Pause")
    browser.type("#pause-reason", "bye week")
    browser.choose("#pause-until", "2099-01-05T06:00")
    until_then = browser.script("return new Date('2099-01-05T06:00').toISOString().slice(0, 19)")
    browser.click("dialog .button.primary")
    browser.until_text("“bye week”", "[data-job=wait]")
    paused = daemon.call("job.show", job="wait")["paused"]
    assert (paused["reason"], paused["by"], paused["until"][:19]) == ("bye week", "admin from 127.0.0.1", until_then)
    browser.until_text("admin from 127.0.0.1 paused wait", "main")
    browser.click("[data-job=wait] button", "Resume")
    browser.until_gone("[data-job=wait] .tag-partial")
    assert daemon.call("job.show", job="wait")["paused"] is None


def test_retry_where_it_is_clicked(browser, make_page, daemon):
    """Of several runs the one that is meant, from the step that is meant."""
    for _ in range(3):
        daemon.run("flaky")
    ids = {number: daemon.show(number)["run"]["run_id"] for number in (1, 2, 3)}
    web = make_page(daemon, ActionsPerMinute=1000)
    open_logged_in(browser, web, "#/history")
    browser.click("[aria-label='Details of run 2']")
    browser.click(".run-item:nth-child(2) .diagnosis button", "Retry")
    assert daemon.wait_for_run(started(daemon, browser, 3)["run_number"])["run"]["retry_of"] == ids[2]
    browser.go("#/runs/1")
    browser.until_text("Flaky #1", "h1")
    browser.click(".run-head button", "Retry")
    assert daemon.wait_for_run(started(daemon, browser, 4)["run_number"])["run"]["retry_of"] == ids[1]
    browser.go("#/runs/3")
    browser.until_text("Flaky #3", "h1")
    browser.click(".steps-table button", "Retry from here")
    run = daemon.wait_for_run(started(daemon, browser, 5)["run_number"])
    assert run["run"]["retry_of"] == ids[3]
    assert daemon.call("audit.list", limit=1)["entries"][0]["params"]["from"] == "second"


CHOICES = """
[Job]
DefaultMode=all
[Mode all]
Steps=one two three
[Mode some]
Steps=two three
[Step one]
Exec=/bin/true
[Step two]
Exec=/bin/sh -c 'while test -e FOLDER/hold; do sleep 0.05; done'
KillGraceSec=1s
[Step three]
Exec=/bin/true
After=
"""


def test_what_the_form_says_is_what_runs(browser, make_page, daemon):
    with open(daemon.path("hold"), "w", encoding="ascii"):
        pass
    daemon.write_job("choices", CHOICES.replace("FOLDER", daemon.folder))
    daemon.call("daemon.reload")
    open_logged_in(browser, make_page(daemon), "#/scripts/choices")
    browser.click("input[value=some]")
    until(lambda: [box.get_attribute("value") for box in browser.all(".checks input")] == ["two", "three"], "the steps of the mode are offered")
    browser.click(".checks input[value=three]")
    browser.click("form .button.primary", "Start")
    first = started(daemon, browser, 0)
    assert first["batch_mode"] == "some"
    assert [step["step_name"] for step in daemon.show(1)["steps"]] == ["two"]
    browser.go("#/scripts/choices?mode=all")
    browser.until_text("Choices", ".script-detail h2")
    browser.click("#run-force")
    browser.click("form .button.primary", "Start")
    assert started(daemon, browser, 1)["batch_mode"] == "all"
    os.unlink(daemon.path("hold"))
    assert [daemon.wait_for_run(number)["run"]["status"] for number in (1, 2)] == ["success", "success"]


def test_a_session_that_has_ended_is_begun_again(browser, make_page, daemon):
    """The server was started anew meanwhile and knows nobody: the password is asked for, and the click is not lost."""
    web = make_page(daemon)
    open_logged_in(browser, web, "#/actions")
    browser.find("[data-job=quick] .button.primary")
    web.stop()
    web.start()
    browser.until_text("connected", "#link-state")
    browser.click("[data-job=quick] .button.primary")
    browser.log_in(PASSWORD)
    assert started(daemon, browser, 0)["job"] == "quick"


def test_cancel_from_the_overview(browser, make_page, daemon):
    daemon.call("run.start", job="wait")
    open_logged_in(browser, make_page(daemon))
    browser.click(".run-card button", "Cancel")
    browser.click("dialog .button", "Back")
    browser.click(".run-card button", "Cancel")
    browser.click("dialog .button.danger")
    browser.until_text("Wait #1 is cancelled: 1 process ended.".replace("Wait", "wait"), ".toast")
    browser.until_text("Nothing is running", "main")
    cancels = [entry for entry in daemon.call("audit.list")["entries"] if entry["method"] == "run.cancel"]
    assert len(cancels) == 1, "Back did nothing"


def test_an_error_can_be_copied(browser, make_page, daemon):
    daemon.call("run.start", job="wait")
    web = make_page(daemon)
    browser.cdp("Browser.grantPermissions", origin=page.address(web).rstrip("/"), permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    open_logged_in(browser, web, "#/actions")
    browser.click("[data-job=wait] .button.primary")
    browser.click(".toast.error [aria-label='Copy the error']")
    browser.find(".toast.error [role=status]")
    copied = browser.driver.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(String(error)))")
    assert "already running" in copied and "kind: already_running" in copied and "run_number: 1" in copied and "{" not in copied, copied
