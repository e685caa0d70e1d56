"""Random faults, kills, cut connections and updates at once: odds never decrease, predictions never change, nothing is half written."""
import os
import random
import time

import pytest

from batchtest import paths
from batchtest.cut_proxy import CutProxy
from batchtest.football import Football, install_tables

WEEK_9 = ("--season", "2024", "--week", "9", "--season-type", "reg")
COMMANDS = {
    "rosters": ("rosters",), "schedule": ("schedule", "--season", "2024"), "game-logs": ("game-logs", *WEEK_9),
    "odds": ("odds", *WEEK_9), "predictions": ("predictions", *WEEK_9), "new-players": ("game-logs", *WEEK_9, "--new-players"),
    "history": ("history", *WEEK_9), "backfill-odds": ("backfill-odds", "--season", "2024", "--from-week", "7", "--to-week", "9"),
    "readiness": ("readiness", *WEEK_9),
}
QUICK = ("--tries", "2", "--timeout", "1s", "--retry-delay", "10ms")
FAULTS = [
    {"kind": "status", "status": 429}, {"kind": "status", "status": 500}, {"kind": "status", "status": 403, "body": '{"message": "no"}'},
    {"kind": "error200", "error": "Your query returned no results."}, {"kind": "empty"}, {"kind": "empty", "body": []},
    {"kind": "nonjson"}, {"kind": "duplicate"}, {"kind": "truncate"}, {"kind": "wrong_types"}, {"kind": "reset"}, {"kind": "slow", "seconds": 0.2},
    {"kind": "field", "name": "playerID", "value": "9999999"}, {"kind": "field", "name": "anytd", "value": "soon"},
    {"kind": "field", "name": "gameID", "value": "20241103_XX@YY"}, {"kind": "field", "name": "playerStats", "value": []},
]
SEEDS = int(os.environ.get("BATCHTEST_SEEDS", "6"))
STEPS = 14


def rows(database, sql):
    return set(database.query(sql))


class Watch:
    """What was there at the last look, so that the next one sees what went."""

    def __init__(self, database):
        self.database = database
        self.seen = self.look()

    def look(self):
        return {
            "odds": rows(self.database, "SELECT player_id, game_id, sportsbook FROM sportsbook_odds"),
            "lines": rows(self.database, "SELECT game_id, sportsbook FROM game_lines"),
            "predictions": rows(self.database, "SELECT * FROM predictions"),
            "logs": rows(self.database, "SELECT player_id, game_id FROM game_logs"),
            "sets": rows(self.database, "SELECT game_id FROM game_log_sets"),
            "games": rows(self.database, "SELECT game_id FROM schedule"),
            "players": rows(self.database, "SELECT player_id FROM players"),
        }

    def check(self, what):
        now = self.look()
        for name, before in self.seen.items():
            assert before <= now[name], f"{what}: {name} have gone: {sorted(before - now[name])[:3]}"
        self.seen = now
        halves = {
            "a price under one of two books": "SELECT player_id, game_id FROM sportsbook_odds GROUP BY 1, 2 HAVING count(*) <> 2",
            "a line of one of two books": "SELECT game_id FROM game_lines GROUP BY 1 HAVING count(*) <> 2",
            "prices without the line of the same answer": "SELECT game_id FROM sportsbook_odds WHERE game_id NOT IN "
                                                          "(SELECT game_id FROM game_lines)",
            "games with another number of lines than was stored":
                "SELECT game_id, log_count, count(player_id) FROM game_log_sets LEFT JOIN game_logs USING (game_id) GROUP BY 1, 2 "
                "HAVING count(player_id) <> log_count",
            "lines of games that are not stored": "SELECT game_id FROM game_logs WHERE game_id NOT IN (SELECT game_id FROM game_log_sets)",
            "late lines that are not noted": "SELECT b.game_id FROM game_logs_backfilled b LEFT JOIN game_logs USING (player_id, game_id) "
                                             "WHERE team IS NULL",
        }
        for name, sql in halves.items():
            assert not self.database.query(sql), f"{what}: {name}"


def disturb(chance, football, database, proxy, name):
    """One command with one disturbance. What it was, for messages; the exit statuses."""
    how = chance.choice(("faults", "faults", "kill", "cut", "terminate", "twice"))
    football.player.faults()
    football.conninfo = database.conninfo
    if how == "faults" or chance.random() < 0.3:
        football.player.faults(*[dict(chance.choice(FAULTS), after=chance.randrange(6), times=chance.randint(1, 40)) for _ in range(3)])
    if how == "cut":
        proxy.cut_after = chance.randrange(1, 30000)
        football.conninfo = proxy.conninfo(database)
    other = chance.choice((name, *COMMANDS)) if how == "twice" else None
    processes = [football.start(*COMMANDS[one], *QUICK) for one in (name, other) if one]
    if how == "kill":
        time.sleep(chance.uniform(0.005, 0.25))
        processes[0].kill()
    if how == "terminate":
        for _ in range(3):
            time.sleep(chance.uniform(0.002, 0.06))
            database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'batch-nfl' AND datname = %s",
                           (database.name,))
    statuses = []
    for process in processes:
        _, errors = process.communicate(timeout=paths.patience())
        statuses.append(process.returncode)
        assert process.returncode in (0, 65, 75, 78, -9), errors.decode()
    proxy.cut_after = None
    return f"{name} with {how} ({other}), which ended with {statuses}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens(player, database, seed):
    chance = random.Random(seed)
    install_tables(database)
    football, proxy = Football(player, database.conninfo), CutProxy(database.server.folder)
    football.now = "2024-10-29T12:00:00Z"
    try:
        for name in ("rosters", "schedule"):
            football.good(*COMMANDS[name])
        database.query("DELETE FROM players WHERE player_id IN ('5000003', '5000006')")
        watch = Watch(database)
        for number in range(STEPS):
            name = chance.choice(list(COMMANDS))
            watch.check(f"seed {seed}, step {number}: " + disturb(chance, football, database, proxy, name))
        football.player.reset()
        football.conninfo = database.conninfo
        for name in ("rosters", "schedule", "game-logs", "new-players", "backfill-odds", "predictions"):
            football.good(*COMMANDS[name])
        watch.check("the repair")
        assert database.value("SELECT count(*) FROM game_log_sets") == 32, "all that is finished by now is stored"
        assert database.value("SELECT count(DISTINCT game_id) FROM sportsbook_odds WHERE week BETWEEN 7 AND 9") == 12
        assert database.value("SELECT count(*) FROM predictions WHERE week = 9") == 40
        assert not database.value("SELECT odds_fetch_failed FROM data_readiness WHERE week = 9 AND season_type = 'reg'")
        football.player.reset()
        football.good(*COMMANDS["game-logs"])
        assert football.player.counts() == {}, "nothing is fetched twice"
    finally:
        proxy.close()


def test_a_connection_lost_anywhere(player, database):
    """Cut after every so many bytes of the conversation, in the middle of each COPY among them: all of a transaction, or nothing."""
    install_tables(database)
    football, proxy = Football(player, database.conninfo), CutProxy(database.server.folder)
    try:
        for name in ("rosters", "schedule"):
            football.good(*COMMANDS[name])
        for name, table in (("odds", "sportsbook_odds"), ("game-logs", "game_logs"), ("predictions", "predictions")):
            football.conninfo = proxy.conninfo(database)
            proxy.sent = 0
            football.good(*COMMANDS[name])
            whole, length = database.value(f"SELECT count(*) FROM {table}"), proxy.sent
            assert whole and length > 2000
            for cut in range(900, length, max(length // 12, 1)):
                database.query("TRUNCATE sportsbook_odds, game_lines, predictions, game_logs_backfilled; DELETE FROM game_logs; DELETE FROM game_log_sets")
                watch = Watch(database)
                proxy.cut_after = cut
                result = football.run(*COMMANDS[name], "--parallel", "32")
                assert result.status in (0, 75), result.errors
                watch.check(f"{name} cut after {cut} bytes")
                stored = database.value(f"SELECT count(*) FROM {table}")
                if name != "game-logs":
                    assert stored in (0, whole), f"{name} cut after {cut} bytes stored {stored} of {whole} rows"
                assert result.status == 75 or stored == whole
    finally:
        proxy.close()
