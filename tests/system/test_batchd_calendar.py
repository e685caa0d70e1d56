"""batchd calendar: when an expression elapses, without a daemon."""
import shutil
import subprocess

import pytest

from batchtest import paths


def calendar(*arguments):
    return subprocess.run([paths.BATCHD, "calendar", *arguments], capture_output=True, text=True, timeout=paths.patience(), check=False)


def test_times_in_the_zone_and_in_utc():
    result = calendar("Tue 12:00 America/New_York", "--from", "2026-10-26T00:00:00Z", "-n", "2")
    assert result.returncode == 0
    assert result.stdout.splitlines() == ["Tue 2026-10-27 12:00:00 -04:00  2026-10-27 16:00:00 UTC",
                                          "Tue 2026-11-03 12:00:00 -05:00  2026-11-03 17:00:00 UTC"]


def test_changes_of_clocks_are_marked():
    spring = calendar("02:30 Europe/Berlin", "--from", "2027-03-27T12:00:00Z", "-n", "2").stdout.splitlines()
    assert spring == ["Sun 2027-03-28 03:00:00 +02:00  2027-03-28 01:00:00 UTC  (clocks skip the local time: right after the change)",
                      "Mon 2027-03-29 02:30:00 +02:00  2027-03-29 00:30:00 UTC"]
    autumn = calendar("02:30 Europe/Berlin", "--from", "2027-10-30T12:00:00Z", "-n", "2").stdout.splitlines()
    assert autumn[0] == "Sun 2027-10-31 02:30:00 +02:00  2027-10-31 00:30:00 UTC  (clocks show the local time twice: the first time)"
    assert "(" not in autumn[1]


def test_from_is_part_of_it():
    assert calendar("12:00 UTC", "--from", "2027-01-01T12:00:00Z", "-n", "1").stdout.startswith("Fri 2027-01-01 12:00:00 +00:00")


def test_as_systemd_says():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    other = subprocess.run(["systemd-analyze", "calendar", "--iterations=5", "Mon..Fri *~3 05:07 UTC"], capture_output=True, text=True, check=True)
    theirs = [line.split(": ", 1)[1].strip() for line in other.stdout.splitlines() if "(in UTC)" in line or "Next elapse" in line or "Iter" in line]
    theirs = [text for text in theirs if text.endswith("UTC")]
    ours = calendar("Mon..Fri *~3 05:07 UTC", "-n", "5").stdout.splitlines()
    assert theirs and [line[:23] for line in ours] == [text[:23] for text in theirs][:5]


@pytest.mark.parametrize("arguments, status, words", [
    (("Tue 25:00",), 1, "25"),
    (("daily Mars/Olympus",), 1, "there is no time zone Mars/Olympus"),
    ((), 2, "write one expression"),
    (("Tue", "12:00"), 2, "in quotes"),
    (("daily", "-n", "0"), 2, "from 1 to"),
    (("daily", "--from", "soon"), 2, "2027-03-28T00:00:00Z"),
])
def test_wrong_usage_is_explained(arguments, status, words):
    result = calendar(*arguments)
    assert result.returncode == status and words in result.stderr and not result.stdout


def test_what_never_elapses_says_so():
    result = calendar("2020-01-01")
    assert result.returncode == 0 and "elapses no more" in result.stdout
