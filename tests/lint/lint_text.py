"""Text of every kind: no path of somebody's machine, no trailing blanks, no tabs in C, a newline at the end."""
import re

from source import Complaints, files, read

# Folders of one person's or one build machine, which mean nothing to a reader. Written apart so that this file passes.
MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(?:" + "|".join(["work", "home/" + "[a-z]+", "roo" + "t", "Users", "worksp" + "ace"]) + r")/[\w.-]+")
# A tree of its own that examples may name.
EXAMPLES = re.compile(r"/home/(?:user|anna|alice|bob|\.\.\.|\*)")
BINARY = (".png", ".gz", ".bin")


def main():
    complaints = Complaints()
    checked = 0
    for path in files():
        if path.endswith(BINARY) or "/corpus/" in path:
            continue
        checked += 1
        text = read(path)
        recorded = "/recorded/" in path or path.endswith((".csv", ".json"))
        if text and not text.endswith("\n") and not recorded:
            complaints.add(path, text.count("\n") + 1, "no newline at the end of the file")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not recorded and not path.endswith(".md"):
                complaints.add(path, number, "blanks at the end of the line")
            if path.endswith((".c", ".h", ".py")) and "\t" in line:
                complaints.add(path, number, "a tab: indent with blanks")
            for match in MACHINE_PATH.finditer(line):
                if not EXAMPLES.match(match.group(0)):
                    complaints.add(path, number, f"{match.group(0)} is a folder of one machine")
    complaints.finish(f"{checked} files")


main()
