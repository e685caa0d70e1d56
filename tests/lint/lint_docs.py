"""What the programs know is in the manual: methods, their arguments, error kinds, configuration keys, options. And every page renders."""
import os
import re
import shutil
import subprocess
import sys

from source import ROOT, Complaints, files, read

PROTOCOL = "proto/protocol.md"
# Section of configuration: (its page, the heading there)
PAGES = {
    "Web": ("client/web/batch-web.conf.5.scd", "SECTION [WEB]"),
    "Daemon": ("daemon/core/batchd.conf.5.scd", "SECTION [DAEMON]"),
    "Limit": ("daemon/core/batchd.conf.5.scd", "SECTION [LIMIT NAME]"),
    "Job": ("daemon/core/batchd.job.5.scd", "SECTION [JOB]"),
    "Parameter": ("daemon/core/batchd.job.5.scd", "SECTION [PARAMETER NAME]"),
    "Mode": ("daemon/core/batchd.job.5.scd", "SECTION [MODE NAME]"),
    "Step": ("daemon/core/batchd.job.5.scd", "SECTION [STEP NAME]"),
}
LONG_OPTION = re.compile(r'\{\s*"([a-z][a-z0-9-]+)",\s*(?:no_argument|required_argument|optional_argument)')
# A row of batchctl's tables: an option, or (struct verb) a subcommand.
NAMED_ROW = re.compile(r'\.name = "([a-z][a-z0-9-]+)"')
PROGRAMS = {"client/ctl/": "client/ctl/batchctl.1.scd", "client/web/": "client/web/batch-web.8.scd", "daemon/main/": "daemon/main/batchd.8.scd",
            "daemon/runner/": "daemon/runner/batch-runner.8.scd",
            "daemon/worker/nfl/": "daemon/worker/nfl/batch-nfl.1.scd"}
# Variables that users or systemd set. Those that the daemon gives to batch-alert are between the two.
GETENV = re.compile(r'\b(?:secure_)?getenv\("([A-Z][A-Z0-9_]*)"\)')
ENVIRONMENT = PROGRAMS | {"client/remote/": "client/ctl/batchctl.1.scd", "daemon/systemd/": "daemon/main/batchd.8.scd",
                          "daemon/worker/step_report": "daemon/worker/nfl/batch-nfl.1.scd"}


def section_of(text, heading, level):
    """The text below a heading, up to the next of the same level."""
    found = re.search(rf"^{level} {re.escape(heading)}$(.*?)(?=^{level} |\Z)", text, re.M | re.S)
    return found.group(1) if found else None


def main():
    complaints = Complaints()
    rows = [line.split() for line in subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout.splitlines()]
    check_methods(rows, read(PROTOCOL), complaints)
    check_keys(rows, complaints)
    check_options(complaints)
    check_environment(complaints)
    check_pages(complaints)
    complaints.finish(f"{len(rows)} rows")


def check_methods(rows, text, complaints):
    for row in rows:
        if row[0] == "method" and section_of(text, row[1], "###") is None:
            complaints.add(PROTOCOL, 1, f"method {row[1]} has no section")
        elif row[0] == "argument" and f"| `{row[2]}` |" not in (section_of(text, row[1], "###") or ""):
            complaints.add(PROTOCOL, 1, f"argument {row[2]} of {row[1]} is not described there")
        elif row[0] == "kind" and f"`{row[1]}`" not in text:
            complaints.add(PROTOCOL, 1, f"error kind {row[1]} is not described")
    known = {row[1] for row in rows if row[0] == "method"}
    for heading in re.findall(r"^### ([a-z]+\.[a-z]+)$", text, re.M):
        if heading not in known and not heading.startswith("run.") and not heading.startswith("daemon."):
            complaints.add(PROTOCOL, 1, f"{heading} is described and does not exist")


def check_keys(rows, complaints):
    keys = {}
    for row in rows:
        if row[0] == "key":
            keys.setdefault(row[1], set()).add(row[2])
    for section, (page, heading) in PAGES.items():
        text = section_of(read(page), heading, "#")
        if text is None:
            complaints.add(page, 1, f"no heading {heading}")
            continue
        described = set(re.findall(r"\*(\w+)=\*", "\n".join(line for line in text.splitlines() if line.startswith("*"))))
        for key in sorted(keys[section] - described):
            complaints.add(page, 1, f"{key}= in [{section}] is not described")
        for key in sorted(described - keys[section]):
            complaints.add(page, 1, f"{key}= in [{section}] is described and does not exist")


def check_options(complaints):
    for folder, page in PROGRAMS.items():
        if not os.path.exists(os.path.join(ROOT, page)):
            if any(path.startswith(folder) and path.endswith(".c") for path in files(".c")):
                complaints.add(page, 1, "this page does not exist")
            continue
        text = read(page).replace("\\-", "-")
        for path in files(".c"):
            if path.startswith(folder):
                for option in sorted(set(LONG_OPTION.findall(read(path)))):
                    if f"--{option}" not in text:
                        complaints.add(path, 1, f"--{option} is not described in {page}")
                for name in sorted(set(NAMED_ROW.findall(read(path)))) if folder == "client/ctl/" else []:
                    if f"--{name}" not in text and not re.search(rf"\*{name}\*|\*batchctl {name}\b|^## {name}\b", text, re.M):
                        complaints.add(path, 1, f"{name} is not described in {page}")


def check_environment(complaints):
    for folder, page in ENVIRONMENT.items():
        text = read(page).replace("\\_", "_")
        for path in files(".c"):
            if path.startswith(folder):
                for name in sorted(set(GETENV.findall(read(path)))):
                    if not re.search(rf"\b{name}\b", text):
                        complaints.add(path, 1, f"the variable {name} is not described in {page}")


def check_pages(complaints):
    if not shutil.which("scdoc"):
        print("scdoc is not installed: no page was rendered")
        return
    for path in files(".scd"):
        with open(os.path.join(ROOT, path), "rb") as page:
            result = subprocess.run(["scdoc"], stdin=page, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            complaints.add(path, 1, f"does not render: {result.stderr.strip()}")


main()
