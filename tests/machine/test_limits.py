"""Limits of a step as the kernel keeps them: what is in force, what it does, and that it outlives the launcher."""
import json

LEAVES = "/sys/fs/cgroup/system.slice/batch-runner.service"
LIMITED = "[Step limited]\nExec=/bin/sh -c 'echo ready; exec sleep 1000'\nMemoryMax=96M\nCPUQuota=50%\nTasksMax=40\nKillGraceSec=1s\n"
GREEDY = ("[Step greedy]\nExec=/usr/bin/python3 -c 'x = bytearray(400 << 20)'\nMemoryMax=64M\nRetries=1\nRetryDelaySec=10ms\n")
# A shell that forks itself without end; the limit holds it.
BOMB = "#!/bin/bash\nbomb() { bomb & bomb; }\necho ready\nbomb 2>/dev/null\nwait\nsleep 1000\n"
WRITER = "[Step write]\nExec=/bin/dd if=/dev/zero of=/var/lib/batchd/written bs=1M count=8 oflag=direct\n"


def add_job(machine, name, text):
    machine.write(f"/etc/batchd/jobs.d/{name}.job", text)
    machine.run("systemctl", "reload", "batchd.service")


def start(machine, job):
    """Starts a run of a job whose step says when it is ready: (run number, the step's cgroup)."""
    number = machine.start_run(job)
    machine.wait_for(lambda: "ready" in machine.out("batchctl", "logs", str(number), check=False), 30, "the step is ready")
    return number, machine.out("sh", "-c", f"ls -d {LEAVES}/step.*")


def limits_of(machine, leaf):
    return machine.out("sh", "-c", f"cd {leaf} && cat memory.max pids.max cpu.max").splitlines()


def test_limits_are_in_force_and_outlive_the_launcher(machine):
    add_job(machine, "limited", LIMITED)
    number, leaf = start(machine, "limited")
    expected = [str(96 << 20), "40", "50000 100000"]
    assert limits_of(machine, leaf) == expected
    before = machine.property("batch-runner.service", "MainPID")
    machine.run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "batch-runner.service")
    machine.wait_for(lambda: machine.property("batch-runner.service", "MainPID") not in ("0", before), 20, "a new launcher")
    # No process may be in a cgroup that has controllers enabled for those below it: the new launcher cannot be where the leaves' parent is.
    assert machine.ctl("run", "quick", "--wait").returncode == 0
    assert limits_of(machine, leaf) == expected
    assert "memory" in machine.out("cat", f"{LEAVES}/cgroup.subtree_control").split()
    again = machine.ctl("cancel", str(number), "-o", "json")
    assert json.loads(again.stdout)["processes_ended"] >= 1
    machine.run("test", "!", "-e", leaf)


def test_memory_over_the_limit_ends_the_step_as_oom(machine):
    add_job(machine, "greedy", GREEDY)
    shown = machine.wait_for_run(machine.start_run("greedy"))
    assert (shown["run"]["status"], shown["run"]["reason"]) == ("failed", "oom"), shown
    assert [(attempt["status"], attempt["reason"]) for attempt in shown["attempts"]] == [("failed", "oom")] * 2, "the retry rule applies"
    for attempt in shown["attempts"]:
        used = attempt["metadata"]
        assert 48 << 20 <= used["memory_peak_bytes"] <= 64 << 20 and used["cpu_usec"] > 0, used


def test_a_fork_bomb_is_held_and_ended(machine):
    machine.write("/usr/local/lib/batchtest/bomb", BOMB, "755")
    add_job(machine, "bomb", "[Step bomb]\nExec=/usr/local/lib/batchtest/bomb\nTasksMax=60\nKillGraceSec=300ms\n")
    number, leaf = start(machine, "bomb")
    machine.run("sh", "-c", f"until [ $(cat {leaf}/pids.current) -ge 58 ]; do sleep 0.1; done")
    # It takes all that it may have; others are not touched by that.
    assert machine.ctl("run", "quick", "--wait").returncode == 0
    assert int(machine.out("cat", f"{leaf}/pids.peak", check=False) or 60) <= 60
    answer = json.loads(machine.ctl("cancel", str(number), "-o", "json").stdout)
    assert answer["processes_ended"] >= 30, answer
    machine.run("test", "!", "-e", leaf)
    run = machine.wait_for_run(number)["run"]
    assert (run["status"], run["reason"]) == ("cancelled", "request")


def test_what_a_step_wrote_is_recorded(machine):
    add_job(machine, "writer", WRITER)
    shown = machine.wait_for_run(machine.start_run("writer"))
    assert shown["run"]["status"] == "success", shown
    used = shown["attempts"][0]["metadata"]
    assert used["io_write_bytes"] >= 8 << 20 and used["memory_peak_bytes"] > 0 and used["cpu_usec"] > 0, used
