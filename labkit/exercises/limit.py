"""A time limit for code that may never end."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

_AGAIN = 0.05  # seconds until the alarm rings again, for code that caught it in a bare `except:`


class OutOfTime(BaseException):
    """The time is up. Not an Exception, so that an `except Exception` in the code that is stopped lets it through."""


def within(seconds: float, function: Callable[[], T]) -> T:
    """What the function returns; OutOfTime when that takes longer than `seconds`.

    The limit needs SIGALRM and the main thread. Without them (Windows, a thread) the function runs without a limit. It
    cannot stop a function that catches everything around a call in which it waits.
    """
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        return function()
    running = True

    def ring(number: int, frame: FrameType | None) -> None:
        if running:
            raise OutOfTime

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    outer_left, outer_interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        return function()
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        if outer_left:  # somebody else's alarm: it goes on with what is left
            left = outer_left - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(left, 0.001), outer_interval)
