"""The status page: its weight over the wire, and from Chromium's own trace of the Overview, opened for the first time on loopback, when something is painted and when
the page answers. Prints figures as bench.h describes."""
import gzip
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from batchtest import browser as browser_module, ordinary_user, page, paths  # noqa: E402
from batchtest.browser import Browser  # noqa: E402
from batchtest.instance import Instance  # noqa: E402

JOBS = 20
RUNS = 60
ROUNDS = 9
MOST_ROUNDS = 30
LONG_TASK = 50_000  # microseconds of the main thread: what a person notices
CATEGORIES = "blink.user_timing,loading,devtools.timeline,disabled-by-default-devtools.timeline"


def value(what, unit, ours, limit):
    print(f"value\t{what}\t{unit}\t{ours:.3f}\t{limit:g}", flush=True)


def measure_weight(web):
    """Every file as batch-web sends it to a browser, whether the page asks for it or not."""
    weight = 0
    for name in sorted(os.listdir(page.PAGE)):
        answer = web.request("GET", "/" if name == "index.html" else f"/assets/{name}", headers={"Accept-Encoding": "gzip"})
        assert answer.status == 200, name
        if answer.headers.get("Content-Encoding") == "gzip":
            gzip.decompress(answer.body)
        weight += len(answer.body)
    value("page: all its files, compressed", "KB", weight / 1000, 150)


def milliseconds(events):
    """(first contentful paint, interactive) of the page load in a trace, from the start of its navigation; None when the trace has none.
    Interactive: the content is painted, the document and its modules have run, and the last long task of the main thread is over."""
    paint = next((event for event in reversed(events) if event["name"] == "firstContentfulPaint"), None)
    if not paint:
        return None
    navigation = paint["args"]["data"]["navigationId"]
    start = next((event["ts"] for event in events if event["name"] == "navigationStart" and event["args"]["data"]["navigationId"] == navigation), None)
    if start is None:
        return None
    thread = [event for event in events if (event["pid"], event["tid"]) == (paint["pid"], paint["tid"]) and event["ts"] >= start]
    loaded = max(event["ts"] for event in thread if event["name"] == "domContentLoadedEventEnd")
    tasks = [event["ts"] + event["dur"] for event in thread if event["name"] == "RunTask" and event.get("dur", 0) >= LONG_TASK]
    return (paint["ts"] - start) / 1000, (max(paint["ts"], loaded, *tasks, start) - start) / 1000


def measure_loads(web):
    browser = Browser(trace=CATEGORIES)
    try:
        browser.size(1280)
        paints, answers, complete = [], [], []
        for _ in range(MOST_ROUNDS):
            if len(paints) == ROUNDS:
                break
            browser.trace_events()
            browser.cdp("Network.clearBrowserCache")
            browser.open(page.address(web))
            browser.find(".table")
            took = browser.script("return performance.now()")
            measured = milliseconds(browser.trace_events())
            if not measured:  # Chromium changed processes in the middle, and the trace lacks a part
                continue
            complete.append(took)
            paints.append(measured[0])
            answers.append(measured[1])
        value("page: first paint, nothing cached, median", "ms", statistics.median(paints), 300)
        value("page: interactive, nothing cached, median", "ms", statistics.median(answers), 300)
        value("page: Overview complete with all its answers, median", "ms", statistics.median(complete), 0)
        requests = browser.script("return performance.getEntriesByType('resource').length")
        value("page: requests of the first load", "", requests, 0)
    finally:
        browser.quit()


def main():
    trouble = ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    if trouble:
        raise SystemExit(trouble)
    missing = browser_module.why_not()
    if missing:
        print(f"skipped: {missing}")
        return
    jobs = {f"job{number}": "[Job]\nOnCalendar=*-*-* 06:00\n[Step a]\nExec=/bin/echo done\n[Step b]\nExec=/bin/true\n" for number in range(JOBS)}
    instance = Instance(jobs=jobs)
    web = None
    try:
        instance.start()
        for number in range(RUNS):
            instance.run(f"job{number % JOBS}")
        web = page.serve(instance)
        measure_weight(web)
        measure_loads(web)
    finally:
        if web:
            web.remove()
        instance.remove()


main()
