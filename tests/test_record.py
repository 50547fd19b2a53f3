"""`record` and `read_records`."""

import nbformat
import numpy as np
import pytest
from small_labs import recorded

from labkit.errors import LabError
from labkit.record import RECORD_MIME, flat, format_value, read_records, record


def test_numpy_values_become_json_values(capsys):
    record(mean=np.float32(0.5), count=np.int64(3), flag=np.bool_(True), low_high=np.array([0.25, 0.75]))
    assert capsys.readouterr().out.split() == ["mean", "0.5", "count", "3", "flag", "True", "low_high", "0.25,", "0.75"]


def test_the_output_holds_a_table_and_the_values(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    record(rate=0.123456, count=200)
    record(rate=0.5, label="a <b>")
    assert shown[0]["text/plain"] == "rate   0.1235\ncount     200"
    assert shown[0][RECORD_MIME] == {"rate": 0.123456, "count": 200}
    assert shown[0]["text/html"].count("text-align:right") == 2
    assert shown[1]["text/plain"] == "rate   0.5\nlabel  a <b>" and "a &lt;b&gt;" in shown[1]["text/html"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "nan"),
        (np.inf, "inf"),
        ([1.0, float("nan")], r"\[1\]"),
        ([], "empty list"),
        ({}, "empty dict"),
        ({1: 0.5, "1": 0.6}, "same as strings"),
        ({None: 0.5}, "the key None"),
        ({"b": {0.3: [float("nan")]}}, r"\[b\]\[0.3\]\[0\].*nan"),
        (["text"], r"\[0\].*str"),
        ([[1, 2]], "list"),
        (None, "NoneType"),
        (1j, "complex"),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_name(value, said):
    with pytest.raises(LabError, match=rf"record\(a.*{said}"):
        record(a=value)


def test_dicts_are_kept_with_strings_as_keys_and_shown_as_columns(monkeypatch, capsys):
    scores = {0.3: {"value": np.float64(0.5), "interval": (0.4, 0.6)}, 1: {"value": 0.25, "interval": (0.2, 0.3)}}
    record(rouge1=scores, count=3, seconds={0.3: 1.5, 1: 2}, size={"all": 4})
    assert [line.split() for line in capsys.readouterr().out.splitlines() if line] == [
        ["count", "3"],
        ["rouge1", "seconds"],
        ["---", "-" * 31, "-------"],
        ["0.3", "value:", "0.5,", "interval:", "0.4,", "0.6", "1.5"],
        ["1", "value:", "0.25,", "interval:", "0.2,", "0.3", "2"],
        ["size"],
        ["---", "----"],
        ["all", "4"],
    ]
    shown = []
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    record(rouge1=scores)
    assert shown[0][RECORD_MIME] == {
        "rouge1": {"0.3": {"value": 0.5, "interval": [0.4, 0.6]}, "1": {"value": 0.25, "interval": [0.2, 0.3]}}
    }


def test_dicts_are_taken_apart():
    assert flat({"a": 1, "b": {"x": [1, 2], "y": {"z": 0.5}}}) == {"a": 1, "b[x]": [1, 2], "b[y][z]": 0.5}


def test_recording_nothing_is_refused():
    with pytest.raises(LabError, match="at least one value"):
        record()


def test_records_of_all_cells_are_read(tmp_path):
    notebook = recorded({"a": 1, "b": [0.5, 1.5]}, {"c": True})
    nbformat.write(notebook, tmp_path / "executed.ipynb")
    expected = {"a": 1, "b": [0.5, 1.5], "c": True}
    assert read_records(tmp_path / "executed.ipynb") == expected == read_records(notebook)


def test_one_name_from_two_cells_is_refused():
    with pytest.raises(LabError, match="'a' is recorded twice, in cell 1 and in cell 3"):
        read_records(recorded({"a": 1}, {"b": 1}, {"a": 2}))


@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ("[]", "not an object"), ("{}", "no list of cells"), (None, "cannot be read")]
)
def test_a_file_that_is_no_notebook(tmp_path, text, said):
    path = tmp_path / "a.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(LabError, match=said):
        read_records(path)


def test_values_are_shown_with_four_digits():
    assert [format_value(value) for value in (0.123456, 200, True, "text", [0.5, 0.75])] == [
        "0.1235",
        "200",
        "True",
        "text",
        "0.5, 0.75",
    ]
