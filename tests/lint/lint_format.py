"""C text is as clang-format writes it."""
import os
import shutil
import subprocess
import sys

from source import ROOT, files


def main():
    if not shutil.which("clang-format"):
        print("clang-format is not installed")
        sys.exit(77)
    sources = files(".c", ".h")
    checked = subprocess.run(["clang-format", "--dry-run", "--Werror", "--ferror-limit=1", *sources], cwd=ROOT, check=False,
                             capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in checked.stderr.splitlines() if ": error: " in line})
    for path in wrong:
        print(f"{path}:1: not as clang-format writes it: clang-format -i {path}")
    print(f"{len(sources)} files, {len(wrong)} to be formatted")
    sys.exit(1 if wrong or checked.returncode else 0)


if os.environ.get("BATCHTEST_SANITIZED"):
    sys.exit(77)
main()
