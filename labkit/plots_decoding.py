"""Figures of decoding: distributions over the next token, quality against diversity, texts shaded by probability."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.plots import BLUE, GREY, VERMILLION, check_numbers, styled
from labkit.plots_lines import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINE = 100  # characters in a line of `shaded_tokens`


def next_token_bars(tokens: Sequence[str], distributions: Mapping[str, Sequence[float]]) -> "Figure":
    """The probabilities of the same tokens under several settings, a panel each, side by side.

    Args:
        tokens: what stands beside the bars, the first at the top.
        distributions: title → as many probabilities.

    Raises:
        LabError: no distribution, or one that does not have a probability for each token.
    """
    if not distributions:
        raise LabError("next_token_bars() needs at least one distribution: title → probabilities.")
    for title, probabilities in distributions.items():
        check_numbers(f"The distribution '{title}'", probabilities, len(tokens))
    with styled(1.2 + 0.27 * len(tokens)) as figure:
        panels = figure.subplots(1, len(distributions), sharey=True, squeeze=False)[0]
        widest = max(max(probabilities) for probabilities in distributions.values()) or 1.0
        for axes, (title, probabilities) in zip(panels, distributions.items(), strict=True):
            axes.barh(range(len(tokens)), probabilities, height=0.7, color=BLUE, alpha=0.6)
            for row, probability in enumerate(probabilities):
                text = f"{probability:.3f}" if probability else "0"
                axes.text(probability + 0.02 * widest, row, text, va="center_baseline", fontsize="small")
            axes.set_xlim(0, 1.35 * widest)
            axes.locator_params(axis="x", nbins=3)
            axes.set_title(title, fontsize="medium", parse_math=False)
            axes.grid(visible=False, axis="y")
            axes.spines["left"].set_visible(False)
        panels[0].set_yticks(range(len(tokens)), list(tokens))
        panels[0].invert_yaxis()
        figure.supxlabel("Probability", fontsize="medium")
    return figure


def quality_against_diversity(
    points: Mapping[str, tuple[float, float]], intervals: Mapping[str, tuple[float, float]], *, path: Sequence[str]
) -> "Figure":
    """Each configuration as a point: distinct-2 to the right, ROUGE-1 upwards, with the interval of the latter.

    Args:
        points: name → (distinct-2, ROUGE-1).
        intervals: name → (low, high) of ROUGE-1.
        path: names that a line joins, in this order.

    Raises:
        LabError: no points, or names without both.
    """
    if not points or set(points) != set(intervals) or not set(path) <= set(points):
        raise LabError("Each configuration needs a point and an interval, and the path's names have to be among them.")
    for name, point in points.items():
        check_numbers(f"The point '{name}'", point, 2)
        check_numbers(f"The interval of '{name}'", intervals[name], 2)
    with styled(5.0) as figure:
        axes = figure.subplots()
        axes.plot(*zip(*(points[name] for name in path), strict=True), color=VERMILLION, linewidth=1.5, zorder=1)
        right = max(x for x, _ in points.values())
        for name, (x, y) in points.items():
            color = VERMILLION if name in path else BLUE
            axes.vlines(x, *intervals[name], color=color, alpha=0.5, linewidth=2)
            axes.plot(x, y, "o", color=color)
        ends = spread([y for _, y in points.values()], least=0.045 * _span(points, 1))
        for (name, (x, y)), height in zip(points.items(), ends, strict=True):
            label = right + 0.06 * _span(points, 0)
            color = VERMILLION if name in path else BLUE
            axes.plot([x, label], [y, height], color=color, linewidth=0.5, alpha=0.6, zorder=0)
            axes.text(label, height, f" {name}", va="center", fontsize="small", color=color)
        axes.set_xlim(None, right + 0.5 * _span(points, 0))
        shown = [*ends, *(end for interval in intervals.values() for end in interval)]
        room = 0.04 * (max(shown) - min(shown))
        axes.set_ylim(min(shown) - room, max(shown) + room)
        axes.set_xlabel("distinct-2: different pairs of words, of all pairs (→ more varied)")
        axes.set_title("ROUGE-1, with its 95% interval")
    return figure


def shaded_tokens(tokens: Sequence[str], probabilities: Sequence[float], alternatives: Sequence[str]) -> "Figure":
    """A text whose tokens are the darker the less probable they were; below it the tokens with their alternatives.

    Args:
        tokens: the pieces of the text, with their spaces.
        probabilities: that of each token when it was chosen.
        alternatives: for each token a line of words on what else could have come; "" where there is nothing to say.

    Raises:
        LabError: no tokens, or not as many of the others.
    """
    if not tokens or len(tokens) != len(alternatives):
        raise LabError("shaded_tokens() needs tokens, with a probability and a line on the alternatives for each.")
    check_numbers("probabilities", probabilities, len(tokens))
    rows, at = [[]], 0  # type: list[list[tuple[int, int]]], int
    for number, token in enumerate(tokens):
        if at + len(token) > _LINE:
            rows.append([])
            at = 0
        rows[-1].append((number, at))
        at += len(token)
    notes = [note for note in alternatives if note]
    height = 0.6 + 0.34 * len(rows) + 0.24 * len(notes)
    with styled(height) as figure:
        axes = figure.subplots()
        for line, row in enumerate(rows):
            for number, start in row:
                shade = {"facecolor": VERMILLION, "alpha": 0.75 * (1 - probabilities[number]), "linewidth": 0, "pad": 0}
                axes.text(start, line, tokens[number], family="monospace", fontsize=9, bbox=shade, va="center")
        for line, note in enumerate(notes):
            axes.text(0, len(rows) + 0.4 + 0.7 * line, note, fontsize=9, va="center", color=GREY, parse_math=False)
        axes.set_xlim(0, _LINE)
        axes.set_ylim(len(rows) + 0.7 * len(notes), -0.6)
        axes.set_axis_off()
    return figure


def _span(points: Mapping[str, tuple[float, float]], axis: int) -> float:
    values = [point[axis] for point in points.values()]
    return max(values) - min(values) or 1.0
