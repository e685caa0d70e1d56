"""What the lints share: the project's files, C text without its comments and strings, and the way to complain."""
import os
import re
import subprocess
import sys

ROOT = os.environ.get("BATCHTEST_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BATCHTEST_BUILD") or os.path.join(ROOT, "build")

# Comments, string literals and character constants of C, in the order in which they are recognised.
C_NOISE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def files(*endings):
    """Paths below the root of all files of the project, those with one of the endings when some are given."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=False) if os.path.exists(os.path.join(ROOT, ".git")) else None
    if listed and listed.returncode == 0:
        found = listed.stdout.splitlines()
    else:
        found = list(walk())
    return sorted(path for path in found
                  if (not endings or path.endswith(endings)) and os.path.isfile(os.path.join(ROOT, path)))


def walk():
    """The files of a tree that came without git: everything but builds and caches."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", "__pycache__", ".cache") and not name.startswith("build")]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def blank(match):
    """As many lines as were there, nothing else; an empty literal of its kind in place of a literal."""
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] * 2
    return " " + "\n" * text.count("\n")


def code(text):
    """C text without comments and with empty literals, line for line."""
    return C_NOISE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Complaints:
    def __init__(self):
        self.count = 0

    def add(self, path, line, message):
        self.count += 1
        print(f"{path}:{line}: {message}")

    def finish(self, checked):
        print(f"{checked}, {self.count} complaint{'' if self.count == 1 else 's'}")
        sys.exit(1 if self.count else 0)
