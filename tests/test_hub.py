"""The profiles of the hub, against a hub on this machine: LABKIT_TEST_HUB (its address) or, without it, a fake one.

Clients read HF_ENDPOINT when they are imported, so each test runs its lines in a process of its own.
"""

import csv
import io
import json
import os
import subprocess
import sys

import pytest
from fakehub import fake_hub
from tiny import tiny_rows

LOAD = """
import json, labkit, labkit.models
chosen = labkit.profile("small", model_revision="main", memory_gb=0.5, device="cpu", test_size=3)
labkit.run_card(chosen, minutes=1, memory_gb=0.5)
model, tokenizer = labkit.load_model(chosen)
dialogues = labkit.load_dialogues(chosen)
texts = labkit.generate(model, tokenizer, dialogues["test"][:3]["dialogue"], max_new_tokens=3, batch_size=3)
print("RESULT", json.dumps({
    "splits": {name: split.num_rows for name, split in dialogues.items()},
    "local": labkit.models.local_tokenizer("google/flan-t5-small").vocab_size == tokenizer.vocab_size,
    "row": dialogues["test"][0], "parameters": model.num_parameters(), "dtype": str(model.dtype), "texts": len(texts),
}))
"""
PREFLIGHT = """
import sys, time, torch, huggingface_hub.hf_api, labkit, labkit.card
start = time.perf_counter()
try:
    labkit.card.preflight(labkit.profile("small", memory_gb=0.5, device="cpu", {overrides}))
except labkit.LabError as error:
    print(time.perf_counter() - start)
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def hub(tiny_checkpoint):
    """The hub's address."""
    if given := os.environ.get("LABKIT_TEST_HUB"):
        yield given
        return
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "dialogue", "summary", "topic"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(tiny_rows("test"))
    files = {path.name: path.read_bytes() for path in tiny_checkpoint.iterdir()}
    splits = {f"{split}.csv": text.getvalue().encode() for split in ("train", "validation", "test")}
    unused = {"README.md": b"", "pytorch_model.bin": b"the same weights again"}
    with fake_hub(
        {"models/google/flan-t5-small": {**files, **unused}, "datasets/knkarthick/dialogsum": {**splits, **unused}}
    ) as address:
        yield address


def run(code: str, home, assets, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process that sees this hub, an empty cache in `home` and the tiny assets."""
    code = f"import pathlib, labkit.assets\nlabkit.assets.ROOT = pathlib.Path({str(assets)!r})\n{code}"
    settings = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True, timeout=600
    )


def test_model_and_dialogues_come_from_the_hub_and_then_from_the_cache(hub, tiny_assets, tmp_path):
    first = run(LOAD, tmp_path, tiny_assets, HF_ENDPOINT=hub)
    assert first.returncode == 0, first.stderr
    card, _, result = first.stdout.partition("RESULT ")
    assert "google/flan-t5-small at " in card and "not pinned" in card and "parameters" in card
    found = json.loads(result)
    assert {"train", "validation", "test", "natural_train", "natural_test"} == set(found["splits"])
    row = found["row"]
    assert row["headline"] == row["topic"] and isinstance(json.loads(row["facts"]), dict)
    assert found["local"]
    assert found["dtype"] == "torch.float32" and found["texts"] == 3
    assert not list(tmp_path.rglob("pytorch_model.bin"))
    again = run(LOAD, tmp_path, tiny_assets, HF_ENDPOINT="http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert again.stdout.partition("RESULT ")[2] == result


@pytest.mark.parametrize(
    "overrides, words",
    [
        ("model_revision='v9'", ["no revision 'v9'", "google/flan-t5-small"]),
        ("model_id='google/flan-t5-tiny'", ["no model google/flan-t5-tiny", "HF_TOKEN"]),
    ],
)
def test_what_the_hub_does_not_have_is_said_before_work_starts(hub, tiny_assets, tmp_path, overrides, words):
    result = run(PREFLIGHT.format(overrides=overrides), tmp_path, tiny_assets, HF_ENDPOINT=hub)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_a_hub_that_is_down_is_said_at_once(tiny_assets, tmp_path):
    result = run(PREFLIGHT.format(overrides=""), tmp_path, tiny_assets, HF_ENDPOINT="http://127.0.0.1:9")
    assert result.returncode == 1
    assert float(result.stdout) < 20  # the client's own retries take 75 s
    assert len(result.stderr.strip().splitlines()) == 1
    for word in ("http://127.0.0.1:9 cannot be reached", "HF_HUB_OFFLINE=1", "embedded"):
        assert word in result.stderr
