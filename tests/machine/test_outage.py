"""The machine goes down under runs: in order, and as if somebody had pulled the plug. What was answered is what is found again."""
import contextlib
import datetime
import json
import os
import random
import threading
import time

import pytest

ROUNDS = int(os.environ.get("BATCHTEST_CUTS", "2"))
HERE = os.path.dirname(os.path.abspath(__file__))
DATABASE = "host=/run/batchtest-pg user=batchd dbname=batchd"
# Told with what a restart is to find: the second time it ends.
WAITER = "Exec=/bin/sh -c 'echo begun; [ -e /var/lib/batchd/go ] || sleep 1000'\nKillGraceSec=1s\n"
STEADY = "[Job]\nOverlap=allow\n[Step one]\nExec=/bin/sh -c 'for i in 1 2 3 4 5 6 7 8; do echo line $$i; done'\n[Step two]\nExec=/bin/echo line 1\n"
CLOCKED = "[Job]\nOnCalendar=*:*:0/10\nPersistent=no\n[Step one]\nExec=/bin/true\n"
CHATTY = "[Step chat]\nExec=/bin/sh -c 'i=0; while :; do i=$$((i+1)); echo line $$i; sleep 0.05; done'\n"
# Starts one run after the other and says what it was answered, as soon as it was.
CLIENT = ('while :; do batchctl run steady -o json | tr -d "\\n"; echo; '
          'batchctl run steady --wait -o json | tr -d "\\n"; echo; done')


@pytest.fixture
def started(disks):
    """A machine with disks of its own, where the daemon comes up by itself."""
    from machine_fixtures import set_up
    import virtual

    with virtual.VirtualMachine(disks) as machine:
        set_up(machine)
        for name, text in (("waiter", "[Step wait]\n" + WAITER), ("again", "[Job]\nRestartLost=yes\n[Step wait]\n" + WAITER),
                           ("steady", STEADY), ("chatty", CHATTY), ("clocked", CLOCKED)):
            machine.write(f"/etc/batchd/jobs.d/{name}.job", text)
        with open(os.path.join(HERE, "truth.py"), encoding="utf-8") as file:
            machine.write("/usr/local/lib/batchtest/truth.py", file.read())
        machine.run("systemctl", "enable", "batchd.service", "batch-runner.service")
        yield machine


def begin(machine, job):
    number = machine.start_run(job)
    machine.wait_for(lambda: "begun" in machine.out("batchctl", "logs", str(number), check=False), 30, "the step runs")
    return number


def history(machine):
    return {run["run_number"]: run for run in machine.ctl_json("history", "-n", "1000")}


def truth(machine):
    """What the state, the logs and PostgreSQL say of all runs, and where they differ (see truth.py)."""
    return json.loads(machine.out("/usr/bin/python3", "/usr/local/lib/batchtest/truth.py"))


def test_a_reboot_in_order(started):
    machine = started
    machine.run("systemctl", "start", "batchd.service")
    plain, again = begin(machine, "waiter"), begin(machine, "again")
    machine.wait_for(lambda: any(run["job"] == "clocked" for run in history(machine).values()), 30, "a scheduled run")
    machine.write("/var/lib/batchd/go", "")
    machine.reboot()
    machine.wait_for(lambda: machine.ctl("status", check=False).returncode == 0, 60, "the daemon came up with the machine")
    ended = {job: machine.wait_for_run(number)["run"] for job, number in (("waiter", plain), ("again", again))}
    assert {run["status"] for run in ended.values()} <= {"cancelled", "failed"}, ended
    assert {run["reason"] for run in ended.values()} <= {"stopped", "lost"}, ended
    new = machine.wait_for(lambda: [run for run in history(machine).values() if run.get("retry_of") == ended["again"]["run_id"]], 30,
                           "the run that RestartLost= starts again")[0]
    assert machine.wait_for_run(new["run_number"])["run"]["status"] == "success"
    assert not [run for run in history(machine).values() if run.get("retry_of") == ended["waiter"]["run_id"]]
    # Every ten seconds there was a due time, also while the machine was down: each is on record, once.
    due = machine.ctl_json("next", "clocked", "--from", "-1h", "-n", "500")["due_times"]
    decided = [datetime.datetime.fromisoformat(entry["due_at"]) for entry in due if entry["outcome"]]
    assert len(decided) > 1 and {later - earlier for earlier, later in zip(decided, decided[1:])} == {datetime.timedelta(seconds=10)}, due


def read_answers(process, answers):
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            answers.append(answer.get("run", answer))  # of a run that was waited for: what run.show has


def cut(machine, seconds):
    """Traffic for so long, then no more power. Returns what the clients had been answered by then."""
    clients = [machine.spawn("sh", "-c", CLIENT) for _ in range(2)]
    answers = []
    readers = [threading.Thread(target=read_answers, args=(client, answers)) for client in clients]
    for reader in readers:
        reader.start()
    machine.wait_for(lambda: len(answers) >= 4, 60, "runs are answered")
    time.sleep(seconds)
    machine.crash()
    for client in clients:
        client.kill()
        client.wait()
    for reader in readers:
        reader.join()
    return answers


def start_postgres(machine, first):
    """On the machine's own disk, as careful as it comes. Not enabled: the mirror is away when the daemon comes up."""
    import image
    programs, = image.postgres_programs() or [None]
    if not programs:
        pytest.skip("PostgreSQL's server programs are not installed")
    machine.run("install", "-d", "-o", "batchd", "/run/batchtest-pg", "/var/lib/batchtest-pg")
    if first:
        machine.run(f"{programs}/initdb", "-D", "/var/lib/batchtest-pg/data", "-U", "batchd", "-A", "trust", "--no-locale", "-E", "UTF8",
                    user="batchd", timeout=60)
    machine.run("systemd-run", "--unit=test-pg", "--uid=batchd", f"{programs}/postgres", "-D", "/var/lib/batchtest-pg/data", "-c", "listen_addresses=",
                "-c", "unix_socket_directories=/run/batchtest-pg", "-c", "jit=off")
    machine.wait_for(lambda: machine.run(f"{programs}/psql", "-h", "/run/batchtest-pg", "-d", "postgres", "-c", "SELECT 1", user="batchd", check=False).returncode == 0,
                     60, "PostgreSQL")
    if first:
        machine.run(f"{programs}/createdb", "-h", "/run/batchtest-pg", "batchd", user="batchd")


def wait_for_mirror(machine):
    def is_even():
        mirror = machine.ctl_json("status")["daemon"]["mirror"]
        return mirror["state"] == "up" and not mirror["rows_waiting"]

    machine.wait_for(is_even, 60, "the mirror has caught up")


def test_power_cuts(started):
    seed = int(os.environ.get("BATCHTEST_SEED") or random.randrange(1 << 32))
    print(f"{ROUNDS} cuts, BATCHTEST_SEED={seed}")
    chance = random.Random(seed)
    machine = started
    machine.run("rm", "/etc/batchd/jobs.d/clocked.job")
    machine.write("/etc/batchd/batchd.conf", f"[Daemon]\nActionsPerMinute=100000\nDatabase={DATABASE}\n")
    start_postgres(machine, first=True)
    machine.run("systemctl", "start", "batchd.service")
    wait_for_mirror(machine)
    for number in range(ROUNDS):
        chatty = machine.start_run("chatty")
        answers = cut(machine, chance.uniform(0.5, 6))
        highest = max(answer["run_number"] for answer in answers)
        print(f"cut {number}: {len(answers)} answers, the last of run {highest}")
        machine.boot()
        machine.wait_for(lambda: machine.ctl("status", check=False).returncode == 0, 60, "the daemon came up with the machine")
        machine.wait_for(lambda: not machine.current_runs(), 60, "every run has an end")
        runs = history(machine)
        for answer in answers:
            run = runs.get(answer["run_number"])
            assert run and run["run_id"] == answer["run_id"], f"run {answer['run_number']} was answered, and is not there"
            if answer["status"] not in ("queued", "running"):
                assert run["status"] == answer["status"], f"run {answer['run_number']} had ended {answer['status']}: {run}"
        assert (runs[chatty]["status"], runs[chatty]["reason"], runs[chatty]["error_message"]) == ("failed", "lost", "the machine was restarted")
        assert machine.ctl_json("run", "quick", "--wait")["run"]["run_number"] > max(runs)
        start_postgres(machine, first=False)
        wait_for_mirror(machine)
        assert truth(machine)["wrong"] == []
