"""The processes that a test has below it, orphans included."""
import contextlib
import ctypes
import os
import signal

from .wait import until

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Makes this process the parent of descendants that lose theirs, so that none can get away from a test."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents():
    """{pid: (parent's pid, state)} of all processes."""
    table = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
            table[int(name)] = (int(fields[1]), fields[0])
    return table


def descendants(of=None):
    """Pids of living descendants: not of those that have ended and were not waited for."""
    table = parents()
    found, frontier = [], {of or os.getpid()}
    while frontier:
        frontier = {pid for pid, (parent, _) in table.items() if parent in frontier}
        found += frontier
    return [pid for pid in found if table[pid][1] not in "ZX"]


def is_alive(pid):
    """Whether a process runs; one that has ended and was not waited for does not."""
    return parents().get(pid, (0, "X"))[1] not in "ZX"


def belongs_to(pid, folder):
    """Whether a process was started by the instance in that folder: its arguments or its environment name it."""
    for file in ("cmdline", "environ"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/{file}", "rb") as content:
            if os.fsencode(folder) in content.read():
                return True
    return False


def of_folder(folder):
    return [pid for pid in descendants() if belongs_to(pid, folder)]


def kill_all_of(folder):
    """Ends what is left of an instance. Returns the command lines of what there was."""
    names = []

    def none_left():
        pids = of_folder(folder)
        for pid in pids:
            names.append(command_line(pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    until(none_left, "the instance's processes are gone")
    return sorted(set(names))


def command_line(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as content:
        return content.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
