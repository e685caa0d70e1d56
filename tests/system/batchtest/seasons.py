"""Seasons in the football tables without the API: recorded ones, and generated ones of any size."""
import contextlib
import csv
import io
import os
import random

import psycopg2

from .football import DATA, LINE_COLUMNS

GAME_COLUMNS = ("game_id", "season_year", "week", "season_type", "game_date", "away_team", "home_team", "away_score", "home_score",
                "status")
PLAYER_COLUMNS = ("player_id", "name", "position", "team")
LOG_COLUMNS = ("player_id", "game_id", "season_year", "week", "season_type", "team", *LINE_COLUMNS)


def copy_rows(database, table, columns, rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    with contextlib.closing(psycopg2.connect(database.conninfo)) as connection, connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH CSV", text)


def fill(database, games, players, logs):
    copy_rows(database, "schedule", GAME_COLUMNS, games)
    copy_rows(database, "players", PLAYER_COLUMNS, players)
    copy_rows(database, "game_logs", LOG_COLUMNS, logs)
    database.query("ANALYZE schedule, players, game_logs")


def rows_of(name):
    with open(os.path.join(DATA, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fill_recorded_lines(database):
    """What the bookmakers expected of the games of 2023 and 2024, as it stood at their kickoffs."""
    copy_rows(database, "game_lines", ("game_id", "sportsbook", "total", "home_spread", "fetched_at"),
              [[game["game_id"], "recorded", game["total_line"], -float(game["spread_line_home_fav"]), game["game_date"]]
               for game in rows_of("games_2023_2024.csv")])
    database.query("ANALYZE game_lines")


def fill_recorded(database):
    """2023 and 2024. Players are of their last team in them; those whom the API has no id for keep the other one."""
    games = [[game["game_id"], game["season"], game["week"], game["season_type"], game["game_date"], game["away"], game["home"],
              game["away_score"], game["home_score"], "final"] for game in rows_of("games_2023_2024.csv")]
    players, logs = {}, []
    for line in rows_of("player_weeks_2023_2024.csv"):
        player = line["espn_id"] or line["player_id"] or line["player_name"]
        players[player] = [player, line["player_name"], line["position"], line["team"]]
        logs.append([player, line["game_id"], line["season"], line["week"], line["season_type"], line["team"],
                     *(line[column] or 0 for column in LINE_COLUMNS)])
    fill(database, games, players.values(), logs)


def fill_generated(database, seasons=(2023, 2024), weeks=18, teams=16, seed=1):
    """A league where who gets more targets scores more, so that there is something to learn."""
    dice = random.Random(seed)
    names = [f"T{number:02}" for number in range(teams)]
    squads = {team: [(f"{team}-{number}", "TE" if number % 3 == 2 else "WR" if number < 6 else "RB", dice.uniform(0.5, 9))
                     for number in range(8)] for team in names}
    games, logs = [], []
    for season in seasons:
        for week in range(1, weeks + 1):
            order = dice.sample(names, teams)
            for away, home in zip(order[::2], order[1::2]):
                game = f"{season}{week:04}_{away}@{home}"
                lines = [generated_line(dice, player, game, season, week, team)
                         for team in (away, home) for player in squads[team] if dice.random() < 0.9]
                logs += lines
                points = {team: 10 + 7 * sum(line[9] for line in lines if line[5] == team) for team in (away, home)}
                month, day = divmod(week + 8 * 28, 28)
                games.append([game, season, week, "reg", f"{season}-{month + 1:02}-{day + 1:02}", away, home, points[away],
                              points[home], "final"])
    fill(database, games, [[name, name, position, team] for team in names for name, position, _ in squads[team]], logs)


def generated_line(dice, player, game, season, week, team):
    name, position, use = player
    targets = sum(dice.random() < use / 12 for _ in range(12))
    touchdowns = sum(dice.random() < 0.07 for _ in range(targets))
    catches = max(touchdowns, targets * 2 // 3)
    return [name, game, season, week, "reg", team, targets, catches, catches * 11, touchdowns, int(position == "RB"), 3, 0, 0]
