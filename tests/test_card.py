import collections
import shutil

import pytest
import torch

from labkit import profile, run_card
from labkit.card import card_rows, count_parameters, free_memory_gb, preflight
from labkit.errors import LabError


def message(*args, **kwargs) -> str:
    with pytest.raises(LabError) as caught:
        preflight(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_card_says_what_runs_where(use_tiny_assets, tiny_model, capsys):
    rows = card_rows(profile(test_size=5), minutes=2, memory_gb=1.8)
    assert f"{tiny_model[0].num_parameters():,} parameters" in rows["model"]
    assert rows["device"].startswith("cpu: ") and rows["dtype"].startswith("float32") and rows["seed"] == "0"
    assert f"torch {torch.__version__}" in rows["versions"] and "Python 3." in rows["versions"]
    assert str(torch.get_num_threads()) in rows["threads"]
    assert "2 min" in rows["expected"] and "1.8 GB" in rows["expected"]
    assert "synthetic" in rows["note"] and "own" in rows["note"]
    run_card(profile(test_size=5), minutes=2, memory_gb=1.0)
    captured = capsys.readouterr()
    assert captured.out.startswith("Run card\nprofile ") and "synthetic" in captured.out and captured.err == ""


def test_parameters_are_counted_from_the_file(tiny_checkpoint, tiny_model):
    assert count_parameters(tiny_checkpoint / "model.safetensors") == tiny_model[0].num_parameters()


def test_too_little_memory_names_what_to_lower(use_tiny_assets):
    text = message(profile(memory_gb=1e6))
    assert "1e+06 GB" in text and "batch_size (now 64)" in text
    assert "batch_size" in message(profile(), memory_gb=1e6)


def test_a_large_profile_names_the_smaller_ones(use_tiny_assets, tiny_checkpoint):
    here = {"model_id": str(tiny_checkpoint), "dataset_id": str(tiny_checkpoint), "device": "cpu"}
    assert "smaller profile (base, small, embedded)" in message(profile("large", memory_gb=1e6, **here))


def test_the_memory_of_the_gpu_counts_where_one_is_used(use_tiny_assets, tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (10**9, 8 * 10**9))
    text = message(profile("small", model_id=str(tiny_checkpoint), dataset_id=str(tiny_checkpoint), dtype="float32"))
    assert "memory of the GPU, and 1 GB are free" in text


def test_free_memory_is_a_plausible_number():
    assert 0.01 < free_memory_gb() < 1e5


def test_a_damaged_file_stops_the_lab_before_it_starts(tiny_assets, tmp_path, monkeypatch):
    root = tmp_path / "assets"
    shutil.copytree(tiny_assets, root)
    monkeypatch.setattr("labkit.assets.ROOT", root)
    (root / "corpus/natural_test.parquet").write_bytes(b"")
    assert "natural_test.parquet is damaged" in message(profile())


def test_a_profile_that_is_not_in_the_cache_is_refused_offline(use_tiny_assets):
    text = message(profile("small", memory_gb=0.1))
    assert "google/flan-t5-small" in text and "HF_HUB_OFFLINE" in text and "embedded" in text


def test_a_full_disk_is_noticed_before_the_download(use_tiny_assets, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr("labkit.hub.bytes_missing", lambda repo: 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 9 * 10**8, 10**8))
    text = message(profile("small", memory_gb=0.1))
    assert "downloads 2 GB" in text and "0.1 GB free" in text and "HF_HOME" in text
