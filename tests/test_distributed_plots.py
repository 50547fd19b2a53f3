import matplotlib
import pytest

from labkit.distributed_plots import memory_bars, ring_figure, sharding_curve
from labkit.errors import LabError

HISTORY = [
    [[1, 1], [1, 11], [11, 11]],
    [[10, 10], [11, 10], [11, 11]],
]
MEASURED = {
    "DDP": {"parameters": 4e6, "gradients": 4e6, "optimizer": 8e6},
    "ZeRO-3": {"parameters": 1e6, "gradients": 1e6, "optimizer": 2e6},
}
FORMULA = {"DDP": 16e6, "ZeRO-3": 4e6}


def texts(figure):
    figure.draw_without_rendering()
    found = [text for axes in figure.axes for text in axes.findobj(matplotlib.text.Text)]
    return [text.get_text() for text in found if text.get_text() and text.get_visible()]


def test_the_ring_shows_every_chunk_after_every_step():
    found = texts(ring_figure(HISTORY))
    assert found.count("01") == 3 and found.count("10") == 3 and found.count("11") == 6
    assert (
        "start" in found and "step 0: adding" in found and "step 1: replacing" in found and found.count("rank 1") == 2
    )


def test_bars_have_their_parts_and_the_formula_beside_them():
    figure = memory_bars(MEASURED, FORMULA)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [4, 4, 8, 1, 1, 2]
    found = texts(figure)
    for text in ("16.00 (formula 16.00)", "4.00 (formula 4.00)", "parameters", "gradients", "optimizer", "DDP"):
        assert text in found


def test_the_curve_names_its_points():
    figure = sharding_curve(["1: DDP", "2: hybrid", "4: ZeRO-3"], [16e6, 8e6, 4e6], [6e6, 8e6, 9e6])
    assert list(figure.axes[0].lines[0].get_ydata()) == [16, 8, 4]
    assert {"1: DDP", "4: ZeRO-3"} <= set(texts(figure))


@pytest.mark.parametrize(
    "figure", [ring_figure(HISTORY), memory_bars(MEASURED, FORMULA), sharding_curve(["1: DDP"], [1], [2])]
)
def test_figures_are_as_wide_as_a_notebook(figure):
    assert figure.get_figwidth() * figure.dpi == 800


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ring_figure([]), "as many chunks as there are ranks"),
        (lambda: ring_figure([[[1, 1]], [[1]]]), "as many chunks as there are ranks"),
        (lambda: memory_bars({}, {}), "at least one strategy"),
        (lambda: memory_bars(MEASURED, {"DDP": 1}), "the formula's bytes for each"),
        (lambda: memory_bars({"DDP": {"weights": 1}}, {"DDP": 1}), "DDP has the parts weights"),
        (lambda: memory_bars({"DDP": {**MEASURED["DDP"], "gradients": -1}}, {"DDP": 1}), "The bytes of DDP"),
        (lambda: sharding_curve([], [], []), "at least one"),
        (lambda: sharding_curve(["1"], [1], [1, 2]), "traffic"),
        (lambda: sharding_curve(["1"], [float("nan")], [1]), "memory must be"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence):
        make()
