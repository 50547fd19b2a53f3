"""Figures of the lab on number formats and quantization."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.plots import BLUE, VERMILLION, annotate, check_numbers, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GREEN = "C2"
PART_COLOURS = {"sign": VERMILLION, "exponent": BLUE, "fraction": GREEN, "value": GREEN}


def bits_figure(formats: Mapping[str, Sequence[tuple[str, str]]], values: Mapping[str, float], title: str) -> "Figure":
    """The bits of one number in several formats, a row each, a square a bit, coloured by what the bit is for.

    Args:
        formats: name → (part, bits) pairs, the parts being sign, exponent, fraction or value.
        values: name → the number that these bits stand for.

    Raises:
        LabError: no formats, an unknown part, or a format without a value.
    """
    if not formats or set(formats) != set(values):
        raise LabError("bits_figure() needs at least one format, and a value for each of them.")
    for name, pairs in formats.items():
        if unknown := [part for part, _ in pairs if part not in PART_COLOURS]:
            raise LabError(f"{name} has a part {unknown[0]!r}: the parts are {', '.join(PART_COLOURS)}.")
    longest = max(sum(len(bits) for _, bits in pairs) for pairs in formats.values())
    with styled(0.9 + 0.42 * len(formats)) as figure:
        from matplotlib.patches import Rectangle

        axes = figure.subplots()
        for row, pairs in enumerate(formats.values()):
            column = 0
            for part, bits in pairs:
                for bit in bits:
                    square = Rectangle((column, row - 0.4), 0.94, 0.8, facecolor=PART_COLOURS[part], alpha=0.25)
                    axes.add_patch(square)
                    axes.text(column + 0.47, row, bit, ha="center", va="center_baseline")
                    column += 1
        for column, part in ((0, "sign"), (5, "exponent"), (16, "fraction or value")):
            colour = PART_COLOURS[part.split()[0]]
            axes.text(column, -0.75, part, color=colour, weight="bold", va="center_baseline")
        axes.set_yticks(range(len(formats)), [f"{name}  {values[name]:.9g}" for name in formats])
        axes.set_xlim(-0.2, longest)
        axes.set_ylim(len(formats) - 0.5, -1.1)
        axes.set_xticks([])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(title)
    return figure


def stacked_bars(parts: Mapping[str, Mapping[str, float]], *, xlabel: str, title: str) -> "Figure":
    """One bar for each name, made up of its parts from left to right; the sum at its end, the parts named above.

    Args:
        parts: name → part → length; the same parts for each name.

    Raises:
        LabError: no bars, other parts in one than in the first, or a length that is no finite number of 0 or more.
    """
    if not parts:
        raise LabError("stacked_bars() needs at least one bar: name → part → length.")
    names = list(next(iter(parts.values())))
    for name, lengths in parts.items():
        if list(lengths) != names:
            raise LabError(f"The bar '{name}' has the parts {', '.join(lengths)}, the first one {', '.join(names)}.")
        check_numbers(f"The bar '{name}'", list(lengths.values()), len(names))
    longest = max(sum(lengths.values()) for lengths in parts.values())
    with styled(1.4 + 0.5 * len(parts)) as figure:
        axes = figure.subplots()
        for row, lengths in enumerate(parts.values()):
            left = 0.0
            for number, length in enumerate(lengths.values()):
                axes.barh(row, length, left=left, height=0.62, color=f"C{number}", alpha=0.6)
                left += length
            annotate(axes, f"{left:.3g}", (left, row), (6, -4), ha="left")
        for number, part in enumerate(names):
            axes.text(
                number / len(names),
                1.02,
                part,
                transform=axes.transAxes,
                color=f"C{number}",
                weight="bold",
                va="bottom",
            )
        axes.set_yticks(range(len(parts)), list(parts))
        axes.set_ylim(len(parts) - 0.5, -0.5)
        axes.set_xlim(0, 1.12 * longest)
        axes.set_xlabel(xlabel)
        axes.grid(visible=False, axis="y")
        figure.suptitle(title, x=0.01, ha="left", weight="bold")
    return figure
