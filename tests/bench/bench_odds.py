"""bench_odds.c against a private PostgreSQL (fsync on) with 2,500 players and 20 games."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

from batchtest import ordinary_user, paths, postgres  # noqa: E402
from batchtest.football import install_tables  # noqa: E402


def main():
    program = os.path.join(paths.BUILD, "tests", "bench", "bench_odds")
    unable = ordinary_user.drop_root(paths.SOURCE, paths.BUILD)
    if unable or not postgres.find_programs():
        print(f"bench_odds: skipped: {unable or 'PostgreSQL is not installed'}")
        return 0
    server = postgres.Postgres(durable=True)
    try:
        database = server.start().create_database()
        install_tables(database)
        database.query("INSERT INTO players (player_id, name, position, team) "
                       "SELECT 1000000 + i, 'Player ' || i, 'WR', 'AAA' FROM generate_series(0, 2499) i")
        database.query("INSERT INTO schedule (game_id, season_year, week, season_type, game_date, away_team, home_team, status) "
                       "SELECT to_char(d, 'YYYYMMDD') || '_AAA@BBB', 2024, 9, 'reg', d, 'AAA', 'BBB', 'scheduled' "
                       "FROM generate_series('2024-11-01'::date, '2024-11-20', '1 day') d")
        database.query("ANALYZE")
        return subprocess.run([program, database.conninfo], check=False, stdin=subprocess.DEVNULL).returncode
    finally:
        server.remove()


sys.exit(main())
