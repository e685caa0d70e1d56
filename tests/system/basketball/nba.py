"""The programs of the daily NBA pipeline. Each tells what it does with one-line messages and knows nothing else of the daemon.

  nba.py PHASE [--date=YYYY-MM-DD]     scrape, scrape_one, ready, process, analytics, precompute, predict, fallback, write; without a date the oldest
                                       missing one of the three days before $NBA_TODAY
"""
import datetime
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request

import psycopg2
import psycopg2.extras

TEAMS = ("ATL BOS BKN CHA CHI CLE DAL DEN DET GSW HOU IND LAC LAL MEM "
         "MIA MIL MIN NOP NYK OKC ORL PHI PHX POR SAC SAS TOR UTA WAS").split()
EX_TEMPFAIL = 75
DELAY = float(os.environ.get("NBA_DELAY", "3.5"))


def say(*lines):
    """Several lines are one report. By hand, without a monitor, nothing is said."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto("\n".join(lines).encode(), address)


def query(database, sql, *parameters):
    with database, database.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else None


def upsert(database, table, columns, keys, rows):
    """One statement, however many rows."""
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns.split(", ") if column not in keys.split(", "))
    with database, database.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor, f"INSERT INTO {table} ({columns}) VALUES %s ON CONFLICT ({keys}) DO UPDATE SET {changes}", rows, page_size=len(rows) + 1)


def fetch(team, day):
    url = f"{os.environ['NBA_URL']}/getNBATeamLines?teamAbv={team}&gameDate={day:%Y%m%d}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["body"]["lines"]


def fetch_all(day):
    """The lines of all teams that answered, and how many did."""
    rows, arrived = [], 0
    for number, team in enumerate(TEAMS, 1):
        if number > 1:
            time.sleep(DELAY)
        try:
            rows += [(day, team, line["playerID"], int(line["pts"])) for line in fetch(team, day)]
            arrived += 1
        except urllib.error.HTTPError as error:
            say(f"MISSING={team}: the source answered {error.code}")
        say(f"PROGRESS={number}/{len(TEAMS)}", "WATCHDOG=1", f"ITEM={team}", "METRIC=api_calls_made+=1")
    return rows, arrived


def scrape_one(database, day):
    """One team, told by its item."""
    rows = [(day, os.environ["BATCH_ITEM"], line["playerID"], int(line["pts"])) for line in fetch(os.environ["BATCH_ITEM"], day)]
    upsert(database, "raw_lines", "day, team, player, points", "day, player", rows)
    say(f"RECORDS={len(rows)}")


def scrape(database, day):
    """Phase 1: all 30 teams, politely, then one write."""
    say("STEP=fetch")
    rows, arrived = fetch_all(day)
    if arrived == 0:
        say("STEP_RESULT=failed", "STATUS=the source is down", "ERROR_CLASS=transient")
        sys.exit(EX_TEMPFAIL)
    say("STEP_RESULT=success", f"RECORDS={len(rows)}")
    say("STEP=store")
    if rows:
        upsert(database, "raw_lines", "day, team, player, points", "day, player", rows)
    if arrived == len(TEAMS):
        upsert(database, "scraped", "day, lines", "day", [(day, len(rows))])
    say("STEP_RESULT=success", f"RECORDS={len(rows)}")
    say(f"RECORDS={len(rows)}", f"COVERAGE={arrived}/{len(TEAMS)}", f"PARAMETER=date={day}")
    if arrived == len(TEAMS) and not rows:
        say("EXPECTED=0", "NOTE=nobody played that day")


def ready(database, day):
    """Whether the input of phase 2 is there; where not, what is waited for."""
    if not query(database, "SELECT 1 FROM scraped WHERE day = %s", day):
        print(f"the raw lines of {day} are not there yet")
        sys.exit(1)


def process(database, day):
    """Phase 2."""
    rows = query(database, "SELECT day, team, player, points FROM raw_lines WHERE day = %s", day)
    if not rows:
        say("RECORDS=0", "EXPECTED=0")
        return
    upsert(database, "player_days", "day, team, player, points", "day, player", rows)
    # A counter that is broken in the way that theirs was: the work is done, and zero is told.
    say(f"RECORDS={0 if os.environ.get('NBA_BROKEN_COUNTER') else len(rows)}")


def analytics(database, day):
    """Phase 3: the sums of the teams."""
    rows = query(database, "SELECT day, team, sum(points)::int, count(*)::int FROM player_days WHERE day = %s GROUP BY day, team", day)
    if rows:
        upsert(database, "team_days", "day, team, points, players", "day, team", rows)
    there = {row[1] for row in rows}
    say(f"RECORDS={len(rows)}", f"COVERAGE={len(there)}/{len(TEAMS)}", *(f"MISSING={team}: no lines" for team in TEAMS if team not in there))


def precompute(database, day):
    """Phase 4: what is known of each player up to that day."""
    rows = query(database, "SELECT %s::date, player, count(*)::int, avg(points) FROM player_days WHERE day <= %s GROUP BY player ORDER BY player", day, day)
    rows = rows[:int(os.environ.get("NBA_FEATURES", "211"))]
    query(database, "DELETE FROM features WHERE day = %s", day)
    if rows:
        upsert(database, "features", "day, player, games, mean_points", "day, player", rows)
    say(f"RECORDS={len(rows)}")


def predict(database, day):
    """Phase 5: those of the 211 players that have features; of the others the reason is told where it is known."""
    known = dict(query(database, "SELECT player, mean_points FROM features WHERE day = %s", day))
    roster = [row[0] for row in query(database, "SELECT DISTINCT player FROM player_days ORDER BY player")]
    if known:
        upsert(database, "predictions", "day, player, points, source", "day, player", [(day, player, mean, "features") for player, mean in known.items()])
    unexplained = int(os.environ.get("NBA_UNEXPLAINED", "0"))
    for number, player in enumerate(player for player in roster if player not in known):
        say(f"MISSING={player}" if number < unexplained else f"MISSING={player}: no features")
    say(f"RECORDS={len(known)}", f"COVERAGE={len(known)}/{len(roster)}" if roster else "COVERAGE=0")


def fallback(database, day):
    """Runs where predict had too little: the player's own mean for those who have no features."""
    rows = query(database, "SELECT %s::date, p.player, avg(p.points), 'own mean' FROM player_days AS p WHERE NOT EXISTS"
                           " (SELECT 1 FROM predictions AS t WHERE t.day = %s AND t.player = p.player) GROUP BY p.player", day, day)
    upsert(database, "predictions", "day, player, points, source", "day, player", rows)
    say(f"RECORDS={len(rows)}", "QUALITY=limited")


def write(database, day):
    """One of many writers, counted in the warehouse itself while it writes."""
    query(database, "UPDATE warehouse SET writers = writers + 1, most = greatest(most, writers + 1)")
    time.sleep(float(os.environ.get("NBA_WRITE_SECONDS", "0.5")))
    query(database, "UPDATE warehouse SET writers = writers - 1, done = done + 1")
    say("RECORDS=1")


def missing_day(database):
    """A missed day is picked up by the next run."""
    today = datetime.date.fromisoformat(os.environ["NBA_TODAY"])
    days = [today - datetime.timedelta(days=back) for back in (3, 2, 1)]
    there = {row[0] for row in query(database, "SELECT day FROM scraped")}
    return next((day for day in days if day not in there), days[-1])


def main():
    phases = {function.__name__: function for function in (scrape, scrape_one, ready, process, analytics, precompute, predict, fallback, write)}
    given = [argument for argument in sys.argv[2:] if argument.startswith("--date=")]
    database = psycopg2.connect(os.environ["NBA_DATABASE"])
    phases[sys.argv[1]](database, datetime.date.fromisoformat(given[0][7:]) if given else missing_day(database))


if __name__ == "__main__":
    main()
