"""All box scores of the API player (two seasons, 570 games, where they are recorded): batch-nfl game-logs from nothing against
bench_ingest.c, which fetches the same URLs and copies the same rows into a table with the same keys. Interleaved."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

from batchtest import ordinary_user, paths, postgres  # noqa: E402
from batchtest.football import DATA, HAS_DATA, Football, install_tables  # noqa: E402
from batchtest.player import Player  # noqa: E402

REPETITIONS = 7
LIMIT = 1.5


def ingest(football, database, seasons):
    """Seconds. Without a limit of time, since Python looks for the end of a process that has one each 50 ms only."""
    database.query("TRUNCATE game_log_sets, game_logs CASCADE; CHECKPOINT")
    began = time.monotonic()
    for season in seasons:
        subprocess.run([paths.BATCH_NFL, "game-logs", "--season", str(season), "--week", "4", "--season-type", "post"], check=True,
                       env=football.environment({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def measure(football, database, folder):
    seasons = (2023, 2024) if HAS_DATA else (2024,)
    football.good("rosters")
    for season in seasons:
        football.good("schedule", "--season", str(season))
    ingest(football, database, seasons)  # the player now keeps all its answers
    games = [row[0] for row in database.query("SELECT game_id FROM game_log_sets ORDER BY game_id")]
    urls, rows = os.path.join(folder, "urls"), os.path.join(folder, "rows")
    with open(urls, "w", encoding="ascii") as file:
        file.writelines(f"{football.player.url}/getNFLBoxScore?gameID={game.replace('@', '%40')}\n" for game in games)
    with open(rows, "w", encoding="utf-8") as file:
        file.writelines("\t".join(str(value) for value in row) + "\n" for row in database.query("SELECT * FROM game_logs"))
    database.query("CREATE TABLE bare_logs (LIKE game_logs INCLUDING ALL, FOREIGN KEY (player_id) REFERENCES players, "
                   "FOREIGN KEY (game_id) REFERENCES schedule)")
    ours, bare = [], []
    for _ in range(REPETITIONS):
        database.query("TRUNCATE bare_logs; CHECKPOINT")
        program = os.path.join(paths.BUILD, "tests", "bench", "bench_ingest")
        seconds = subprocess.run([program, database.conninfo, urls, rows], check=True, capture_output=True).stdout.split()[0]
        bare.append(float(seconds))
        ours.append(ingest(football, database, seasons))
    print(f"ratio\tgame logs of {len(games)} games\ts\t{statistics.median(ours):.4f}\t{statistics.median(bare):.4f}\t"
          f"curl-multi loop + COPY\t{LIMIT}")


def main():
    unable = ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    if unable or not postgres.find_programs():
        print(f"bench_ingest: skipped: {unable or 'PostgreSQL is not installed'}")
        return 0
    server, player = postgres.Postgres(durable=True), Player(*(("--data", DATA) if HAS_DATA else ("--generated",)))
    try:
        database = server.start().create_database()
        install_tables(database)
        with tempfile.TemporaryDirectory() as folder:
            measure(Football(player, database.conninfo), database, folder)
        return 0
    finally:
        player.remove()
        server.remove()


sys.exit(main())
