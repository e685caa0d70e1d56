"""events.subscribe: every change of state of every run, and nothing before it is durable."""
import pytest

JOBS = {
    "hello": """
[Job]
[Step one]
Exec=/bin/echo hello
[Step two]
Exec=/bin/sleep 0.2
""",
    "fails": """
[Job]
[Step one]
Exec=/bin/false
""",
    "reports": """
[Job]
[Step one]
Exec=/bin/sh -c "for i in 1 2 3 4 5; do systemd-notify --no-block PROGRESS=$$i/5 || exit 9; sleep 0.1; done"
""",
}


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS).start()


def changes_of(client, run):
    """All changes of a run until its end."""
    changes = []
    while not changes or not changes[-1].get("ended"):
        _, params = client.notification("run.changed")
        if params["run_number"] == run:
            changes.append(params)
    return changes


def test_a_run_from_its_start_to_its_end(instance):
    client = instance.client()
    assert client.call("events.subscribe") == {"runs": []}
    run = instance.run("hello", wait=False)
    changes = changes_of(client, run["run_number"])
    assert changes[0]["run_id"] == run["run_id"] and changes[0]["status"] in ("queued", "running")
    assert {change["status"] for change in changes} <= {"queued", "running", "success"}
    assert [change for change in changes if change.get("ended")] == changes[-1:]
    assert changes[-1]["status"] == "success" and changes[-1]["progress"]["completed"] == 2
    assert any(change.get("current_step") == "two" for change in changes)
    # What is told of has been recorded.
    assert instance.show(run["run_number"])["run"]["status"] == "success"


def test_a_failure_says_why(instance):
    client = instance.client()
    client.call("events.subscribe")
    end = changes_of(client, instance.run("fails", wait=False)["run_number"])[-1]
    assert end["status"] == "failed" and end["reason"] == "exit" and "exit status 1" in end["error_message"]


def test_only_of_the_jobs_that_were_named(instance):
    client = instance.client()
    assert client.call("events.subscribe", jobs=["fails"]) == {"runs": []}
    instance.run("hello")
    run = instance.run("fails", wait=False)["run_number"]
    _, first = client.notification("run.changed")
    assert first["run_number"] == run


def test_progress_moves(instance):
    client = instance.client()
    client.call("events.subscribe")
    changes = changes_of(client, instance.run("reports", wait=False)["run_number"])
    assert {change.get("step_done") for change in changes} >= {1, 3, 5}


def test_what_runs_already_is_in_the_answer(instance):
    run = instance.run("hello", wait=False)["run_number"]
    client = instance.client()
    runs = client.call("events.subscribe")["runs"]
    assert [one["run_number"] for one in runs] == [run]
    assert changes_of(client, run)[-1]["status"] == "success"


def test_a_watcher_that_does_not_read_is_told_the_latest(instance):
    """What it missed is merged; its subscription holds no queue."""
    client = instance.client()
    client.call("events.subscribe")
    instance.write_job("quick", "[Job]\nOverlap=allow\n[Step one]\nExec=/bin/true\n")
    instance.call("daemon.reload")
    last = [instance.run("quick", wait=False)["run_number"] for _ in range(40)][-1]
    for run in range(last - 39, last + 1):
        instance.wait_for_run(run)
    ends = set()
    while len(ends) < 40:
        _, params = client.notification("run.changed")
        if params.get("ended"):
            ends.add(params["run_number"])
    assert ends == set(range(last - 39, last + 1))


def test_a_subscription_and_a_tail_on_one_connection(instance):
    client = instance.client()
    client.call("events.subscribe")
    run = instance.run("hello", wait=False)["run_number"]
    lines, status = client.follow(run)
    assert status == "success" and [line["text"] for line in lines] == ["hello"]
