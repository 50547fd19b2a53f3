"""Every lab is a regression test: it runs once, and its records are what `tests/expected` says.

Two more runs of Lab 01 have to fail, and say where: with the model's weights shuffled, and with the references.
"""

import ast
import json
import random
import shutil
from pathlib import Path

import pytest

from labkit.assets import asset
from labkit.expected import check_tolerances, compare, read_expected
from labkit.labs import find_labs
from labkit.runner import run

ROOT = Path(__file__).resolve().parents[1]
LABS = find_labs([], ROOT / "notebooks")
EXPECTED = {lab.number: read_expected(ROOT / "tests" / "expected" / f"{lab.number}.json") for lab in LABS}

SHORT = {
    "max_shots": 3,
    "curve_size": 1,
    "overrides": {"test_size": 60},
}  # enough for the effects to show, a quarter of the time
EFFECTS = {  # what each sabotage takes away, so that these records must be out of bounds
    "weights": ["rouge1_zero_shot", "rouge1_one_shot", "fact_recall_one_shot", "continuation_share_no_prompt"],
    "references": ["rouge1_one_shot", "rouge1_few_shot"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Each lab executed once."""
    out = tmp_path_factory.mktemp("run")
    return {entry["name"]: entry for entry in run(out=out / "build", folder=ROOT / "notebooks")}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_lab_passes_with_the_expected_records(lab, results):
    entry = results[lab.name]
    assert entry["error"] is None and entry["status"] == "passed"
    assert compare(EXPECTED[lab.number], entry["records"]) == {}


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_expectations_can_fail(lab):
    assert check_tolerances(EXPECTED[lab.number]) == []


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_notebook_is_clean(lab):
    cells = json.loads(lab.path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cell for cell in cells if cell["cell_type"] == "code"):
        source = "".join(cell["source"])
        assert not cell["outputs"] and cell["execution_count"] is None, f"code cell {number} has outputs"
        assert source.count("\n") < 25, f"code cell {number} is longer than 25 lines"
        for statement in ast.parse(source).body[:-1]:  # Jupyter shows the value of a cell's last line alone
            call = statement.value if isinstance(statement, ast.Expr) else None
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            assert name not in ("table", "side_by_side"), f"code cell {number} makes a table that is not shown"


@pytest.fixture(scope="module")
def short_run(tmp_path_factory):
    """Lab 01 on fewer dialogues, with some values of its profile replaced: the failing records among all effects."""

    def execute(**overrides):
        out = tmp_path_factory.mktemp("short") / "build"
        parameters = {**SHORT, "overrides": {**SHORT["overrides"], **overrides}}
        (entry,) = run(["01"], out=out, folder=ROOT / "notebooks", parameters=parameters)
        assert entry["error"] is None
        failures = compare(EXPECTED["01"], entry["records"])
        watched = {name for names in EFFECTS.values() for name in names}
        return {name: sentence for name, sentence in failures.items() if name in watched}

    return execute


def test_lab_01_keeps_its_effects_on_fewer_dialogues(short_run):
    assert short_run() == {}


def test_lab_01_fails_with_shuffled_weights(short_run, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(asset("model"), tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    torch.manual_seed(0)
    for name, tensor in weights.items():
        weights[name] = tensor.flatten()[torch.randperm(tensor.numel())].reshape(tensor.shape)
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    failures = short_run(model_id=str(tmp_path / "model"), max_new_tokens=32)
    assert set(EFFECTS["weights"]) <= set(failures), failures
    assert "expected at least" in failures["rouge1_one_shot"]


def test_lab_01_fails_with_shuffled_references(short_run, tmp_path):
    from datasets import Dataset

    for split in ("train", "validation", "test"):
        dialogues = Dataset.from_parquet(str(asset(f"corpus/{split}.parquet")), cache_dir=str(tmp_path / "cache"))
        summaries = list(dialogues["summary"])
        if split == "test":
            random.Random(0).shuffle(summaries)
        dialogues.remove_columns("summary").add_column("summary", summaries).to_parquet(tmp_path / f"{split}.parquet")
    failures = short_run(dataset_id=str(tmp_path))
    assert set(EFFECTS["references"]) <= set(failures), failures
    assert "fact_recall_one_shot" not in failures  # the facts were left in place


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "threads"), [(1, None), (2, None), (0, "1")])
def test_tolerances_cover_seeds_and_threads(seed, threads, tmp_path, monkeypatch):
    if threads:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    parameters = {"overrides": {"seed": seed}}
    for entry in run(out=tmp_path / "build", folder=ROOT / "notebooks", parameters=parameters):
        assert compare(EXPECTED[entry["name"][:2]], entry["records"]) == {}
