"""Names that could lead somewhere: items, parameters, selectors. They are data wherever they go, and no path is made of them that leaves its
folder."""
import os

import pytest

from batchtest.protocol import ProtocolError

ITEMS = ["../../../../escaped", "a/b", "..", ".", "%s%n%p", "$(touch pwned)", "`id`", "-rf", "ü ñ", "x" * 200, "a;b|c&d"]
JOB = """
[Job]
[Parameter text]
[Step each]
ForEach=!/bin/cat {items}
Exec=/bin/echo "${{item}}" "${{text}}"
"""


def every_file(folder):
    return sorted(os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names)


def test_items_and_parameters_stay_what_they_are(make_instance):
    instance = make_instance()
    with open(instance.path("items"), "w", encoding="utf-8") as file:
        file.write("\n".join(ITEMS) + "\n")
    instance.write_job("each", JOB.format(items=instance.path("items")))
    instance.start()
    before = set(every_file(instance.folder))
    value = "$HOME `id` $(id) ; | & > /tmp/x '\" %s %n \\ ../.."
    shown = instance.run("each", params={"text": value})
    assert shown["run"]["status"] == "success", shown["run"]
    lines = {line["text"] for line in instance.call("run.tail", run=shown["run"]["run_number"])["lines"]}
    assert {f"{item} {value}" for item in ITEMS} <= lines
    logs = f"state/runs/{shown['run']['run_id']}/"
    made = set(every_file(instance.folder)) - before
    assert all(name.startswith((logs, "state/state.db", "log", "run/")) for name in made), made
    assert len([name for name in made if name.endswith(".log") and "each" in name]) >= len(ITEMS)
    assert not os.path.exists(os.path.join(os.path.dirname(instance.folder), "escaped"))
    for item in ITEMS:
        assert f"F {item} {value}" in instance.call("log.read", run=shown["run"]["run_number"], step="each", item=item)["text"]


@pytest.mark.parametrize("bad", ["a\nb", "a\0b", "a\rb"])
def test_values_that_would_break_a_line_are_refused(make_instance, bad):
    instance = make_instance({"job": "[Parameter text]\n[Step one]\nExec=/bin/echo \"${text}\"\n"}).start()
    with pytest.raises(ProtocolError) as error:
        instance.call("run.start", job="job", params={"text": bad})
    assert error.value.kind in ("invalid_params", "parse_error") and instance.call("run.list")["runs"] == []


@pytest.mark.parametrize("bad", ["../../etc/passwd", "/etc/passwd", "a/../b", "%2e%2e%2f", "..", "x\n", ""])
def test_selectors_find_nothing_outside(make_instance, bad):
    instance = make_instance({"job": "[Step one]\nExec=/bin/echo one\n"}).start()
    number = instance.run("job")["run"]["run_number"]
    for method, params in (("run.show", {"run": bad}), ("log.read", {"run": bad}), ("log.read", {"run": number, "step": bad}),
                           ("run.start", {"job": bad}), ("run.start", {"job": "job", "steps": [bad]}), ("run.start", {"job": "job", "mode": bad}),
                           ("run.start", {"job": "job", "params": {bad: "1"}}), ("job.show", {"job": bad}), ("run.cancel", {"run": bad})):
        with pytest.raises(ProtocolError) as error:
            instance.call(method, **params)
        assert error.value.kind in ("not_found", "invalid_params"), (method, params, error.value.kind, error.value.message)
        assert "root:" not in error.value.message and "\n" not in error.value.message
    assert len(instance.call("run.list")["runs"]) == 1


@pytest.mark.parametrize("text", ["[Step ../x]\nExec=/bin/true\n", "[Step a/b]\nExec=/bin/true\n", "[Step a%sb]\nExec=/bin/true\n", "[Mode ..]\nSteps=a\n[Step a]\nExec=/bin/true\n"])
def test_names_in_job_files_are_plain(make_instance, text):
    instance = make_instance({"bad": text}).start()
    with pytest.raises(ProtocolError) as error:
        instance.call("run.start", job="bad")
    assert error.value.kind == "unavailable"
    assert any(mistake["file"].endswith("bad.job") and mistake["line"] == 1 for mistake in instance.call("daemon.reload")["errors"])


def test_items_of_a_command_are_plain(make_instance):
    instance = make_instance()
    with open(instance.path("items"), "w", encoding="utf-8") as file:
        file.write("fine\ntab\there\n")
    instance.write_job("each", JOB.format(items=instance.path("items")))
    shown = instance.start().run("each")
    assert shown["run"]["status"] == "failed" and "no name of an item" in shown["run"]["error_message"]
