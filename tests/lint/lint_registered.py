"""Every test, fuzz target, benchmark and manual page that exists is in its table: one that is forgotten would never run."""
import os
import re

from source import Complaints, files, read

# (files, the meson.build that lists them, how they are written there)
TABLES = [
    (r"tests/unit/test_\w+\.c", "tests/unit/meson.build", "'{stem}'"),
    (r"tests/system/test_\w+\.py", "tests/system/meson.build", "'{stem}'"),
    (r"tests/systemd/test_\w+\.py", "tests/systemd/meson.build", "'{stem}'"),
    (r"tests/fuzz/fuzz_\w+\.c", "tests/fuzz/meson.build", "'{stem}'"),
    (r"tests/bench/bench_\w+\.(?:c|py)", "tests/bench/meson.build", "'{stem}'"),
    (r"tests/lint/lint_\w+\.py", "tests/lint/meson.build", "'{stem}'"),
    (r".*\.scd", "meson.build", "'{path}'"),
]


def main():
    complaints = Complaints()
    checked = 0
    for path in files():
        for pattern, table, form in TABLES:
            if re.fullmatch(pattern, path):
                checked += 1
                row = form.format(path=path, stem=os.path.splitext(os.path.basename(path))[0])
                if row not in read(table):
                    complaints.add(path, 1, f"has no row in {table}")
    for target in re.findall(r"^  '(fuzz_\w+)'", read("tests/fuzz/meson.build"), re.M):
        if not any(path.startswith(f"tests/fuzz/corpus/{target}/") for path in files()):
            complaints.add("tests/fuzz/meson.build", 1, f"{target} has no corpus in tests/fuzz/corpus/{target}")
    complaints.finish(f"{checked} files")


main()
