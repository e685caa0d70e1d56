"""Calls that have no place here, and `default:` in a switch on an enum."""
import re

from source import Complaints, code, files, line_of, read

# Call: (what to use, the folders where it is banned; all of the project's when None).
BANNED = {
    "strtok": ("strv_split", None),
    "atoi": ("parse_i64 or the like, with an error", None),
    "atol": ("parse_i64 or the like, with an error", None),
    "atoll": ("parse_i64 or the like, with an error", None),
    "atof": ("a parser with an error", None),
    "sprintf": ("snprintf or asprintf", None),
    "vsprintf": ("vsnprintf", None),
    "strcpy": ("a copy that knows the size", None),
    "strcat": ("struct buf", None),
    "strncpy": ("a copy that ends its strings", None),
    "strncat": ("struct buf", None),
    "gets": ("getline", None),
    "tmpnam": ("mkostemp", None),
    "mktemp": ("mkostemp", None),
    "alloca": ("the heap: what comes from outside has no bound", None),
    "system": ("an argument vector", None),
    "popen": ("an argument vector", None),
    "sd_journal_send": ("daemon/systemd's sender: this one blocks with journald", None),
    "sd_journal_print": ("daemon/systemd's sender: this one blocks with journald", None),
    "signal": ("sigaction", None),
    "vfork": ("posix_spawn", None),
    "sleep": ("a timer of the loop", ("daemon/", "proto/")),
    "usleep": ("a timer of the loop", ("daemon/", "proto/")),
    "gethostbyname": ("getaddrinfo off the loop", None),
    "localtime": ("localtime_r", None),
    "gmtime": ("gmtime_r", None),
    "PQexec": ("the asynchronous calls", ("daemon/mirror/", "daemon/main/")),
    "PQconnectdb": ("the asynchronous calls", ("daemon/mirror/", "daemon/main/")),
}
# A batch program that is not the daemon may wait.
MAY_SLEEP = ("daemon/worker/",)

CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
# Those with a name: constants of an enum without one are mere integers (options of getopt).
ENUM = re.compile(r"\benum\s+\w+\s*\{([^}]*)\}")
SWITCH = re.compile(r"\bswitch\s*\(")
CASE = re.compile(r"\bcase\s+([A-Z_][A-Z0-9_]*)\s*(?::|\.\.\.)")


def main():
    complaints = Complaints()
    sources = [path for path in files(".c", ".h") if path.startswith(("proto/", "daemon/", "client/"))]
    texts = {path: code(read(path)) for path in sources}
    constants = {name for text in texts.values() for body in ENUM.findall(text)
                 for name in re.findall(r"\b([A-Z_][A-Z0-9_]*)\b\s*(?:=[^,]*)?(?:,|$)", body)}
    for path, text in texts.items():
        check_calls(path, text, complaints)
        check_switches(path, text, constants, complaints)
    complaints.finish(f"{len(sources)} files, {len(constants)} enum constants")


def check_calls(path, text, complaints):
    for match in CALL.finditer(text):
        name = match.group(1)
        instead, where = BANNED[name]
        if where is not None and not path.startswith(where) or "sleep" in name and path.startswith(MAY_SLEEP):
            continue
        # To ignore a signal, or not to, takes no handler.
        if name == "signal" and re.match(r"[^,;]*,\s*SIG_(?:IGN|DFL)\s*\)", text[match.end():]):
            continue
        # A declaration or a member of that name is no call of the C library's.
        if re.search(r"(?:\w[ \t]+\*?|->)$", text[:match.start()].rsplit("\n", 1)[-1]) and \
                not re.search(r"\b(?:return|else|do|case)[ \t]+$", text[:match.start()].rsplit("\n", 1)[-1]):
            continue
        complaints.add(path, line_of(text, match.start()), f"{name}() is not used here: {instead}")


def block_after(text, offset):
    """The braces' content that begins at or after the offset."""
    start = text.find("{", offset)
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return start, text[start + 1:i]
    return start, text[start + 1:]


def check_switches(path, text, constants, complaints):
    for match in SWITCH.finditer(text):
        start, body = block_after(text, match.end())
        outer = SWITCH.split(body)[0] if "switch" in body else body
        cases = set(CASE.findall(outer))
        default = re.search(r"\bdefault\s*:", outer)
        if default and cases and cases <= constants:
            complaints.add(path, line_of(text, start + default.start()),
                           "`default:` in a switch on an enum hides the constant that is added next")


main()
