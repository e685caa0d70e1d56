"""One thread of a daemon held by a debugger's means, alone, while all else of it goes on: what it waits for does not answer."""
import contextlib
import ctypes
import os

import pytest

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, thread, None, None) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


@contextlib.contextmanager
def held(thread):
    try:
        ptrace(PTRACE_SEIZE, thread)
    except PermissionError:
        pytest.skip("ptrace is not permitted here")
    try:
        ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        try:
            ptrace(PTRACE_DETACH, thread)
        except OSError:  # it was killed, and is gone when we have seen it
            os.waitpid(thread, WALL)


def thread_of(instance, name):
    for thread in os.listdir(f"/proc/{instance.process.pid}/task"):
        with open(f"/proc/{instance.process.pid}/task/{thread}/comm", encoding="ascii") as comm:
            if comm.read().strip() == name:
                return int(thread)
    raise AssertionError(f"no thread {name}")
