"""batchd as systemd runs it, on a systemd that is PID 1."""
import json
import re
import time

import pytest

from machine_fixtures import counter, held

UNITS = ("batchd.service", "batchd.socket", "batch-runner.service", "batch-run@weekly_update.service", "batch-run@x.timer",
         "batch-weekly.timer")
CGROUP = "/sys/fs/cgroup/system.slice/batch-runner.service"


def main_pid(machine, unit="batchd.service"):
    return int(machine.property(unit, "MainPID"))


def log_lines(machine, number):
    """What the steps of a run wrote, as `batchctl logs` has it."""
    return [line for line in machine.out("batchctl", "logs", str(number), check=False).splitlines() if "line " in line]


def numbers(lines):
    return [int(line.rpartition("line ")[2]) for line in lines]


def wait_active(machine, unit="batchd.service", not_pid=0):
    machine.wait_for(lambda: machine.property(unit, "ActiveState") == "active" and main_pid(machine, unit) not in (0, not_pid),
                     60, f"{unit} active again")


def wait_first_line(machine, number):
    machine.wait_for(lambda: log_lines(machine, number), 60, "the step's first line")


def drop_in(machine, unit, text):
    machine.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
    machine.run("systemctl", "daemon-reload")


def remove_drop_in(machine, unit):
    machine.run("rm", "-r", f"/etc/systemd/system/{unit}.d")
    machine.run("systemctl", "daemon-reload")


def test_units_are_clean(machine):
    result = machine.run("systemd-analyze", "verify", "--man=no", *UNITS)
    assert result.stdout + result.stderr == ""


def test_manual_pages_of_the_units_are_installed(machine):
    pages = {page for unit in UNITS for page in re.findall(r"man:([\w.-]+)\((\d)\)", machine.property(unit, "Documentation"))}
    assert ("batchd", "8") in pages and ("batch-nfl", "1") in pages
    for name, section in sorted(pages):
        machine.run("test", "-s", f"/usr/local/share/man/man{section}/{name}.{section}")


def test_exposure(machine):
    figures = {}
    for unit in ("batchd.service", "batch-runner.service"):
        text = machine.out("systemd-analyze", "security", "--no-pager", unit)
        figures[unit] = float(text.splitlines()[-1].split(":")[1].split()[0])
    machine.run("mkdir", "-p", "/etc/systemd/system/batch-runner.service.d")
    machine.run("ln", "-s", "/usr/local/lib/batchd/drop-ins/hardened.conf", "/etc/systemd/system/batch-runner.service.d/test.conf")
    machine.run("systemctl", "daemon-reload")
    text = machine.out("systemd-analyze", "security", "--no-pager", "batch-runner.service")
    remove_drop_in(machine, "batch-runner.service")
    figures["batch-runner.service, hardened"] = float(text.splitlines()[-1].split(":")[1].split()[0])
    print(figures)
    assert figures["batchd.service"] <= 1.5
    assert figures["batch-runner.service"] <= 6.5
    assert figures["batch-runner.service, hardened"] <= 2.0


def test_is_ready_when_started(machine):
    assert machine.property("batchd.service", "ActiveState") == "active"
    assert machine.property("batch-runner.service", "ActiveState") == "active"
    assert machine.property("batchd.service", "StatusText") != ""
    assert machine.out("stat", "-c", "%a %U", "/run/batchd/control.sock") == "666 batchd"
    assert machine.out("stat", "-c", "%a %U", "/var/lib/batchd") == "700 batchd"
    # It is not root, and the sandbox is on.
    status = machine.out("cat", f"/proc/{main_pid(machine)}/status")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status


def test_status_text_tells_what_runs(machine):
    number = machine.start_run("count", "-p", "n=40")
    machine.wait_for(lambda: "count" in machine.property("batchd.service", "StatusText"), 60, "the run in the unit's status")
    assert machine.wait_for_run(number)["run"]["status"] == "success"


def test_groups_have_their_rights(machine):
    run = machine.ctl("run", "quick", "--wait", user="foreman")
    assert run.returncode == 0
    assert machine.ctl("status", user="watcher").returncode == 0
    assert "hello" in machine.ctl("tail", user="watcher").stdout
    refused = machine.ctl("run", "quick", user="watcher", check=False)
    assert refused.returncode == 6 and "batchd-admin" in refused.stderr
    refused = machine.ctl("status", user="stranger", check=False)
    assert refused.returncode == 6 and "batchd" in refused.stderr


def test_files_of_the_daemon_are_nobodys_business(machine):
    assert machine.run("ls", "/var/lib/batchd/state.db", user="watcher", check=False).returncode != 0


def test_journal_knows_runs_by_field(machine):
    number = machine.start_run("quick")
    run_id = machine.wait_for_run(number)["run"]["run_id"]
    machine.run("journalctl", "--sync")
    entries = [json.loads(line) for line in machine.out("journalctl", "-o", "json", f"BATCH_RUN_ID={run_id}").splitlines()]
    assert entries, "no entry has the run's id"
    assert {entry.get("BATCH_JOB") for entry in entries} == {"quick"}
    assert {"one", "two"} <= {entry.get("BATCH_STEP") for entry in entries}
    assert all("MESSAGE_ID" in entry for entry in entries if entry["PRIORITY"] != "7")


def test_step_gets_its_credential(machine):
    number = machine.start_run("secret")
    assert machine.wait_for_run(number)["run"]["status"] == "success"
    assert "a secret" in machine.out("batchctl", "logs", str(number))


def test_reload_says_what_is_wrong(machine):
    machine.write("/etc/batchd/jobs.d/later.job", "[Job]\nDescriptoin=A new job\n\n[Step one]\nExec=/bin/true\n")
    bad = machine.run("systemctl", "reload", "batchd.service", check=False)
    said = machine.journal("-u", "batchd.service", "-n", "20")
    assert "later.job:2" in said and "Description" in said
    assert bad.returncode != 0
    machine.write("/etc/batchd/jobs.d/later.job", "[Job]\nDescription=A new job\n\n[Step one]\nExec=/bin/true\n")
    machine.run("systemctl", "reload", "batchd.service")
    assert "later" in machine.out("batchctl", "list")
    machine.run("rm", "/etc/batchd/jobs.d/later.job")
    machine.run("systemctl", "reload", "batchd.service")
    assert "later" not in machine.out("batchctl", "list")


def check_survives(machine, how, unit="batchd.service", lines=60):
    """The step that runs while `how` happens to the unit goes on, and no line of it is lost."""
    with held(machine):
        number = machine.start_run("count", "-p", f"n={lines}")
        wait_first_line(machine, number)
        step = counter(machine)
        before = main_pid(machine, unit)
        how()
        wait_active(machine, unit, not_pid=before)
        assert counter(machine) == step, "the step was started again or ended"
    shown = machine.wait_for_run(number)
    assert shown["run"]["status"] == "success", shown
    assert len(shown["attempts"]) == 1
    assert numbers(log_lines(machine, number)) == list(range(1, lines + 1))


def test_restart_under_a_running_step(machine):
    check_survives(machine, lambda: machine.run("systemctl", "restart", "batchd.service"))


def test_kill_under_a_running_step(machine):
    check_survives(machine, lambda: machine.run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "batchd.service"))


def test_ten_kills_are_survived(machine):
    def kill_often():
        for _ in range(10):
            pid = main_pid(machine)
            machine.run("kill", "-KILL", str(pid))
            wait_active(machine, not_pid=pid)

    before = int(machine.property("batchd.service", "NRestarts"))
    check_survives(machine, kill_often, lines=100)
    assert int(machine.property("batchd.service", "NRestarts")) - before == 10


def test_follower_survives_a_restart(machine):
    follower = machine.spawn("batchctl", "run", "count", "-p", "n=60", "--follow")
    machine.wait_for(lambda: machine.step_pids("batchtest/count"), 60, "the step runs")
    machine.run("systemctl", "restart", "batchd.service")
    output, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, output
    seen = [int(line.rpartition("line ")[2]) for line in output.splitlines() if "line " in line]
    assert seen == list(range(1, 61)), output


def test_watchdog_ends_a_daemon_that_hangs(machine):
    drop_in(machine, "batchd.service", "[Service]\nWatchdogSec=1s\nTimeoutAbortSec=2s\n")
    machine.run("systemctl", "restart", "batchd.service")
    try:
        check_survives(machine, lambda: machine.run("kill", "-STOP", str(main_pid(machine))))
        assert "Watchdog timeout" in machine.journal("-u", "batchd.service", "-n", "60")
    finally:
        remove_drop_in(machine, "batchd.service")
        machine.run("systemctl", "restart", "batchd.service")


def test_stop_ends_runs_in_order(machine):
    number = machine.start_run("family")
    machine.wait_for(lambda: machine.step_pids("sleep 1000"), 60, "the step runs")
    started = time.monotonic()
    machine.run("systemctl", "stop", "batchd.service")
    assert time.monotonic() - started < 15
    assert machine.step_pids("sleep 1000") == []
    away = machine.ctl("status", check=False)
    assert away.returncode == 8, away.stdout + away.stderr
    machine.run("systemctl", "start", "batchd.service")
    run = machine.show_run(number)["run"]
    assert (run["status"], run["reason"]) == ("cancelled", "stopped")


def test_stop_of_a_hung_daemon_still_ends_runs(machine):
    drop_in(machine, "batchd.service", "[Service]\nTimeoutStopSec=2s\nTimeoutAbortSec=2s\n")
    number = machine.start_run("family")
    machine.wait_for(lambda: machine.step_pids("sleep 1000"), 60, "the step runs")
    machine.run("kill", "-STOP", str(main_pid(machine)))
    machine.run("systemctl", "stop", "batchd.service")
    remove_drop_in(machine, "batchd.service")
    machine.wait_for(lambda: not machine.step_pids("sleep 1000"), 60, "the end of the step's processes")
    machine.run("systemctl", "start", "batchd.service")
    run = machine.wait_for_run(number)["run"]
    assert (run["status"], run["reason"]) == ("cancelled", "stopped")


def test_cancel_reaches_the_whole_tree(machine):
    number = machine.start_run("family")
    machine.wait_for(lambda: len(machine.step_pids("sleep 1000")) == 2, 60, "parent and child run")
    machine.ctl("cancel", str(number), user="foreman")
    assert machine.step_pids("sleep 1000") == []
    run = machine.wait_for_run(number)["run"]
    assert (run["status"], run["reason"]) == ("cancelled", "request")


ZOO = """#!/bin/sh
trap '' TERM
setsid sleep 1000 &
(setsid sh -c 'sleep 1000 & exec sleep 1000' &)
sh -c 'kill -STOP $$' &
sh -c "trap '' TERM INT HUP; while :; do sleep 1000; done" &
while :; do sleep 0.3 & sleep 0.02; done &
echo ready
wait
"""


def test_a_cgroup_is_seen_empty_whatever_was_in_it(machine):
    machine.write("/usr/local/lib/batchtest/zoo", ZOO, "755")
    machine.write("/etc/batchd/jobs.d/zoo.job", "[Step zoo]\nExec=/usr/local/lib/batchtest/zoo\nKillGraceSec=300ms\n")
    machine.run("systemctl", "reload", "batchd.service")
    number = machine.start_run("zoo")
    machine.wait_for(lambda: "ready" in machine.out("batchctl", "logs", str(number), check=False), 60, "all of it runs")
    (leaf,) = machine.out("sh", "-c", f"ls -d {CGROUP}/step.*").split()
    machine.wait_for(lambda: len(machine.out("cat", f"{leaf}/cgroup.procs").split()) >= 8, 60, "eight processes and more")
    answer = json.loads(machine.ctl("cancel", str(number), "-o", "json", user="foreman").stdout)
    assert answer["processes_ended"] >= 8
    assert machine.run("test", "-e", leaf, check=False).returncode != 0, "the cgroup is empty, and gone"
    assert machine.step_pids("batchtest/zoo") == []


def need_controller(machine, name):
    """The launcher with that controller enabled for its leaves."""
    if name not in machine.out("cat", "/sys/fs/cgroup/cgroup.controllers").split():
        pytest.skip(f"the controller {name} is not in cgroup2 here")
    for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/system.slice"):
        machine.run("sh", "-c", f"echo +{name} >{folder}/cgroup.subtree_control")
    machine.run("systemctl", "restart", "batch-runner.service")
    machine.wait_for(lambda: name in machine.out("cat", f"{CGROUP}/cgroup.subtree_control"), 60, "the controller below the launcher")


def test_memory_max_ends_a_step_as_oom(machine):
    need_controller(machine, "memory")
    machine.write("/etc/batchd/jobs.d/greedy.job", "[Step greedy]\nExec=/usr/bin/python3 -c 'x = bytearray(400 << 20)'\nMemoryMax=64M\n")
    machine.run("systemctl", "reload", "batchd.service")
    shown = machine.wait_for_run(machine.start_run("greedy"))
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "oom"), shown
    assert shown["attempts"][0]["metadata"]["memory_peak_bytes"] <= 64 << 20


def test_tasks_max_holds_a_fork_bomb(machine):
    need_controller(machine, "pids")
    machine.write("/usr/local/lib/batchtest/bomb", "#!/bin/bash\nb() { b & b; }\nb\nsleep 1000\n", "755")
    machine.write("/etc/batchd/jobs.d/bomb.job", "[Step bomb]\nExec=/usr/local/lib/batchtest/bomb\nTasksMax=50\nKillGraceSec=1s\nTimeoutSec=3s\n")
    machine.run("systemctl", "reload", "batchd.service")
    number = machine.start_run("bomb")
    shown = machine.wait_for_run(number)
    assert shown["run"]["status"] == "failed" and shown["run"]["reason"] in ("timeout", "exit", "signal"), shown
    assert machine.step_pids("batchtest/bomb") == []
    assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0


def test_socket_activation(machine):
    machine.run("systemctl", "stop", "batchd.service")
    machine.run("systemctl", "start", "batchd.socket")
    try:
        assert machine.property("batchd.service", "ActiveState") == "inactive"
        assert machine.ctl("list", user="watcher").returncode == 0
        assert machine.property("batchd.service", "ActiveState") == "active"
        assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0
    finally:
        machine.run("systemctl", "stop", "batchd.socket", "batchd.service")


def test_every_step_has_a_cgroup_of_its_own(machine):
    with held(machine):
        number = machine.start_run("count", "-p", "n=30")
        wait_first_line(machine, number)
        watched = (counter(machine), main_pid(machine, "batch-runner.service"), main_pid(machine))
        places = {machine.out("cat", f"/proc/{process}/cgroup").splitlines()[-1] for process in watched}
    assert len(places) == 3, places
    assert sum("/batch-runner.service/" in place for place in places) == 2
    machine.wait_for_run(number)


def test_launcher_restarts_under_a_step_with_controllers_enabled(machine):
    """systemd 252 starts no main process in a cgroup that has controllers enabled (219/CGROUP)."""
    if not machine.out("cat", "/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("no controller is in cgroup2 here")
    controller = machine.out("cat", "/sys/fs/cgroup/cgroup.controllers").split()[0]
    for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/system.slice"):
        machine.run("sh", "-c", f"echo +{controller} >{folder}/cgroup.subtree_control")
    # The launcher enables what it finds when it starts.
    machine.run("systemctl", "restart", "batch-runner.service")
    machine.wait_for(lambda: controller in machine.out("cat", f"{CGROUP}/cgroup.subtree_control"), 60, "controllers below the launcher")
    with held(machine):
        number = machine.start_run("count", "-p", "n=60")
        wait_first_line(machine, number)
        step = counter(machine)
        before = main_pid(machine, "batch-runner.service")
        machine.run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "batch-runner.service")
        wait_active(machine, "batch-runner.service", not_pid=before)
        machine.wait_for(lambda: controller in machine.out("cat", f"{CGROUP}/cgroup.subtree_control"), 60, "controllers again")
        assert counter(machine) == step
    assert machine.wait_for_run(number)["run"]["status"] == "success"
    assert numbers(log_lines(machine, number)) == list(range(1, 61))
    assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0


def test_stop_of_the_launcher_reaches_everything(machine):
    number = machine.start_run("family")
    machine.wait_for(lambda: len(machine.step_pids("sleep 1000")) == 2, 60, "parent and child run")
    machine.run("systemctl", "stop", "batch-runner.service")
    assert machine.step_pids("sleep 1000") == []
    machine.run("systemctl", "start", "batch-runner.service")
    assert machine.wait_for_run(number)["run"]["status"] in ("failed", "cancelled")
    assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0


def test_reload_of_the_launcher_keeps_process_and_steps(machine):
    number = machine.start_run("count", "-p", "n=40")
    wait_first_line(machine, number)
    before = main_pid(machine, "batch-runner.service")
    machine.run("systemctl", "reload", "batch-runner.service")
    assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0
    assert main_pid(machine, "batch-runner.service") == before
    assert machine.wait_for_run(number)["run"]["status"] == "success"


def test_batch_run_unit_waits_and_ends_as_the_run(machine):
    machine.run("systemctl", "start", "batch-run@quick.service")
    assert machine.property("batch-run@quick.service", "Result") == "success"
    machine.write("/etc/batchd/jobs.d/broken.job", "[Step one]\nExec=/bin/false\n")
    machine.run("systemctl", "reload", "batchd.service")
    assert machine.run("systemctl", "start", "batch-run@broken.service", check=False).returncode != 0
    assert machine.property("batch-run@broken.service", "ExecMainStatus") == "1"


def test_a_due_time_is_one_start_for_all_users(machine):
    asked = ("run", "quick", "--due", "2026-12-01T12:00:00Z", "--wait")
    machine.ctl(*asked, user="root")
    again = machine.ctl(*asked, user="foreman")
    assert again.returncode == 0 and "had been started for this due time already" in again.stdout


def test_a_configuration_mistake_is_said_and_not_retried(machine):
    good = machine.out("cat", "/etc/batchd/batchd.conf") + "\n"
    machine.write("/etc/batchd/batchd.conf", "[Daemon]\nActionsPerMinit=3\n")
    machine.run("systemctl", "restart", "batchd.service", check=False)
    state = machine.wait_for(lambda: machine.property("batchd.service", "ActiveState") in ("failed", "active")
                             and machine.property("batchd.service", "ActiveState"), 60, "an end of the restart")
    machine.run("journalctl", "--sync")
    said = machine.journal("-u", "batchd.service", "-n", "20")
    machine.write("/etc/batchd/batchd.conf", good)
    machine.run("systemctl", "reset-failed")
    assert "batchd.conf:2" in said and "ActionsPerMinute" in said
    assert state == "failed" and "status=78" in said


def test_poweroff_with_a_running_step_is_quick(machine):
    """The last test: how long the machine takes to go down is seen when the session ends (see Machine.power_off)."""
    machine.start_run("count", "-p", "n=600")
    assert machine.current_runs()
