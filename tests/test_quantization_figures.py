"""The figures, the bit panel and the calculator of the lab on quantization; no browser."""

import math
import re
import warnings

import matplotlib
import pytest

from labkit import plots
from labkit.errors import LabError
from labkit.memory import RECIPES, SHAPES, need_table
from labkit.number_formats import FORMATS, parts
from labkit.plots_lines import lines
from labkit.quantization_plots import bits_figure, stacked_bars
from labkit.quantization_widgets import bit_panel, memory_calculator, read_number, reading

matplotlib.use("agg")
LAYOUT = {name: parts(each, each.encode(math.pi)) for name, each in FORMATS.items()}
VALUES = {name: each.decode(each.encode(math.pi)) for name, each in FORMATS.items()}
BARS = {"one": {"weights": 1.0, "rest": 2.0}, "two": {"weights": 4.0, "rest": 0.0}}


def texts(figure):
    figure.draw_without_rendering()
    found = [text for axes in figure.axes for text in axes.findobj(matplotlib.text.Text)]
    return [text.get_text() for text in found if text.get_text() and text.get_visible()]


def inside(figure):
    """Whether all that is written lies within the figure."""
    figure.draw_without_rendering()
    found = [text.get_window_extent() for axes in figure.axes for text in axes.texts if text.get_text()]
    return all(b.x0 >= 0 and b.x1 <= figure.bbox.width and b.y0 >= 0 and b.y1 <= figure.bbox.height for b in found)


def test_every_bit_is_drawn_with_its_format_and_value():
    figure = bits_figure(LAYOUT, VALUES, title="pi")
    found = texts(figure)
    assert sum(text in "01" for text in found) == sum(each.bits for each in FORMATS.values())
    assert "FP16  3.140625" in found and "INT4  3" in found and "pi" in found
    colours = {patch.get_facecolor() for patch in figure.axes[0].patches}
    assert len(colours) == 3 and inside(figure)


def test_the_curves_of_the_lab_are_named_within_the_figure():
    figure = lines([2, 3, 4], {"a": [1, 2, 3], "a longer name": [2.0, 2.5, 5.0]}, xlabel="bits", title="dB")
    assert {"a", "a longer name", "bits", "dB"} <= set(texts(figure))
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[1, 2, 3], [2.0, 2.5, 5.0]]
    assert inside(figure)


def test_stacked_bars_end_at_their_sum():
    figure = stacked_bars(BARS, xlabel="GB", title="t")
    found = texts(figure)
    assert {"one", "two", "weights", "rest", "3", "4", "GB"} <= set(found)
    assert [(bar.get_x(), bar.get_width()) for bar in figure.axes[0].patches] == [(0, 1), (1, 2), (0, 4), (4, 0)]
    assert inside(figure)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.show(bits_figure(LAYOUT, VALUES, title="pi"), "Bits.")
        plots.show(stacked_bars(BARS, xlabel="GB", title="t"), "Bars.")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: bits_figure({}, {}, title=""), "at least one format"),
        (lambda: bits_figure(LAYOUT, {}, title=""), "a value for each"),
        (lambda: bits_figure({"a": [("mantissa", "01")]}, {"a": 1.0}, title=""), "a has a part 'mantissa'"),
        (lambda: stacked_bars({}, xlabel="", title=""), "at least one bar"),
        (lambda: stacked_bars({**BARS, "b": {"rest": 1}}, xlabel="", title=""), "The bar 'b' has the parts rest"),
        (lambda: stacked_bars({"b": {"x": math.nan}}, xlabel="", title=""), "The bar 'b' must be a finite number"),
        (lambda: read_number("three"), "three is not a number"),
        (lambda: read_number(" "), "Nothing is not a number"),
        (lambda: bit_panel(1.0, "FP17"), "no number format 'FP17'"),
        (lambda: reading("FP16", "01"), "FP16 has 16 bits"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence):
        make()


def test_numbers_are_read_as_people_type_them():
    assert (read_number(" 3,5 "), read_number("-2e-5"), read_number("inf")) == (3.5, -2e-5, math.inf)


def test_a_reading_says_value_formula_and_how_far_off():
    rows = dict(reading("BF16", FORMATS["BF16"].encode(257), 257.0).rows)
    assert rows["value"] == "256" and rows["off by"] == "-1" and "2^(135 - 127)" in rows["from"]
    assert dict(reading("BF16", FORMATS["BF16"].encode(256), 256.0).rows)["off by"] == "nothing, it is exact"
    assert "beyond the range" in dict(reading("FP16", FORMATS["FP16"].encode(7e4), 7e4).rows)["off by"]
    assert "off by" not in dict(reading("FP16", FORMATS["FP16"].encode(7e4)).rows)


def test_the_bit_panel_shows_a_button_a_bit_and_a_click_turns_it_over():
    panel = bit_panel(math.pi, "FP16")
    assert "".join(button.description for button in panel.buttons.children) == FORMATS["FP16"].encode(math.pi)
    assert "3.140625" in panel.result.value and "off by" in panel.result.value
    panel.buttons.children[0].click()
    assert panel.bits[0] == "1" and "-3.140625" in panel.result.value and "off by" not in panel.result.value
    assert [button.tooltip for button in panel.buttons.children] == ["sign"] + ["exponent"] * 5 + ["fraction"] * 10


def test_another_number_or_format_is_written_anew_and_nonsense_answered_with_a_sentence():
    panel = bit_panel(math.pi, "FP16")
    panel.number.value = "70000"
    assert "inf" in panel.result.value
    panel.format.value = "BF16"
    assert len(panel.buttons.children) == 16 and "70144" in panel.result.value
    panel.number.value = "many"
    assert "many is not a number" in panel.message.value and "70144" in panel.result.value
    panel.number.value = "1"
    assert panel.message.value == "" and "it is exact" in panel.result.value
    panel.format.value = "INT4"
    assert [button.description for button in panel.buttons.children] == list("0001")
    panel.number.value = "nan"
    assert "INT4 has no bits for nan" in panel.message.value


def test_the_calculator_shows_the_table_of_what_is_chosen():
    panel = memory_calculator()
    first = panel.result.value
    assert "GPT-3 1.3B" in first
    panel.model.value, panel.sequences.value, panel.length.value = "GPT-3 175B", 4, 1024
    panel.recipe.value = "BF16 throughout"
    expected = need_table(SHAPES["GPT-3 175B"], RECIPES["BF16 throughout"], 4, 1024)
    assert panel.result.value == expected._repr_html_() != first


def test_where_widgets_are_not_shown_a_line_of_text_stands():
    for panel in (bit_panel(), memory_calculator()):
        assert "\n" not in repr(panel) and len(repr(panel)) < 110
        assert panel._repr_mimebundle_()["text/plain"] == repr(panel)
        assert not re.search(r"object at 0x", repr(panel))
