"""Shell scripts, by shellcheck."""
import shutil
import subprocess
import sys

from source import ROOT, files, read


def main():
    if not shutil.which("shellcheck"):
        print("shellcheck is not installed")
        sys.exit(77)
    scripts = [path for path in files()
               if path.endswith(".sh") or read(path)[:30].startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash"))]
    print(f"{len(scripts)} scripts: {' '.join(scripts)}")
    sys.exit(subprocess.run(["shellcheck", "--external-sources", *scripts], cwd=ROOT, check=False).returncode if scripts else 0)


main()
