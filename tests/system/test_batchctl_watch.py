"""batchctl watching a run of a daemon that answers on order: lines, ends, lost connections, terminals."""
import json
import os
import time

import pytest

from batchtest import paths
from batchtest.ctl import RUN, RUN_ID, SHOWN, ctl, daemon, run, start_ctl, terminal  # noqa: F401
from batchtest.fake_daemon import Hangup
from batchtest.wait import until


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
    out, err = process.communicate(timeout=paths.patience())
    assert (process.returncode, err) == (expected, "")
    assert f"weekly #42: {final}" in out and f"== work: {final} in 1.5s" in out and "not shown" not in out
    assert ("it went wrong" in out) == bool(expected)


def test_wait_with_json_is_one_document(daemon, run):
    daemon.answers["run.show"] = SHOWN
    process = start_ctl(daemon, "run", "weekly", "--wait", "-o", "json")
    until(lambda: run.followers, "it follows")
    run.end("partial")
    out, _ = process.communicate(timeout=paths.patience())
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
    out, _ = process.communicate(timeout=paths.patience())
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
    out, _ = process.communicate(timeout=paths.patience())
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
    out, _ = process.communicate(timeout=paths.patience())
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
    assert process.wait(timeout=paths.patience()) == 0


def test_nobody_connects_again_after_a_stop(daemon, run):
    process = start_ctl(daemon, "tail", "-f")
    until(lambda: run.followers, "it follows")
    daemon.say_stopping("stop")
    time.sleep(0.2)
    daemon.stop()
    daemon.start()
    _, err = process.communicate(timeout=paths.patience())
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
