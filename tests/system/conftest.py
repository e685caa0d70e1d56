"""Fixtures of all system tests. As root everything here runs as an ordinary user."""
import collections
import os
import random
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from batchtest import browser as browser_module, ordinary_user, page as page_module, paths, postgres as postgres_module, processes  # noqa: E402
from batchtest.instance import Instance  # noqa: E402
from batchtest.player import Player  # noqa: E402
from batchtest.sanitizer import Reports  # noqa: E402
from batchtest.web import Web  # noqa: E402

CANNOT_RUN = ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
processes.adopt_orphans()

# What Meson takes for "all of it was skipped".
EXIT_SKIPPED = 77


Chaos = collections.namedtuple("Chaos", "seed rounds")


def pytest_addoption(parser):
    parser.addoption("--chaos-seed", type=int, default=os.environ.get("BATCHTEST_CHAOS_SEED"), help="repeats the rounds of that seed")
    parser.addoption("--chaos-rounds", type=int, default=os.environ.get("BATCHTEST_CHAOS_ROUNDS") or 100, help="rounds of the kill matrix")


@pytest.fixture
def chaos(request):
    """Seed and number of rounds of tests that break things at random."""
    seed = request.config.getoption("--chaos-seed")
    return Chaos(random.randrange(1000000) if seed is None or seed == "" else int(seed), int(request.config.getoption("--chaos-rounds")))


def pytest_collection_modifyitems(items):
    if CANNOT_RUN:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=CANNOT_RUN))


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2] if report.longrepr else ''}")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    outcomes = {key for key, reports in reporter.stats.items() if key in ("passed", "failed", "error", "skipped") and reports}
    if outcomes == {"skipped"}:
        session.exitstatus = EXIT_SKIPPED


@pytest.fixture(scope="session")
def sanitizer_reports():
    reports = Reports()
    yield reports
    reports.remove()


@pytest.fixture(autouse=True)
def nothing_found(sanitizer_reports):
    """Ends after all other fixtures of a test: what a sanitizer has found in any of its processes fails it."""
    yield
    found = sanitizer_reports.take()
    assert not found, found


@pytest.fixture(scope="session")
def postgres():
    """A running PostgreSQL, one a test file."""
    if not postgres_module.find_programs():
        pytest.skip("PostgreSQL's server programs are not installed")
    server = postgres_module.Postgres()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def own_postgres():
    """A PostgreSQL that the test may stop, freeze and start again."""
    if not postgres_module.find_programs():
        pytest.skip("PostgreSQL's server programs are not installed")
    server = postgres_module.Postgres()
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def database(postgres):
    """An empty database."""
    made = postgres.create_database()
    yield made
    made.remove()


@pytest.fixture
def make_instance():
    """make_instance(jobs={...}, database=..., settings={...}, environment={...}): a folder with a daemon, not started."""
    made = []

    def make(*arguments, **more):
        made.append(Instance(*arguments, **more))
        return made[-1]

    yield make
    for instance in made:
        instance.remove()


@pytest.fixture
def instance(make_instance):
    """A started daemon without jobs and without a database."""
    return make_instance().start()


@pytest.fixture
def make_web(make_instance):
    """make_web(instance, settings={...}, page={name: content}): a batch-web beside it, not started."""
    made = []

    def make(*arguments, **more):
        made.append(Web(*arguments, **more))
        return made[-1]

    yield make
    for web in made:
        web.remove()


@pytest.fixture
def make_player():
    """make_player("--generated", ...): an API player; see tests/apiplayer."""
    made = []

    def make(*options):
        made.append(Player(*options))
        return made[-1]

    yield make
    for player in made:
        player.remove()


@pytest.fixture
def player(make_player):
    """An API player with the generated league, the same on every machine."""
    return make_player("--generated")


@pytest.fixture(scope="session")
def chromium():
    """A Chromium, one a test file."""
    reason = browser_module.why_not()
    if reason:
        pytest.skip(reason)
    browser = browser_module.Browser()
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    """The Chromium, as wide as a desk's; a test that leaves an error of a script behind has failed."""
    chromium.size(1280)
    chromium.prefers("light")
    yield chromium
    left = page_module.complaints(chromium)
    chromium.driver.get("about:blank")
    assert not left, left


@pytest.fixture
def make_page(make_instance):
    """make_page(instance, Stream="no", ...): the status page on a batch-web of its own, which ends before its instance."""
    made = []

    def make(instance, **settings):
        made.append(page_module.serve(instance, **settings))
        return made[-1]

    yield make
    for web in made:
        web.remove()
