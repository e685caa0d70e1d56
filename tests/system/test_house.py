"""The ground that system tests stand on: the private PostgreSQL and the care for processes."""
import json
import os
import subprocess
import sys
import urllib.request

import pytest

from batchtest import processes
from batchtest.wait import until


def test_runs_as_an_ordinary_user():
    assert os.geteuid() != 0


def test_database_is_empty_and_private(database, postgres):
    assert database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert database.value("SHOW listen_addresses") == ""
    assert os.stat(os.path.join(postgres.data)).st_uid == os.geteuid()


def test_databases_do_not_see_each_other(postgres):
    one, two = postgres.create_database(), postgres.create_database()
    one.query("CREATE TABLE mine (n int)")
    assert two.value("SELECT to_regclass('mine')") is None
    one.remove()
    two.remove()


def test_postgres_stops_and_starts_again(own_postgres):
    database = own_postgres.create_database()
    database.query("CREATE TABLE kept (n int)")
    database.query("INSERT INTO kept VALUES (7)")
    own_postgres.stop()
    with pytest.raises(Exception, match="connection to server"):
        database.query("SELECT 1")
    own_postgres.start()
    assert database.value("SELECT n FROM kept") == 7


def test_an_orphan_is_found_and_ended(tmp_path):
    # A grandchild in a session of its own, whose parent is gone.
    code = ("import os, sys, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid(); print(os.getpid(), flush=True); os.close(1); time.sleep(100)\n")
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=True)
    orphan = int(child.stdout)
    assert processes.parents()[orphan][0] == os.getpid()
    assert processes.of_folder(str(tmp_path)) == [orphan]
    assert len(processes.kill_all_of(str(tmp_path))) == 1
    assert not processes.is_alive(orphan)


def test_waiting_says_what_was_waited_for():
    with pytest.raises(AssertionError, match="the moon is full: not within"):
        until(lambda: False, "the moon is full", 0.05)


def test_player_plays_a_generated_league(player):
    with urllib.request.urlopen(player.url + "/getNFLPlayerList", timeout=20) as answer:
        assert json.load(answer)["statusCode"] == 200
    assert player.counts()["getNFLPlayerList"] == 1
    player.reset()
    assert not player.counts()
