"""Secrets that the daemon and steps are given reach no command line, log, state file, error text or answer."""
import os
import re

import pytest

from batchtest import processes
from batchtest.wait import until

SECRETS = {"conninfo": "Xconninfo8d1f", "file": "Xenvfile77ac", "credential": "Xcredent51be", "environment": "Xenviron90dd",
           "header": "Xheader3c3c"}

JOB = """
[Job]
EnvironmentFile={file}
[Step use]
Exec=/bin/sh -c "test -n \\"$$TOKEN\\" && cat $$CREDENTIALS_DIRECTORY/key >/dev/null && echo used && exec sleep 300"
[Step fail]
Exec=/bin/false
"""


def found_in(folder, but=()):
    """Secrets in the files below a folder: (file, what secret)."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if path in but or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                content = file.read()
            found += [(path, what) for what, secret in SECRETS.items() if secret.encode() in content]
    return found


def found_in_command_lines():
    lines = "\n".join(processes.command_line(pid) for pid in processes.descendants())
    return [what for what, secret in SECRETS.items() if secret in lines]


CONNINFOS = [
    "host=/nonexistent dbname=x user=u password={}",
    "postgresql://u:{}@127.0.0.1:1/db",
]
# What libpq says of these it says with a part of them.
WRONG_CONNINFOS = [
    "host=/nonexistent password={} stray",
    "host=/nonexistent password {}",
    "host=/nonexistent password=two {}",
    "password='{} host=/nonexistent",
    "postgresql://u:{}@[::1:x/db",
    "postgresql://u:{}@[::1",
    "postgresql://u:{}%zz@127.0.0.1/db",
    "postgresql://u@127.0.0.1/db?{}=1",
]


@pytest.mark.parametrize("conninfo", CONNINFOS)
def test_nothing_shows_a_secret(make_instance, conninfo):
    instance = make_instance(database=conninfo.format(SECRETS["conninfo"]), environment={"UNRELATED_TOKEN": SECRETS["environment"]})
    secret_file = instance.path("secret.env")
    with open(secret_file, "w", encoding="ascii") as file:
        file.write(f"TOKEN={SECRETS['file']}\n")
    os.mkdir(instance.path("credentials"))
    credential = instance.path("credentials", "key")
    with open(credential, "w", encoding="ascii") as file:
        file.write(SECRETS["credential"])
    instance.environment["CREDENTIALS_DIRECTORY"] = instance.path("credentials")
    instance.write_job("use", JOB.format(file=secret_file))
    instance.start()
    run = instance.run("use", wait=False)["run_number"]
    until(lambda: [line for line in instance.call("run.tail", run=run)["lines"] if line["text"] == "used"], "the secrets are used")
    until(lambda: instance.call("daemon.status")["mirror"]["error"], "the database cannot be reached")
    answers = [str(instance.call(method, **params)) for method, params in (
        ("daemon.status", {}), ("job.list", {}), ("job.show", {"job": "use"}), ("run.show", {"run": str(run)}),
        ("run.current", {}), ("run.tail", {"run": run}), ("daemon.reload", {}), ("run.cancel", {"run": str(run)}))]
    assert not found_in_command_lines()
    for what, secret in SECRETS.items():
        assert secret not in "".join(answers), f"{what} is in an answer: {[a for a in answers if secret in a]}"
    kept = (instance.config, secret_file, credential)
    assert not found_in(instance.folder, kept), f"mirror says: {instance.call('daemon.status')['mirror']['error']}"
    instance.stop()
    assert not found_in(instance.folder, kept)
    checked = instance.ctl("status", check=False)
    assert SECRETS["conninfo"] not in checked.stdout + checked.stderr


def test_a_mistake_in_the_configuration_is_told_without_the_value(make_instance):
    instance = make_instance({"hello": "[Step one]\nExec=/bin/echo hello\n"})
    with open(instance.config, "a", encoding="utf-8") as config:
        config.write(f"Databse=password={SECRETS['conninfo']}\n")
    instance.start(wait=False)
    until(lambda: instance.process.poll() is not None, "it ends")
    assert "Databse" in instance.log and SECRETS["conninfo"] not in instance.log
    assert re.search(r"did you mean .?Database", instance.log)


@pytest.mark.parametrize("conninfo", WRONG_CONNINFOS)
def test_a_mistake_in_the_connection_string_is_told_without_it(make_instance, conninfo):
    instance = make_instance(database=conninfo.format(SECRETS["conninfo"]))
    instance.start(wait=False)
    until(lambda: instance.process.poll() is not None, "it ends")
    assert "Database= is no connection string" in instance.log and SECRETS["conninfo"] not in instance.log, instance.log
