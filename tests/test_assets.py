import hashlib
import shutil
from pathlib import Path

import pytest

from labkit import assets
from labkit.errors import LabError


@pytest.fixture
def damaged(tiny_assets, tmp_path, monkeypatch) -> Path:
    """A copy of the assets that a test may damage."""
    root = tmp_path / "assets"
    shutil.copytree(tiny_assets, root)
    monkeypatch.setattr(assets, "ROOT", root)
    return root


def message(name: str) -> str:
    with pytest.raises(LabError) as caught:
        assets.asset(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_and_folders_are_found(use_tiny_assets):
    assert assets.asset("corpus/test.parquet").is_file()
    assert (assets.asset("model") / "config.json").is_file()


def test_an_unknown_asset_lists_the_known(use_tiny_assets):
    assert "'corpus/tset.parquet'" in message("corpus/tset.parquet")
    assert "corpus/test.parquet" in message("corpus/tset.parquet")


def test_a_missing_file_is_named_with_what_to_do(damaged):
    (damaged / "corpus/test.parquet").unlink()
    assert "assets/corpus/test.parquet is missing" in message("corpus/test.parquet")
    assert "install" in message("corpus/test.parquet") and "git checkout" in message("corpus/test.parquet")
    assert assets.asset("corpus/train.parquet").is_file()


def test_one_changed_byte_of_a_folder_is_found(damaged):
    file = damaged / "model/model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "assets/model/model.safetensors is damaged" in message("model")


def test_missing_or_damaged_checksums(damaged):
    (damaged / "SHA256SUMS").write_text("half a li")
    assert "SHA256SUMS is damaged" in message("model")
    assets._checksums.cache_clear()
    (damaged / "SHA256SUMS").unlink()
    assert "SHA256SUMS is missing" in message("model")


def test_checksums_are_compared_once_in_a_process(damaged, monkeypatch):
    calls = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *args: calls.append(args) or real(*args))
    assert assets.asset("corpus/test.parquet") == assets.asset("corpus/test.parquet")
    assert len(calls) == 1
