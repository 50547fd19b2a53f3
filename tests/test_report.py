"""The pages that results are read on."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit.expected import parse_expected
from labkit.outputs import OutputFolder
from labkit.report import WIDGET, failures, index_page, write_page

EXPECTED = {
    "01": parse_expected(
        {
            "records": {
                "size": {"equals": 200, "no_effect": 0, "reason": "all"},
                "score": {"at_least": 0.4, "value": 0.5, "no_effect": 0.1, "reason": "the claim"},
            },
            "free": {"time": "the machine's"},
        }
    )
}


def folder(tmp_path, profile="embedded", changed=None, **entry):
    lab = {
        "name": "01_lab",
        "status": "passed",
        "seconds": 72.0,
        "peak_memory_mb": 811.6,
        "records": {"size": 200, "score": 0.3, "time": 1.5},
        "error": None,
        **entry,
    }
    environment = {"versions": {"python": "3.11"}, "cores": 2, "device": "cpu"}
    output = OutputFolder(tmp_path, runs={"01_lab": {"changed": changed or {}}})
    output.results = {"profile": profile, "environment": environment, "notebooks": [lab]}
    return output, lab


def test_records_stand_beside_what_is_expected(tmp_path):
    output, lab = folder(tmp_path)
    page = index_page(output, EXPECTED)
    for text in ("1 min 12 s", "812 MB", "✓ passed", "at least 0.4", "free: the machine&#x27;s", "1 not as expected"):
        assert text in page
    assert list(failures(lab, output, EXPECTED["01"])) == ["score"]


def test_the_values_of_a_dict_are_rows(tmp_path):
    score = {"value": {"x": 0.5, "y": 0.5}, "tolerance": 0.1, "no_effect": 0.1, "reason": "the claim"}
    expected = {"01": parse_expected({"records": {"score": score}, "free": {"time": "the machine's"}})}
    output, lab = folder(tmp_path, records={"score": {"x": 0.5, "y": 0.3}, "time": {"x": 1.5}})
    page = index_page(output, expected)
    assert list(failures(lab, output, expected["01"])) == ["score[y]"]
    assert page.count("0.5 ± 0.1</td>") == 2 and page.count("free: the machine") == 1
    assert "<code>time[x]</code>" in page and "<code>time</code>" not in page


@pytest.mark.parametrize(("given", "said"), [({"profile": "base"}, "not compared"), ({"changed": {"a": 3}}, "a = 3")])
def test_other_profiles_and_other_values_are_not_compared(tmp_path, given, said):
    output, lab = folder(tmp_path, **given)
    page = index_page(output, EXPECTED)
    assert said in page and "at least 0.4" in page and "✗" not in page
    assert failures(lab, output, EXPECTED["01"]) == {}


def test_a_failure_and_odd_names_are_escaped(tmp_path):
    output, _ = folder(tmp_path, status="failed", error="cell 3: NameError: <b>", records={})
    page = index_page(output, {})
    assert "✗ failed" in page and "NameError: &lt;b&gt;" in page and "no expectations" in page


def test_the_page_needs_nothing_from_outside(tmp_path):
    page = index_page(folder(tmp_path)[0], EXPECTED)
    assert not re.search(r'(src|href)="(http|/)', page) and "@import" not in page
    assert "prefers-color-scheme: dark" in page


def export(tmp_path, *cells):
    nbformat.write(new_notebook(cells=list(cells)), tmp_path / "a.ipynb")
    write_page(tmp_path / "a.ipynb", tmp_path / "a.html", images=tmp_path)
    return (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_notebooks_page_asks_a_network_for_formulas_only(tmp_path):
    assert not re.search(r'src="http|import\("http', export(tmp_path, new_markdown_cell("It costs 5 $ a day.")))
    assert re.findall(r'src="(http[^"]*)', export(tmp_path, new_markdown_cell("So $x^2$.")))


def test_widgets_leave_their_text_and_progress_bars_nothing(tmp_path):
    cell = new_code_cell("panel()")
    for text in ("A panel: open <JupyterLab>.", " 50%|#####     | 1/2 [00:01<00:01, 1.0it/s]"):
        cell.outputs.append(new_output("display_data", data={WIDGET: {"model_id": "1"}, "text/plain": text}))
    page = export(tmp_path, cell)
    assert page.count("A panel: open &lt;JupyterLab&gt;.") == 1 and "00:01" not in page
