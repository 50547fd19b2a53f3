"""Figures of the lab on scaling laws: what is a power law is drawn on logarithmic axes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.plots import BLUE, GREY, VERMILLION, annotate, check_numbers, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS_APART = 2  # the least ratio of budgets whose labels do not overlap
Points = tuple[Sequence[float], Sequence[float]]


def log_bars(values: Mapping[str, float], *, xlabel: str, title: str = "") -> "Figure":
    """One bar for each value on a logarithmic axis, the smallest at the top, with its number.

    Raises:
        LabError: no values, or one that is not a finite number above 0.
    """
    if not values:
        raise LabError("log_bars() needs at least one value: name → number.")
    for name, value in values.items():
        _positive(f"The value of '{name}'", [value])
    ordered = sorted(values.items(), key=lambda item: item[1])
    low, high = ordered[0][1] / 4, ordered[-1][1]
    with styled(1.2 + 0.42 * len(ordered)) as figure:
        axes = figure.subplots()
        for row, (_, value) in enumerate(ordered):
            axes.barh(row, value - low, left=low, height=0.62, color=BLUE, alpha=0.5)
            annotate(axes, _short(value), (value, row), (6, -4), ha="left")
        axes.set_xscale("log")
        axes.set_xlim(low, high * 20)
        axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
        axes.set_ylim(len(ordered) - 0.5, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(xlabel)
        axes.set_title(title)
    return figure


def power_law_panels(panels: Mapping[str, Points], *, xlabels: Sequence[str], ylabel: str) -> "Figure":
    """Panels side by side, points on log-log axes with the straight line of least squares through each.

    Args:
        panels: title → (x, y), positive numbers, at least two points.
        xlabels: one for each panel.

    Raises:
        LabError: no panels, labels that do not match, or points that cannot stand on a logarithmic axis.
    """
    import numpy as np

    if not panels or len(xlabels) != len(panels):
        raise LabError("power_law_panels() needs at least one panel, and an x label for each.")
    for title, points in panels.items():
        _check_points(f"The panel '{title}'", points, least=2)
    with styled(3.8) as figure:
        row = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (title, (x, y)), xlabel in zip(row, panels.items(), xlabels, strict=True):
            slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
            ends = np.array([min(x), max(x)])
            axes.plot(ends, np.exp(intercept) * ends**slope, color=VERMILLION, linestyle="--")
            axes.plot(x, y, "o", color=BLUE)
            _log_log(axes, xlabel, title)
        row[0].set_ylabel(ylabel)
    return figure


def isoflop_figure(curves: Mapping[float, Points], minima: Mapping[float, float]) -> "Figure":
    """Loss against size for each budget, the parabola in the logarithm of the size, and where it is lowest.

    A budget that is close to the last one with a label has none.

    Args:
        curves: budget in FLOPs → (sizes, losses), at least three runs each.
        minima: budget → size at the lowest point, for the budgets that have one.

    Raises:
        LabError: no curves, or points that cannot stand on a logarithmic axis.
    """
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if not curves:
        raise LabError("isoflop_figure() needs at least one budget: FLOPs → (sizes, losses).")
    for budget, points in curves.items():
        _check_points(f"The budget {budget:.2g}", points, least=3)
    with styled(4.8) as figure:
        axes = figure.subplots()
        labelled = 0.0
        for number, (budget, (sizes, losses)) in enumerate(sorted(curves.items())):
            colour = to_hex(colormaps["viridis"](0.9 * number / len(curves)))
            parabola = np.polynomial.Polynomial.fit(np.log(sizes), losses, 2)
            fine = np.geomspace(min(sizes), max(sizes), 80)
            axes.plot(fine, parabola(np.log(fine)), color=colour, linewidth=1.4)
            axes.plot(sizes, losses, "o", color=colour, markersize=5)
            if budget in minima:
                lowest = minima[budget]
                axes.plot(lowest, parabola(np.log(lowest)), "*", color=colour, markersize=15, markeredgecolor="black")
            if budget > LABELS_APART * labelled:
                labelled, widest = budget, max(sizes)
                annotate(axes, f"{budget:.2g}", (widest, parabola(np.log(widest))), (6, -4), ha="left", color=colour)
        axes.set_xscale("log")
        axes.set_xlim(right=2.2 * max(max(sizes) for sizes, _ in curves.values()))
        axes.set_xlabel("Parameters without embeddings")
        axes.set_title("Validation loss in nats a byte, a curve for each budget in FLOPs; stars: minima")
    return figure


def optimum_figure(points: Mapping[str, Points], *, ylabel: str, title: str) -> "Figure":
    """What is best at each budget, by several ways to find it, each with its straight line on log-log axes.

    Args:
        points: the way's name → (budgets in FLOPs, what is best there), at least two points each.

    Raises:
        LabError: no ways, or points that cannot stand on a logarithmic axis.
    """
    import numpy as np

    if not points:
        raise LabError("optimum_figure() needs at least one series: name → (budgets, optima).")
    for name, pair in points.items():
        _check_points(f"The series '{name}'", pair, least=2)
    with styled(4.4) as figure:
        axes = figure.subplots()
        for number, (name, (x, y)) in enumerate(points.items()):
            slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
            ends = np.array([min(x), max(x)])
            axes.plot(ends, np.exp(intercept) * ends**slope, color=f"C{number}", linewidth=1.4)
            axes.plot(x, y, "osD^v"[number % 5], color=f"C{number}", markersize=6 if len(x) < 20 else 3)
            place = (0.02, 0.94 - 0.08 * number)
            axes.text(*place, f"{name}: exponent {slope:.2f}", transform=axes.transAxes, color=f"C{number}", va="top")
        _log_log(axes, "Training compute in FLOPs", title)
        axes.set_ylabel(ylabel)
    return figure


def envelope_figure(curves: Sequence[Points], envelope: Points) -> "Figure":
    """Training curves against the compute spent, and the lowest loss that any of them has at each.

    Args:
        curves: for each run (FLOPs spent, loss).
        envelope: (FLOPs, lowest loss).

    Raises:
        LabError: no curves, or points that cannot stand on a logarithmic axis.
    """
    if not curves:
        raise LabError("envelope_figure() needs at least one curve: (FLOPs, losses).")
    for number, points in enumerate((*curves, envelope)):
        _check_points(f"Curve {number}", points, least=1)
    with styled(4.4) as figure:
        axes = figure.subplots()
        for flops, losses in curves:
            axes.plot(flops, losses, color=BLUE, alpha=0.25, linewidth=1)
        axes.plot(*envelope, "o", color=VERMILLION, markersize=4)
        annotate(axes, "lowest of all", (envelope[0][-1], envelope[1][-1]), (0, -16), ha="right", color=VERMILLION)
        lowest = min(envelope[1])
        axes.set_ylim(0.93 * lowest, 2.2 * lowest)
        _log_log(axes, "Compute spent so far, in FLOPs", "Validation loss in nats a byte, a curve for each plan")
    return figure


def budget_figure(
    sizes: Sequence[float], losses: Mapping[str, Sequence[float]], chosen: float, chosen_losses: Mapping[str, float]
) -> "Figure":
    """The loss that each fit expects of every size at one budget, and a chosen size on each curve.

    Args:
        sizes: parameters, ascending.
        losses: the fit's name → the expected loss at each size.
        chosen: a size, marked by a point on each curve.
        chosen_losses: the fit's name → the loss there.

    Raises:
        LabError: no fits, or points that cannot stand on a logarithmic axis.
    """
    if not losses or set(chosen_losses) != set(losses):
        raise LabError("budget_figure() needs at least one fit, and its loss at the chosen size.")
    for name, values in losses.items():
        _check_points(f"The fit '{name}'", (sizes, values), least=2)
    with styled(4.0) as figure:
        axes = figure.subplots()
        for number, (name, values) in enumerate(losses.items()):
            lowest = min(range(len(values)), key=values.__getitem__)
            axes.plot(sizes, values, color=f"C{number}")
            axes.plot(sizes[lowest], values[lowest], "*", color=f"C{number}", markersize=15, markeredgecolor="black")
            axes.plot(chosen, chosen_losses[name], "o", color=f"C{number}", markersize=9, markeredgecolor="black")
            place = (0.5, 0.95 - 0.09 * number)
            axes.text(*place, name, transform=axes.transAxes, color=f"C{number}", ha="center", va="top")
        axes.axvline(chosen, color=GREY, linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_xlabel("Parameters; the rest of the budget buys tokens")
        axes.set_title("Expected loss in nats a token; star: best size, dot: yours")
    return figure


def _log_log(axes: "Axes", xlabel: str, title: str) -> None:
    """Logarithmic axes with numbers that do not overlap: only powers of ten where an axis has more than one, else a few
    numbers between them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    left, right = axes.get_xlim()
    if right < 50 * left:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    if high < 10 * low:
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(xlabel)
    axes.set_title(title)


def _short(value: float) -> str:
    """Three digits, and no power of ten where the number is plain to read."""
    return f"{value:,.0f}" if 100 <= value < 1e7 else f"{value:.3g}"


def _check_points(what: str, points: Points, least: int) -> None:
    x, y = points
    if len(x) != len(y) or len(x) < least:
        raise LabError(f"{what} has {len(x)} and {len(y)} numbers: they go in pairs, {least} or more.")
    _positive(what, [*x, *y])


def _positive(what: str, values: Sequence[float]) -> None:
    check_numbers(what, values, len(values))
    if min(values) <= 0:
        raise LabError(f"{what} has {min(values)}: a logarithmic axis begins above 0.")
