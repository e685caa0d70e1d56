"""Alerts: what is told, to whom, how often, and that nothing is lost on the way or in the way of the work."""
import contextlib
import http.server
import json
import os
import sqlite3
import stat
import subprocess
import threading
import time

import pytest

from batchtest import paths
from batchtest.wait import until

BROKEN = "[Job]\n{job}\n[Step work]\nExec=/bin/sh -c 'echo the disk is on fire >&2; exit {status}'\n"
WORKS = "[Job]\n{job}\n[Step work]\nExec=/bin/true\n"


class Receiver:
    """A web server that keeps what it is sent; `answers` holds the statuses of the next answers, then it is 200."""

    def __init__(self):
        self.messages, self.headers, self.paths, self.answers = [], [], [], []
        self.delay = 0  # before an answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.paths.append(f"{self.command} {self.path}")
                time.sleep(receiver.delay)
                receiver.headers.append(dict(self.headers))
                if status == 200:
                    receiver.messages.append(body)
                self.send_response(status)
                self.end_headers()

            do_GET = do_POST = take

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def facts(self):
        return [json.loads(message) for message in self.messages]

    def wait(self, n, what="messages"):
        until(lambda: len(self.messages) >= n, lambda: f"{n} {what}, there are {self.messages}")
        return self.facts

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.close()


def alerting(make_instance, jobs, sections):
    instance = make_instance(jobs)
    instance.sections = sections
    instance.write_config()
    return instance


def run(instance, job):
    return instance.run(job)["run"]


def check(instance):
    return subprocess.run([paths.BATCHD, "-t", "--config", instance.config], capture_output=True, text=True, check=False)


def nothing_waits(instance):
    return until(lambda: not instance.call("alert.list")["waiting"], "all is delivered")


def test_a_failure_and_its_recovery_are_told_with_the_facts(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops\nOnRecovery=ops", status=69)},
                        f"[Alert ops]\nUrl={receiver.url}/hook?token=s3cret\nHeader=X-Team: data\n").start()
    failed = run(instance, "nightly")
    (fact,) = receiver.wait(1)
    assert receiver.paths == ["POST /hook?token=s3cret"]
    assert receiver.headers[0]["X-Team"] == "data" and receiver.headers[0]["Content-Type"] == "application/json"
    assert (fact["alert"], fact["event"], fact["job"], fact["run_number"], fact["run_id"]) == ("ops", "failure", "nightly", 1, failed["run_id"])
    assert (fact["status"], fact["step"], fact["step_reason"], fact["attempt"]) == ("failed", "work", "exit", 1)
    assert fact["last_lines"] == ["the disk is on fire"]
    assert fact["title"].startswith("nightly #1 on ") and "69" in fact["title"] and "batchctl why 1" in fact["text"]
    # The same again is not news, its end is.
    run(instance, "nightly")
    instance.write_job("nightly", WORKS.format(job="OnFailure=ops\nOnRecovery=ops"))
    instance.call("daemon.reload")
    run(instance, "nightly")
    facts = receiver.wait(2)
    assert [fact["event"] for fact in facts] == ["failure", "recovery"]
    assert "2 runs had failed since #1" in facts[1]["text"]
    nothing_waits(instance)
    (alert,) = instance.call("alert.list")["alerts"]
    assert (alert["kind"], alert["sent"], alert["failed"], alert["last_event"]) == ("webhook", 2, 0, "recovery")
    # The rest of the address may be a secret.
    assert alert["to"] == receiver.url.removeprefix("http://")
    assert "s3cret" not in instance.log and "s3cret" not in json.dumps(instance.call("alert.list"))
    screen = instance.ctl("alerts").stdout
    assert "ops" in screen and "recovery" in screen and "s3cret" not in screen


def test_a_message_survives_a_kill_and_an_unreachable_server(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops", status=1)}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    receiver.answers += [503]
    run(instance, "nightly")
    waiting = until(lambda: [one for one in instance.call("alert.list")["waiting"] if one["error"]], "the refusal is noticed")
    assert waiting[0]["error"] == "127.0.0.1 answered with status 503" and waiting[0]["attempts"] == 1
    assert "Waiting to be delivered: 1" in instance.ctl("alerts").stdout
    instance.kill()
    assert not receiver.messages
    instance.start()
    assert instance.call("alert.list")["waiting"][0]["attempts"] == 1
    receiver.wait(1)
    nothing_waits(instance)
    time.sleep(0.2)
    assert len(receiver.messages) == 1 and not os.listdir(instance.path("state", "alerts"))


def test_a_delivery_goes_on_while_the_daemon_is_away(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops", status=1)}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    receiver.delay = 1
    run(instance, "nightly")
    until(lambda: receiver.paths, "the message is on its way")
    instance.kill()
    receiver.wait(1)
    instance.start()
    nothing_waits(instance)
    (alert,) = instance.call("alert.list")["alerts"]
    assert (alert["sent"], alert["failed"], len(receiver.messages)) == (1, 0, 1)


def test_a_test_message(make_instance, receiver):
    instance = alerting(make_instance, {}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    assert instance.ctl("alerts", "--test", "ops").stdout == "A test is on its way to ops; see: batchctl alerts\n"
    (fact,) = receiver.wait(1)
    assert (fact["event"], fact["alert"]) == ("test", "ops") and "This is a test of alert ops on " in fact["text"]
    missing = instance.ctl("alerts", "--test", "oops", check=False)
    assert missing.returncode == 4 and "batchd.conf has no [Alert oops]" in missing.stderr


def test_what_is_refused_for_good_is_given_up(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops", status=1)}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    receiver.answers += [404]
    run(instance, "nightly")
    until(lambda: instance.call("alert.list")["alerts"][0]["failed"] == 1, "it is given up")
    assert "127.0.0.1 answered with status 404" in instance.call("alert.list")["alerts"][0]["last_error"]
    assert "given up" in instance.log and len(receiver.paths) == 1


def test_a_command_gets_the_facts_and_a_template_is_filled(make_instance, receiver, tmp_path):
    script = tmp_path / "tell"
    script.write_text(f'#!/bin/sh\nprintf "%s|%s|%s|%s\\n" "$BATCH_ALERT" "$BATCH_ALERT_EVENT" "$BATCH_JOB" "$BATCH_RUN" > {tmp_path}/told\n'
                      f'printf "%s" "$BATCH_ALERT_BODY" > {tmp_path}/body\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=pager chat", status=1)},
                        f"[Alert pager]\nCommand={script}\n[Alert chat]\nUrl={receiver.url}\nBody={{\"text\": \"*${{job}}* ${{title}}\"}}\n").start()
    run(instance, "nightly")
    until((tmp_path / "body").exists, "the command has run")
    nothing_waits(instance)
    assert (tmp_path / "told").read_text() == "pager|failure|nightly|1\n"
    assert json.loads((tmp_path / "body").read_text())["status"] == "failed"
    (message,) = receiver.wait(1)
    assert message["text"].startswith("*nightly* nightly #1 on ")


def test_credentials_stay_out_of_the_daemon(make_instance, receiver, tmp_path):
    (tmp_path / "hook").write_text(f"{receiver.url}/services/T0K3N\n")
    (tmp_path / "auth").write_text("Authorization: Bearer b3arer\n")
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops", status=1)},
                        "[Alert ops]\nUrlCredential=hook\nHeaderCredential=auth\n")
    instance.environment["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    instance.start()
    run(instance, "nightly")
    receiver.wait(1)
    assert receiver.paths == ["POST /services/T0K3N"] and receiver.headers[0]["Authorization"] == "Bearer b3arer"
    nothing_waits(instance)
    for folder, _, names in os.walk(instance.folder):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                with open(path, "rb") as file:
                    content = file.read()
                assert b"T0K3N" not in content and b"b3arer" not in content, path
    # A credential that is not there says so.
    (tmp_path / "hook").unlink()
    instance.write_job("nightly", BROKEN.format(job="OnFailure=ops", status=2))
    instance.call("daemon.reload")
    run(instance, "nightly")
    until(lambda: "credential hook cannot be read" in (instance.call("alert.list")["alerts"][0]["last_error"] or ""), "the mistake is told")


def test_a_known_warning_does_not_alert_again(make_instance, receiver):
    job = "[Job]\nOnFailure=ops\n[Step work]\nExec=/bin/sh -c '{batchctl} report --warning {text}'\n"
    instance = make_instance({})
    instance.write_job("nightly", job.format(batchctl=paths.BATCHCTL, text='"teams: 3 missing"'))
    instance.sections = f"[Alert ops]\nUrl={receiver.url}\n"
    instance.write_config()
    instance.start()
    assert run(instance, "nightly")["status"] == "partial"
    (fact,) = receiver.wait(1)
    assert fact["event"] == "partial" and "teams: 3 missing" in fact["title"] and fact["warnings"][0]["category"] == "teams"
    instance.write_job("nightly", job.format(batchctl=paths.BATCHCTL, text='"teams: 4 missing"'))
    instance.call("daemon.reload")
    run(instance, "nightly")
    instance.write_job("nightly", job.format(batchctl=paths.BATCHCTL, text='"quota: low"'))
    instance.call("daemon.reload")
    run(instance, "nightly")
    facts = receiver.wait(2)
    nothing_waits(instance)
    assert ["quota: low" in fact["title"] for fact in facts] == [False, True]


def test_a_deadline_is_told_when_nothing_ran(make_instance, receiver):
    jobs = {"never": WORKS.format(job="Deadline=*:*:0/2\nOnFailure=ops\nOnRecovery=ops"),
            "often": WORKS.format(job="OnCalendar=*:*:*\nDeadline=*:*:0/4\nOnFailure=ops"),
            "resting": WORKS.format(job="OnFailure=ops")}
    instance = alerting(make_instance, jobs, f"[Alert ops]\nUrl={receiver.url}\n").start()
    instance.call("job.pause", job="resting", reason="bye week")
    instance.write_job("resting", WORKS.format(job="Deadline=*:*:*\nOnFailure=ops"))
    instance.call("daemon.reload")
    (fact, *_) = until(lambda: [fact for fact in receiver.facts if fact["job"] == "never"], "the deadline is told")
    assert (fact["event"], fact["job"]) == ("deadline", "never")
    assert "has not succeeded by" in fact["title"] and "no success of it is known" in fact["text"] and "nothing runs" in fact["text"]
    assert instance.call("job.show", job="never")["next_deadline"]
    # Told once; the success afterwards is a recovery.
    time.sleep(4.5)
    run(instance, "never")
    until(lambda: "recovery" in [fact["event"] for fact in receiver.facts], "the recovery is told")
    events = [(fact["job"], fact["event"]) for fact in receiver.facts]
    assert events[:events.index(("never", "recovery"))].count(("never", "deadline")) == 1
    assert ("resting", "deadline") not in events
    assert events.count(("often", "deadline")) <= 1  # before its first run was over


def test_a_deadline_passes_while_the_daemon_is_away(make_instance, receiver):
    instance = alerting(make_instance, {"never": WORKS.format(job="Deadline=*:*:0/3\nOnFailure=ops")}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    instance.kill()
    time.sleep(3.2)
    assert not receiver.messages
    instance.start()
    (fact, *_) = receiver.wait(1)
    assert (fact["event"], fact["job"]) == ("deadline", "never")


def test_a_slow_run_is_told_while_it_runs(make_instance, receiver):
    """Slow is a minute more than the median: so that nobody waits for that here, the run's beginning is moved back while the daemon is away."""
    instance = alerting(make_instance, {"nightly": WORKS.format(job="OnFailure=ops")}, f"[Alert ops]\nUrl={receiver.url}\n").start()
    for _ in range(5):
        run(instance, "nightly")
    instance.write_job("nightly", "[Job]\nOnFailure=ops\n[Step work]\nExec=/bin/sleep 60\n")
    instance.call("daemon.reload")
    started = instance.run("nightly", wait=False)
    until(lambda: instance.status_of(started["run_number"]) == "running", "it runs")
    instance.kill()
    os.unlink(instance.path("state", "runs", started["run_id"], "clock"))
    with contextlib.closing(sqlite3.connect(instance.path("state", "state.db"))) as db, db:
        db.execute("UPDATE runs SET started_at = started_at - 120000000 WHERE run_id = ?", (started["run_id"],))
    instance.start()
    (fact,) = receiver.wait(1)
    assert (fact["event"], fact["status"], fact["run_number"]) == ("slow", "running", 6)
    assert fact["title"].startswith("nightly #6 on ") and "is slow: it has run for 2min" in fact["title"] and "usual is " in fact["title"]
    instance.call("run.cancel", run=6)
    instance.wait_for_run(6)


def test_switched_off_nobody_is_told(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": BROKEN.format(job="OnFailure=ops", status=1)}, f"[Alert ops]\nUrl={receiver.url}\n")
    instance.settings["Alerts"] = "no"
    instance.write_config()
    instance.start()
    run(instance, "nightly")
    assert instance.call("alert.list") | {"alerts": 0} == {"enabled": False, "alerts": 0, "waiting": []}
    assert "switched off" in instance.ctl("alerts").stdout
    # A reload of the configuration, by whom it may be asked for, takes it up; what had happened is not told late.
    instance.settings["Alerts"] = "yes"
    instance.write_config()
    instance.call("daemon.reload")
    assert instance.call("alert.list")["enabled"]
    instance.write_job("nightly", BROKEN.format(job="OnFailure=ops", status=7))
    instance.call("daemon.reload")
    run(instance, "nightly")
    (fact,) = receiver.wait(1)
    assert "7" in fact["title"]


def test_dead_man(make_instance, receiver):
    instance = alerting(make_instance, {"nightly": WORKS.format(job=""), "other": BROKEN.format(job="", status=1)},
                        f"[Alert deadman]\nUrl={receiver.url}/ping\nMethod=GET\nOn=success\nJobs=*\n").start()
    run(instance, "nightly")
    run(instance, "other")
    run(instance, "nightly")
    until(lambda: len(receiver.messages) == 2, "both successes ping")
    assert receiver.paths == ["GET /ping"] * 2 and receiver.messages == ["", ""]
    assert instance.call("alert.list")["alerts"][0]["kind"] == "ping"


@pytest.mark.parametrize("section, line, complaint", [
    ("[Alert ops]\nOn=failure\n", 0, "[Alert ops] tells nobody; write Url=, UrlCredential= or Command="),
    ("[Alert ops]\nUrl=ftp://example\n", 2, "Url=: an address begins with https:// or http://"),
    ("[Alert ops]\nUrl=http://example\nOn=failures\n", 3, 'On=: "failures" does not fit; it takes failure, partial,'),
    ("[Alert ops]\nUrl=http://example\nBody=${txt}\n", 3, "Body=: ${txt} is no fact of a message; there are alert, event, text"),
    ("[Alert ops]\nUrl=http://example\nHeader=Nonsense\n", 3, 'Header=: a header is "Name: value"'),
    ("[Alert]\nUrl=http://example\n", 1, "[Alert]: write [Alert NAME]"),
    ("[Alert ops]\nUrl=http://example\nCommand=/bin/true\n", 0, "has more than one of Url=, UrlCredential= and Command="),
])
def test_a_mistake_is_told_with_its_place(make_instance, section, line, complaint):
    instance = make_instance({"nightly": WORKS.format(job="")})
    instance.write_config()
    with open(instance.config, encoding="utf-8") as config:
        before = len(config.readlines())
    instance.sections = section
    instance.write_config()
    checked = check(instance)
    assert checked.returncode == 1
    place = f"{instance.config}:{before + line}: " if line else instance.config
    assert place in checked.stderr and complaint in checked.stderr


def test_a_name_that_no_alert_has_is_warned_of(make_instance):
    instance = make_instance({"nightly": WORKS.format(job="OnFailure=oops")}).start()
    assert "OnFailure=: batchd.conf has no [Alert oops]: nobody is told" in instance.log
    assert "[Alert oops]" in check(instance).stderr
