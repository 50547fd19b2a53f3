"""Figures of the labs: each function takes data and returns a matplotlib Figure; `show` puts it into the notebook.

One style for all, `labkit.mplstyle`. Things are named where they stand, not in a legend.
"""

import base64
import html
import io
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.quiet import quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("labkit.mplstyle")
BLUE, VERMILLION, GREY = "C0", "C1", "#555555"  # the first two of the style's colours
_CARD = "display:inline-block;max-width:100%;box-sizing:border-box;padding:10px;border-radius:6px;background:#fff"


def score_bars(
    scores: Mapping[str, tuple[float, float, float]],
    baselines: Mapping[str, float],
    *,
    xlabel: str = "ROUGE-1",
    title: str = "",
) -> "Figure":
    """One bar for each score, the first at the top, with its interval; a dashed line for each baseline.

    Args:
        scores: name → (mean, lower end, upper end of its 95% interval), none below 0.
        baselines: name → mean of what needs no model; may be empty.

    Raises:
        LabError: no scores, or something that is not a finite number of 0 or more.
    """
    if not scores:
        raise LabError("score_bars() needs at least one score: name → (mean, low, high).")
    for name, triple in scores.items():
        check_numbers(f"The score of '{name}'", triple, 3)
    for name, mean in baselines.items():
        check_numbers(f"The baseline '{name}'", [mean], 1)

    height = 1.3 + 0.5 * len(scores) + 0.24 * len(baselines) + (0.3 if title else 0)
    with styled(height) as figure:
        axes = figure.subplots()
        for row, (mean, low, high) in enumerate(scores.values()):
            axes.barh(row, mean, height=0.62, color=BLUE, alpha=0.35)
            axes.hlines(row, low, high, color=BLUE, linewidth=3)
            axes.plot(mean, row, "o", color=BLUE)
            _beside(axes, row, f"{mean:.3f}  ({low:.3f} to {high:.3f})")
        _beside(axes, -0.6, "mean  (95% interval)", color=GREY)
        top = -0.65 - 0.46 * len(baselines)
        for level, (name, mean) in enumerate(sorted(baselines.items(), key=lambda item: item[1])):
            label = top + 0.46 * level  # a line of text each, to the right of lines that end below it: nothing crosses
            axes.vlines(mean, label, len(scores) - 0.5, color=VERMILLION, linestyle="--", linewidth=1.6)
            annotate(axes, f"{name} {mean:.3f}", (mean, label), (5, -2), ha="left", va="top", color=VERMILLION)
        axes.set_ylim(len(scores) - 0.5, top - 0.15)
        axes.set_yticks(range(len(scores)), list(scores))
        axes.set_xlim(0, 1.05 * max(*(high for _, _, high in scores.values()), *baselines.values(), 1e-3))
        axes.set_xlabel(xlabel)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.set_title(title)
    return figure


def shots_curve(
    rouge1: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    prompt_tokens: Sequence[float],
    budget: int,
    title: str,
) -> "Figure":
    """What more shots bring and what they cost: ROUGE-1 above, the mean tokens of a prompt below.

    Args:
        rouge1: the mean for 0, 1, 2, … shots.
        intervals: as many (lower, upper) ends of its 95% interval.
        prompt_tokens: as many mean lengths of the prompt, in tokens.
        budget: the context budget in tokens, drawn as a line.
        title: of the upper part.

    Raises:
        LabError: lists of different lengths, empty ones, or something that is not a finite number of 0 or more.
    """
    check_numbers("rouge1", rouge1, len(rouge1) or 1)
    check_numbers("prompt_tokens", prompt_tokens, len(rouge1))
    check_numbers("budget", [budget], 1)
    if len(intervals) != len(rouge1):
        raise LabError(f"intervals has {len(intervals)} entries and rouge1 {len(rouge1)}: they go in pairs.")
    for shots, interval in enumerate(intervals):
        check_numbers(f"The interval of {shots} shots", interval, 2)

    x = range(len(rouge1))
    with styled(5.6) as figure:
        above, below = figure.subplots(2, sharex=True)
        above.fill_between(x, [low for low, _ in intervals], [high for _, high in intervals], color=BLUE, alpha=0.2)
        above.plot(x, rouge1, "o-", color=BLUE)
        for shots, (mean, (_, high)) in enumerate(zip(rouge1, intervals, strict=True)):
            annotate(above, f"{mean:.3f}", (shots, max(mean, high)), (0, 6))
        above.set_title(title)
        above.margins(y=0.25)

        over = [VERMILLION if tokens > budget else BLUE for tokens in prompt_tokens]
        below.bar(x, prompt_tokens, width=0.6, color=over, alpha=0.5)
        for shots, tokens in enumerate(prompt_tokens):
            annotate(below, f"{tokens:.0f}", (shots, 0), (0, 5))  # at the foot, clear of the budget's line
        below.axhline(budget, color="black", linestyle="--", linewidth=1.6)
        annotate(below, f"budget: {budget} tokens", (below.get_xlim()[0], budget), (4, 5), ha="left")
        below.set_title("Prompt tokens, mean")
        below.set_ylim(0, 1.2 * max(*prompt_tokens, budget))
        below.set_xlabel("Shots in the prompt")
        below.set_xticks(x)
        for axes in (above, below):
            axes.grid(visible=False, axis="x")
    return figure


def show(figure: "Figure", alt: str) -> None:
    """Show the figure as a picture on a white card, which reads on dark pages too; elsewhere its text instead.

    Args:
        alt: what the picture shows, in words, for those who cannot see it.

    Raises:
        LabError: no such words.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise LabError("show() needs alt, a sentence that says what the figure shows, for readers who cannot see it.")
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    card = picture_html(figure, alt)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)  # one made through pyplot would be shown a second time at the end of the cell
    if get_ipython() is None:  # a plain script: there is no notebook to show it in
        print(alt)
        return
    display({"text/html": card, "text/plain": alt}, raw=True)


def picture_html(figure: "Figure", alt: str) -> str:
    """The figure as a picture on its white card, for a page or a panel."""
    picture = base64.b64encode(_png(figure)).decode()
    width = round(figure.get_figwidth() * figure.get_dpi())
    image = (
        f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" '
        f'style="display:block;width:{width}px;max-width:100%;height:auto">'
    )
    return f'<div class="labkit-figure" style="{_CARD}">{image}</div>'


@contextmanager
def _style() -> Iterator[None]:
    """The labs' settings for the length of the block, whatever the reader has set."""
    with quiet("matplotlib.font_manager"):  # which says so when it makes its list of fonts, once after installing
        from matplotlib import font_manager, style  # noqa: F401
    with style.context(STYLE, after_reset=True):
        yield


@contextmanager
def styled(height: float) -> Iterator["Figure"]:
    """A new figure of the style's width and the given height in inches. Not pyplot's, so nothing else holds it."""
    with _style():
        from matplotlib import rcParams
        from matplotlib.figure import Figure

        yield Figure(figsize=(rcParams["figure.figsize"][0], height))


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def annotate(
    axes: "Axes",
    text: str,
    point: tuple[float, float],
    offset: tuple[float, float],
    *,
    ha: str = "center",
    va: str = "baseline",
    color: str = "black",
) -> None:
    """Text at a point of the data, moved by an offset in points, with a white rim that keeps it off the lines."""
    from matplotlib.patheffects import withStroke

    rim = [withStroke(linewidth=3, foreground="white", alpha=0.8)]
    axes.annotate(
        text, point, offset, textcoords="offset points", ha=ha, va=va, color=color, path_effects=rim, zorder=5
    )


def _beside(axes: "Axes", row: float, text: str, color: str = "black") -> None:
    """Text to the right of the axes, at the height of a row."""
    axes.text(1.02, row, text, transform=axes.get_yaxis_transform(), va="center_baseline", color=color)


def check_numbers(what: str, values: Sequence[float], count: int) -> None:
    """LabError unless these are `count` finite numbers of 0 or more."""
    good = len(values) == count and all(isinstance(value, Real) for value in values)  # numpy's are Real too
    if not good or not all(math.isfinite(value) and value >= 0 for value in values):
        wanted = "a finite number" if count == 1 else f"{count} finite numbers"
        raise LabError(f"{what} must be {wanted} of 0 or more, not {list(values)!r}.")
