"""Waiting for something to become true, without a sleep of a guessed length."""
import time

from .paths import patience


def until(condition, what, seconds=60.0):
    """The first true value of condition(); an AssertionError that says what was waited for when the time is over."""
    deadline = time.monotonic() + patience(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what() if callable(what) else what}: not within {patience(seconds):g} s")
        time.sleep(0.01)
