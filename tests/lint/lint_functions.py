"""How long functions and files are: none over the caps, and most functions well below."""
import re

from source import Complaints, code, files, read

FUNCTION_CAP = 100
FUNCTION_REMARK = 60
FUNCTION_GOAL = 40
# The part of all functions that may be longer than the goal.
OVER_GOAL = 0.10
FILE_CAP = 600

# The last line of a definition's head, in the project's format: the brace ends a line that has a closing parenthesis.
HEAD_END = re.compile(r"\)[^;=]*\{$")


def functions(text):
    """(name, first line, last line) of each function, from the first line of its head to its closing brace."""
    lines = code(text).split("\n")
    head = None
    opened = None
    for number, line in enumerate(lines, 1):
        if opened is not None:
            if line == "}":
                yield name, opened, number
                opened = head = None
            continue
        if line[:1].isalpha() or line[:1] == "_":
            head = number
        elif line in ("", "}") or line.startswith("#"):
            head = None
        if head is not None and HEAD_END.search(line) and not line.startswith(("struct ", "enum ", "union ")) or \
                head is not None and line == "{":
            found = re.search(r"(\w+)\s*\(", " ".join(lines[head - 1:number]))
            if found:
                name, opened = found.group(1), head
        elif line.endswith(";"):
            head = None


def main():
    complaints = Complaints()
    lengths = []
    for path in files(".c", ".h"):
        text = read(path)
        count = text.count("\n")
        if count > FILE_CAP:
            complaints.add(path, 1, f"{count} lines: a file has at most {FILE_CAP}")
        for name, first, last in functions(text):
            length = last - first + 1
            lengths.append(length)
            if length > FUNCTION_CAP:
                complaints.add(path, first, f"{name} has {length} lines: a function has at most {FUNCTION_CAP}")
            elif length > FUNCTION_REMARK:
                print(f"{path}:{first}: remark: {name} has {length} lines")
    over = sum(length > FUNCTION_GOAL for length in lengths)
    if lengths and over / len(lengths) > OVER_GOAL:
        complaints.add("(all)", 0, f"{over} of {len(lengths)} functions have more than {FUNCTION_GOAL} lines: "
                                   f"more than {OVER_GOAL:.0%}")
    complaints.finish(f"{len(lengths)} functions, {over} of them over {FUNCTION_GOAL} lines")


main()
