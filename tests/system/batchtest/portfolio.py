"""The nightly portfolio batch on a small scale: its tables, three portfolios, and a daemon with its jobs (tests/portfolio)."""
import glob
import os

from . import paths
from .instance import Instance

FOLDER = os.path.join(paths.SOURCE, "tests", "portfolio")
DAY = "2026-11-20"  # a Friday
CALCULATIONS = ("aggregation", "greeks", "factor_analysis", "market_risk", "stress_tests", "correlations", "snapshot", "data_quality")
# name: how many positions; only some have options
PORTFOLIOS = {"growth": 5, "hedge": 12, "income": 75}
WITH_OPTIONS = ("hedge", "income")

TABLES = """
CREATE TABLE trading_days (day date PRIMARY KEY);
CREATE TABLE portfolios (id text PRIMARY KEY);
CREATE TABLE positions (portfolio text REFERENCES portfolios, symbol text, quantity float8, is_option boolean, PRIMARY KEY (portfolio, symbol));
CREATE TABLE prices (symbol text, day date, close numeric, PRIMARY KEY (symbol, day));
CREATE TABLE results (portfolio text REFERENCES portfolios, day date, name text, value float8, PRIMARY KEY (portfolio, day, name));
CREATE TABLE faults (what text, portfolio text, kind text, times_left integer);
"""


class House:
    """A daemon with the jobs, on a database of its own."""

    def __init__(self, database, **settings):
        self.database = database
        database.query(TABLES)
        database.query("INSERT INTO trading_days SELECT d FROM generate_series('2026-11-01'::date, '2026-11-30', '1 day') AS d"
                       " WHERE extract(isodow FROM d) < 6 AND d <> '2026-11-26'")
        for name, count in PORTFOLIOS.items():
            self.add_portfolio(name, count, name in WITH_OPTIONS)
        self.instance = Instance(database=database, settings=settings,
                                 environment={"PATH": os.pathsep.join((FOLDER, os.path.dirname(paths.BATCHCTL), os.environ["PATH"]))})
        for path in glob.glob(os.path.join(FOLDER, "jobs.d", "*.job")):
            with open(path, encoding="utf-8") as job:
                name = os.path.basename(path)[:-len(".job")]
                self.instance.write_job(name, job.read())
            os.mkdir(self.instance.path("jobs.d", f"{name}.job.d"))
            with open(self.instance.path("jobs.d", f"{name}.job.d", "database.conf"), "w", encoding="utf-8") as drop_in:
                drop_in.write(f"[Job]\nEnvironment=PGHOST={database.server.folder} PGUSER={database.server.USER} PGDATABASE={database.name}\n")
        self.instance.start()

    def add_portfolio(self, name, count, with_options):
        self.database.query("INSERT INTO portfolios VALUES (%s)", (name,))
        self.database.query("INSERT INTO positions SELECT %s, upper(left(%s, 1)) || 'S' || i, 10 * i, %s AND i %% 3 = 0 FROM generate_series(1, %s) AS i",
                            (name, name, with_options, count))

    def order_fault(self, what, kind, times, portfolio="*"):
        """The calculation fails so often in that way."""
        self.database.query("INSERT INTO faults VALUES (%s, %s, %s, %s)", (what, portfolio, kind, times))

    def run(self, job="nightly_portfolio", seconds=60, **params):
        return self.instance.run(job, seconds=seconds, params={"day": DAY, **params})

    def results(self, portfolio, day=DAY):
        """Rows written for the portfolio, by calculation."""
        return dict(self.database.query("SELECT split_part(name, '.', 1), count(*) FROM results WHERE portfolio = %s AND day = %s GROUP BY 1",
                                        (portfolio, day)))

    def remove(self):
        self.instance.remove()
