"""The kernel of a run: started by the interpreter that runs labkit, watched while it works, ended with all it started.

papermill takes the class of a kernel manager; ours names its own command, so that no kernel registered by another
environment is picked up. Every process of a run inherits a mark in its environment, by which it is found again even
when it left its parent, its session or its process group.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from subprocess import DEVNULL
from types import FrameType
from typing import Any

import psutil

from labkit.processes import END_SECONDS, end_processes, resident, runs

MARK = "LABKIT_RUN"
SAMPLE_SECONDS = 0.2  # between two looks at the memory


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to end; `signum` says which, and `where` in which cell it came.

    It is of this base because asyncio swallows every other one.
    """

    def __init__(self, signum: int, where: str = "") -> None:
        super().__init__(signum, where)
        self.signum = signum
        self.where = where


class KernelProcesses:
    """The kernel process and its descendants: the peak of their memory, and their end.

    `peak_memory` is in bytes, of all of them together (`labkit.processes.resident`).
    """

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.peak_memory = 0
        self.exit_status: int | None = None  # of the kernel, negative: killed by that signal
        self._started = time.time() - 1  # psutil's clock is coarser than ours
        self._kernel: Any = None  # the Popen object
        self._seen: set[psutil.Process] = set()
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def watch(self, kernel: Any) -> None:
        """Begin to sample; `kernel` is the Popen object of the kernel's process."""
        self._kernel = kernel
        self._sampler.start()

    def kill(self) -> None:
        """Kill the kernel and everything it started, wherever it has gone; safe to call again."""
        self._done.set()
        if self._kernel is None:
            return
        if self._sampler.is_alive() and threading.current_thread() is not self._sampler:
            self._sampler.join(END_SECONDS)
        self.exit_status = self._kernel.poll()
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self._kernel.pid, signal.SIGKILL)  # the kernel leads a group of its own
        end_processes(self._alive)
        self._kernel.poll()  # reap it, or it would stay as a zombie

    def _alive(self) -> list[psutil.Process]:
        found = set(self._seen)
        for process in list(found):
            with contextlib.suppress(psutil.Error):
                found.update(process.children(recursive=True))
        found.update(self._marked())
        return [process for process in found if runs(process)]

    def _marked(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.create_time() >= self._started and process.environ().get(MARK) == self.mark:
                    yield process

    def _sample(self) -> None:
        try:
            kernel = psutil.Process(self._kernel.pid)
        except psutil.Error:
            return
        while True:
            with contextlib.suppress(psutil.Error):
                now = [kernel, *kernel.children(recursive=True)]
                self._seen.update(now)
                self.peak_memory = max(self.peak_memory, resident(now))
            if self._done.wait(SAMPLE_SECONDS):
                return


def kernel_manager_class(processes: KernelProcesses, environment: Mapping[str, str]) -> type[Any]:
    """A kernel manager for papermill whose kernels run under this interpreter and are watched by `processes`.

    `environment` is added to what the kernel inherits.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec

    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3 (ipykernel)",
        language="python",
        env={**environment, MARK: processes.mark},
    )

    class OwnKernelManager(AsyncKernelManager):
        """Starts our command whatever the kernel is called."""

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            quiet = {"stdout": DEVNULL, "stderr": DEVNULL}  # what cells print goes to the notebook anyway
            await super()._async_launch_kernel(kernel_cmd, **{**options, **quiet})
            processes.watch(self.provisioner.process)  # type: ignore[union-attr]

    return OwnKernelManager


@contextlib.contextmanager
def ended_by_signals(processes: KernelProcesses) -> Iterator[None]:
    """Within it, Ctrl-C, a closed terminal and SIGTERM kill the kernel's processes first, then raise `Interrupted`.

    However the block is left, no process of the kernel stays.
    """

    def end(signum: int, _frame: FrameType | None) -> None:
        for each in previous:
            signal.signal(each, signal.SIG_IGN)  # a second Ctrl-C must not cut the cleaning up short
        processes.kill()
        raise Interrupted(signum)

    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signum = getattr(signal, name)
                previous[signum] = signal.signal(signum, end)
    try:
        yield
    finally:
        processes.kill()
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def check_kernel() -> float:
    """Start a kernel as a run does, ask it for 1 + 1, and end it: the seconds that took; raises what goes wrong."""
    import nbformat
    from nbclient import NotebookClient

    started = time.monotonic()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    processes = KernelProcesses()
    with ended_by_signals(processes):
        NotebookClient(notebook, timeout=60, kernel_manager_class=kernel_manager_class(processes, {})).execute()
    return time.monotonic() - started
