"""The figures and the budget explorer of the lab on scaling laws; no browser."""

import warnings

import matplotlib
import numpy as np
import pytest

from labkit import plots
from labkit.budget_explorer import budget_curve, budget_explorer, spend
from labkit.compute import FITS
from labkit.errors import LabError
from labkit.scaling_plots import (
    budget_figure,
    envelope_figure,
    isoflop_figure,
    log_bars,
    optimum_figure,
    power_law_panels,
)

matplotlib.use("agg")
SIZES = [1e3, 3e3, 1e4, 3e4]
CURVES = {1e10: (SIZES, [2.3, 2.1, 2.12, 2.4]), 1e11: (SIZES, [2.1, 1.95, 1.9, 2.0])}
MINIMA = {1e10: 4500.0, 1e11: 9000.0}
LAW = ([1e10, 1e11, 1e12], [1e3, 3.2e3, 1e4])
BUDGET = 6e21


def optimum(budget, A, B, alpha, beta):
    n = (alpha * A / (beta * B)) ** (1 / (alpha + beta)) * (budget / 6) ** (beta / (alpha + beta))
    return n, budget / 6 / n


def figures():
    """Each figure once."""
    return [
        log_bars({"small": 0.02, "a much larger one": 3.6e3}, xlabel="days", title="t"),
        power_law_panels({"left": LAW, "right": LAW}, xlabels=["N", "D"], ylabel="loss"),
        isoflop_figure(CURVES, MINIMA),
        optimum_figure({"one": LAW, "two": (LAW[0], [2e3, 5e3, 2e4])}, ylabel="N", title="t"),
        envelope_figure([(LAW[0], [3.0, 2.5, 2.2]), (LAW[0][:2], [2.9, 2.6])], (LAW[0], [2.9, 2.5, 2.2])),
        budget_curve(BUDGET, 1e10),
    ]


def texts(figure):
    figure.draw_without_rendering()
    found = [text for axes in figure.axes for text in axes.findobj(matplotlib.text.Text)]
    return [text.get_text() for text in found if text.get_text() and text.get_visible()]


def test_all_that_is_written_lies_within_the_figures():
    for figure in figures():
        figure.draw_without_rendering()
        found = [text.get_window_extent() for axes in figure.axes for text in axes.texts if text.get_text()]
        width, height = figure.bbox.width, figure.bbox.height
        assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in found)
        assert figure.get_figwidth() * figure.dpi == 800


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in figures():
            plots.show(figure, "A figure.")


def test_bars_are_sorted_and_named():
    figure = log_bars({"large": 100.0, "small": 0.5}, xlabel="days")
    found = texts(figure)
    assert found.index("small") < found.index("large") and {"0.5", "100", "days"} <= set(found)
    assert figure.axes[0].get_xscale() == "log"


def test_a_star_stands_at_each_minimum():
    axes = isoflop_figure(CURVES, MINIMA).axes[0]
    stars = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "*"]
    assert stars == list(MINIMA.values())
    assert {"1e+10", "1e+11"} <= set(texts(axes.figure))
    one_star = isoflop_figure(CURVES, {1e10: 4500.0}).axes[0]
    assert sum(line.get_marker() == "*" for line in one_star.lines) == 1


def test_the_exponent_is_written_beside_each_series():
    found = texts(optimum_figure({"one": LAW}, ylabel="N", title="t"))
    assert "one: exponent 0.50" in found


def test_a_straight_line_is_drawn_through_a_power_law():
    axes = power_law_panels({"left": LAW}, xlabels=["N"], ylabel="loss").axes[0]
    line = next(line for line in axes.lines if line.get_linestyle() == "--")
    assert np.allclose(np.log(line.get_ydata()), np.log([1e3, 1e4]), atol=0.02)


def test_the_chosen_size_is_on_every_curve():
    axes = budget_curve(BUDGET, 1e10).axes[0]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert dots == [(1e10, fit.loss(1e10, BUDGET / 6 / 1e10)) for fit in FITS.values()]
    stars = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "*"]
    expected = [optimum(BUDGET, fit.A, fit.B, fit.alpha, fit.beta)[0] for fit in FITS.values()]
    assert np.allclose(np.log(stars), np.log(expected), atol=0.03)
    assert min(budget_curve(BUDGET, 1e14).axes[0].lines[0].get_xdata()) < 1e9  # a far choice widens the axis


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: log_bars({}, xlabel=""), "at least one value"),
        (lambda: log_bars({"a": 0.0}, xlabel=""), "The value of 'a' has 0.0: a logarithmic axis begins above 0"),
        (lambda: log_bars({"a": -1.0}, xlabel=""), "The value of 'a' must be a finite number"),
        (lambda: power_law_panels({}, xlabels=[], ylabel=""), "at least one panel"),
        (lambda: power_law_panels({"a": LAW}, xlabels=[], ylabel=""), "an x label for each"),
        (lambda: power_law_panels({"a": ([1], [1])}, xlabels=["x"], ylabel=""), "The panel 'a' has 1 and 1 numbers"),
        (lambda: isoflop_figure({}, {}), "at least one budget"),
        (lambda: isoflop_figure({1e9: ([1, 2], [1, 2])}, {}), r"The budget 1e\+09 has 2 and 2 numbers"),
        (lambda: optimum_figure({}, ylabel="", title=""), "at least one series"),
        (lambda: optimum_figure({"a": ([1, 2], [1])}, ylabel="", title=""), "The series 'a' has 2 and 1"),
        (lambda: envelope_figure([], ([1], [1])), "at least one curve"),
        (lambda: envelope_figure([([1], [0.0])], ([1], [1])), "Curve 0 has 0.0"),
        (lambda: budget_figure([1, 2], {}, 1, {}), "at least one fit"),
        (lambda: budget_figure([1, 2], {"a": [1]}, 1, {"a": 1}), "The fit 'a' has 2 and 1"),
        (lambda: spend(0, 1e9, optimum), "A budget of 0 FLOPs is out of range"),
        (lambda: spend(1e40, 1e9, optimum), r"A budget of 1e\+40 FLOPs is out of range"),
        (lambda: spend(BUDGET, 10, optimum), "A model of 10 parameters is out of range"),
        (lambda: budget_curve(BUDGET, 0), "A model of 0 parameters"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence):
        make()


def test_what_a_budget_buys():
    bought = spend(BUDGET, 1e10, optimum)
    assert "petaFLOP/s-days" in bought.title and len(bought.rows) == len(FITS) + 2
    rule, yours = bought.rows[-2:]
    assert rule[0] == "20 tokens a parameter" and float(rule[3]) == pytest.approx(20)
    assert yours[:4] == ("yours", "1e+10", "1e+11", "10")
    for place, name in enumerate(FITS):
        losses = [float(row[4 + place]) for row in bought.rows]
        assert min(losses) == losses[place], f"the best by {name} has its lowest loss"


def test_the_explorer_shows_the_same_and_answers_bad_input_with_a_sentence():
    panel = budget_explorer(optimum)
    assert "petaFLOP/s-days" in panel.result.value and "<img" in panel.figure.value and panel.message.value == ""
    before = panel.result.value
    panel.count.value = 8
    assert panel.result.value != before
    panel.count.value = 0
    assert "0 GPUs for 30 days do no work" in panel.message.value
    assert panel.result.value == "" and panel.figure.value == ""
    panel.count.value, panel.days.value = 1, 1e-9
    assert "out of range" in panel.message.value
    panel.days.value = 7.0
    assert panel.message.value == "" and "petaFLOP/s-days" in panel.result.value


def test_where_widgets_are_not_shown_a_line_of_text_stands():
    data = budget_explorer(optimum)._repr_mimebundle_()
    assert data["text/plain"].startswith("Budget explorer: an interactive panel.")
    assert "application/vnd.jupyter.widget-view+json" in data
