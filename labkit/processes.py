"""Processes of the operating system: what they keep and hold in memory, which of them run, and their end."""

import contextlib
import ctypes
import platform
import time
from collections.abc import Callable, Sequence

import psutil

END_SECONDS = 10.0  # until killed processes are gone
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # names of options in glibc's malloc.h


def keep_freed_memory() -> None:
    """From now on, let this process keep the memory that it frees, to use again; does nothing without glibc.

    glibc gives a large tensor that is freed back to the system, and the system clears every page of the next one, which
    took a fifth to a quarter of the time of decoding and training on a CPU. See mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_MAX, 0)  # no pages of its own for a large block
    mallopt(TRIM_THRESHOLD, -1)  # never give the end of the heap back
    mallopt(TOP_PAD, 64 * 2**20)  # bytes that are asked for at a time


def resident(processes: Sequence[psutil.Process]) -> int:
    """Bytes in memory. Pages that several processes share are divided among them where the system tells (Linux)."""
    alone = len(processes) == 1  # to divide takes longer than to look
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss if alone or not psutil.LINUX else process.memory_full_info().pss
    return total


def runs(process: psutil.Process) -> bool:
    """Whether the process is alive: one that ended and was not yet waited for is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_processes(left: Callable[[], Sequence[psutil.Process]]) -> None:
    """Kill what `left` finds, and what it then finds, until that is nothing or ten seconds have passed."""
    deadline = time.monotonic() + END_SECONDS
    while (found := left()) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.2)
