"""batchctl and the real daemon: what a person does, from the first run to a restart in the middle."""
import json
import os
import subprocess
import time

import pytest

from batchtest import paths
from batchtest.terminal import Terminal
from batchtest.wait import until

# A step that goes on when the test says so: it prints what is written to its folder's file `say`, line by line, until "end STATUS" comes.
TOLD = """#!/bin/bash
shown=0
while :; do
        mapfile -t lines < "$1" 2>/dev/null
        for line in "${lines[@]:shown}"; do
                shown=$((shown + 1))
                case $line in
                end\\ *) exit "${line#end }" ;;
                report\\ *) eval "batchctl $line" ;;
                err\\ *) echo "${line#err }" >&2 ;;
                *) echo "$line" ;;
                esac
        done
        sleep 0.02
done
"""

JOB = """[Job]
Description=Does what the test says
DefaultMode=full
[Parameter week]
Type=integer
Minimum=1
Maximum=18
[Mode full]
Steps=work last
[Mode last_only]
Steps=last
[Step work]
Exec={script} {say}
KillGraceSec=1s
[Step last]
Exec=/bin/echo week ${{week}} of ${{week}}
"""


class Told:
    def __init__(self, instance):
        self.instance = instance
        self.file = instance.path("say")
        script = instance.path("told")
        for path, text in ((script, TOLD), (self.file, "")):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        os.chmod(script, 0o755)
        instance.write_job("told", JOB.format(script=script, say=self.file))

    def say(self, *lines):
        with open(self.file, "a", encoding="utf-8") as out:
            out.write("".join(f"{line}\n" for line in lines))


@pytest.fixture
def told(make_instance):
    instance = make_instance(environment={"PATH": os.path.dirname(paths.BATCHCTL) + ":" + os.environ["PATH"]})
    made = Told(instance)
    instance.start()
    return made


def follow(instance, *arguments):
    return subprocess.Popen([paths.BATCHCTL, "--socket", instance.socket, *arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def lines_of(text, step="work"):
    return [line.split("| ", 1)[1] for line in text.splitlines() if f" {step} | " in line]


def test_a_run_from_start_to_history(told):
    instance = told.instance
    told.say("hello", "err trouble", "report --progress 3/4 --metric games+=7 --records 12 --status 'on it'",
             "report --warning 'unknown: 2 are unknown'", "end 0")
    result = instance.ctl("run", "told", "-p", "week=12", "--reason", "a test", "--follow", check=False)
    assert result.returncode == 3, result.stdout + result.stderr
    assert lines_of(result.stdout) == ["hello"] and "work ! trouble" in result.stdout
    assert "== work: success in" in result.stdout and ", 12 records" in result.stdout
    assert "told #1: partial" in result.stdout
    shown = instance.ctl("status", "1").stdout
    for words in ("told #1  partial", "week=12", "games", "unknown (work): 2 are unknown"):
        assert words in shown
    assert instance.ctl("logs", "1", "last").stdout == "week 12 of 12\n"
    assert instance.ctl("tail", "1", "-n", "1").stdout.endswith("week 12 of 12\n")
    assert "told" in instance.ctl("history", "told", "--status", "partial", "-p", "week=12").stdout
    assert instance.ctl("history", "-p", "week=11").stdout == "no such runs\n"
    assert instance.ctl("history", "--until", "-1h").stdout == "no such runs\n"
    listed = json.loads(instance.ctl("list", "-o", "json").stdout)["jobs"]
    assert [(job["job"], job["last_run"]["status"]) for job in listed] == [("told", "partial")]
    assert "week       integer 1..18" in instance.ctl("show", "told").stdout


def test_refusals_of_the_real_daemon_have_their_statuses(told):
    instance = told.instance
    assert instance.ctl("run", "tlod", check=False).returncode == 4
    assert instance.ctl("run", "told", "-p", "week=99", check=False).returncode == 2
    assert instance.ctl("run", "told", "--mode", "none", check=False).returncode == 2
    no_run = "give a run's number, its id, or the first 8 or more digits of it (see batchctl history): there is no run 77"
    for arguments, words in ((("status", "77"), no_run), (("retry", "77"), no_run), (("logs", "77"), no_run),
                             (("history", "tolds"), "did you mean told?"), (("steps", "--job", "tolds"), "did you mean told?"),
                             (("history", "--summary", "tolds"), "did you mean told?")):
        refused = instance.ctl(*arguments, check=False)
        assert refused.returncode == 4 and words in refused.stderr, (arguments, refused)
    assert instance.ctl("cancel", check=False).returncode == 4
    instance.ctl("run", "told")
    again = instance.ctl("run", "told", check=False)
    assert again.returncode == 5 and "told is already running: run 1, for " in again.stderr and "batchctl tail -f 1" in again.stderr
    missing = instance.ctl("logs", "1", "lsat", check=False)
    assert missing.returncode == 4 and "see batchctl status 1: run 1 has no step lsat" in missing.stderr
    missing = instance.ctl("logs", "1", "last", "-a", "7", check=False)
    assert missing.returncode == 4 and "run 1 has no attempt 7 of step last" in missing.stderr
    assert instance.ctl("run", "told", "--force").returncode == 0
    assert instance.ctl("cancel", "2").returncode == 0
    cancelled = instance.ctl("cancel", "1", "--reason", "enough", "-o", "json")
    answer = json.loads(cancelled.stdout)
    assert answer["status"] == "cancelled" and answer["processes_ended"] >= 1
    assert "cancelled (request)" in instance.ctl("status", "1").stdout


def test_due_time_gives_the_first_run_again(told):
    instance = told.instance
    told.say("end 0")
    for number in range(2):
        out = json.loads(instance.ctl("run", "told", "--due", "2026-11-24 12:00 UTC", "--triggered-by", "timer", "-o", "json").stdout)
        assert (out["run_number"], out.get("repeated", False)) == (1, bool(number))


def test_status_shows_what_runs(told):
    instance = told.instance
    told.say("report --progress 3/4 --item KC --status 'counting'")
    instance.ctl("run", "told", "-p", "week=3")
    until(lambda: "work KC 3/4" in instance.ctl("status").stdout, lambda: instance.ctl("status").stdout)
    out = instance.ctl("status").stdout
    assert "RUNNING" in out and "0/2 done  0 failed" in out and " 37%  work KC 3/4" in out
    shown = instance.ctl("status", "1").stdout
    assert "3/4" in shown and "counting" in shown and "watch it: batchctl tail -f 1" in shown


def test_a_follower_and_a_wait_survive_kills_of_the_daemon(told):
    instance = told.instance
    told.say("line 0")
    waiting = follow(instance, "run", "told", "--wait")
    until(lambda: instance.call("run.current")["runs"], "it runs")
    following = follow(instance, "tail", "-f")
    for number in range(1, 4):
        told.say(f"line {number}a")
        time.sleep(0.2)
        instance.kill()
        told.say(f"line {number}b")
        time.sleep(0.2)
        instance.start()
    told.say("line 4", "end 0")
    out, err = following.communicate(timeout=paths.patience())
    assert following.returncode == 0, out + err + instance.log
    assert lines_of(out) == ["line 0", "line 1a", "line 1b", "line 2a", "line 2b", "line 3a", "line 3b", "line 4"]
    out, err = waiting.communicate(timeout=paths.patience())
    assert waiting.returncode == 0 and "told #1: success" in out, out + err


def test_the_bar_of_a_real_run(told):
    instance = told.instance
    screen = Terminal([paths.BATCHCTL, "--socket", instance.socket, "run", "told", "-f"], columns=100)
    try:
        told.say("report --progress 1/4", "a line")
        screen.expect("work 1/4")
        screen.expect("| a line")
        until(lambda: screen.read() and screen.screen()[-1].startswith("told #1 █"), lambda: str(screen.screen()))
        assert "12%  work 1/4  0/2 done  0 failed" in screen.screen()[-1]
        told.say("end 1")
        assert screen.wait() == 1
        assert any("told #1: failed" in line for line in screen.screen()), screen.screen()
    finally:
        screen.close()


def test_without_a_daemon_the_answer_says_what_to_do(told):
    instance = told.instance
    instance.stop()
    result = instance.ctl("status", check=False)
    assert result.returncode == 8 and "start batchd" in result.stderr


def test_logs_of_many_pages_are_complete(told):
    instance = told.instance
    long = "x" * 40000
    text = f"[Job]\n[Step big]\nExec=/bin/sh -c \"seq 1 60000; echo {long}; printf 'no end'\"\n"
    instance.write_job("big", text)
    instance.ctl("reload")
    assert instance.ctl("run", "big", "--wait").returncode == 0
    out = instance.ctl("logs").stdout
    assert out == "".join(f"{number}\n" for number in range(1, 60001)) + long + "\nno end\n"
    lines = instance.ctl("tail", "-n", "3000").stdout.splitlines()
    assert len(lines) == 3000 and lines[-1].endswith("| no end")
