"""Figures of the lab on training with several ranks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.plots import BLUE, VERMILLION, annotate, check_numbers, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"parameters": "C0", "gradients": "C3", "optimizer": "C2"}  # colours of the style: blue, orange, green


def ring_figure(history: Sequence[Sequence[Sequence[int]]]) -> "Figure":
    """What every rank held after each step of a ring all-reduce: a small grid a step, a row a rank, a column a chunk.

    Args:
        history: rank → step, the start first → chunk → its value, the sum of 10**r over the ranks r that are in it.

    Raises:
        LabError: no ranks, or not as many chunks as ranks everywhere.
    """
    ranks = len(history)
    if not ranks or any(len(chunks) != ranks for steps in history for chunks in steps):
        raise LabError("ring_figure() needs for each rank and step as many chunks as there are ranks.")
    steps = len(history[0])
    columns = (steps + 1) // 2
    with styled(2 * (0.8 + 0.42 * ranks)) as figure:
        grids = figure.subplots(2, columns, squeeze=False).flat
        for step, axes in enumerate(grids):
            if step >= steps:
                axes.set_axis_off()
                continue
            _grid(axes, [history[rank][step] for rank in range(ranks)], named=step % columns == 0)
            half = "adding" if step <= ranks - 1 else "replacing"
            axes.set_title(f"step {step - 1}: {half}" if step else "start", fontsize=10.5)
    return figure


def memory_bars(measured: Mapping[str, Mapping[str, float]], formula: Mapping[str, float]) -> "Figure":
    """One bar for each strategy, made up of parameters, gradients and optimizer states; a mark where the formula is.

    Args:
        measured: strategy → part → bytes on a rank.
        formula: strategy → bytes in all.

    Raises:
        LabError: no strategies, other parts than these, or a number below 0.
    """
    if not measured or set(measured) != set(formula):
        raise LabError("memory_bars() needs at least one strategy, and the formula's bytes for each of them.")
    for name, parts in measured.items():
        if list(parts) != list(PARTS):
            raise LabError(f"{name} has the parts {', '.join(parts)}: they are {', '.join(PARTS)}.")
        check_numbers(f"The bytes of {name}", [*parts.values(), formula[name]], 4)
    longest = max(max(sum(parts.values()) for parts in measured.values()), *formula.values()) / 1e6
    with styled(1.5 + 0.5 * len(measured)) as figure:
        axes = figure.subplots()
        for row, (name, parts) in enumerate(measured.items()):
            left = 0.0
            for part, size in parts.items():
                axes.barh(row, size / 1e6, left=left, height=0.6, color=PARTS[part], alpha=0.6)
                left += size / 1e6
            axes.vlines(formula[name] / 1e6, row - 0.42, row + 0.42, color="black", linewidth=2)
            annotate(axes, f"{left:.2f} (formula {formula[name] / 1e6:.2f})", (longest, row), (8, -4), ha="left")
        for place, (part, colour) in enumerate([*PARTS.items(), ("| formula", "black")]):
            key: dict[str, Any] = {"transform": axes.transAxes, "weight": "bold", "va": "bottom", "ha": "left"}
            axes.text(0.22 * place, 1.02, part, color=colour, **key)
        axes.set_yticks(range(len(measured)), list(measured))
        axes.set_ylim(len(measured) - 0.5, -0.5)
        axes.set_xlim(0, 1.4 * longest)
        axes.set_xlabel("MB on a rank")
        axes.grid(visible=False, axis="y")
    return figure


def sharding_curve(names: Sequence[str], memory: Sequence[float], traffic: Sequence[float]) -> "Figure":
    """Memory against traffic, a point for each sharding factor.

    Args:
        names: of the points.
        memory: bytes held by a rank.
        traffic: bytes sent by a rank in a step.

    Raises:
        LabError: no points, or not as many numbers of 0 or more as names.
    """
    if not names:
        raise LabError("sharding_curve() needs at least one point.")
    check_numbers("memory", memory, len(names))
    check_numbers("traffic", traffic, len(names))
    x, y = [size / 1e6 for size in traffic], [size / 1e6 for size in memory]
    with styled(3.8) as figure:
        axes = figure.subplots()
        axes.plot(x, y, "o-", color=BLUE)
        for name, *point in zip(names, x, y, strict=True):
            annotate(axes, name, (point[0], point[1]), (10, 4), ha="left")
        axes.set_xlim(0.8 * min(x), 1.2 * max(x))
        axes.set_ylim(0, 1.2 * max(y))
        axes.set_xlabel("MB sent by a rank in a step")
        axes.set_ylabel("MB on a rank")
        axes.set_title("Sharding factor: strategy")
    return figure


def _grid(axes: "Axes", rows: Sequence[Sequence[int]], *, named: bool) -> None:
    """The chunks of all ranks at one moment; the more ranks are in one, the darker, and complete ones in red."""
    from matplotlib.patches import Rectangle

    ranks = len(rows)
    for rank, chunks in enumerate(rows):
        for place, value in enumerate(chunks):
            inside = str(value).count("1")
            colour = VERMILLION if inside == ranks else BLUE
            square = Rectangle((place, rank - 0.45), 0.94, 0.9, facecolor=colour, alpha=0.12 + 0.5 * inside / ranks)
            axes.add_patch(square)
            axes.text(place + 0.47, rank, f"{value:0{ranks}d}", ha="center", va="center_baseline")
    axes.set_xlim(0, ranks)
    axes.set_ylim(ranks - 0.5, -0.5)
    axes.set_xticks([place + 0.47 for place in range(ranks)], [f"{place}" for place in range(ranks)])
    axes.tick_params(length=0)
    axes.set_yticks(range(ranks) if named else [], [f"rank {rank}" for rank in range(ranks)] if named else [])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
