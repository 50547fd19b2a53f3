import numpy as np
import pytest

from labkit.errors import LabError
from labkit.tables import WIDTH, format_cell, side_by_side, table

LONG = "A summary of a dialogue that goes on and on. " * 8


def test_a_small_table_reads_in_a_terminal():
    shown = repr(table(["prompt", "ROUGE-1", "n"], [["zero-shot", 0.41234, 200], ["one-shot", 0.5, 7]], title="Scores"))
    assert shown.splitlines() == [
        "Scores",
        "prompt     ROUGE-1    n",
        "---------  -------  ---",
        "zero-shot    0.412  200",
        "one-shot     0.500    7",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-0.0001, "0.000"),
        (np.float32(0.5), "0.500"),
        (float("nan"), "nan"),
        (3, "3"),
        (np.int64(4), "4"),
        (True, "True"),
        (None, ""),
        ("a  b", "a  b"),
    ],
)
def test_cells(value, text):
    assert format_cell(value) == text


def test_a_table_without_header_or_without_rows():
    assert repr(table([], [["profile", "embedded"], ["seed", 0]])) == "profile  embedded\nseed     0"
    assert "<thead>" not in table([], [["profile", "embedded"]])._repr_html_()
    assert repr(table(["exercise", "status"], [])) == "exercise  status\n--------  ------"


def test_long_texts_are_wrapped_and_keep_their_lines():
    shown = repr(side_by_side([("human", "One line.\n\n  - indented"), ("zero-shot", LONG.strip())]))
    lines = shown.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[:4] == ["human      One line.", "", "             - indented", ""]
    assert lines[4].startswith("zero-shot  A summary") and lines[5].startswith(" " * 11 + "A summary")
    assert " ".join(shown.split("zero-shot")[1].split()) == " ".join(LONG.split())


def test_many_columns_are_wrapped_too():
    shown = repr(table(["claim", "source", "measured here"], [[LONG, LONG, 0.25]]))
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_html_is_escaped_and_keeps_white_space():
    shown = side_by_side([("<b>", "#Person1#: 1 < 2 & 3\n\nnext")], title="a <title>")._repr_html_()
    assert "<b>" not in shown and "a &lt;title&gt;" in shown
    assert "#Person1#: 1 &lt; 2 &amp; 3\n\nnext" in shown and "white-space:pre-wrap" in shown
    assert "monospace" not in shown and "color" not in shown


def test_html_aligns_columns_of_numbers_to_the_right():
    shown = table(["name", "score"], [["a", 1.0], ["b", 2]])._repr_html_()
    assert shown.count("text-align:right") == 3  # the header and two cells
    assert '<th scope="row"' in shown and '<th scope="col"' in shown


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: table([], []), "both lists are empty"),
        (lambda: side_by_side([]), "both lists are empty"),
        (lambda: table(["a", "b"], [[1, 2], [1]]), "Row 2 of the table has 1 cells and not 2"),
        (lambda: table(["a", "b"], ["ab"]), "a string for its cells"),
        (lambda: side_by_side(["ab"]), "pairs of strings, not 'ab'"),
        (lambda: side_by_side([("label", 3)]), "pairs of strings"),
    ],
)
def test_bad_input_is_one_sentence(make, part):
    with pytest.raises(LabError, match=part):
        make()
