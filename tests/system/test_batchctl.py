"""batchctl against a daemon that answers on order: what it asks, shows and exits with."""
import json
import os
import socket
import subprocess
import time

import pytest

from batchtest import paths
from batchtest.ctl import CURRENT, JOB, RUN, RUN_ID, SHOWN, STATUS, ctl, daemon, rows_of  # noqa: F401
from batchtest.fake_daemon import Refusal


# --- the command line


@pytest.mark.parametrize("arguments, words", [
    ((), "say what to do"),
    (("stauts",), "did you mean 'status'?"),
    (("hist",), "did you mean 'history'?"),
    (("run",), "run needs JOB"),
    (("run", "weekly", "--mod", "x"), "did you mean --mode?"),
    (("run", "weekly", "--mode"), "--mode needs a value"),
    (("run", "weekly", "--force=yes"), "--force takes no value"),
    (("run", "weekly", "-Z"), "no option -Z"),
    (("run", "weekly", "-p", "week"), "--param=NAME=VALUE"),
    (("run", "weekly", "--timeout", "soon"), "a time span such as"),
    (("run", "weekly", "--triggered-by", "me"), "one of manual, api, timer"),
    (("run", "weekly", "--due", "someday"), "2026-09-22 14:00"),
    (("status", "1", "2"), "too much behind 'batchctl status [RUN]'"),
    (("history", "--since", "31 february"), "--since takes a time"),
    (("history", "-n", "0"), "a number from 1"),
    (("tail", "-n", "many"), "a number from 0"),
    (("readiness", "19"), "a week from 1 to 18, not '19'"),
    (("backfill", "daily", "-p", "team", "-p", "week"), "not through team and week"),
    (("-o", "yaml", "status"), "one of text, json"),
    (("help", "stauts"), "did you mean 'status'?"),
])
def test_usage_errors_name_the_mistake_and_the_right_word(arguments, words):
    status, out, err = ctl(None, *arguments)
    assert status == 2 and words in err and out == "", err


def test_help_begins_with_examples_for_every_command():
    _, out, _ = ctl(None, "--help")
    commands = [line.split()[0] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert {"run", "status", "tail", "list", "show", "history", "logs", "cancel", "reload", "report", "version"} <= set(commands)
    for command in commands:
        status, text, _ = ctl(None, command, "--help")
        assert status == 0 and text.startswith("Examples:\n  batchctl ") and f"Usage: batchctl {command}" in text, text


def test_no_daemon_at_all_is_answered_at_once(tmp_path):
    took = []
    for _ in range(3):  # the machine may be busy once, not thrice
        began = time.monotonic()
        status, out, err = ctl(None, "--socket", str(tmp_path / "none.sock"), "status")
        took.append(time.monotonic() - began)
        assert status == 8 and "start batchd" in err and out == ""
    assert min(took) < paths.patience(1)
    status, _, err = ctl(None, "status", BATCHD_SOCKET=str(tmp_path / "other.sock"))
    assert status == 8 and "other.sock" in err


def test_the_socket_is_looked_for_in_the_order_of_the_manual(daemon, tmp_path):
    daemon.answers["job.list"] = {"jobs": []}
    own = tmp_path / "batchd"
    own.mkdir()
    (own / "control.sock").symlink_to(daemon.socket)
    assert ctl(None, "list", XDG_RUNTIME_DIR=str(tmp_path), BATCHD_SOCKET="")[0] == 0
    assert ctl(None, "list", XDG_RUNTIME_DIR=str(tmp_path), BATCHD_SOCKET="/nonexistent")[0] == 8
    assert ctl(None, "--socket", daemon.socket, "list", BATCHD_SOCKET="/nonexistent")[0] == 0


@pytest.mark.parametrize("kind, expected", [
    ("already_running", 5), ("not_found", 4), ("not_permitted", 6), ("rate_limited", 7), ("invalid_params", 2),
    ("unavailable", 8), ("version_mismatch", 8), ("internal", 1), ("paused", 5), ("a_kind_of_tomorrow", 1)])
def test_refusals_have_their_exit_statuses(daemon, kind, expected):
    def refuse(params, connection):
        raise Refusal(kind, "do this instead", run_number=41)

    daemon.answers["run.start"] = refuse
    status, out, err = ctl(daemon, "run", "weekly")
    assert (status, out) == (expected, "") and "do this instead" in err
    if kind == "already_running":
        assert "batchctl tail -f 41" in err and "batchctl cancel 41" in err
    status, out, _ = ctl(daemon, "run", "weekly", "-o", "json")
    assert status == expected and json.loads(out)["error"] == "do this instead"


def test_a_daemon_that_refuses_everything_is_asked_once_more_and_no_further(daemon):
    def refuse(params, connection):
        raise Refusal("unknown_method", "no such method")

    daemon.answers["run.start"] = daemon.answers["daemon.hello"] = refuse
    status, _, err = ctl(daemon, "run", "weekly")
    assert status == 1 and "no such method" in err and len(daemon.params_of("daemon.hello")) == 1


# --- the screens


def test_status_shows_everything_at_a_glance(daemon):
    daemon.answers.update({"daemon.status": STATUS, "run.current": {"runs": [CURRENT]}, "run.list": {"runs": [RUN]}})
    status, out, _ = ctl(daemon, "status")
    assert status == 0
    assert "batchd 9.9.9 on testhost, up 1h 2min, 2 jobs" in out
    assert "down: connection refused, 12 rows waiting" in out
    assert "disk  12.3 GB of 40.0 GB free (state, runs)\n" in out
    assert "disk  low, 81.0 MB of 100.0 MB free and 7 of 511000 files (runtime)\n" in out
    assert "/jobs.d/x.job:3: unknown key 'Exce'" in out
    assert "weekly #42" in out and "30%  game_logs 3/15  1/4 done  0 failed  1min 3s" in out
    assert "\n 41  weekly  full  partial  2026-11-22 02:00:00  1min 39s  timer    week=12 season=2026\n" in out
    assert "\x1b" not in out
    status, out, _ = ctl(daemon, "status", "-o", "json")
    assert json.loads(out) == {"daemon": STATUS, "current": [CURRENT], "recent": [RUN]}


def test_status_of_an_idle_daemon_says_how_to_begin(daemon):
    daemon.answers.update({"daemon.status": STATUS, "run.current": {"runs": []}, "run.list": {"runs": []}})
    _, out, _ = ctl(daemon, "status")
    assert "Nothing runs." in out and "'batchctl run JOB' starts one" in out


def test_status_of_a_run_shows_steps_counters_warnings(daemon):
    daemon.answers["run.show"] = SHOWN
    status, out, _ = ctl(daemon, "status", "42")
    assert status == 0 and daemon.params_of("run.show") == [{"run": "42"}]
    lines = rows_of(out)
    assert lines[0] == "weekly #42 failed"
    assert "parameters week=12 season=2026" in lines and "error step odds failed" in lines
    assert "1 schedule - success 2 1.5s 272" in lines
    assert "2 odds KC failed (timeout) - 10min - no answer\\x0afor 10 minutes" in lines
    assert "api_calls_made 17" in lines
    assert "unknown_player (game_logs): 3 are unknown (2 times)" in lines
    assert "four teams have no game" in lines
    assert json.loads(ctl(daemon, "status", "42", "-o", "json")[1]) == SHOWN


def test_list_and_show_describe_the_jobs(daemon):
    daemon.answers.update({"job.list": {"jobs": [{**JOB, "last_run": RUN}, {"job": "new", "last_run": None, "broken": "x.job:1: no steps"}]},
                           "job.show": JOB})
    _, out, _ = ctl(daemon, "list")
    rows = rows_of(out)
    assert "weekly 41 partial 2026-11-22 02:00:00 1min 39s The weekly update" in rows
    assert any(row.startswith("new - never ran") and "x.job:1: no steps" in row for row in rows), out
    _, out, _ = ctl(daemon, "show", "weekly")
    rows = rows_of(out)
    assert "week integer 1..18 required Week" in rows
    assert "full (default) schedule odds" in rows
    assert "schedule - 10min 3 from 5s fetch schedule" in rows
    assert "odds (not critical) schedule - - fetch odds" in rows
    assert json.loads(ctl(daemon, "show", "weekly", "-o", "json")[1]) == JOB


def test_history_asks_for_what_was_said_page_by_page(daemon):
    def page(params, connection):
        first = params.get("before", 1001) - 1
        numbers = range(first, max(0, first - min(params["limit"], 7)), -1)
        return {"runs": [{**RUN, "run_number": number} for number in numbers], "next": numbers[-1]}

    daemon.answers["run.list"] = page
    status, out, _ = ctl(daemon, "history", "weekly", "-n", "20", "--status", "partial", "-p", "week=12", "--mode", "full",
                         "--type", "t", "--triggered-by", "catch_up", "--since", "2026-11-20", "--until", "2026-11-22 14:00", "--utc")
    asked = daemon.params_of("run.list")
    assert status == 0 and len(out.splitlines()) == 21 and len(asked) == 3
    assert asked[0] == {"job": "weekly", "mode": "full", "type": "t", "status": "partial", "triggered_by": "catch_up",
                        "params": {"week": "12"}, "since": "2026-11-20T00:00:00.000000Z", "until": "2026-11-22T14:00:00.000000Z",
                        "limit": 20}
    assert asked[2]["limit"] == 6 and asked[2]["before"] == 987
    daemon.answers["run.list"] = {"runs": []}
    assert ctl(daemon, "history")[1] == "no such runs\n"
    assert json.loads(ctl(daemon, "history", "-o", "json")[1]) == []


def test_times_are_local_unless_utc_is_asked_for(daemon):
    daemon.answers["run.list"] = {"runs": [RUN]}
    assert "2026-11-21 21:00:00" in ctl(daemon, "history", TZ="America/New_York")[1]
    assert "2026-11-22 02:00:00" in ctl(daemon, "history", "--utc", TZ="America/New_York")[1]
    ctl(daemon, "history", "--since", "2026-11-22 01:00", TZ="America/New_York")
    assert daemon.params_of("run.list")[-1]["since"] == "2026-11-22T06:00:00.000000Z"


def test_logs_put_pages_and_pieces_together(daemon):
    text = ("2026-11-22T04:20:08.100000001Z stdout F first\n2026-11-22T04:20:08.200000001Z stderr P half \n"
            "2026-11-22T04:20:08.300000001Z stderr F whole\n2026-11-22T04:20:09.000000001Z stdout F \n")
    cut = text.index("2026-11-22T04:20:08.3")

    def read(params, connection):
        offset = params.get("offset", 0)
        head = {"run_id": RUN_ID, "step": "odds", "item": "", "attempt": 2, "size": len(text), "offset": offset}
        return {**head, "text": text[:cut], "next": cut} if offset == 0 else {**head, "text": text[offset:]}

    daemon.answers["log.read"] = read
    status, out, _ = ctl(daemon, "logs", "41", "odds")
    assert (status, out) == (0, "first\nhalf whole\n\n")
    assert daemon.params_of("log.read") == [{"run": "41", "step": "odds"},
                                            {"run": RUN_ID, "step": "odds", "item": "", "attempt": 2, "offset": cut}]
    _, out, _ = ctl(daemon, "logs", "-t", "--item", "KC", "--attempt", "1")
    assert out.splitlines()[:2] == ["2026-11-22 04:20:08 | first", "2026-11-22 04:20:08 ! half whole"]
    assert json.loads(ctl(daemon, "logs", "-o", "json")[1])["text"] == text


def test_cancel_reload_version(daemon):
    daemon.answers["run.cancel"] = {"run_number": 42, "run_id": RUN_ID, "job": "weekly", "status": "cancelled", "processes_ended": 3}
    assert ctl(daemon, "cancel", "42", "--reason", "wrong week")[:2] == (0, "weekly #42 cancelled, 3 processes ended\n")
    asked = daemon.params_of("run.cancel")[0]
    assert (asked["run"], asked["reason"]) == ("42", "wrong week") and asked["request_id"]
    daemon.answers["daemon.reload"] = {"jobs": 2, "added": ["a"], "changed": [], "removed": ["b", "c"], "errors": []}
    assert ctl(daemon, "reload")[:2] == (0, "2 jobs in force\nadded: a\nremoved: b, c\n")
    daemon.answers["daemon.reload"] = {"jobs": 1, "errors": STATUS["job_errors"]}
    status, _, err = ctl(daemon, "reload")
    assert status == 1 and "/jobs.d/x.job:3: unknown key 'Exce'" in err
    assert "batchd 9.9.9, protocol 1, on testhost" in ctl(daemon, "version")[1]
    assert ctl(None, "--version")[1].startswith("batchctl ")


def test_output_that_cannot_be_written_is_no_success(daemon):
    daemon.answers["run.list"] = {"runs": [RUN]}
    for arguments in (["history"], ["history", "-o", "json"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            process = subprocess.run([paths.BATCHCTL, "--socket", daemon.socket, *arguments], stdout=full, stderr=subprocess.PIPE,
                                     text=True, check=False)
        assert process.returncode == 1 and "No space left" in process.stderr


# --- report


def test_report_speaks_the_step_protocol(tmp_path):
    path = str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as monitor:
        monitor.bind(path)
        monitor.settimeout(paths.patience())
        status, out, err = ctl(None, "report", "--progress", "15/75", "--metric", "games_processed+=16", "--metric", "x=-2",
                               "--status", "two\nlines", "--warning", "unknown_player: 3", "--note", "n", "--item", "KC",
                               "--records", "523", "--expected=0", "--coverage", "0.87", "--error-class", "transient",
                               "--parameter", "week=6", "--step", "s", "--step-result", "failed", "--quality", "limited",
                               "--missing", "KC: late", "--result", '{"a": [1, 2]}', "--heartbeat", "--extend-timeout", "5min",
                               NOTIFY_SOCKET=path)
        assert (status, out, err) == (0, "", "")
        assert monitor.recv(65536).decode().splitlines() == [
            "PROGRESS=15/75", "METRIC=games_processed+=16", "METRIC=x=-2", "STATUS=two lines", "WARNING=unknown_player: 3", "NOTE=n",
            "ITEM=KC", "RECORDS=523", "EXPECTED=0", "COVERAGE=0.87", "ERROR_CLASS=transient", "PARAMETER=week=6", "STEP=s",
            "STEP_RESULT=failed", "QUALITY=limited", "MISSING=KC: late", 'RESULT={"a":[1,2]}', "WATCHDOG=1",
            "EXTEND_TIMEOUT_USEC=300000000"]


@pytest.mark.parametrize("arguments, words", [
    (("--progress", "15"), "done/total"), (("--metric", "x"), "name+=number"), (("--metric", "+=1"), "name+=number"),
    (("--metric", "x+=1.5"), "name+=number"), (("--coverage", "87"), "from 0 to 1"), (("--records", "-1"), "from 0"),
    (("--result", "{"), "JSON"), (("--quality", "good"), "full, limited, failed"), (("--parameter", "week"), "name=value"),
    (("--status", "x" * 70000), "65536 bytes"), ((), "say what to report")])
def test_report_refuses_what_the_monitor_would(tmp_path, arguments, words):
    status, _, err = ctl(None, "report", *arguments, NOTIFY_SOCKET=str(tmp_path / "n"))
    assert status == 2 and words in err, err


def test_report_without_a_monitor(tmp_path):
    status, _, err = ctl(None, "report", "--records", "1", NOTIFY_SOCKET=str(tmp_path / "n"))
    assert status == 8 and "cannot be told" in err
    status, _, err = ctl(None, "report", "--records", "1", NOTIFY_SOCKET="")
    assert status == 0 and "not inside a step" in err


# --- completion


def test_completion_offers_what_may_stand_there(daemon):
    daemon.answers.update({"job.list": {"jobs": [JOB, {"job": "wonder"}]}, "job.show": JOB, "run.list": {"runs": [RUN]}, "run.show": SHOWN})
    steps = list(dict.fromkeys(step["step_name"] for step in SHOWN["steps"]))

    def offered(*words):
        return ctl(None, "__complete", *words, BATCHD_SOCKET=daemon.socket)[1].split()

    assert offered("sta") == ["status"]
    assert "__complete" not in offered("") and "run" in offered("")
    assert offered("run", "we") == ["weekly"]
    assert offered("run", "weekly", "--mo") == ["--mode="]
    assert offered("run", "weekly", "--mode", "") == ["full", "odds_only"]
    assert offered("run", "weekly", "-p", "") == ["week="]
    assert offered("run", "weekly", "--triggered-by", "ti") == ["timer"]
    assert offered("run", "--mode", "full", "weekly", "-p", "") == ["week="]
    assert offered("status", "") == ["41"] and offered("status", "41", "") == []
    assert offered("logs", "41", "") == steps and offered("logs", "41", steps[0][:3]) == steps[:1]
    assert offered("retry", "41", "--from", "") == steps and offered("reset", "weekly", "") == [step["name"] for step in JOB["steps"]]
    assert offered("validate", "x") == [":files"] and offered("--socket", "") == [":files"]
    assert offered("history", "--status", "p") == ["partial"]
    assert ctl(None, "__complete", "run", "", BATCHD_SOCKET="/nonexistent") == (0, "", "")


@pytest.mark.parametrize("words, expected", [
    (["batchctl", "run", "w"], "weekly"),
    (["batchctl", "run", "weekly", "--mode", "=", "o"], "odds_only"),
    (["batchctl", "run", "weekly", "--mode", "="], "full odds_only")])
def test_bash_completion_works_in_bash(daemon, words, expected):
    daemon.answers.update({"job.list": {"jobs": [JOB]}, "job.show": JOB})
    script = os.path.join(paths.SOURCE, "client", "ctl", "completion", "batchctl.bash")
    array = " ".join(f"'{word}'" for word in words)
    code = (f"batchctl() {{ '{paths.BATCHCTL}' \"$@\"; }}; compopt() {{ :; }}; source '{script}'; COMP_WORDS=({array}); "
            f"COMP_CWORD={len(words) - 1}; _batchctl; echo \"${{COMPREPLY[*]}}\"")
    out = subprocess.run(["bash", "--norc", "-c", code], env={**os.environ, "BATCHD_SOCKET": daemon.socket}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert " ".join(out.stdout.split()) == expected, out


def test_every_command_and_option_is_in_the_manual():
    with open(os.path.join(paths.SOURCE, "client", "ctl", "batchctl.1.scd"), encoding="utf-8") as page:
        manual = page.read()
    _, out, _ = ctl(None, "--help")
    commands = [line.split()[0] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    sections = {text.split()[0]: text for text in manual.split("# COMMANDS")[1].split("\n# OPTIONS")[0].split("\n## ")[1:]}
    assert sorted(sections) == sorted(commands)
    for command in commands:
        _, text, _ = ctl(None, command, "--help")
        own, common = text.split("Options of every command:")
        for line in own.splitlines() + common.splitlines():
            if not line.startswith(("  -", "      --")):
                continue
            option = line.split("--")[1].split()[0]
            name = "*--" + option.replace("=", "=*", 1).split("*")[0] + "*"
            where = sections[command] if line in own.splitlines() else manual.split("\n# OPTIONS")[1]
            assert name in where, (command, name)
