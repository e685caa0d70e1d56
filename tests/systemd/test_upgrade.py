"""A newer version installed over the running one, with runs in flight; and the whole machine gone and back."""
import os
import uuid

from machine_fixtures import NEXT_VERSION, counter, held
from test_systemd import log_lines, main_pid, numbers, wait_active, wait_first_line

SAME_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def running_program(machine, unit):
    return machine.out("readlink", f"/proc/{main_pid(machine, unit)}/exe")


def version_of(machine):
    return machine.ctl_json("status")["daemon"]["version"]


def test_upgrade_with_runs_in_flight(machine, next_installed):
    before = version_of(machine)
    with held(machine):
        follower = machine.spawn("batchctl", "run", "count", "-p", "n=100", "--follow")
        machine.wait_for(lambda: machine.step_pids("batchtest/count"), 60, "the step runs")
        step = counter(machine)
        family = machine.start_run("family")
        machine.wait_for(lambda: len(machine.step_pids("sleep 1000")) == 2, 60, "parent and child run")
        daemon, launcher = main_pid(machine), main_pid(machine, "batch-runner.service")
        machine.install(next_installed)
        assert "(deleted)" in running_program(machine, "batch-runner.service")
        machine.run("systemctl", "restart", "batchd.service")
        wait_active(machine, not_pid=daemon)
        assert version_of(machine) == NEXT_VERSION != before
        assert machine.out("batchctl", "--version").split()[-1] == NEXT_VERSION
        # The launcher executes itself anew: the same process, the new program, its monitors still its children.
        machine.wait_for(lambda: "(deleted)" not in running_program(machine, "batch-runner.service"), 60, "the launcher's new program")
        assert main_pid(machine, "batch-runner.service") == launcher
        assert machine.out(f"/proc/{launcher}/exe", "--version").split()[-1] == NEXT_VERSION
        assert counter(machine) == step
        # What the old version started obeys the new one, and new steps start.
        machine.ctl("cancel", str(family), user="foreman")
        assert machine.step_pids("sleep 1000") == []
        assert machine.ctl("run", "quick", "--wait", user="foreman").returncode == 0
    output, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, output
    assert [int(line.rpartition("line ")[2]) for line in output.splitlines() if "line " in line] == list(range(1, 101)), output
    number = machine.show_run(family)["run"]["run_number"] - 1
    shown = machine.wait_for_run(number)
    assert shown["run"]["status"] == "success" and len(shown["attempts"]) == 1
    assert numbers(log_lines(machine, number)) == list(range(1, 101))


def test_and_back_again(machine, installed):
    """The older version reads what the newer one wrote, for their formats are the same."""
    number = machine.start_run("count", "-p", "n=60")
    wait_first_line(machine, number)
    launcher = main_pid(machine, "batch-runner.service")
    machine.install(installed)
    machine.run("systemctl", "restart", "batchd.service")
    assert version_of(machine) != NEXT_VERSION
    machine.wait_for(lambda: "(deleted)" not in running_program(machine, "batch-runner.service"), 60, "the launcher's program")
    assert main_pid(machine, "batch-runner.service") == launcher
    assert machine.wait_for_run(number)["run"]["status"] == "success"
    assert numbers(log_lines(machine, number)) == list(range(1, 61))


def give_boot_id(machine):
    """The kernel goes on under machines in namespaces, and so does its boot id."""
    if not machine.has_own_kernel:
        machine.write("/run/boot_id", f"{uuid.uuid4()}\n")
        for unit in ("batchd.service", "batch-runner.service"):
            machine.write(f"/run/systemd/system/{unit}.d/boot.conf", f"[Service]\nBindReadOnlyPaths=/run/boot_id:{SAME_BOOT_ID}\n")
    machine.write("/etc/batchd/jobs.d/again.job",
                  "[Job]\nRestartLost=yes\n[Parameter n]\nType=integer\n[Step once]\n"
                  "Exec=/bin/sh -c 'echo $BATCH_RUN; [ -e /var/lib/batchd/go ] || sleep 1000'\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "batchd.service")


def test_reboot_in_order_under_runs(boot):
    """Runs are ended by the daemon, before everything else; with RestartLost= they are started again."""
    first = boot()
    give_boot_id(first)
    plain = first.start_run("family")
    again = first.start_run("again", "-p", "n=7")
    first.wait_for(lambda: first.out("batchctl", "logs", str(again), check=False), 60, "the first line of its step")
    first.write("/var/lib/batchd/go", "")
    first.power_off()

    second = boot()
    give_boot_id(second)
    stopped = [second.wait_for_run(number)["run"] for number in (plain, again)]
    assert [(run["status"], run["reason"]) for run in stopped] == [("cancelled", "stopped")] * 2
    new = second.wait_for_run(again + 1)["run"]
    assert (new["status"], new["retry_of"], new["parameters"]) == ("success", stopped[1]["run_id"], {"n": 7})
    second.run("systemctl", "restart", "batchd.service")
    assert second.ctl_json("history", "-n", "20")[0]["run_number"] == again + 1, "once, and the plain one not at all"


def test_reboot_under_runs(boot):
    first = boot()
    give_boot_id(first)
    plain = first.start_run("family")
    again = first.start_run("again", "-p", "n=7")
    ended = first.start_run("quick")
    first.wait_for_run(ended)
    first.wait_for(lambda: first.out("batchctl", "logs", str(again), check=False), 60, "the first line of its step")
    first.write("/var/lib/batchd/go", "")
    first.crash()

    second = boot()
    give_boot_id(second)
    lost = [second.wait_for_run(number)["run"] for number in (plain, again)]
    assert [(run["status"], run["reason"], run["error_message"]) for run in lost] == [("failed", "lost", "the machine was restarted")] * 2
    assert second.show_run(ended)["run"]["status"] == "success"
    new = second.wait_for_run(ended + 1)["run"]
    assert (new["status"], new["retry_of"], new["parameters"]) == ("success", lost[1]["run_id"], {"n": 7})
    assert second.ctl_json("history", "-n", "20")[0]["run_number"] == ended + 1
    assert second.out("batchctl", "logs", str(again)) and second.step_pids("sleep 1000") == []
    assert os.path.basename(running_program(second, "batchd.service")) == "batchd"
