"""Calendar expressions against systemd-analyze: thousands of random ones, in zones of every kind, from instants of every kind.

Where the two differ on purpose (systemd leaves out what falls into a gap of the clocks) only instants near a change of clocks are let off;
those have tests of their own in test_calendar_clocks.c, over all zones."""
import datetime
import os
import random
import re
import shutil
import subprocess
import zoneinfo

import pytest

HARNESS = os.path.join(os.environ["BATCHTEST_BUILD"], "tests", "system", "calendar_harness")
FOLDER = "/usr/share/zoneinfo"
DAY = 86400
GAVE_UP = "gave up"
ITERATIONS = 12
# Zones with and without changes, south of the equator, with half hours, with a change of the date line.
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca",
         "Europe/Dublin", "Pacific/Chatham"]

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze") or not os.path.isdir(FOLDER),
                                reason="needs systemd-analyze and the zone files")


class Maker:
    """Random expressions, most of them valid."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def component(self, low, high):
        kind = self.random.randrange(10)
        first = self.random.randint(low, high)
        if kind < 5:
            return str(first)
        if kind < 7:
            return f"{first:02}..{self.random.randint(low, high)}"
        if kind < 9:
            return f"{first}/{self.random.randint(1, max(1, (high - low) // 2))}"
        return f"{first}..{self.random.randint(low, high)}/{self.random.randint(1, 7)}"

    def field(self, low, high, star=0.4):
        if self.random.random() < star:
            return "*"
        return ",".join(self.component(low, high) for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def weekdays(self):
        names = ["Mon", "tue", "Wednesday", "Thu", "Fri", "SAT", "Sun"]
        if self.random.random() < 0.6:
            return ""
        first = self.random.randrange(7)
        last = self.random.randrange(7)
        form = self.random.choice(["{a}", "{a},{b}", "{a}..{b}", "{a}-{b}", "{a},{b},"])
        return form.format(a=names[first], b=names[last]) + " "

    def date(self):
        kind = self.random.randrange(6)
        separator = "~" if kind == 5 else "-"
        day = self.field(1, 31 if separator == "-" else 7)
        if kind < 2:
            return ""
        if kind == 2:
            return f"{self.field(1, 12)}-{day} "
        return f"{self.field(2024, 2030, 0.8)}-{self.field(1, 12, 0.6)}{separator}{day} "

    def time(self):
        if self.random.random() < 0.15:
            return ""
        seconds = self.random.choice(["", "", ":" + self.field(0, 59), ":5.5", ":0/7.5"])
        return f"{self.field(0, 23)}:{self.field(0, 59)}{seconds}"

    def expression(self):
        if self.random.random() < 0.05:
            return self.random.choice(["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "Yearly"])
        text = (self.weekdays() + self.date() + self.time()).rstrip()
        if text and self.random.random() < 0.1:
            text += " " + self.random.choice(["UTC", "Asia/Tokyo", "Europe/London"])
        if text and self.random.random() < 0.05:
            at = self.random.randrange(len(text))
            text = text[:at] + self.random.choice("-~:/.,*9x") + text[at + 1:]
        return text or "daily"


def ours(zone, base, expressions):
    lines = "".join(f"{zone}\t{base}\t{ITERATIONS}\t{expression}\n" for expression in expressions)
    done = subprocess.run([HARNESS, FOLDER], input=lines, capture_output=True, text=True, check=True, timeout=120)
    return [None if line == "invalid" else [int(word) for word in line.split()] for line in done.stdout.splitlines()]


def systemd_one_by_one(zone, base, expressions):
    """What `systemd-analyze calendar` says to each: instants, None for one that it refuses, GAVE_UP where it fails on the way."""
    results = []
    base_time = datetime.datetime.fromtimestamp(base, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    done = subprocess.run(["systemd-analyze", "calendar", f"--iterations={ITERATIONS}", f"--base-time={base_time}", "--", *expressions],
                          env={**os.environ, "TZ": f":{zone}", "LC_ALL": "C"}, capture_output=True, text=True, check=False, timeout=120)
    refused = set(re.findall(r"Failed to parse calendar specification '(.*)': ", done.stderr))
    gave_up = set(re.findall(r"Failed to determine next elapse for '(.*)': ", done.stderr))
    blocks = iter(re.split(r"\n\n+", done.stdout))
    blocks = (block for block in blocks if "elapse: " in block)
    for expression in expressions:
        if expression in refused:
            results.append(None)
            continue
        if expression in gave_up:
            results.append(GAVE_UP)
            continue
        block = next(blocks)
        instants = re.findall(r"(?:elapse|Iter\. #\d+|\(in UTC\)): \w+ ([-0-9]+ [:0-9]+) UTC$", block, flags=re.M)
        results.append([int(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp())
                        for text in instants])
    return results


def near_change(zone, instant):
    where = zoneinfo.ZoneInfo(zone)
    offsets = {datetime.datetime.fromtimestamp(instant + shift, where).utcoffset() for shift in (-2 * DAY, 0, 2 * DAY)}
    return len(offsets) > 1


def skipped_by_systemd(expression, zone, instant):
    """systemd 252 takes a repetition that runs over the end of a year on into the next one, and so passes over its first elapses there."""
    return "/" in expression and datetime.datetime.fromtimestamp(instant, zoneinfo.ZoneInfo(zone)).month == 1


def zone_of(expression, zone):
    last = expression.split(" ")[-1]
    return last if last in ("UTC", "Asia/Tokyo", "Europe/London") else zone


def compare(zone, expression, mine, theirs):
    """What is wrong, or None."""
    if theirs == GAVE_UP and mine is not None:
        return None
    if (mine is None) != (theirs is None):
        return f"we say {mine}, systemd {theirs}"
    if mine is None or mine == theirs:
        return None
    end = min(mine[-1] if len(mine) == ITERATIONS else 1 << 40, theirs[-1] if len(theirs) == ITERATIONS else 1 << 40)
    differ = {instant for instant in set(mine) ^ set(theirs) if instant <= end}
    where = zone_of(expression, zone)
    unexplained = sorted(instant for instant in differ if not near_change(where, instant) and not skipped_by_systemd(expression, where, instant))
    return f"differ at {unexplained}: we say {mine}, systemd {theirs}" if unexplained else None


@pytest.mark.parametrize("zone", ZONES)
def test_like_systemd(zone):
    maker = Maker(zone)
    wrong = []
    valid = 0
    for base in (1704067200, 1709960399, 1711846800, 1730588399, 1735862399):
        expressions = [maker.expression() for _ in range(80)]
        for expression, mine, theirs in zip(expressions, ours(zone, base, expressions), systemd_one_by_one(zone, base, expressions), strict=True):
            valid += mine is not None
            fault = compare(zone, expression, mine, theirs)
            if fault:
                wrong.append(f"{expression!r} from {base}: {fault}")
    assert not wrong, "\n".join(wrong)
    assert valid > 150


@pytest.mark.parametrize("expression", [
    "Mon,Tue *-*-* 00:00:00", "Mon..Fri 12:00", "*-*-* 01,13:00", "*-02-29", "Mon *-02-29", "Sun *-*-1..7", "Mon *-05~07/1", "*-*~01 23:59:59", "*-*~03..01",
    "2026-01-01 00:00:00.5", "*:0/15", "0/2:00", "00..23:30", "*:*:0/20", "99-12-31", "@1704067200", "12:00:60", "24:00", "*-13-01", "*-0-1", "Mon..", "Mon,", "..Mon",
    "Fri..Mon", "1..1:00", "*-*-31..1", "1..2/5:00", "*:*:5..5", "*:*:5..6/10", "*:*:5..5.5", "23/1:00", "*-*~1/1", "*-*~02/5", "*-*~03..03", "5..4:00", "1..1/1:00", "*:*:59.9999999", "*/2:00", "12", "12:", ":12", "", " ", "-", "*", "*-*", "* *", "* *:*", "1-2-3-4", "00:00:00..00:00:05",
    "*-*-*  12:00", "12:00 Mars/Phobos", "UTC", "Mon UTC", "weekly UTC", "weekly Mon", "2200-01-01", "69-01-01", "70-01-01", "*-*-01..05,03..07/2", "0/0:0",
    "*-*~1/2", "*-*~32", "*~1", "*:0..30/10:5", "Mon Tue", "Mon-Wed", "Mon.Wed", "mOn", "Mond"])
def test_corners_like_systemd(expression):
    mine = ours("UTC", 1704067200, [expression])
    theirs = systemd_one_by_one("UTC", 1704067200, [expression])
    assert mine == theirs
