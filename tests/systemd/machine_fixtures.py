"""The machine that all tests here share: booted once, with the project installed. In namespaces of this kernel, or, with
BATCHTEST_MACHINE=virtual, with a kernel of its own (tests/machine)."""
import contextlib
import os
import subprocess
import sys
import tempfile

import pytest

import machine as machine_module

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "machine"))
import virtual

IS_VIRTUAL = os.environ.get("BATCHTEST_MACHINE") == "virtual"
SOURCE = os.environ.get("BATCHTEST_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BATCHTEST_BUILD") or os.path.join(SOURCE, "build")
# What Meson takes for "all of it was skipped".
EXIT_SKIPPED = 77

WHY_NOT = virtual.why_not() if IS_VIRTUAL else machine_module.why_not()


def pytest_collection_modifyitems(items):
    if WHY_NOT:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=WHY_NOT))


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {report.longrepr[2] if report.longrepr else ''}")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    outcomes = {key for key, reports in reporter.stats.items() if key in ("passed", "failed", "error", "skipped") and reports}
    if outcomes == {"skipped"}:
        session.exitstatus = EXIT_SKIPPED


def install(build, folder):
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild"], check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, DESTDIR=folder))


@pytest.fixture(scope="session")
def installed():
    with tempfile.TemporaryDirectory(prefix="batchtest-install-") as folder:
        os.chmod(folder, 0o755)  # it becomes the root folder of a machine
        install(BUILD, folder)
        yield folder


@pytest.fixture(scope="session")
def base_image(installed):
    """What a virtual machine's disk holds at first."""
    with tempfile.TemporaryDirectory(prefix="batchtest-image-", dir="/var/tmp") as folder:
        yield virtual.make_image(folder, installed, SOURCE)


@pytest.fixture
def disks(base_image):
    """The disks of a machine that is only this test's."""
    with virtual.Disks(base_image) as made:
        yield made


@pytest.fixture(scope="session")
def booted(request, installed):
    if IS_VIRTUAL:
        with virtual.Disks(request.getfixturevalue("base_image")) as made, virtual.VirtualMachine(made) as machine:
            set_up(machine)
            yield machine
    else:
        with machine_module.Machine(installed, SOURCE, BUILD) as machine:
            set_up(machine)
            yield machine


NEXT_VERSION = "9.9.9-upgrade"


@pytest.fixture(scope="session")
def next_installed():
    """The same programs under another version number."""
    with tempfile.TemporaryDirectory(prefix="batchtest-next-") as folder:
        build = os.path.join(folder, "build")
        subprocess.run(["meson", "setup", build, SOURCE, "-Dtests=false", "-Dbuildtype=debug", f"-Dpackage_version={NEXT_VERSION}"],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", build], check=True, stdout=subprocess.DEVNULL)
        install(build, os.path.join(folder, "tree"))
        yield os.path.join(folder, "tree")


@pytest.fixture
def boot(request, installed, tmp_path_factory):
    """boot(): a machine that finds the state that an earlier one of the test left; that one has crashed."""
    state = tmp_path_factory.mktemp("state")
    made = []

    def start():
        if IS_VIRTUAL:
            machine = virtual.VirtualMachine(request.getfixturevalue("disks"))
        else:
            machine = machine_module.Machine(installed, SOURCE, BUILD, str(state))
        made.append(machine)
        machine.__enter__()
        if len(made) == 1 or not IS_VIRTUAL:
            set_up(machine)
        return machine

    yield start
    for machine in made:
        machine.power_off()


HOLD = "/usr/local/lib/batchtest/hold"
SCRIPTS = {
    "count": '#!/bin/sh\n# Prints the numbers from 1 to $1, one every $2 seconds, the last one when it may.\n'
             'for i in $(seq "$1"); do\n'
             f'    while [ "$i" = "$1" ] && [ -e {HOLD} ]; do sleep 0.05; done\n'
             '    echo "line $i"\n    sleep "$2"\ndone\n',
    "family": '#!/bin/sh\n# Leaves a child that wants to get away.\nsetsid sleep 1000 & echo $!; sleep 1000\n',
}
JOBS = {
    "quick": "[Job]\nDescription=Says something and ends\n\n[Step one]\nExec=/bin/echo hello\n\n[Step two]\nExec=/bin/echo bye\n",
    "count": "[Job]\nDescription=Counts for a while\n\n[Parameter n]\nType=integer\nDefault=60\n\n[Step count]\n"
             "Exec=/usr/local/lib/batchtest/count ${n} 0.05\nKillGraceSec=2s\n",
    "family": "[Job]\nDescription=Has a child in a session of its own\n\n[Step family]\nExec=/usr/local/lib/batchtest/family\n"
              "KillGraceSec=2s\n",
    "secret": "[Job]\nDescription=Reads a credential\n\n[Step read]\n"
              "Exec=/bin/sh -c 'cat \"$CREDENTIALS_DIRECTORY/tank01-api-key\"'\n",
}


@contextlib.contextmanager
def held(machine):
    """No `count` comes to its end meanwhile, however long it takes what is done to it."""
    machine.write(HOLD, "")
    try:
        yield
    finally:
        machine.run("rm", "-f", HOLD)


def counter(machine):
    """The pid of the step that counts; a child of it has its name until it executes sleep. None: it does not run."""
    return min(machine.step_pids("batchtest/count"), default=None)


def set_up(machine):
    """What an administrator does once."""
    machine.run("systemd-sysusers")
    machine.run("systemd-tmpfiles", "--create", "batchd.conf")
    for user, groups in (("watcher", "batchd"), ("foreman", "batchd-admin"), ("stranger", "")):
        machine.run("useradd", "--no-create-home", *(["--groups", groups] if groups else []), user)
    for name, text in SCRIPTS.items():
        machine.write(f"/usr/local/lib/batchtest/{name}", text, "755")
    for name, text in JOBS.items():
        machine.write(f"/etc/batchd/jobs.d/{name}.job", text)
    machine.write("/etc/credstore/tank01-api-key", "a secret", "600")
    # Ten and more actions a minute are a test's way of life; one test lowers it again.
    machine.write("/etc/batchd/batchd.conf", "[Daemon]\nActionsPerMinute=1000\nLogLevel=debug\n")
    machine.run("systemctl", "daemon-reload")


@pytest.fixture
def machine(booted):
    """The machine with batchd up and nothing running."""
    booted.run("systemctl", "reset-failed")
    booted.run("systemctl", "start", "batchd.service")
    yield booted
    for run in booted.current_runs():
        booted.ctl("cancel", str(run["run_number"]), check=False)
