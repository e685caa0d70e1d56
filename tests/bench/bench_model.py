"""batch-nfl's model on two seasons of 32 teams: predictions of a week, a walk over a season, training, and its memory."""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

from batchtest import ordinary_user, paths, postgres  # noqa: E402
from batchtest.football import install_tables  # noqa: E402
from batchtest.seasons import fill_generated  # noqa: E402

ROUNDS = 5
# Runs a command and prints its greatest resident memory: a child of a small process, for a child's peak begins with its parent's.
PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); " \
       "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def run(database, *arguments):
    subprocess.run([paths.BATCH_NFL, *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, BATCH_DATABASE=database.conninfo))


def best(work, *between):
    """The least time of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        for step in between:
            step()
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return min(times)


def peak_of(database, *arguments):
    done = subprocess.run([sys.executable, "-S", "-c", PEAK, paths.BATCH_NFL, *arguments], check=True, stdout=subprocess.PIPE,
                          env=dict(os.environ, BATCH_DATABASE=database.conninfo))
    return int(done.stdout) / 1024


def measure(database):
    week = ("--season", "2024", "--week", "18")
    training = best(lambda: run(database, "train", *week))
    predicting = best(lambda: run(database, "predictions", *week), lambda: database.query("DELETE FROM predictions"))
    walking = best(lambda: run(database, "evaluate", "--from", "2024", "--to", "2024"))
    peak = max(peak_of(database, "train", *week), peak_of(database, "evaluate", "--from", "2024", "--to", "2024"))
    rows = (("features and predictions of a week, process and all", "ms", predicting * 1e3, 100),
            ("walk-forward evaluation of a season", "s", walking, 5),
            ("training, with its test", "ms", training * 1e3, 0),
            ("batch-nfl's peak memory with the model", "MiB", peak, 64))
    for what, unit, ours, limit in rows:
        print("value", what, unit, f"{ours:.6f}", limit, sep="\t", flush=True)


def main():
    unable = ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    if unable or not postgres.find_programs():
        print(f"bench_model: skipped: {unable or 'PostgreSQL is not installed'}")
        return 0
    server = postgres.Postgres()
    try:
        database = server.start().create_database()
        install_tables(database)
        fill_generated(database, teams=32)
        measure(database)
        return 0
    finally:
        server.remove()


sys.exit(main())
