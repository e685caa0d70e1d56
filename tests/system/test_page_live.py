"""The live view of a run in a real Chromium: lines as they come, breaks that lose nothing, and all that can be done with the output."""
import os
import re
import statistics
import time

import pytest

from batchtest import page
from batchtest.browser import Keys
from batchtest.wait import until

# Says a line whenever the test writes one into the fifo, and so many at once when it is asked for many.
TALKER = """
[Job]
Description=Says what it is told
[Step talk]
Exec=/bin/sh -c 'while read -r line; do case $line in quit*) exit $${line#quit};; many*) seq -f "elsewhere %g" 1 $${line#many};; !*) echo "$line" >&2;; *) echo "$line";; esac; done <FIFO'
"""
MORE_THAN_BUFFERED = 700  # lines
MORE_THAN_KEPT = 9000
COUNTER = "[Job]\n[Step count]\nExec=/bin/sh -c 'seq -f \"line %g of many\" 1 COUNT'\n"


class Talker:
    """A run that says what the test says."""

    def __init__(self, instance):
        self.instance = instance
        self.path = instance.path("fifo")
        os.mkfifo(self.path)
        instance.write_job("talker", TALKER.replace("FIFO", self.path))
        instance.call("daemon.reload")
        self.run = instance.call("run.start", job="talker")["run_number"]
        self.fifo = open(self.path, "w", buffering=1, encoding="utf-8")

    def say(self, *lines):
        self.fifo.write("".join(f"{line}\n" for line in lines))

    def end(self, status=0):
        self.say(f"quit{status}")
        self.fifo.close()
        self.instance.wait_for_run(self.run)


@pytest.fixture
def talker(instance):
    made = Talker(instance)
    yield made
    made.fifo.close()


def lines(browser):
    """What is drawn of the output."""
    return browser.script("return [...document.querySelectorAll('.line-text')].map((line) => line.firstChild?.data ?? '')")


def seen(browser, text, seconds=60):
    until(lambda: text in lines(browser), lambda: f"'{text}' is in the output\n{browser.text()}", seconds)


def seconds(text):
    """Of "50 % · 0/1 steps · 1 min 3 s"."""
    units = {"ms": 0.001, "s": 1, "min": 60}
    return sum(float(value) * units[unit] for value, unit in re.findall(r"([\d.]+) (ms|s|min)\b", text.split("·")[-1]))


def test_lines_appear_within_a_second(browser, make_page, instance, talker):
    browser.open(page.address(make_page(instance)), f"#/runs/{talker.run}")
    browser.find(".log")
    talker.say("the first")
    seen(browser, "the first")
    # The page notes when it drew the line; the daemon's clock is this machine's.
    browser.script("""
        window.drawn = {};
        new MutationObserver(() => {
          for (const line of document.querySelectorAll('.line-text')) window.drawn[line.textContent] ??= Date.now() / 1000;
        }).observe(document.querySelector('.log-body'), {childList: true, subtree: true});""")
    late = []
    for number in range(8):
        said = time.time()
        talker.say(f"number {number}")
        seen(browser, f"number {number}")
        late.append(browser.script("return window.drawn[arguments[0]]", f"number {number}") - said)
    assert statistics.median(late) < 1, late

    talker.say("!something is wrong")
    seen(browser, "!something is wrong")
    assert browser.text(".line-err .line-mark") == "!", "stderr is marked"
    browser.until_text("running", "h1")
    # Who comes later is told how long it has gone on by now, not by when the last one came.
    browser.driver.refresh()
    seen(browser, "!something is wrong")
    browser.until_text("running", "h1")
    whole, step = browser.script("return ['.run-progress .progress-figure', '.steps-table [data-elapsed]'].map((css) => document.querySelector(css).textContent)")
    assert seconds(whole) > seconds(step) - 1, (whole, step)
    talker.end()
    browser.until_text("success", "h1")
    assert "talker" in browser.driver.title and "success" in browser.driver.title


def test_a_restart_of_the_daemon_loses_and_repeats_nothing(browser, make_page, instance, talker):
    browser.open(page.address(make_page(instance)), f"#/runs/{talker.run}")
    talker.say(*(f"before {number}" for number in range(20)))
    seen(browser, "before 19")
    instance.kill()
    talker.say(*(f"meanwhile {number}" for number in range(20)))
    browser.until_text("batchd is away", "#away", 20)
    assert browser.text("#link-state") == "away"
    instance.start()
    seen(browser, "meanwhile 19", 20)
    talker.say("after")
    seen(browser, "after")
    assert lines(browser) == [f"before {n}" for n in range(20)] + [f"meanwhile {n}" for n in range(20)] + ["after"]
    browser.until_gone("#away")
    assert browser.text("#link-state") == "connected"

    talker.end()
    browser.until_text("success", "h1")


def test_a_break_of_the_stream_loses_and_repeats_nothing(browser, make_page, instance, talker):
    """More than the live buffer holds comes meanwhile: the stream goes on behind the last line that the page has, not with those that are buffered."""
    web = make_page(instance)
    browser.open(page.address(web), f"#/runs/{talker.run}")
    talker.say(*(f"before {number}" for number in range(20)))
    seen(browser, "before 19")

    def taken(count):
        until(lambda: instance.call("run.tail", run=talker.run)["last"] >= count, "the daemon has taken them")

    web.stop()
    talker.say(*(f"meanwhile {number}" for number in range(MORE_THAN_BUFFERED)))
    taken(20 + MORE_THAN_BUFFERED)
    web.start()
    seen(browser, f"meanwhile {MORE_THAN_BUFFERED - 1}")

    # As a browser does with a page that it keeps for Back. batch-web, too, holds what it has told of late: 512 KiB.
    browser.script("dispatchEvent(new Event('pagehide'))")
    talker.say(f"many{MORE_THAN_KEPT}")
    taken(20 + MORE_THAN_BUFFERED + MORE_THAN_KEPT)
    browser.script("dispatchEvent(new Event('pageshow'))")
    seen(browser, f"elsewhere {MORE_THAN_KEPT}")
    for word, count in (("before", 20), ("meanwhile", MORE_THAN_BUFFERED), ("elsewhere", MORE_THAN_KEPT)):
        browser.type(".log-search", f"{word} ")
        browser.until_text(f"{count:,} lines", ".log-found")
    assert "missed" not in browser.text(".log-earlier")
    talker.end()
    browser.until_text("success", "h1")


def test_pages_that_were_left_hold_no_connection(browser, make_page, instance, talker):
    """A browser keeps pages for Back, and has six connections to a server: a stream of each would leave none."""
    web = make_page(instance)
    talker.say("hello")
    for _ in range(8):
        browser.driver.get("about:blank")
        browser.driver.get(page.address(web, f"#/runs/{talker.run}"))
        seen(browser, "hello")
    browser.driver.back()
    browser.driver.back()
    seen(browser, "hello")
    talker.say("and again")
    seen(browser, "and again")


def test_without_streams_the_page_polls(browser, make_page, instance, talker):
    browser.open(page.address(make_page(instance, Stream="no")), f"#/runs/{talker.run}")
    browser.find(".log")
    talker.say("one", "two")
    seen(browser, "two")
    talker.say("three")
    seen(browser, "three")
    talker.end(7)
    browser.until_text("failed", "h1")
    browser.until_text("exit status 7", ".diagnosis")
    assert lines(browser) == ["one", "two", "three"]


def test_pause_follow_and_search(browser, make_page, instance, talker):
    browser.open(page.address(make_page(instance)), f"#/runs/{talker.run}")
    talker.say(*(f"row {number}" for number in range(200)))
    seen(browser, "row 199")
    at_end = "const log = document.querySelector('.log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 5"
    until(lambda: browser.script(at_end), "the end is in view")

    browser.click(".log-tools button", "Pause")
    talker.say("while paused")
    browser.until_text("Resume (1 new)", ".log-tools")
    assert "while paused" not in lines(browser)
    browser.click(".log-tools button", "Resume (1 new)")
    seen(browser, "while paused")

    browser.script("document.querySelector('.log').scrollTop = 0")
    follow = browser.find(".log-tools button[aria-pressed]:nth-of-type(2)")
    until(lambda: follow.get_attribute("aria-pressed") == "false", "who scrolls up is left where he is")
    talker.say("not followed")
    time.sleep(0.5)
    assert browser.script("return document.querySelector('.log').scrollTop") < 50
    browser.click(".log-tools button", "Follow")
    until(lambda: browser.script(at_end), "the end is in view again")

    browser.press("/")
    browser.press("row 17")
    browser.until_text("11 lines", ".log-found")
    browser.press(Keys.ENTER)
    browser.until_text("1 of 11", ".log-found")
    assert browser.text(".line-here .line-text") == "row 17"
    assert browser.text(".line-here mark") == "row 17"
    browser.click("#only-matches")
    until(lambda: len(browser.all(".line")) == 11, lambda: f"only those lines are shown: {browser.text('.log')}")


def test_copy_and_download(browser, make_page, instance, talker):
    web = make_page(instance)
    browser.cdp("Browser.grantPermissions", origin=page.address(web).rstrip("/"),
                permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.open(page.address(web), f"#/runs/{talker.run}")
    for line in ("plain", "!marked", "<b>not markup</b>"):  # one by one: nobody promises an order between two pipes
        talker.say(line)
        seen(browser, line)
    talker.end()
    browser.until_text("success", "h1")
    browser.click(".log-tools button[aria-label='Copy the output']")
    browser.find(".log-tools [role=status]")  # it says that it has copied
    copied = browser.driver.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, (error) => done(String(error)))")
    assert [re.sub(r"^\S+Z ", "", line) for line in copied.splitlines()] == ["talk plain", "talk ! !marked", "talk <b>not markup</b>"]

    browser.click(".log-tools a")
    text = browser.downloaded(f"batch-{talker.run}-logs.txt").decode()
    assert [re.sub(r"^\S+Z ", "", line) for line in text.splitlines()] == ["talk | plain", "talk ! !marked", "talk | <b>not markup</b>"]


def test_a_hundred_thousand_lines(browser, make_page, instance):
    instance.write_job("many", COUNTER.replace("COUNT", "100000"))
    instance.call("daemon.reload")
    run = instance.run("many")["run"]["run_number"]
    browser.open(page.address(make_page(instance)), f"#/runs/{run}")
    seen(browser, "line 100000 of many")
    browser.until_text("99,500 earlier lines not shown", ".log-earlier")
    browser.click(".log-earlier button")
    browser.until_text("89,500 earlier lines not shown", ".log-earlier", 20)
    assert browser.script("return document.querySelectorAll('.line').length") < 2500, "what is out of sight is not in the document"
    browser.type(".log-search", "line 91000 of")
    browser.until_text("1 line", ".log-found")
    browser.press(Keys.ENTER)
    until(lambda: browser.text(".line-here .line-text") == "line 91000 of many", lambda: f"it is shown: {browser.text('.line-here')}")


HUNDREDS = "[Job]\n[Step each]\nForEach=!/usr/bin/seq 1 620\nMaxParallel=20\nCritical=no\nExec=/usr/bin/test ${item} != 600\n"


def test_hundreds_of_steps(browser, make_page, instance):
    """What needs a look comes first, and all of them are there when they are wanted."""
    instance.write_job("hundreds", HUNDREDS)
    instance.call("daemon.reload")
    run = instance.run("hundreds")["run"]["run_number"]
    browser.open(page.address(make_page(instance)), f"#/runs/{run}")
    browser.until_text("620/620, 1 failed", ".timeline")
    rows = "return [...document.querySelectorAll('.steps-table tbody .item')].map((cell) => cell.textContent)"
    until(lambda: browser.script(rows)[:2] == ["600", "1"], lambda: f"the item that failed comes first: {browser.script(rows)[:3]}")
    browser.click("button", "Show 520 more steps")
    assert sorted(map(int, browser.script(rows))) == list(range(1, 621))
