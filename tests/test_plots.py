import base64
import io
import re
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.image import imread

from labkit import plots
from labkit.errors import LabError

matplotlib.use("agg")  # else the choice of a backend, which is made on first use, would be a change of settings
SCORES = {"no prompt": (0.18, 0.17, 0.2), "zero-shot": (0.31, 0.3, 0.33), "one-shot": (0.41, 0.4, 0.43)}
CURVE = ([0.31, 0.41, 0.42], [(0.3, 0.33), (0.4, 0.43), (0.41, 0.43)], [185.2, 402.7, 1620.0], 512, "ROUGE-1 of 20")


def texts(figure: Figure) -> list[str]:
    """All text in a figure, tick labels included."""
    figure.draw_without_rendering()
    found = [text for axes in figure.axes for text in axes.findobj(matplotlib.text.Text)]
    return [text.get_text() for text in found if text.get_text() and text.get_visible()]


def boxes(figure: Figure):
    """The extents of what is written inside and beside the axes, in pixels."""
    figure.draw_without_rendering()
    return [text.get_window_extent() for axes in figure.axes for text in axes.texts]


def picture(html: str) -> np.ndarray:
    """The pixels of the picture in an HTML output."""
    data = re.search(r"base64,([^\"]+)", html)
    return imread(io.BytesIO(base64.b64decode(data[1])))


@pytest.fixture
def shown(monkeypatch):
    """What `display` is given, as in a notebook."""
    outputs = []
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    return outputs


def test_score_bars_name_every_score_interval_and_baseline():
    figure = plots.score_bars(SCORES, {"first two turns": 0.26, "random": 0.25}, title="A title")
    found = texts(figure)
    for text in (*SCORES, "0.410  (0.400 to 0.430)", "first two turns 0.260", "random 0.250", "ROUGE-1", "A title"):
        assert text in found
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.18, 0.31, 0.41]
    top, bottom = (axes.transData.transform((0, row))[1] for row in (0, 2))
    assert top > bottom  # the first at the top


@pytest.mark.parametrize("baselines", [{}, {"a": 0.26, "b": 0.25}, {"a long name for a baseline": 0.6, "b": 0.6}])
def test_labels_of_score_bars_never_cover_one_another_and_stay_inside(baselines):
    figure = plots.score_bars(SCORES, baselines)
    found = boxes(figure)
    assert not any(one.overlaps(other) for n, one in enumerate(found) for other in found[:n])
    assert all(box.x0 >= 0 and box.x1 <= 800 and box.y0 >= 0 and box.y1 <= figure.bbox.height for box in found)


def test_shots_curve_shows_means_tokens_and_the_budget():
    figure = plots.shots_curve(*CURVE)
    above, below = figure.axes
    found = texts(figure)
    for text in ("0.410", "403", "budget: 512 tokens", "Shots in the prompt", "ROUGE-1 of 20"):
        assert text in found
    assert list(above.lines[0].get_ydata()) == CURVE[0]
    assert [bar.get_height() for bar in below.patches] == CURVE[2]
    assert len({bar.get_facecolor() for bar in below.patches}) == 2  # over the budget in another colour
    assert above.get_xlim() == below.get_xlim() and list(below.get_xticks()) == [0, 1, 2]


def test_figures_are_as_wide_as_a_notebook_white_and_readable(shown):
    for figure in (plots.score_bars(SCORES, {}), plots.shots_curve(*CURVE)):
        assert figure.get_figwidth() * figure.dpi == 800
        sizes = [text.get_fontsize() for axes in figure.axes for text in axes.findobj(matplotlib.text.Text)]
        assert min(sizes) * figure.dpi / 72 >= 14  # pixels
        plots.show(figure, "A figure.")
    for output in shown:
        pixels = picture(output["text/html"])
        assert pixels.shape[1] == 1600 and (pixels[0, 0] == 1).all() and (pixels[-1, -1] == 1).all()


def test_the_readers_own_settings_neither_matter_nor_change(shown):
    plots.show(plots.shots_curve(*CURVE), "Plain.")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        plots.show(plots.shots_curve(*CURVE), "With settings.")
        assert dict(matplotlib.rcParams) == before
    assert np.array_equal(*(picture(output["text/html"]) for output in shown))


def test_show_gives_one_picture_with_its_words_and_closes_the_figure(shown):
    figure = pyplot.figure()
    plots.show(figure, 'Bars: "a" < b')
    (output,) = shown
    assert output["text/plain"] == 'Bars: "a" < b' and set(output) == {"text/html", "text/plain"}
    assert 'alt="Bars: &quot;a&quot; &lt; b"' in output["text/html"]
    assert "max-width:100%" in output["text/html"] and "background:#fff" in output["text/html"]
    assert not pyplot.fignum_exists(figure.number)


def test_in_a_plain_script_the_words_are_printed(capsys):
    plots.show(plots.score_bars(SCORES, {}), "Three bars.")
    assert capsys.readouterr().out == "Three bars.\n"


def test_nothing_warns(shown):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.show(plots.score_bars({"only": (0.0, 0.0, 0.0)}, {}), "One bar of nothing.")
        plots.show(plots.shots_curve([0.5], [(0.4, 0.6)], [np.float32(90.0)], 512, "ROUGE-1"), "One point.")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: plots.score_bars({}, {}), "at least one score"),
        (lambda: plots.score_bars({"a": (0.1, 0.2)}, {}), "The score of 'a' must be 3 finite numbers"),
        (lambda: plots.score_bars({"a": (0.1, float("nan"), 0.2)}, {}), "The score of 'a'"),
        (lambda: plots.score_bars(SCORES, {"b": float("inf")}), "The baseline 'b' must be a finite number"),
        (lambda: plots.shots_curve([], [], [], 512, "ROUGE-1"), "rouge1 must be"),
        (lambda: plots.shots_curve([0.1, 0.2], [(0, 1)], [1, 2], 512, "T"), "intervals has 1 entries and rouge1 2"),
        (lambda: plots.shots_curve([0.1], [(0, 1, 2)], [1], 512, "ROUGE-1"), "The interval of 0 shots"),
        (lambda: plots.shots_curve([0.1], [(0, 1)], [1, 2], 512, "ROUGE-1"), "prompt_tokens must be"),
        (lambda: plots.show(Figure(), " "), "needs alt"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence):
        make()
