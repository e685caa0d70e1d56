"""batchctl validate and batchd -t FILE: job files are checked before they are installed, without a daemon."""
import glob
import json
import os
import subprocess

import pytest

from batchtest import paths


def validate(*arguments, cwd=None):
    environment = dict(os.environ, PATH=os.path.dirname(paths.BATCHD) + ":" + os.environ["PATH"])
    return subprocess.run([paths.BATCHCTL, "validate", *arguments], capture_output=True, text=True, check=False, env=environment, cwd=cwd)


def test_the_shipped_jobs_are_without_fault():
    files = sorted(glob.glob(os.path.join(paths.SOURCE, "daemon", "worker", "nfl", "jobs.d", "*.job")))
    result = validate(*files)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{len(files)} jobs, 0 errors, 0 warnings\n"


def test_all_mistakes_of_all_files_at_once(tmp_path):
    (tmp_path / "one.job").write_text("[Job]\nOverlap=sometimes\n[Step a]\nExec=/bin/true\nAfter=b\n")
    (tmp_path / "two.job").write_text("[Step a]\nExec=/bin/true\n")
    (tmp_path / "two.job.d").mkdir()
    (tmp_path / "two.job.d" / "10-site.conf").write_text("[Step a]\nTimeoutSec=soon\n")
    (tmp_path / "three.job").write_text("[Job]\nRunTimeoutSec=1min\n[Step a]\nExec=/bin/fetch --password=x\nTimeoutSec=40s\nRetries=2\nRetryDelaySec=0\n")
    result = validate("one.job", "two.job", "three.job", "notes.txt", "four.job", cwd=tmp_path)
    lines = result.stderr.splitlines()
    assert result.returncode == 1
    assert lines[0].startswith("one.job:2: Overlap=: \"sometimes\" does not fit; it takes")
    assert lines[1].startswith("one.job:5: After=: there is no step \"b\"")
    assert lines[2].startswith("./two.job.d/10-site.conf:2: TimeoutSec=: \"soon\"")
    assert lines[3].startswith("three.job:4: warning: Exec=: argument 1 looks like a secret (password)")
    assert lines[4].startswith("three.job:5: warning: step a may take 2min with its 2 retries, but RunTimeoutSec ends the run after 1min")
    assert lines[5] == "notes.txt: is no job file; it takes NAME.job"
    assert lines[6].startswith("four.job: cannot be read: No such file")
    assert len(lines) == 7
    assert result.stdout == "5 jobs, 5 errors, 2 warnings\n"


def test_json(tmp_path):
    (tmp_path / "one.job").write_text("[Step a]\nExecute=/bin/true\n")
    result = validate(str(tmp_path / "one.job"), "-o", "json")
    told = json.loads(result.stdout)
    assert result.returncode == 1 and result.stderr == ""
    assert (told["jobs"], told["errors"]) == (1, 2)
    assert told["diagnostics"][-1] == {"path": str(tmp_path / "one.job"), "line": 2, "severity": "error",
                                       "text": told["diagnostics"][-1]["text"]}
    assert "unknown key Execute= in [Step]" in told["diagnostics"][-1]["text"]


@pytest.mark.parametrize("line, warned", [
    ("OnCalendar=Sun 02:30 Europe/Berlin", "clocks"),
    ("OnCalendar=2001-01-01 00:00", "elapses no more"),
    ("Deadline=2001-01-01 00:00", "Deadline=: 2001-01-01 00:00 elapses no more"),
    ("TimeZone=Europe/Berlin", "has no effect without OnCalendar="),
])
def test_what_is_likely_not_meant_is_warned_of(tmp_path, line, warned):
    (tmp_path / "one.job").write_text(f"[Job]\n{line}\n[Step a]\nExec=/bin/true\n")
    result = validate(str(tmp_path / "one.job"))
    assert result.returncode == 0
    assert f"{tmp_path}/one.job:2: warning: " in result.stderr and warned in result.stderr


def test_the_whole_configuration(make_instance):
    instance = make_instance({"nightly": "[Job]\nDeadline=Tue 14:00\n[Step a]\nExec=/bin/true\n"})
    result = validate("--config", instance.config)
    assert result.returncode == 0 and "nightly.job:2: warning: Deadline=: nobody is told when it passes" in result.stderr
    instance.sections = "[Alert ops]\nUrl=https://example.org/\nJobs=*\n"
    instance.write_config()
    result = validate("--config", instance.config)
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "1 job, 0 errors, 0 warnings\n")


def test_show_tells_the_rules_of_a_job(make_instance):
    instance = make_instance({"nightly": """[Job]
Deadline=Tue 14:00
Condition=/bin/true
OnFailure=ops
RestartLost=yes
[Step market]
Exec=/bin/true
RecordsMin=500
CoverageMin=90%
BreakerFailures=3
[Step greeks]
Exec=/bin/echo ${item}
ForEach=a b
MaxParallel=2
HeartbeatSec=1min
HeartbeatAction=kill
"""}).start()
    shown = instance.ctl("show", "nightly", environment={"COLUMNS": "300"}).stdout
    for text in ("deadline  Tue 14:00", "condition  /bin/true", "on failure  ops", "lost runs  are started again",
                 "records>=500 coverage>=90% breaker (3)",
                 "for each of a b, 2 at once; a heartbeat each 1min, else it is ended"):
        assert text in shown, shown


def examples(page):
    with open(os.path.join(paths.SOURCE, page), encoding="utf-8") as source:
        return [block for block in source.read().split("```")[1::2] if block.strip().startswith("[")]


def test_the_examples_of_the_manual_are_right(tmp_path):
    jobs, settings = examples("daemon/core/batchd.job.5.scd"), examples("daemon/core/batchd.conf.5.scd")
    assert len(jobs) >= 2 and len(settings) >= 2
    for number, text in enumerate(jobs):
        (tmp_path / f"example{number}.job").write_text(text)
    result = validate(*(str(tmp_path / f"example{number}.job") for number in range(len(jobs))))
    assert (result.returncode, result.stderr) == (0, ""), result
    for text in settings:
        (tmp_path / "jobs.d").mkdir(exist_ok=True)
        (tmp_path / "batchd.conf").write_text(text.replace("/home/anna/batch", str(tmp_path)))
        result = validate("--config", str(tmp_path / "batchd.conf"))
        assert result.returncode == 0, result
