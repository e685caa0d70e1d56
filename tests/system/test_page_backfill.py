"""A backfill on the status page in a real Chromium: the plan before anything starts, the runs and their progress, what is refused, the cancel."""
import os
import pwd

import pytest

from batchtest import page
from batchtest.page import PASSWORD
from batchtest.wait import until

# Each day waits for as long as the file `hold` is there; it fails while bad.DAY is there.
DAILY = """
[Job]
Description=Brings in a day
DefaultMode=full
[Parameter day]
Type=date
[Parameter team]
Pattern=[A-Z]{3}
[Mode full]
Steps=scrape
[Mode odds]
Steps=scrape
[Step scrape]
Exec=/bin/sh -c 'while test -e FOLDER/hold; do sleep 0.05; done; echo ${day}; ! test -e FOLDER/bad.${day}'
KillGraceSec=1s
"""
PLAIN = "[Job]\n[Step a]\nExec=/bin/true\n"


@pytest.fixture
def daemon(make_instance):
    instance = make_instance(settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name})
    instance.write_job("daily", DAILY.replace("FOLDER", instance.folder))
    instance.write_job("plain", PLAIN)
    return instance.start()


@pytest.fixture
def form(browser, make_page, daemon):
    """The form of job daily, reached as people reach it, by somebody who is logged in."""
    browser.open(page.address(make_page(daemon, ActionsPerMinute=1000)), "#/actions")
    browser.click("#session")
    browser.log_in(PASSWORD)
    until(lambda: browser.text("#session") == "Log out", "somebody is logged in")
    assert not browser.all("[data-job=plain] a[href*=backfill]"), "a job without parameters has no backfill"
    browser.click("[data-job=daily] a", "Backfill")
    browser.find(".backfill-form")
    return browser


def mark(daemon, name, there=True):
    if there:
        open(daemon.path(name), "w", encoding="ascii").close()
    else:
        os.unlink(daemon.path(name))


def numbers(daemon):
    return [run["run_number"] for run in daemon.call("run.list")["runs"]]


def ask(browser, first, last):
    browser.choose(".backfill-form [name=from]", first)
    browser.choose(".backfill-form [name=to]", last)
    browser.click(".backfill-form button", "Show the plan")


def plan(browser):
    """[(value, what happens)] as it is shown."""
    browser.find(".backfill-form .table tbody tr")
    return [tuple(cell.text for cell in row.find_elements("css selector", "th, td")[:2]) for row in browser.all(".backfill-form .table tbody tr")]


def test_the_plan_first_then_the_runs(form, daemon):
    daemon.run("daily", params={"day": "2026-11-02"})
    ask(form, "2026-11-01", "2026-11-03")
    assert plan(form) == [("2026-11-01", "runs"), ("2026-11-02", "done already"), ("2026-11-03", "runs")]
    form.until_text("2 runs of 3 values, 1 left out: 1 done already", ".backfill-summary")
    assert numbers(daemon) == [1], "a plan starts nothing"

    mark(daemon, "hold")
    mark(daemon, "bad.2026-11-03")
    form.click(".backfill-form button", "Start 2 runs")
    until(lambda: form.place == "#/runs/2", lambda: f"the backfill is shown, not {form.place}")
    form.until_text("Backfill of day", "main")
    form.until_text("day=2026-11-01", "main")
    form.until_text("0/2", ".run-progress")
    mark(daemon, "hold", there=False)
    form.until_text("partial", "h1", 20)
    form.until_text("day=2026-11-03", "main")
    form.until_text("exit status 1", "main tr:nth-child(2) .said")
    run = daemon.show(2)
    assert [(child["parameters"]["day"], child["status"]) for child in sorted(run["children"], key=lambda one: one["run_number"])] == \
        [("2026-11-01", "success"), ("2026-11-03", "failed")]
    assert run["run"]["triggered_by_user"] == "admin from 127.0.0.1"


def test_what_was_changed_is_planned_anew(form, daemon):
    mark(daemon, "bad.2026-11-05")
    daemon.run("daily", params={"day": "2026-11-05"}, mode="odds")
    form.choose("#backfill-mode", "odds")
    form.choose("#backfill-only", "failed")
    form.type("#backfill-values", "2026-11-04, 2026-11-05")
    form.click(".backfill-form button", "Show the plan")
    assert plan(form) == [("2026-11-04", "never ran"), ("2026-11-05", "runs")]
    form.choose("#backfill-only", "all")
    form.until_gone(".backfill-form .table")
    form.click("#backfill-reverse")
    form.type(".backfill-form [name=team]", "DET")
    form.type("#backfill-reason", "prices were wrong")
    form.click(".backfill-form button", "Show the plan")
    assert plan(form) == [("2026-11-05", "runs"), ("2026-11-04", "runs")]
    form.click(".backfill-form button", "Start 2 runs")
    shown = daemon.wait_for_run(until(lambda: (numbers(daemon)[1:] or None) and 2, "it starts"))
    assert shown["run"]["backfill"]["reverse"] and shown["run"]["backfill"]["only"] == "all"
    assert {(child["parameters"]["team"], daemon.show(child["run_number"])["run"]["batch_mode"]) for child in shown["children"]} == {("DET", "odds")}
    form.until_text("prices were wrong", "main")


def test_what_is_wrong_is_told_at_its_place(form, daemon):
    form.click(".backfill-form button", "Show the plan")
    form.until_text("Give the first and the last value, or a list.", ".backfill-form")
    ask(form, "2026-11-03", "2026-11-01")
    form.until_text("2026-11-03", ".backfill-form .field-error")
    form.choose(".backfill-form [name=to]", "2026-11-04")
    form.type(".backfill-form [name=team]", "lions")
    form.click(".backfill-form button", "Show the plan")
    form.until_text("It takes a text of the form [A-Z]{3}.", ".backfill-form")
    form.type(".backfill-form [name=team]", "DET")
    form.type("#backfill-values", "2026-11-09")
    form.click(".backfill-form button", "Show the plan")
    form.until_text("Give a range or a list, not both.", ".backfill-form")
    assert not numbers(daemon)


def test_a_second_one_and_the_cancel(form, daemon):
    mark(daemon, "hold")
    daemon.call("run.backfill", job="daily", **{"from": "2026-11-01", "to": "2026-11-04"})
    ask(form, "2026-11-08", "2026-11-09")
    assert len(plan(form)) == 2
    form.click(".backfill-form button", "Start 2 runs")
    form.until_text("backfill #1 of daily is not done yet", ".toast.error")
    form.click(".toast.error a", "Show run 1")
    form.click(".run-head button", "Cancel")
    form.click("dialog .button.danger")
    form.until_text("cancelled", "h1", 20)
    until(lambda: {run["status"] for run in daemon.call("run.list")["runs"]} == {"cancelled"}, "its children are cancelled, too")
