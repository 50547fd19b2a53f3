"""What a run says while it works: a bar per lab on a terminal, plain lines elsewhere (a log, a pipe)."""

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class RunProgress:
    """Follows a run, lab by lab and cell by cell; a context manager, so that the terminal is left in order."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True, highlight=False)
        self._bars: Progress | None = None
        self._bar: TaskID | None = None
        self._lab = ""
        self._cells = 0

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Progress(*columns, TextColumn("{task.fields[note]}"), console=self.console)
            self._bars.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    def lab_started(self, name: str, cells: int) -> None:
        """A lab of so many cells begins."""
        self._lab, self._cells = name, cells
        if self._bars is None:
            self.say(f"{name}: {cells} cells")
        else:
            self._bar = self._bars.add_task(name, total=cells, note="starting the kernel")

    def cell_started(self, number: int, first_line: str) -> None:
        """A cell begins; numbers count from 1."""
        if self._bars is not None and self._bar is not None:
            self._bars.update(self._bar, completed=number - 1, note=first_line[:50].replace("[", r"\["))
        elif first_line:
            self.say(f"{self._lab}: cell {number}/{self._cells}  {first_line[:70]}")

    def lab_ended(self, entry: dict[str, Any]) -> None:
        """A lab is done: its entry of `results.json`."""
        if self._bars is not None and self._bar is not None:
            done = {"completed": self._cells} if entry["status"] == "passed" else {}
            self._bars.update(self._bar, note=entry["status"], **done)  # type: ignore[arg-type]
            self._bars.stop_task(self._bar)
            self._bar = None
        self.say(summary(entry))
        if entry["error"]:
            self.say("\n".join("  " + line for line in entry["error"].splitlines()))

    def say(self, text: str) -> None:
        """A line of plain text."""
        self.console.print(text, markup=False)


def summary(entry: dict[str, Any]) -> str:
    """`01_dialogue_summarization: passed, 1 min 12 s, 812 MB`."""
    cost = f"{duration(entry['seconds'])}, {entry['peak_memory_mb']:.0f} MB"
    if entry["status"] == "skipped":
        return f"{entry['name']}: skipped, it passed before ({cost})"
    return f"{entry['name']}: {entry['status']}, {cost}"


def duration(seconds: float) -> str:
    """Seconds in words: `4.2 s`, `1 min 12 s`."""
    if seconds < 59.5:
        return f"{seconds:.1f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"
