"""Labs given parameters that cannot be: one sentence, and nothing left running."""

from pathlib import Path

import psutil
import pytest

from labkit.runner import run

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.mark.parametrize(
    ("lab", "parameters", "sentence"),
    [
        ("04", {"batch_size": 10}, "batch_size is 10: take a multiple of 4 from 8 on"),
        ("04", {"batch_size": 4}, "batch_size is 4: take a multiple of 4 from 8 on"),
        ("05", {"budgets": [0, 1e10, 1e11]}, "give three or more budgets from 1e9 FLOPs up"),
        ("05", {"budgets": [1e8, 1e10, 1e11]}, "give three or more budgets from 1e9 FLOPs up"),
        ("05", {"budgets": [1e10, 2e10, 1e40]}, "A budget of 1e+40 FLOPs is out of range for small models"),
        ("05", {"budgets": [1e10, 2e10, 1e14]}, "each to be seen once. Lower the budget."),
        ("05", {"workers": 0}, "0 training processes do no work"),
    ],
)
def test_a_parameter_that_cannot_be_is_one_sentence(lab, parameters, sentence, tmp_path):
    before = {each.pid for each in psutil.process_iter()}
    (entry,) = run([lab], out=tmp_path / "build", folder=FOLDER, parameters=parameters)
    assert entry["status"] == "failed" and sentence in entry["error"]
    assert "Traceback" not in entry["error"]
    left = [each for each in psutil.process_iter(["pid", "cmdline"]) if each.pid not in before]
    assert not [each for each in left if "multiprocessing" in " ".join(each.info["cmdline"] or [])]
