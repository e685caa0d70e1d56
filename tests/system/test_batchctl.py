"""batchctl against a daemon that answers on order: what it asks, shows and exits with."""
import json
import os
import socket
import subprocess
import time

import pytest

from batchtest import paths
from batchtest.fake_daemon import FakeDaemon, FakeRun, Hangup, Refusal
from batchtest.terminal import Terminal
from batchtest.wait import until

RUN_ID = FakeRun().head["run_id"]
RUN = {"run_id": RUN_ID, "run_number": 41, "job": "weekly", "batch_type": "weekly", "batch_mode": "full", "triggered_by": "timer",
       "triggered_by_user": "root", "status": "partial", "reason": None, "created_at": "2026-11-22T02:00:00.100000Z",
       "started_at": "2026-11-22T02:00:00.110000Z", "completed_at": "2026-11-22T02:01:40.000000Z", "duration_seconds": 99.89,
       "error_message": None, "parameters": {"week": 12, "season": 2026}, "metrics": {"api_calls_made": 17},
       "warnings": [{"category": "unknown_player", "text": "3 are unknown", "step": "game_logs", "item": "", "count": 2}],
       "notes": ["four teams have no game"]}
STATUS = {"version": "9.9.9", "protocol": 1, "host": "testhost", "uptime_seconds": 3725.0, "jobs": 2, "watchers": 1, "memory_bytes": 6000000,
          "job_errors": [{"file": "/jobs.d/x.job", "line": 3, "message": "unknown key 'Exce'"}], "store": {"state": "up"},
          "launcher": {"state": "up"}, "mirror": {"state": "down", "error": "connection refused", "rows_waiting": 12}}
CURRENT = {"run_number": 42, "run_id": RUN_ID, "job": "weekly", "status": "running", "elapsed_seconds": 63.2, "total": 4, "completed": 1,
           "failed": 0, "progress_percent": 30.0, "current_step": "game_logs", "step_done": 3, "step_total": 15}
SHOWN = {"run": {**RUN, "run_number": 42, "status": "failed", "error_message": "step odds failed"},
         "progress": {"total": 2, "completed": 2, "failed": 1, "running": 0, "percent": 100.0},
         "steps": [{"step_name": "schedule", "item": "", "attempt": 2, "attempts": 2, "step_order": 1, "status": "success", "reason": "exit",
                    "duration_seconds": 1.5, "records_processed": 272},
                   {"step_name": "odds", "item": "KC", "attempt": 1, "attempts": 1, "step_order": 2, "status": "failed", "reason": "timeout",
                    "duration_seconds": 600.0, "error_message": "no answer\nfor 10 minutes"}],
         "attempts": []}
JOB = {"job": "weekly", "description": "The weekly update", "batch_type": "weekly", "path": "/jobs.d/weekly.job", "overlap": "reject",
       "run_timeout_seconds": 1800.0, "default_mode": "full", "last_run": RUN,
       "parameters": [{"name": "week", "type": "integer", "minimum": 1, "maximum": 18, "required": True, "description": "Week"}],
       "modes": [{"name": "full", "steps": ["schedule", "odds"]}, {"name": "odds_only", "steps": ["odds"]}],
       "steps": [{"name": "schedule", "exec": ["fetch", "schedule"], "timeout_seconds": 600.0, "retries": 3, "retry_delay_seconds": 5.0},
                 {"name": "odds", "exec": ["fetch", "odds"], "after": ["schedule"], "timeout_seconds": None, "critical": False}]}


@pytest.fixture
def daemon():
    made = FakeDaemon().start()
    yield made
    made.remove()


@pytest.fixture
def run(daemon):
    """A run that `run.tail` and `run.start` know."""
    made = FakeRun()
    daemon.answers["run.tail"] = made.tail
    daemon.answers["run.start"] = {**made.head, "status": "queued"}
    return made


@pytest.fixture
def terminal():
    made = []

    def open_terminal(daemon, *arguments, **more):
        made.append(Terminal([paths.BATCHCTL, "--socket", daemon.socket, *arguments], **more))
        return made[-1]

    yield open_terminal
    for one in made:
        one.close()


def start_ctl(daemon, *arguments, **environment):
    command = [paths.BATCHCTL, *(["--socket", daemon.socket] if daemon else []), *arguments]
    env = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", **environment}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def ctl(daemon, *arguments, **environment):
    process = start_ctl(daemon, *arguments, **environment)
    out, err = process.communicate(timeout=paths.patience(20))
    return process.returncode, out, err


def rows_of(text):
    return [" ".join(line.split()) for line in text.splitlines()]


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
    began = time.monotonic()
    status, out, err = ctl(None, "--socket", str(tmp_path / "none.sock"), "status")
    assert status == 8 and "start batchd" in err and out == ""
    assert time.monotonic() - began < paths.patience(1)
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
    ("unavailable", 8), ("version_mismatch", 8), ("internal", 1), ("paused", 1), ("a_kind_of_tomorrow", 1)])
def test_refusals_have_their_exit_statuses(daemon, kind, expected):
    def refuse(params, connection):
        raise Refusal(kind, "do this instead", run_number=41)

    daemon.answers["run.start"] = refuse
    status, out, err = ctl(daemon, "run", "weekly")
    assert (status, out) == (expected, "") and "do this instead" in err
    if kind == "already_running":
        assert "batchctl tail -f 41" in err and "--force" in err
    status, out, _ = ctl(daemon, "run", "weekly", "-o", "json")
    assert status == expected and json.loads(out)["error"] == "do this instead"


# --- the screens


def test_status_shows_everything_at_a_glance(daemon):
    daemon.answers.update({"daemon.status": STATUS, "run.current": {"runs": [CURRENT]}, "run.list": {"runs": [RUN]}})
    status, out, _ = ctl(daemon, "status")
    assert status == 0
    assert "batchd 9.9.9 on testhost, up 1h 2min, 2 jobs" in out
    assert "down: connection refused, 12 rows waiting" in out
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


# --- runs


def test_run_passes_everything_on(daemon, run):
    status, out, _ = ctl(daemon, "run", "weekly", "-m", "full", "-p", "week=12", "--param=note=a=b", "--step", "x", "--step=y", "--force",
                         "--triggered-by", "timer", "--due", "1790000000000000", "--reason", "late")
    assert status == 0 and "weekly #42 started" in out and "batchctl tail -f 42" in out
    asked = daemon.params_of("run.start")[0]
    assert asked.pop("request_id")
    assert asked == {"job": "weekly", "mode": "full", "params": {"week": "12", "note": "a=b"}, "steps": ["x", "y"], "force": True,
                     "triggered_by": "timer", "due": "2026-09-21T14:13:20.000000Z", "reason": "late"}
    assert json.loads(ctl(daemon, "run", "weekly", "-o", "json")[1])["run_number"] == 42
    assert ctl(daemon, "run", "weekly", "-q", "--due", "")[1] == ""


@pytest.mark.parametrize("final, expected", [("success", 0), ("skipped", 0), ("failed", 1), ("cancelled", 1), ("partial", 3)])
def test_wait_exits_by_the_final_status(daemon, run, final, expected):
    process = start_ctl(daemon, "run", "weekly", "--wait")
    until(lambda: run.followers, "it follows")
    run.line("not shown with --wait")
    run.state(steps=[{"step_name": "work", "item": "", "status": final, "attempt": 1, "duration_seconds": 1.5}])
    run.end(final, "exit" if expected == 1 else None, "it went wrong" if expected else None)
    out, err = process.communicate(timeout=paths.patience(10))
    assert (process.returncode, err) == (expected, "")
    assert f"weekly #42: {final}" in out and f"== work: {final} in 1.5s" in out and "not shown" not in out
    assert ("it went wrong" in out) == bool(expected)


def test_wait_with_json_is_one_document(daemon, run):
    daemon.answers["run.show"] = SHOWN
    process = start_ctl(daemon, "run", "weekly", "--wait", "-o", "json")
    until(lambda: run.followers, "it follows")
    run.end("partial")
    out, _ = process.communicate(timeout=paths.patience(10))
    assert process.returncode == 3 and json.loads(out) == SHOWN


def test_a_wait_that_takes_too_long_ends_with_124(daemon, run):
    status, _, err = ctl(daemon, "run", "weekly", "--wait", "--timeout", "200ms")
    assert status == 124 and "run 42 goes on" in err


def test_follow_shows_lines_as_they_come(daemon, run):
    run.line("before")
    process = start_ctl(daemon, "tail", "-f", "--utc")
    until(lambda: run.followers, "it follows")
    run.line("one")
    run.line("bad\x1b[2J", stream="stderr", item="KC")
    run.state(steps=[{"step_name": "work", "item": "KC", "status": "failed", "reason": "timeout", "attempt": 2,
                      "error_message": "too slow", "records_processed": 3}])
    run.end("failed", "timeout", "step work failed")
    out, _ = process.communicate(timeout=paths.patience(10))
    assert process.returncode == 1
    assert out.split("\n")[:3] == ["04:21:01 work | before", "04:21:02 work | one", "04:21:03 work[KC] ! bad\x1b[2J"]
    assert "== work[KC]: failed (timeout), attempt 2, 3 records: too slow" in out
    assert "weekly #42: failed (timeout): step work failed" in out and "batchctl logs 42" in out


def test_tail_without_follow_pages_to_the_end(daemon, run):
    for number in range(1200):
        run.line(f"line {number}")
    run.end("success")
    assert len(ctl(daemon, "tail")[1].splitlines()) == 500
    assert ctl(daemon, "tail", "-n", "1")[1].endswith("work | line 1199\n")
    out = ctl(daemon, "tail", "-n", "1200")[1].splitlines()
    assert len(out) == 1200 and out[0].endswith("line 0") and out[-1].endswith("line 1199")


def test_follow_as_json_is_a_line_an_event(daemon, run):
    process = start_ctl(daemon, "tail", "-f", "-o", "json")
    until(lambda: run.followers, "it follows")
    run.line("x")
    run.state(progress={"percent": 50.0})
    run.end("success")
    out, _ = process.communicate(timeout=paths.patience(10))
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["line", "state", "end"]
    assert events[0]["text"] == "x" and events[1]["progress"]["percent"] == 50.0 and events[2]["status"] == "success"


# --- lost connections


def test_a_follower_survives_restarts_without_a_gap_or_a_repeat(daemon, run):
    run.line("line 1")
    process = start_ctl(daemon, "tail", "-f")
    for restart in range(5):
        until(lambda: run.followers, "it follows")
        run.line(f"line {2 + 2 * restart}")
        daemon.stop(keep_socket=restart % 2 == 0)
        run.followers.clear()
        run.line(f"line {3 + 2 * restart}")
        time.sleep(0.1)
        daemon.start()
    until(lambda: run.followers, "it follows")
    daemon.stop()
    run.followers.clear()
    run.line("line 12")
    run.end("partial")
    daemon.start()
    out, _ = process.communicate(timeout=paths.patience(10))
    assert [line.split("| ")[1] for line in out.splitlines() if "|" in line] == [f"line {number}" for number in range(1, 13)]
    assert process.returncode == 3
    assert {params.get("run") for params in daemon.params_of("run.tail")} == {None, RUN_ID}


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_request(daemon, run):
    def lose_first(params, connection):
        if len(daemon.params_of("run.start")) == 1:
            raise Hangup
        return {**run.head, "status": "queued"}

    daemon.answers["run.start"] = lose_first
    status, out, _ = ctl(daemon, "run", "weekly")
    asked = daemon.params_of("run.start")
    assert status == 0 and "weekly #42 started" in out
    assert len(asked) == 2 and asked[0] == asked[1] and asked[0]["request_id"]
    ctl(daemon, "run", "weekly")
    assert daemon.params_of("run.start")[2]["request_id"] != asked[0]["request_id"]


def test_a_socket_without_a_listener_is_waited_for(daemon):
    """As a killed daemon leaves one; the next one replaces it, so that for a moment there is none."""
    daemon.answers["job.list"] = {"jobs": []}
    daemon.stop()
    process = start_ctl(daemon, "list")
    time.sleep(0.2)
    os.unlink(daemon.socket)
    time.sleep(0.2)
    daemon.start()
    assert process.wait(timeout=paths.patience(10)) == 0


def test_nobody_connects_again_after_a_stop(daemon, run):
    process = start_ctl(daemon, "tail", "-f")
    until(lambda: run.followers, "it follows")
    daemon.say_stopping("stop")
    time.sleep(0.2)
    daemon.stop()
    daemon.start()
    _, err = process.communicate(timeout=paths.patience(10))
    assert process.returncode == 8 and "has been stopped" in err
    assert daemon.connections == []


def test_a_daemon_that_speaks_nonsense_is_left(daemon):
    def nonsense(params, connection):
        connection.stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        raise Hangup

    daemon.answers["job.list"] = nonsense
    status, _, err = ctl(daemon, "list")
    assert status == 8 and "frame" in err


# --- terminals


@pytest.mark.parametrize("environment, coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_only_on_terminals(daemon, terminal, environment, coloured):
    daemon.answers["run.list"] = {"runs": [RUN]}
    screen = terminal(daemon, "history", environment=environment)
    assert screen.wait() == 0
    assert ("\x1b[33mpartial\x1b[0m" in screen.output) == coloured and "partial" in screen.output


def test_narrow_terminals_cut_text_and_not_numbers(daemon, terminal):
    daemon.answers["run.list"] = {"runs": [{**RUN, "error_message": "a very long story " * 10}]}
    screen = terminal(daemon, "history", columns=110)
    screen.wait()
    row = screen.screen()[1]
    assert len(row) <= 110 and row.startswith(" 41  weekly  full  partial  2026") and row.endswith("…")


def test_the_bar_stays_below_the_lines(daemon, run, terminal):
    screen = terminal(daemon, "run", "weekly", "--follow", columns=100)
    until(lambda: screen.read() and run.followers, "it follows")
    run.state(elapsed_seconds=3.0, progress={"total": 4, "completed": 1, "failed": 1, "percent": 30.0}, current_step="work",
              current_item="KC", step_done=3, step_total=15)
    screen.expect("30%  work KC 3/15  1/4 done  1 failed  3s")
    bar = screen.screen()[-1]
    assert bar.startswith("weekly #42 ███") and "░" in bar and len(bar) < 100
    run.line("a line \x1b[2J")
    screen.expect("a line \\x1b[2J")
    until(lambda: screen.read() and "30%" in screen.screen()[-1], "the bar is back")
    assert screen.screen()[-2].endswith("| a line \\x1b[2J") and screen.screen()[-1].startswith("weekly #42 ██")
    screen.resize(50, 20)
    until(lambda: screen.read() and len(screen.screen()[-1]) < 50, lambda: f"it fits: {screen.screen()}")
    assert "1/4 done  1 failed" in screen.screen()[-1]
    run.end("success")
    assert screen.wait() == 0
    assert screen.screen()[-2].startswith("weekly #42: success") and screen.screen()[-1] == ""


def test_quiet_is_quiet(daemon, run, terminal):
    screen = terminal(daemon, "run", "weekly", "--wait", "-q")
    until(lambda: screen.read() and run.followers, "it follows")
    run.state(elapsed_seconds=3.0, progress={"total": 4, "completed": 1, "failed": 1, "percent": 30.0}, steps=[{"step_name": "work", "status": "success"}])
    run.line("a line")
    run.end("failed")
    assert screen.wait() == 1 and screen.output == ""


def test_ctrl_c_detaches_and_never_cancels(daemon, run, terminal):
    screen = terminal(daemon, "run", "weekly", "--follow")
    until(lambda: screen.read() and run.followers, "it follows")
    screen.expect("weekly #42 started")
    screen.read(0.2)
    screen.type("\x03")
    assert screen.wait() == -2
    assert "run 42 goes on: 'batchctl tail -f 42' watches it, 'batchctl cancel 42' ends it" in screen.output
    assert daemon.params_of("run.cancel") == []


def test_long_history_goes_through_the_pager(daemon, terminal):
    daemon.answers["run.list"] = {"runs": [{**RUN, "run_number": number} for number in range(100, 0, -1)]}
    screen = terminal(daemon, "history", environment={"PAGER": "sed 's/^/paged: /'"})
    assert screen.wait() == 0 and screen.screen()[50].startswith("paged: ")
    screen = terminal(daemon, "history", "--no-pager", environment={"PAGER": "sed 's/^/paged: /'"})
    assert screen.wait() == 0 and "paged:" not in screen.output and "weekly" in screen.output
    screen = terminal(daemon, "history", environment={"PAGER": "no-such-pager-here"})
    assert screen.wait() == 0 and "weekly" in screen.output


# --- report


def test_report_speaks_the_step_protocol(tmp_path):
    path = str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as monitor:
        monitor.bind(path)
        monitor.settimeout(paths.patience(5))
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
    daemon.answers.update({"job.list": {"jobs": [JOB, {"job": "wonder"}]}, "job.show": JOB, "run.list": {"runs": [RUN]}})

    def offered(*words):
        return ctl(None, "__complete", *words, BATCHD_SOCKET=daemon.socket)[1].split()

    assert offered("st") == ["status"]
    assert "__complete" not in offered("") and "run" in offered("")
    assert offered("run", "we") == ["weekly"]
    assert offered("run", "weekly", "--mo") == ["--mode="]
    assert offered("run", "weekly", "--mode", "") == ["full", "odds_only"]
    assert offered("run", "weekly", "-p", "") == ["week="]
    assert offered("run", "weekly", "--triggered-by", "ti") == ["timer"]
    assert offered("status", "") == ["41"]
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
