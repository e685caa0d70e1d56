"""The week at every hour of whole seasons, by the worker's function and query, against a table that is built in another way.

The table: time is cut into blocks from Tuesday to Monday, Eastern days. A block with games is their week, a block without is the week
of the next game; a day behind the last game has none. Where a schedule is changed so that a block holds games of two weeks, the days
in question are written down by hand."""
import datetime
import os
import subprocess
import sys
import zoneinfo

import pytest

from batchtest import paths
from batchtest.football import DATA, HAS_DATA, Football, install_tables
from batchtest.seasons import GAME_COLUMNS, copy_rows, rows_of

sys.path.insert(0, os.path.join(paths.SOURCE, "tests"))

from apiplayer.generated import generate_league  # noqa: E402

EASTERN = zoneinfo.ZoneInfo("America/New_York")
DAY = datetime.timedelta(days=1)
FALLBACK = "the week comes from the calendar, which knows nothing of the playoffs' dates and of changes to the schedule"
needs_data = pytest.mark.skipif(not HAS_DATA, reason=f"no recorded seasons in {DATA}")


def season_games(season):
    """[(day, week number, season type, game id)]."""
    if season is None:
        source = generate_league().games.values()
    else:
        source = rows_of("games_2026_schedule.csv" if season == 2026 else "games_2023_2024.csv")
    return [(datetime.date.fromisoformat(game["game_date"]), int(game["week"]), game["season_type"], game["game_id"])
            for game in source if season is None or int(game["season"]) == season]


def store(database, season, games):
    """Kickoffs from a minute after midnight to a minute before it: only days count."""
    copy_rows(database, "schedule", GAME_COLUMNS[:7] + ("status", "kickoff"), [
        [name, season, week, kind, day, name[9:].split("@")[0], name.split("@")[1], "scheduled",
         datetime.datetime.combine(day, datetime.time(0, 1) if number % 2 else datetime.time(23, 59), EASTERN).isoformat()]
        for number, (day, week, kind, name) in enumerate(games)])


def block_of(day):
    return day - DAY * ((day.weekday() - 1) % 7)


def table(games, season, first, last):
    """{day: (season, type, week)} by blocks; None behind the last game's block."""
    blocks = {}
    for day, week, kind, _ in games:
        blocks.setdefault(block_of(day), set()).add((season, kind, week))
    assert all(len(weeks) == 1 for weeks in blocks.values())
    expected = {}
    for offset in range((last - first).days + 1):
        day = first + DAY * offset
        ahead = [block for block in sorted(blocks) if block >= block_of(day)]
        expected[day] = next(iter(blocks[ahead[0]])) if ahead else None
    return expected


def ask(conninfo, instants):
    harness = os.path.join(paths.BUILD, "tests", "system", "week_harness")
    text = "".join(f"{int(instant.timestamp())}\n" for instant in instants)
    out = subprocess.run([harness, conninfo], input=text, capture_output=True, text=True, check=True).stdout
    answers = [line.split(" ", 3) for line in out.splitlines()]
    return [((int(season), kind, int(week)), why) for season, kind, week, why in answers]


def check_hours(conninfo, expected):
    """Every hour of every day of the table, those of the change of the clock among them."""
    first, last = min(expected), max(expected)
    start = datetime.datetime.combine(first, datetime.time(), EASTERN).astimezone(datetime.timezone.utc)
    end = datetime.datetime.combine(last + DAY, datetime.time(), EASTERN).astimezone(datetime.timezone.utc)
    hours = [start + datetime.timedelta(hours=number) for number in range(int((end - start).total_seconds() // 3600))]
    moments = [moment for hour in hours for moment in (hour, hour + datetime.timedelta(minutes=59, seconds=59))]
    for moment, (week, why) in zip(moments, ask(conninfo, moments)):
        local = moment.astimezone(EASTERN)
        wanted = expected[local.date()]
        if wanted is None:
            assert FALLBACK in why and "holds no game" in why, f"{local}: {week} without a word"
        else:
            assert (week, why) == (wanted, ""), f"{local:%A %d %B %Y %H:%M} Eastern: {week} {why}, not {wanted}"
    return len(moments)


@pytest.mark.parametrize("season", [None, *(pytest.param(season, marks=needs_data) for season in (2023, 2024, 2026))], ids=str)
def test_every_hour_of_a_season(database, season):
    """Thursdays, Saturdays, Monday doubles, mornings abroad, byes, Christmas on a Wednesday (2024), a Wednesday opener (2026), the fortnight
    before the last game, the weeks before the first and the days after the last."""
    install_tables(database)
    games = season_games(season)
    store(database, season or 2024, games)
    first, last = min(games)[0] - 30 * DAY, max(games)[0] + 20 * DAY
    assert check_hours(database.conninfo, table(games, season or 2024, first, last)) > 7000


def move(games, name, day):
    return [(day, week, kind, other) if other == name else (when, week, kind, other) for when, week, kind, other in games]


@pytest.mark.parametrize("days, by_hand", [
    # To the Tuesday: for its Tuesday the new week, which people now talk about; Monday, without a game, still shows the old one.
    (2, {}),
    # To the Wednesday of the week after, as happened in 2020: on Wednesday it is the first game in the next four days, and decides.
    (3, {3: "old"}),
    # To the Friday before, and to the Saturday.
    (-2, {}), (-1, {}),
])
def test_moved_games(database, days, by_hand):
    install_tables(database)
    games = season_games(None)
    expected = table(games, 2024, min(games)[0] - 3 * DAY, max(games)[0])
    sunday, week, kind, name = next(game for game in games if game[1] == 7 and game[0].weekday() == 6)
    for offset, which in by_hand.items():
        assert which == "old"
        expected[sunday + offset * DAY] = (2024, kind, week)
    store(database, 2024, move(games, name, sunday + days * DAY))
    check_hours(database.conninfo, expected)


def test_a_cancelled_game_and_a_postponed_one_decide_nothing(database):
    """The opener is off: the days before it belong to the next game; a whole week that is off is passed over."""
    install_tables(database)
    games = season_games(None)
    store(database, 2024, games)
    left = [game for game in games if game[1] != 5 or game[2] != "reg"]
    database.query("UPDATE schedule SET status = CASE WHEN game_id < '20241007' THEN 'cancelled' ELSE 'postponed' END "
                   "WHERE week = 5 AND season_type = 'reg'")
    check_hours(database.conninfo, table(left, 2024, min(games)[0] - 3 * DAY, max(games)[0]))


def test_two_seasons_in_the_table(database):
    """The end of one is not the beginning of the next, and the summer between belongs to the next."""
    install_tables(database)
    games = season_games(None)
    later = [(day + 364 * DAY, week, kind, f"{day + 364 * DAY:%Y%m%d}{name[8:]}") for day, week, kind, name in games]
    store(database, 2024, games)
    store(database, 2025, later)
    last, first = max(games)[0], min(later)[0]
    expected = table(games, 2024, last - 40 * DAY, last + (7 - last.weekday()) % 7 * DAY)
    expected.update(table(later, 2025, max(expected) + DAY, first + 10 * DAY))
    assert expected[datetime.date(2025, 6, 1)] == (2025, "reg", 1)
    check_hours(database.conninfo, expected)


def test_the_calendar_stands_in(database):
    """Without a database, and with an empty table: the regular season of the recorded years, with a warning each time."""
    install_tables(database)
    first = datetime.datetime(2024, 9, 3, 12, tzinfo=EASTERN)
    moments = [first + DAY * number for number in range(18 * 7)]
    for conninfo, reason in (("", "there is no database"), (database.conninfo, "holds no game from last Tuesday on")):
        for number, (week, why) in enumerate(ask(conninfo, moments)):
            assert week == (2024, "reg", number // 7 + 1)
            assert reason in why and FALLBACK in why


def test_the_warning_reaches_the_run(database):
    """Category, reason and risk, on stderr and in the report; the run goes on."""
    install_tables(database)
    football = Football(None, database.conninfo)
    football.now = "2024-10-29T12:00:00Z"
    result = football.good("week")
    assert result.parameters == {"season": "2024", "week": "9", "season_type": "reg"}
    warning, = result.warnings("week_detection")
    assert "holds no game" in warning and FALLBACK in warning and FALLBACK in result.errors
    football.conninfo = "host=/nonexistent"
    result = football.good("week")
    warning, = result.warnings("week_detection")
    assert "PostgreSQL cannot be reached" in warning and FALLBACK in warning
