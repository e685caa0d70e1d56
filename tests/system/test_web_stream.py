"""Live streams: every line once, whatever breaks in between."""
import signal

import pytest

from batchtest.wait import until

JOBS = {
    "count": """
[Job]
[Step count]
Exec=/bin/sh -c "i=0; while [ $$i -lt 60 ]; do i=$$((i+1)); echo line $$i; sleep 0.02; done; echo last >&2"
[Step second]
Exec=/bin/echo fixed
""",
    "many": """
[Job]
[Step many]
Exec=/bin/sh -c "seq 1 3000; while [ ! -e ${gate} ]; do sleep 0.05; done; echo over"
[Parameter gate]
Type=string
""",
    "two": """
[Job]
[Step one]
Exec=/bin/sh -c "while [ ! -e ${gate} ]; do sleep 0.05; done"
[Step second]
Exec=/bin/true
[Parameter gate]
Type=string
""",
    "much": """
[Job]
[Step much]
Exec=/bin/sh -c "i=0; while [ $$i -lt 100 ]; do i=$$((i+1)); seq -f '%%g %(text)s' 200; sleep 0.02; done"
""" % {"text": "x" * 200},
}


@pytest.fixture
def instance(make_instance):
    return make_instance(jobs=JOBS).start()


@pytest.fixture
def web(instance, make_web):
    return make_web(instance).start()


def sequence(lines):
    return [line["seq"] for line in lines]


def test_lines_states_and_end(instance, web):
    run = instance.run("count", wait=False)["run_number"]
    with web.stream(f"/api/v1/runs/{run}/stream") as stream:
        assert stream.status == 200 and stream.headers["Content-Type"] == "text/event-stream"
        assert stream.headers["Cache-Control"] == "no-store" and stream.headers["X-Accel-Buffering"] == "no"
        lines, states = [], []
        for name, data in stream.events():
            if name == "lines":
                lines += data["lines"]
                assert stream.last_id == str(lines[-1]["seq"])
            elif name == "state":
                states.append(data)
            elif name == "end":
                end = data
        assert sequence(lines) == list(range(1, 63))
        assert lines[60]["stream"] == "stderr" and lines[61]["step"] == "second"
        assert end["status"] == "success" and end["last_seq"] == 62
        assert stream.retry
        assert states[-1]["progress"]["total"] == 2 and {step["step_name"] for step in states[-1]["steps"]} == {"count", "second"}


def test_an_ended_run_and_a_later_part_of_it(instance, web):
    run = instance.run("count")["run"]
    with web.stream(f"/api/v1/runs/{run['run_id']}/stream") as stream:
        lines, end = stream.follow()
        assert len(lines) == 62 and end["status"] == "success" and end["last_seq"] == 62
    with web.stream("/api/v1/runs/latest/stream?after=3", Last_Event_ID="60") as stream:
        lines, end = stream.follow()
        assert sequence(lines) == [61, 62] and end["last_seq"] == 62
    with web.stream(f"/api/v1/runs/{run['run_number']}/stream?lines=3") as stream:
        assert sequence(stream.follow()[0]) == [60, 61, 62]
    with web.stream("/api/v1/runs/latest/stream", Last_Event_ID="62") as stream:
        assert stream.follow()[0] == []


def test_the_end_of_a_run_says_why(instance, web):
    """Told to one who watched it fail, and to one who comes later."""
    instance.write_job("fails", "[Job]\n[Step s]\nExec=/bin/sh -c \"while [ ! -e %s ]; do sleep 0.02; done; exit 3\"\n" % instance.path("gate"))
    instance.call("daemon.reload")
    run = instance.run("fails", wait=False)["run_number"]
    with web.stream(f"/api/v1/runs/{run}/stream") as stream:
        next(stream.events("state"))
        with open(instance.path("gate"), "w", encoding="ascii"):
            pass
        _, watched = stream.follow()
    with web.stream(f"/api/v1/runs/{run}/stream") as stream:
        _, later = stream.follow()
    shown = instance.show(run)["run"]
    for end in (watched, later):
        assert (end["status"], end["reason"], end["error_message"]) == ("failed", shown["reason"], shown["error_message"]) and shown["error_message"]


def test_resuming_reads_from_disk_what_the_ring_has_lost(instance, web, tmp_path):
    gate = instance.path("gate")
    run = instance.run("many", wait=False, params={"gate": gate})["run_number"]
    until(lambda: instance.show(run)["last_seq"] >= 3000, "all lines are there")
    with web.stream(f"/api/v1/runs/{run}/stream") as live, web.stream(f"/api/v1/runs/{run}/stream?after=0") as whole, \
            web.stream(f"/api/v1/runs/{run}/stream", Last_Event_ID="1234") as part:
        first = next(data for _, data in live.events("lines"))
        assert first["lines"][0]["seq"] > 2000
        with open(gate, "w", encoding="ascii"):
            pass
        lines, _ = whole.follow()
        assert sequence(lines) == list(range(1, 3002)) and lines[-1]["text"] == "over"
        assert sequence(part.follow()[0]) == list(range(1235, 3002))
        assert sequence(first["lines"] + live.follow()[0]) == list(range(first["lines"][0]["seq"], 3002))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_line_is_lost_or_repeated_over_a_restart_of_the_daemon(instance, web, how):
    run = instance.run("count", wait=False)["run_number"]
    with web.stream(f"/api/v1/runs/{run}/stream?after=0") as stream:
        lines = []
        for _, data in stream.events("lines"):
            lines += data["lines"]
            if len(lines) > 10:
                break
        if how == signal.SIGKILL:
            instance.kill()
            instance.start(wait=False)
            more, end = stream.follow()
            assert sequence(lines + more) == list(range(1, 63)) and end["status"] == "success"
        else:
            # An ordered stop ends the run; the page is told that the daemon is away.
            instance.stop()
            names = []
            for name, data in stream.events():
                names.append(name)
                if name == "end" or (name == "daemon" and data["state"] == "down"):
                    break
            assert names[-1] in ("daemon", "end")


def test_the_daemon_is_asked_once_however_many_watch(instance, web):
    gate = instance.path("gate")
    run = instance.run("many", wait=False, params={"gate": gate})
    before = instance.call("daemon.status")["watchers"]
    streams = [web.stream(f"/api/v1/runs/{which}/stream") for which in (run["run_number"], run["run_id"], run["run_id"][:8], "latest") * 5]
    for stream in streams:
        next(stream.events("lines"))
    assert instance.call("daemon.status")["watchers"] == before + 1
    with open(gate, "w", encoding="ascii"):
        pass
    for stream in streams:
        assert stream.follow()[0][-1]["text"] == "over"
        stream.close()


def test_very_many_read_old_lines_at_once(instance, web):
    """More than may at a time: the others wait for their turn, some leave in between, and none misses a line."""
    gate = instance.path("gate")
    run = instance.run("many", wait=False, params={"gate": gate})["run_number"]
    until(lambda: instance.show(run)["last_seq"] >= 3000, "all lines are there")
    streams = [web.stream(f"/api/v1/runs/{run}/stream?after={2200 + start}") for start in range(150)]
    for stream in streams[::5]:
        stream.close()
    with open(gate, "w", encoding="ascii"):
        pass
    for start, stream in enumerate(streams):
        if start % 5:
            assert sequence(stream.follow()[0]) == list(range(2201 + start, 3002))
            stream.close()


def test_a_client_that_reconnects_misses_nothing(instance, web):
    run = instance.run("count", wait=False)["run_number"]
    lines, last = [], "0"
    while True:
        with web.stream(f"/api/v1/runs/{run}/stream", Last_Event_ID=last) as stream:
            name, data = next(stream.events("lines", "end"))
            if name == "end":
                break
            lines += data["lines"]
            last = stream.last_id
    assert sequence(lines) == list(range(1, 63))


def test_batch_web_itself_may_be_restarted(instance, web):
    run = instance.run("count", wait=False)["run_number"]
    stream = web.stream(f"/api/v1/runs/{run}/stream?after=0")
    _, data = next(stream.events("lines"))
    web.stop(signal.SIGKILL)
    web.start()
    with web.stream(f"/api/v1/runs/{run}/stream", Last_Event_ID=stream.last_id or "0") as again:
        more, _ = again.follow()
    assert sequence(data["lines"] + more) == list(range(1, 63))
    stream.close()


def test_a_slow_client_is_told_what_it_missed(instance, web):
    run = instance.run("much", wait=False)["run_number"]
    with web.stream(f"/api/v1/runs/{run}/stream?after=0") as slow, web.stream(f"/api/v1/runs/{run}/stream?after=0") as fast:
        lines, end = fast.follow()
        assert sequence(lines) == list(range(1, 20001)) and end["last_seq"] == 20000
        seen, skipped = [], 0
        for name, data in slow.events("lines", "end"):
            if name == "end":
                break
            if data["skipped"]:
                skipped += data["skipped"]
                assert not data["lines"]
            seen += sequence(data["lines"])
    assert skipped > 0 and seen == sorted(set(seen)) and seen[-1] == 20000
    assert len(seen) + skipped == 20000


def changes(stream):
    """What has changed. `runs` tells all that runs anew, and may come once more when the server itself has begun to follow the daemon."""
    for name, data in stream.events():
        assert name in ("changed", "runs"), (name, data)
        if name == "changed":
            yield data


def test_all_changes_of_all_runs(instance, web):
    gate = instance.path("gate")
    with web.stream("/api/v1/events") as stream:
        assert stream.event() == ("runs", {"runs": []})
        first = instance.run("two", wait=False, params={"gate": gate})["run_number"]
        follow, seen = changes(stream), {first: []}
        while not seen[first] or seen[first][-1]["status"] != "running":
            data = next(follow)
            seen[data["run_number"]].append(data)
        second = instance.run("many", wait=False, params={"gate": "/"})["run_number"]
        seen[second] = []
        with open(gate, "w", encoding="ascii"):
            pass
        while not all(told and told[-1].get("ended") for told in seen.values()):
            data = next(follow)
            seen[data["run_number"]].append(data)
        assert seen[first][-1]["status"] == "success" and seen[first][-1]["progress"]["completed"] == 2
        assert seen[first][-1]["duration_seconds"] == instance.show(first)["run"]["duration_seconds"] > 0
        assert seen[second][-1]["job"] == "many"
        with web.stream("/api/v1/events") as late:
            assert late.event() == ("runs", {"runs": []})
            instance.kill()
            instance.start()
            assert next(late.events("runs")) == ("runs", {"runs": []})
            third = instance.run("count", wait=False)["run_number"]
            assert next(changes(late))["run_number"] == third


def test_changes_of_some_jobs(instance, web):
    """Of those alone, from the first moment on, over a restart of the daemon too."""
    waiting = [instance.run("many", wait=False, params={"gate": instance.path("gate")})["run_number"]]
    with web.stream("/api/v1/events?jobs=count,much") as stream, web.stream("/api/v1/events") as whole:
        assert stream.event() == ("runs", {"runs": []})
        assert [run["run_number"] for run in whole.event()[1]["runs"]] == waiting
        first = instance.run("count")["run"]["run_number"]
        while not (event := stream.event())[1].get("ended"):
            assert (event[0], event[1]["run_number"]) == ("changed", first)
        instance.kill()
        second = instance.start().run("much", wait=False)["run_number"]
        seen = [event]
        while not any(run["run_number"] == second for run in seen[-1][1].get("runs", [seen[-1][1]]) if "run_number" in run):
            seen.append(stream.event())
        assert ("daemon", "down") in [(name, data.get("state")) for name, data in seen] and "runs" in [name for name, _ in seen]
        for name, data in seen:
            assert name != "runs" or not [run for run in data["runs"] if run["job"] == "many"]
            assert name != "changed" or data["job"] != "many"
    with web.stream("/api/v1/events?jobs=many") as stream:
        assert [run["run_number"] for run in stream.event()[1]["runs"]] == waiting


@pytest.mark.parametrize("path, status", [("/runs/77/stream", 404), ("/runs/1/stream?after=x", 422), ("/runs/1/stream?lines=-1", 422), ("/runs/1/stream?line=3", 422), ("/events?job=x", 422)])
def test_errors_before_a_stream_begins(instance, web, path, status):
    assert web.get("/api/v1" + path).status == status
    assert web.request("HEAD", "/api/v1/runs/1/stream").status == 405
