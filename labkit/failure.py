"""A failed cell in a few lines: which cell, which error, which line, instead of a page of traceback."""

import re
from collections.abc import Sequence

from papermill.exceptions import PapermillExecutionError

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_FRAME = re.compile(r"^ *(?:Cell |File )?In ?\[(\d+)\], line (\d+)", re.MULTILINE)
_FILE_FRAME = re.compile(r"^File (.+?):(\d+), in ([\w.]+)", re.MULTILINE)
MESSAGE_LINES = 3  # of the error's own text; some libraries write screens of it


def describe_failure(error: PapermillExecutionError, number: int) -> str:
    """The failure that papermill reports, in two to six lines; `number` is the cell's place in the notebook, from 1.

    The line shown is the failing cell's own; an error from deeper down adds the function that raised it.
    """
    frames = _COLOUR.sub("", "\n".join(error.traceback))
    line = _line_of_cell(frames, error.exec_count)
    source = error.source.splitlines()
    where = f"cell {number} (In [{error.exec_count}])"
    if line is not None and line <= len(source):
        where, shown = f"{where}, line {line}", source[line - 1]
    else:  # an error that shows itself as a mere sentence: the cell's first line of code says which cell it is
        shown = first_code_line(error.source)
    lines = [f"{where}: {error_text(error.ename, error.evalue)}", f"    {shown.strip()}"]
    if deeper := _raised_in(frames, line):
        lines.append(f"  raised in {deeper}")
    return "\n".join(lines)


def error_text(name: str, message: str) -> str:
    """`ValueError: what it says`, at most a few lines of it."""
    lines = _COLOUR.sub("", message).strip().splitlines() or [""]
    shown = lines[:MESSAGE_LINES] + (["…"] if len(lines) > MESSAGE_LINES else [])
    return f"{name}: " + "\n    ".join(shown) if lines != [""] else name


def first_code_line(source: str) -> str:
    """The first line of a cell that is neither empty nor a comment, '' when there is none."""
    lines = (line.strip() for line in source.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def cell_number(index: int, parameters_index: int) -> int:
    """The place in the lab, from 1, of a cell of the executed notebook, which has one more cell after `parameters`."""
    return index if index > parameters_index else index + 1


def _line_of_cell(frames: str, execution_count: int | None) -> int | None:
    lines = [int(line) for count, line in _CELL_FRAME.findall(frames) if int(count) == execution_count]
    return lines[0] if lines else None


def _raised_in(frames: str, line: int | None) -> str:
    """`metrics.py, line 40, in rouge` for an error raised in a file's function, '' for one raised in the cell."""
    found: Sequence[tuple[str, str, str]] = _FILE_FRAME.findall(frames)
    if not found or line is None:
        return ""
    path, number, function = found[-1]
    name = "/".join(path.replace("\\", "/").split("/")[-2:])
    return f"{name}, line {number}, in {function}"
