"""Where the programs under test are: in a build tree, nothing installed."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("BATCHTEST_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("BATCHTEST_BUILD") or os.path.join(SOURCE, "build")
SANITIZED = bool(os.environ.get("BATCHTEST_SANITIZED"))

BATCHD = os.path.join(BUILD, "daemon", "main", "batchd")
BATCHCTL = os.path.join(BUILD, "client", "ctl", "batchctl")
BATCH_WEB = os.path.join(BUILD, "client", "web", "batch-web")
BATCH_HTTP = os.path.join(BUILD, "client", "remote", "batch-http")
BATCH_RUNNER = os.path.join(BUILD, "daemon", "runner", "batch-runner")
BATCH_ALERT = os.path.join(BUILD, "daemon", "alert", "batch-alert")
BATCH_NFL = os.path.join(BUILD, "daemon", "worker", "nfl", "batch-nfl")
SQL = os.path.join(SOURCE, "sql")
APIPLAYER = os.path.join(SOURCE, "tests", "apiplayer")


def patience(seconds=60):
    """How long to wait for what should take no time, before it is said that it never comes: machines may be busy, and sanitizers make everything
    slower. Nothing is proved by it that a slow machine could refute."""
    return seconds * (4 if SANITIZED else 1)
