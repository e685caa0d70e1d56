"""What sanitizers find in processes of the tests, also in those whose stderr and exit status nobody looks at."""
import os
import re
import shutil
import subprocess
import tempfile

from . import paths

OPTIONS = ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


def preload(library):
    """LD_PRELOAD for the daemon: a sanitizer's own library wants to be the first."""
    if not paths.SANITIZED:
        return library
    needed = subprocess.run(["ldd", paths.BATCHD], stdout=subprocess.PIPE, text=True, check=True).stdout
    return ":".join([*re.findall(r"=> (/\S*/lib[atu]\w*san\.so\S*)", needed), library])


class Reports:
    """From here on every sanitized process that is started leaves what is found in it in a folder."""

    def __init__(self):
        self.folder = None
        if not paths.SANITIZED:
            return
        self.folder = tempfile.mkdtemp(prefix="bt-", dir="/tmp")
        for name in OPTIONS:
            given = os.environ.get(name)
            os.environ[name] = f"{given}:log_path={self.folder}/report" if given else f"log_path={self.folder}/report"

    def take(self):
        """What has been found since it was asked last: a text, empty when nothing was."""
        texts = []
        for name in sorted(os.listdir(self.folder)) if self.folder else []:
            path = os.path.join(self.folder, name)
            with open(path, encoding="utf-8", errors="replace") as report:
                text = report.read()
            # What is under way when a process is told to end is not always freed: those leaks are told by its exit status, where one is looked at.
            if "ERROR: LeakSanitizer" not in text or "ERROR: AddressSanitizer:" in text:
                texts.append(text)
            os.remove(path)
        return "\n".join(texts)

    def remove(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
