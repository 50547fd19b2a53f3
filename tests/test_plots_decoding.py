"""The figures of decoding: what stands in them, and what is refused."""

import warnings
from itertools import pairwise

import pytest
from matplotlib.text import Text

from labkit import plots
from labkit.beams import ENDED, KEPT, PRUNED, Node
from labkit.errors import LabError
from labkit.plots_beams import beam_tree
from labkit.plots_decoding import next_token_bars, quality_against_diversity, shaded_tokens
from labkit.plots_lines import lines


def texts(figure):
    return [
        *(text.get_text() for axes in figure.axes for text in axes.texts),
        *(a.get_title("left") for a in figure.axes),
    ]


def test_bars_of_the_same_tokens_share_their_names():
    figure = next_token_bars(["a", "b"], {"T = 1": [0.75, 0.25], "top-k": [1.0, 0.0]})
    first, second = figure.axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "b"]
    assert [bar.get_width() for bar in first.patches] == [0.75, 0.25]
    assert {"0.750", "0.250", "1.000", "0", "T = 1"} <= set(texts(figure)) and second.get_title("left") == "top-k"
    assert first.get_ylim()[0] > first.get_ylim()[1], "the first token at the top"


def test_curves_are_named_at_their_ends():
    figure = lines([0.1, 1, 2], {"a": [1, 2, 3], "b": [3, 2, 1]}, xlabel="T", title="x", log=True)
    (axes,) = figure.axes
    assert {"a", "b"} <= set(texts(figure)) and axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.1", "1", "2"]


def test_curves_that_end_together_have_names_apart():
    (axes,) = lines([1, 2], {"a": [0, 1.0], "b": [1, 1.01]}, xlabel="x", title="").axes
    low, high = sorted(text.xy[1] for text in axes.texts)
    assert high - low > 0.07


def test_a_long_curve_has_no_dots_and_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = lines(list(range(40)), {"a": [1.0] * 40}, xlabel="x", title="t")
        plots.show(figure, "A line.")
    assert figure.axes[0].lines[0].get_marker() == "None"


def test_dollars_in_a_text_are_no_formula():
    bars = next_token_bars(["a"], {"after “$12 or $15”": [1.0]})
    words = shaded_tokens([" $"], [0.5], ["“$” had 0.500; others: $1 0.20"])
    found = [text for figure in (bars, words) for text in figure.findobj(Text) if text.get_text().count("$") > 1]
    assert len(found) == 2 and not any(text.get_parse_math() for text in found)


def test_configurations_are_points_and_labels_do_not_overlap():
    points = {"greedy": (0.5, 0.6), "beams": (0.5, 0.601), "T = 1": (0.7, 0.5)}
    intervals = {name: (y - 0.02, y + 0.02) for name, (_, y) in points.items()}
    figure = quality_against_diversity(points, intervals, path=["greedy", "T = 1"])
    (axes,) = figure.axes
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert len(heights) == 3 and min(b - a for a, b in pairwise(heights)) > 0.004
    assert axes.get_ylim()[0] < heights[0] and heights[-1] < axes.get_ylim()[1]
    dots = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [[list(point)] for point in points.values()]


def test_tokens_are_the_darker_the_less_probable():
    figure = shaded_tokens([" one", " two", " three" * 20], [1.0, 0.2, 0.5], ["", "“two” had 0.2", ""])
    (axes,) = figure.axes
    boxes = {text.get_text().strip()[:5]: text.get_bbox_patch() for text in axes.texts if text.get_bbox_patch()}
    assert [round(boxes[name].get_alpha(), 3) for name in ("one", "two", "three")] == [0, 0.6, 0.375]
    assert "“two” had 0.2" in texts(figure)
    assert axes.texts[2].get_position()[1] == 1, "a token that does not fit goes to the next line"


TREE = [
    Node(None, -1, 0.0, KEPT),
    Node(0, 5, -0.5, KEPT),
    Node(0, 6, -1.5, KEPT),
    Node(0, 7, -2.5, PRUNED),
    Node(1, 8, -2.0, PRUNED),
    Node(2, 9, -1.6, ENDED),
]
NAMES = {5: "five", 6: "six", 7: "seven", 8: "eight", 9: "end"}


def test_the_tree_has_every_candidate_and_its_path_in_colour():
    figure = beam_tree(TREE, NAMES, [6, 9])
    (axes,) = figure.axes
    shown = {text.get_text(): text for text in axes.texts}
    assert set(shown) == {"five -0.5", "six -1.5", "seven -2.5", "eight -2.0", "end -1.6 ■"}
    assert [name for name, text in shown.items() if text.get_fontweight() == "bold"] == ["six -1.5", "end -1.6 ■"]
    assert shown["end -1.6 ■"].get_color() == shown["six -1.5"].get_color() != shown["five -0.5"].get_color()
    places = {(round(text.get_position()[0]), text.get_position()[1]) for text in shown.values()}
    assert len(places) == 5, "each stands alone"


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda: next_token_bars(["a"], {}), "at least one distribution"),
        (lambda: next_token_bars(["a"], {"x": [0.5, 0.5]}), "The distribution 'x' must be a finite number"),
        (lambda: lines([1], {}, xlabel="", title=""), "at least one curve"),
        (lambda: lines([1, 2], {"a": [1]}, xlabel="", title=""), "The curve 'a'"),
        (lambda: quality_against_diversity({"a": (1, 1)}, {}, path=[]), "a point and an interval"),
        (lambda: shaded_tokens([], [], []), "needs tokens"),
        (lambda: shaded_tokens(["a"], [float("nan")], [""]), "probabilities must be"),
        (lambda: beam_tree([TREE[0]], {}, []), "only the root"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, sentence):
    with pytest.raises(LabError, match=sentence):
        draw()
