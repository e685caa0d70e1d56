"""The status page in a real Chromium, for who looks: every tab, links to every place, themes, a phone's width, the keyboard, a daemon that goes
away and comes back."""
import contextlib
import datetime
import http.client
import http.server
import os
import pwd
import threading
import urllib.parse

import pytest

from batchtest import page, paths
from batchtest.browser import Keys
from batchtest.fake_daemon import FakeDaemon
from batchtest.wait import until

JOBS = {
    "greet": """
[Job]
Description=Says good day
Type=greeting
DefaultMode=kind
OnCalendar=*-*-* 06:00
TimeZone=America/New_York
[Parameter name]
Pattern=[A-Z][a-z]+
Description=Whom to greet
[Mode kind]
Steps=bow speak
Description=With a bow
[Mode curt]
Steps=speak
[Step bow]
Exec=/bin/true
Description=Bows
Impact=Nothing is changed
[Step speak]
Exec=/bin/sh -c 'echo good day; REPORT report --metric greetings+=3 --warning "weather: it rains"'
""",
    "wait": "[Job]\nDescription=Goes on until it is cancelled\n[Step first]\nExec=/bin/true\n[Step long]\nExec=/bin/sh -c 'REPORT report --progress 15/75; exec sleep 300'\n",
    "broken": "[Job]\n[Step x]\nExec=\n",
}
TABS = ("Overview", "Actions", "Batch history", "Scripts", "Settings")
PLACES = ("overview", "actions", "history", "scripts", "settings")


def jobs():
    return {name: text.replace("REPORT", paths.BATCHCTL) for name, text in JOBS.items()}


class PrefixProxy(http.server.BaseHTTPRequestHandler):
    """A reverse proxy that has the page below a prefix."""
    port = prefix = None

    def do_GET(self):
        if not self.path.startswith(self.prefix):
            self.send_error(404)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/" + self.path[len(self.prefix):], headers=dict(self.headers))
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            while part := answer.read1(65536):
                self.wfile.write(part)
                self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture
def prefix_proxy():
    made = []

    def make(port, prefix):
        handler = type("Handler", (PrefixProxy,), {"port": port, "prefix": prefix})
        made.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=made[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{made[-1].server_port}{prefix}"

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def daemon(make_instance):
    return make_instance(jobs=jobs()).start()


def test_every_tab(browser, make_page, daemon):
    run = daemon.run("greet")["run"]
    browser.open(page.address(make_page(daemon)))
    browser.until_text("Nothing is running", "main")
    overview = browser.text("main")
    for heading in ("Running now", "Data readiness", "Health", "Due next", "Missed in 7 days", "Jobs"):
        assert heading in overview, overview
    browser.until_text("Database", ".health")
    browser.until_text("broken.job", ".health")
    browser.until_text("Greet", ".plain-list")

    for number, tab in enumerate(TABS):
        browser.click(".tabs a", tab)
        until(lambda: browser.text(".tabs a[aria-current]") == tab, f"{tab} is marked as the present one")
        assert browser.place == f"#/{PLACES[number]}"
    browser.until_text("Greet", ".schedules")

    browser.click(".tabs a", "Actions")
    browser.until_text("Says good day")
    browser.click(".tabs a", "Scripts")
    browser.go("#/scripts/greet")
    browser.until_text("Whom to greet · of the form [A-Z][a-z]+", ".script-detail")
    browser.until_text("Nothing is changed", ".expected")
    browser.until_text("*-*-* 06:00 (America/New_York)", ".script-detail")

    browser.click(".tabs a", "Batch history")
    browser.until_text(f"#{run['run_number']}", ".runs")
    browser.click(".cell-number a")
    browser.until_text("good day", ".log")
    browser.until_text("Greetings\n3", ".counters")
    browser.until_text("it rains", ".warnings")


def test_links_lead_everywhere(browser, make_page, daemon):
    """What is in the address is what is shown, for who was sent a link."""
    run = daemon.run("greet", mode="curt")["run"]
    daemon.run("greet")
    web = make_page(daemon)
    browser.open(page.address(web), f"#/runs/{run['run_number']}")
    browser.until_text("Greet #1", "h1")
    browser.open(page.address(web), f"#/runs/{run['run_id'][:8]}")
    browser.until_text("Greet #1", "h1")
    browser.open(page.address(web), "#/scripts/greet?mode=curt&name=Anna")
    browser.until_text("Greet", ".script-detail h2")
    assert browser.find("input[value=curt]").is_selected()
    assert browser.find("input[name=name]").get_attribute("value") == "Anna"
    browser.open(page.address(web), "#/history?job=greet&mode=curt")
    until(lambda: len(browser.all(".run-item")) == 1, "the filter of the address holds")
    browser.open(page.address(web), "#/runs/4711")
    browser.until_text("4711", ".error-box")
    browser.open(page.address(web), "#/scripts/nosuchjob")
    browser.until_text("nosuchjob", ".error-box")
    browser.open(page.address(web), "#/nowhere")
    browser.until_text("Running now")


def test_it_works_below_a_prefix(browser, make_page, daemon, prefix_proxy):
    """A reverse proxy may put it below any path: all addresses are relative."""
    daemon.run("greet")
    proxy = prefix_proxy(make_page(daemon).port, "/ops/batch/")
    browser.open(proxy)
    browser.until_text("Nothing is running")
    browser.until_text("connected", "#link-state")
    browser.go("#/runs/1")
    browser.until_text("good day", ".log")
    assert browser.find(".log-tools a").get_attribute("href").startswith(proxy + "api/v1/")


def test_nothing_is_taken_from_elsewhere(browser, make_page, daemon):
    web = make_page(daemon)
    browser.open(page.address(web))
    browser.until_text("Nothing is running")
    for place in ("#/actions", "#/history", "#/scripts", "#/settings"):
        browser.go(place)
    names = browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert names and {urllib.parse.urlsplit(name).netloc for name in names} == {f"127.0.0.1:{web.port}"}


def test_the_first_load_asks_for_little(browser, make_page, daemon):
    """Two bundles, not a request a module; nothing that the first view wants is asked for twice; what is known is asked with its ETag."""
    web = make_page(daemon)
    browser.open(page.address(web))
    browser.until_text("Greet", ".table")
    browser.until_text("Database", ".health")
    asked = browser.script("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname.slice(1))")
    assets = [name for name in asked if name.startswith("assets/") and name != "assets/rest.js"]
    assert sorted(set(assets) - {"assets/icon.svg"}) == ["assets/first.js", "assets/page.css", "assets/theme_early.js"]
    assert len(assets) == len(set(assets))
    assert asked.count("api/v1/session") == asked.count("api/v1/jobs") == 1
    answer = web.get("/assets/first.js")
    assert web.get("/assets/first.js", If_None_Match=answer.headers["ETag"]).status == 304
    browser.go("#/scripts/greet")
    browser.until_text("Whom to greet", ".script-detail")
    asked = browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert sum("/assets/rest.js" in name for name in asked) == 1


def test_running_now(browser, make_page, daemon):
    run = daemon.call("run.start", job="wait")["run_number"]
    browser.open(page.address(make_page(daemon)))
    browser.until_text(f"Wait #{run}", ".run-card")
    browser.until_text("15/75", ".run-card")
    browser.until_text("60 % · 1/2", ".run-card")
    assert browser.find(".run-card [role=progressbar]").get_attribute("aria-valuenow") == "60"
    assert [line.text for line in browser.all(".run-card .timeline-name")] == ["First", "Long"]
    daemon.call("run.cancel", run=run)
    browser.until_text("Nothing is running")


COUNT = "[Job]\n[Parameter season]\nType=integer\n[Parameter week]\nType=integer\n[Parameter season_type]\n[Step count]\nExec=/bin/true\n"


def test_readiness_of_the_week(browser, make_page, make_instance, database):
    daemon = make_instance(database=database, jobs={"data_readiness": COUNT}, settings={"TrustedClients": pwd.getpwuid(os.geteuid()).pw_name}).start()
    until(lambda: database.value("SELECT to_regprocedure('football_schema_version()')"), "the migrations are applied")
    database.query("INSERT INTO data_readiness (season_year, week, season_type, schedule_complete, games_count, game_logs_available,"
                   " game_logs_count, odds_available, odds_count, odds_fetch_attempted, odds_fetch_failed, odds_last_fetched_at,"
                   " predictions_available, predictions_count, expected_predictions_count, prediction_completeness_pct)"
                   " VALUES (2026, 12, 'reg', true, 14, false, 0, true, 812, true, true, now(), true, 301, 310, 97.1)")
    database.query("INSERT INTO football_current_week (season_year, week, season_type) VALUES (2026, 12, 'reg')")
    browser.open(page.address(make_page(daemon)))
    browser.until_text("97.1 %", ".readiness")
    readiness = browser.text(".readiness")
    for text in ("Week 12 of 2026", "14 games", "Complete", "812 prices", "Fetch failed: old prices stay", "301 of 310"):
        assert text in readiness, readiness
    bars = {bar.get_attribute("aria-label"): bar.get_attribute("aria-valuenow") for bar in browser.all(".readiness [role=progressbar]")}
    assert bars == {"Schedule": "100", "Game logs": "0", "Odds": "100", "Predictions": "97"}

    browser.click("button", "Count anew")
    browser.log_in(page.PASSWORD)
    until(lambda: browser.place == "#/runs/1", lambda: f"the count is shown, not {browser.place}")
    assert daemon.wait_for_run(1)["run"]["parameters"] == {"season": 2026, "week": 12, "season_type": "reg"}


def test_a_daemon_that_goes_away_and_comes_back(browser, make_page, daemon):
    daemon.run("greet")
    browser.open(page.address(make_page(daemon)))
    browser.until_text("Nothing is running")
    daemon.kill()
    browser.until_text("batchd is away", "#away", 15)
    browser.go("#/history")
    browser.go("#/settings")
    daemon.start()
    browser.until_text("connected", "#link-state")
    browser.until_text("Greet", ".schedules")
    browser.go("#/history")
    browser.until_text("Greet", ".runs")
    assert not any(element.is_displayed() for element in browser.all(".error-box"))


def test_a_phone(browser, make_page, daemon):
    """Nothing sticks out sideways at 390 pixels, and the tabs are where a thumb is."""
    run = daemon.run("greet")["run"]["run_number"]
    browser.size(390, 844)
    browser.open(page.address(make_page(daemon)))
    for place in ("#/overview", "#/actions", "#/history", "#/scripts/greet", "#/settings", f"#/runs/{run}"):
        browser.go(place)
        browser.find(".view-runs .log" if "runs/" in place else f".view-{place[2:].split('/')[0]} .card, .view-history .run-item")
        assert browser.script("return document.documentElement.scrollWidth") <= 390, place
    tabs = browser.find(".tabs").rect
    assert abs(tabs["y"] + tabs["height"] - 844) < 1


GIB = 1 << 30
AMISS = {
    "version": "9.9.9", "uptime_seconds": 75, "memory_bytes": 8 << 20, "watchers": 1, "draining": {"reason": "maintenance"}, "launcher": {"state": "down"},
    "store": {"state": "up", "path": "/var/lib/batchd/state.db", "waiting": 3, "error": None},
    "file_systems": [
        {"path": "/var/lib/batchd", "holds": ["state", "runs"], "state": "low", "error": None, "free_bytes": GIB // 2, "total_bytes": 40 * GIB,
         "free_inodes": 2490368, "total_inodes": 2621440},
        {"path": "/run/batchd", "holds": ["runtime"], "state": "ok", "error": None, "free_bytes": 3 * GIB, "total_bytes": 4 * GIB,
         "free_inodes": 511000, "total_inodes": 511488},
        {"path": "/var/log/batchd", "holds": ["log"], "state": "unknown", "error": "it has not answered for 12 s"}],
    "mirror": {"state": "down", "error": "connection refused", "rows_waiting": 4711, "oldest_waiting": "2026-11-22T04:20:00.000000Z", "parked": 2},
    "breakers": [{"job": "weekly_update", "step": "odds"}], "job_errors": [{"file": "/etc/batchd/jobs.d/x.job", "line": 3, "message": "unknown key"}],
}


def test_health_tells_what_is_amiss(browser, make_page):
    """All that can be wrong at once, said by a daemon that is none."""
    daemon = FakeDaemon({"daemon.status": AMISS, "job.list": {"jobs": []}, "run.current": {"runs": []}, "schedule.list": {"due_times": []}})
    daemon.process = None  # there is none that batch-web would wait for
    try:
        browser.open(page.address(make_page(daemon.start(), login=False)))
        browser.until_text("maintenance", ".health")
        rows = [row.text.split("\n") for row in browser.all(".health-row")]
    finally:
        daemon.remove()
    assert [(row[0], row[1]) for row in rows] == [
        ("Daemon", "drained"), ("Launcher", "down"), ("Record", "up"), ("Disk", "512 MiB free"), ("Disk", "3.0 GiB free"), ("Disk", "unknown"),
        ("Database", "down"), ("Mirror", "behind"), ("Parked rows", "2"), ("Breakers", "1 open"), ("Job file", "wrong")]
    for number, text in {0: "batchctl drain --off", 1: "batch-runner", 2: "3 changes waiting", 3: "of 40 GiB: /var/lib/batchd (the record, logs of runs)",
                         4: "of 4.0 GiB: /run/batchd (sockets)", 5: "it has not answered for 12 s", 6: "connection refused", 7: "4,711 rows waiting",
                         9: "weekly_update odds", 10: "/etc/batchd/jobs.d/x.job:3: unknown key"}.items():
        assert text in rows[number][2], rows[number]
    assert "Keep=" in rows[3][2] and "Keep=" not in rows[4][2]


def test_overview_tells_of_the_past(browser, make_page, make_instance):
    """When a job that fails now last did its work, and which due times started nothing."""
    daemon = make_instance()
    daemon.write_job("fickle", f"[Job]\n[Step a]\nExec=/bin/sh -c 'exit $$(cat {daemon.path('status')})'\n")
    daemon.write_job("ticks", "[Job]\nOnCalendar=*-*-* *:*:*\n[Step a]\nExec=/bin/true\n")
    daemon.start()
    daemon.call("job.pause", job="ticks", reason="not now")
    for status in "01":
        with open(daemon.path("status"), "w", encoding="ascii") as file:
            file.write(status)
        daemon.run("fickle")
    until(lambda: [time for time in daemon.call("schedule.list", job="ticks", **{"from": "2020-01-01T00:00:00Z"})["due_times"] if time.get("reason") == "paused"],
          "a due time is skipped")
    browser.open(page.address(make_page(daemon)))
    browser.until_text("Fickle", ".jobs-table")
    cells = browser.script("return [...document.querySelectorAll('.jobs-table tr')].find((row) => row.textContent.startsWith('Fickle'))"
                           ".innerText.split(/[\\t\\n]+/)")
    assert "failed" in cells and "never" not in cells, cells
    browser.until_text("The job was paused.", "main")


def test_times_in_utc(browser, make_page, daemon):
    """Times are those of who looks, unless UTC is chosen."""
    browser.cdp("Emulation.setTimezoneOverride", timezoneId="Asia/Kathmandu")
    try:
        run = daemon.run("greet")["run"]
        browser.open(page.address(make_page(daemon)), "#/history")
        utc = run["started_at"][:19].replace("T", " ")
        minutes = 5 * 60 + 45
        local = (datetime.datetime.fromisoformat(utc) + datetime.timedelta(minutes=minutes)).isoformat(" ")
        browser.until_text(local, ".runs .cell-started")
        browser.go("#/settings")
        browser.choose("#pref-zone", "utc")
        browser.go("#/history")
        browser.until_text(utc, ".runs .cell-started")
    finally:
        browser.cdp("Emulation.setTimezoneOverride", timezoneId="")


def test_themes(browser, make_page, daemon):
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    browser.open(page.address(make_page(daemon)))
    light = browser.script(ground)
    browser.prefers("dark")
    until(lambda: browser.script(ground) != light, "the system's preference holds")
    dark = browser.script(ground)
    browser.click("#theme")
    assert browser.find("#theme").get_attribute("aria-label") == "Theme: light"
    assert browser.script(ground) == light
    browser.driver.refresh()
    assert browser.script(ground) == light, "the choice is kept"
    browser.find("#theme")
    browser.click("#theme")
    until(lambda: browser.script(ground) == dark, "dark was chosen")


def test_the_keyboard(browser, make_page, daemon):
    daemon.run("greet")
    browser.open(page.address(make_page(daemon)))
    browser.until_text("Nothing is running")
    browser.press("3")
    browser.find(".run-item")
    until(lambda: browser.script("return document.activeElement.id") == "main", "the focus is where the new content is")
    browser.press("/")
    assert browser.script("return document.activeElement.id") == "filter-job"
    browser.script("document.querySelector('.cell-open button').focus()")
    browser.press(Keys.ENTER)
    browser.until_text("Steps", ".run-panel")
    assert browser.attribute(".cell-open button", "aria-expanded") == "true"
    browser.press("?")
    browser.until_text("Batch history, Scripts", "dialog")
    browser.press(Keys.ESCAPE)
    browser.until_gone("dialog")
    browser.press("1")
    browser.until_text("Running now")
    browser.press(Keys.TAB)
    unnamed = browser.script("""return [...document.querySelectorAll('button, a, input, select')].filter((element) =>
        element.checkVisibility() && !(element.getAttribute('aria-label') || element.textContent.trim() || element.labels?.length))
        .map((element) => element.outerHTML)""")
    assert not unnamed, unnamed


def test_data_is_never_markup(browser, make_page, make_instance):
    daemon = make_instance(jobs={"sly": "[Job]\nDescription=<img src=x onerror=alert(1)>\n[Step a]\nExec=/bin/sh -c 'echo \"<script>alert(1)</script>\"; exit 1'\n"
                                        "Description=<b>bold</b>\n"}).start()
    run = daemon.run("sly", reason="<i>why</i>")["run"]["run_number"]
    browser.open(page.address(make_page(daemon)), f"#/runs/{run}")
    browser.until_text("<script>alert(1)</script>", ".last-lines")
    browser.go("#/scripts/sly")
    browser.until_text("<img src=x onerror=alert(1)>", ".script-detail")
    assert not browser.all("main img, main script, .table b")
