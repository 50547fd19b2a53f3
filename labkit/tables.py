"""Small tables that read well in a notebook (HTML) and in a terminal (text)."""

import html
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from labkit.errors import LabError

WIDTH = 100  # columns of a terminal that the text form keeps within, where words allow it
_NARROWEST = 12  # what wrapping leaves of a column, in characters
_LABEL = 24  # a row's name of up to so many characters stays on one line
_GAP = "  "


@dataclass(frozen=True)
class Table:
    """A table as `table` makes it: `_repr_html_` for notebooks, `repr` for terminals. Colours are the page's own.

    Attributes:
        columns: the header; empty: no header.
        rows: for each row as many cells as there are columns; the first one names the row.
        right: columns, counted from 0, to align to the right although they hold strings: numbers already formatted.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    right: Collection[int] = ()

    def __post_init__(self) -> None:
        if not self.columns and not self.rows:
            raise LabError("A table needs columns or rows: both lists are empty.")
        width = len(self.columns or self.rows[0])
        for number, row in enumerate(self.rows, start=1):
            if isinstance(row, str) or len(row) != width:
                cells = "a string for its cells" if isinstance(row, str) else f"{len(row)} cells"
                raise LabError(f"Row {number} of the table has {cells} and not {width}: give one per column.")

    def __repr__(self) -> str:
        cells = [[format_cell(cell) for cell in row] for row in self.rows]
        header = [[str(name) for name in self.columns]] if self.columns else []
        widths = _widths([*header, *cells])
        right = self._right()
        lines = [self.title] if self.title else []
        if header:
            lines += [*_row_lines(header[0], widths, right), _GAP.join("-" * width for width in widths)]
        body = [_row_lines(row, widths, right) for row in cells]
        apart = any(len(row) > 1 for row in body)
        for number, row in enumerate(body):
            lines += ["", *row] if apart and number else row
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        right = self._right()
        caption = f'<caption style="text-align:left">{html.escape(self.title)}</caption>' if self.title else ""
        head = ""
        if self.columns:
            names = [_html_cell("th", name, end, 'scope="col"') for name, end in zip(self.columns, right, strict=True)]
            head = f"<thead><tr>{''.join(names)}</tr></thead>"
        body = "".join(f"<tr>{_html_row(row, right)}</tr>" for row in self.rows)
        return f'<table class="labkit-table">{caption}{head}<tbody>{body}</tbody></table>'

    def _right(self) -> list[bool]:
        """For each column whether it is aligned to the right: if it holds numbers alone, or is named in `right`."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.columns)
        numbers = [bool(column) and all(_is_number(cell) for cell in column) for column in columns]
        return [number or place in self.right for place, number in enumerate(numbers)]


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> Table:
    """A table with a header (none if `columns` is empty); numbers to the right, floats with three decimals.

    Raises:
        LabError: nothing at all, or a row with more or fewer cells than the others.
    """
    return Table(columns, rows, title)


def side_by_side(rows: Sequence[tuple[str, str]], title: str = "") -> Table:
    """Texts under one another, each beside its label: what several prompts give for one dialogue.

    Line breaks and other white space of the texts are kept.

    Raises:
        LabError: no rows, or one that is not (label, text).
    """
    for row in rows:
        if isinstance(row, str) or len(row) != 2 or not all(isinstance(cell, str) for cell in row):
            raise LabError(f"side_by_side() takes (label, text) pairs of strings, not {row!r}.")
    return Table((), rows, title)


def format_cell(value: Any) -> str:
    """A cell's text: floats with three decimals (never "-0.000"), None as nothing, anything else as str() has it."""
    if value is None:
        return ""
    if isinstance(value, Real) and not isinstance(value, Integral):  # numpy's floats too
        return f"{float(value):z.3f}"
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _html_row(row: Sequence[Any], right: Sequence[bool]) -> str:
    first = _html_cell("th", row[0], right[0], 'scope="row"')
    return first + "".join(_html_cell("td", cell, end) for cell, end in zip(row[1:], right[1:], strict=True))


def _html_cell(tag: str, value: Any, right: bool, attribute: str = "") -> str:
    """Notebooks align table cells to the right and keep them on one line unless told otherwise."""
    style = "text-align:right;font-variant-numeric:tabular-nums" if right else "text-align:left;white-space:pre-wrap"
    text = format_cell(value)
    if "row" in attribute:
        style += ";font-weight:normal" if right else ";font-weight:600"
        if len(text) <= _LABEL:
            style += ";white-space:pre"
    space = " " if attribute else ""
    style += ";vertical-align:top;padding:3px 8px;font-family:inherit"
    return f'<{tag}{space}{attribute} style="{style}">{html.escape(text)}</{tag}>'


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    """The columns' widths in characters; the widest ones give way until the table fits `WIDTH`."""
    widths = [max(max(map(len, text.splitlines() or [""])) for text in column) for column in zip(*cells, strict=True)]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row_lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    """One row as lines of text, its cells wrapped."""
    columns = [_wrapped(text, width) for text, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, columns))):
        parts = [column[number] if number < len(column) else "" for column in columns]
        aligned = [
            part.rjust(width) if end else part.ljust(width)
            for part, width, end in zip(parts, widths, right, strict=True)
        ]
        lines.append(_GAP.join(aligned).rstrip())
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """The text's own lines, each cut at spaces where it is too long (a space at the start of a line is kept)."""
    lines: list[str] = []
    for line in text.splitlines():
        lines += textwrap.wrap(line, width, replace_whitespace=False) or [""]
    return lines or [""]
