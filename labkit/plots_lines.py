"""Curves over one x, as several labs draw them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.plots import annotate, check_numbers, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lines(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], *, xlabel: str, title: str, log: bool = False
) -> "Figure":
    """Curves over the same x, each named at its right end.

    Raises:
        LabError: no curve, or one that has not as many numbers as x, all finite and 0 or more.
    """
    if not curves:
        raise LabError("lines() needs at least one curve: name → numbers.")
    for name, values in {"x": x, **curves}.items():
        check_numbers(f"The curve '{name}'", values, len(x))
    with styled(3.6) as figure:
        axes = figure.subplots()
        ends = [values[-1] for values in curves.values()]
        everything = [value for values in curves.values() for value in values]
        heights = spread(ends, least=0.08 * (max(everything) - min(everything)))
        for number, ((name, values), height) in enumerate(zip(curves.items(), heights, strict=True)):
            axes.plot(x, values, "o-" if len(x) < 20 else "-", color=f"C{number}", markersize=4)
            annotate(axes, name, (x[-1], height), (6, 0), ha="left", va="center", color=f"C{number}")
        if log:
            axes.set_xscale("log")
            axes.set_xticks(list(x), [f"{value:g}" for value in x])
            axes.minorticks_off()
        axes.set_xlabel(xlabel)
        axes.set_title(title)
        axes.margins(x=0.05, y=0.12)
    return figure


def spread(heights: Sequence[float], least: float) -> list[float]:
    """The heights moved apart so that labels there do not overlap, in the same order."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    found = list(heights)
    for below, above in pairwise(order):
        found[above] = max(found[above], found[below] + least)
    shift = sum(new - old for new, old in zip(found, heights, strict=True)) / len(heights)
    return [height - shift for height in found]
