"""Slow work behind quick controls: only the newest request counts, and it never waits for one that is out of date."""

import threading
from collections.abc import Callable
from typing import Any


class Latest:
    """Does the newest request once nothing new has come for a moment, in a thread, one at a time.

    Args:
        work: (request, stale) → None. It does not raise. `stale()` is True as soon as something newer has come: the
            work looks at it now and then, and returns early.
        delay: seconds without a new request before the work begins (debouncing).
    """

    def __init__(self, work: Callable[[Any, Callable[[], bool]], None], delay: float = 0.3) -> None:
        self._work = work
        self._delay = delay
        self._lock = threading.Lock()
        self._number = 0  # of the newest request
        self._request: Any = None
        self._due = False  # its moment has passed, and it waits for the one that is running
        self._running = False
        self._timer: threading.Timer | None = None
        self.idle = threading.Event()  # nothing is running or waiting
        self.idle.set()

    def ask(self, request: Any) -> None:
        """Take this request in place of any other that has not begun, and tell the running one that it is stale."""
        with self._lock:
            self._number += 1
            self._request, self._due = request, False
            self.idle.clear()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._delay, self._begin, [self._number])
            self._timer.daemon = True
            self._timer.start()

    def _begin(self, number: int) -> None:
        with self._lock:
            if number != self._number:
                return
            self._due = True
            if self._running:
                return
            self._running = True
        while self._next():
            pass

    def _next(self) -> bool:
        """Do the request that is due; False when there is none."""
        with self._lock:
            if not self._due:
                self._running = False
                if self._timer is None or not self._timer.is_alive() or self._timer is threading.current_thread():
                    self.idle.set()
                return False
            self._due = False
            number, request = self._number, self._request
        self._work(request, lambda: number != self._number)
        return True
