import numpy as np
import pytest

from labkit.errors import LabError
from labkit.source_text import END, OTHER, VOCABULARY, library_files, package_files, read_text


@pytest.fixture
def folder(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.py").write_text(f"value = {number}\n" * 20, encoding="utf-8")
    return tmp_path


def test_the_library_is_there_without_its_tests():
    files = library_files()
    names = {path.name for path in files}
    assert {"ast.py", "argparse.py", "dataclasses.py"} <= names
    assert not any({"site-packages", "test", "tests"} & set(path.parts[-4:]) for path in files)
    assert len(library_files(tests=True)) >= len(files)
    assert sum(path.stat().st_size for path in files) > 8e6  # enough for the lab's largest budgets


def test_a_library_without_sources_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(LabError, match="without the sources of its standard library"):
        library_files()


def test_packages_are_found_by_name():
    files = package_files(["tqdm"])
    assert files and all(path.suffix == ".py" and path.exists() for path in files)
    with pytest.raises(LabError, match="The package no-such-thing is not installed"):
        package_files(["no-such-thing"])


def test_every_byte_is_a_symbol_and_files_end_with_one(folder):
    (folder / "0.py").write_text("é\n", encoding="utf-8")
    text = read_text(sorted(folder.glob("*.py")), validation_share=0.3)
    both = np.concatenate([text.train, text.validation])
    assert both.dtype == np.uint8 and both.max() < VOCABULARY
    assert (both == END).sum() == text.files == 10
    assert (both == OTHER).sum() == 2  # the two bytes of é
    assert len(both) == sum(path.stat().st_size + 1 for path in folder.glob("*.py"))


def test_training_and_validation_come_from_different_files_and_the_seed_decides(folder):
    files = sorted(folder.glob("*.py"))
    one, same, other = (read_text(files, validation_share=0.3, seed=seed) for seed in (0, 0, 1))
    parts = (bytes(part).decode().replace("value = ", "") for part in (one.train, one.validation))
    digits = [set(part) & set("0123456789") for part in parts]
    assert digits[0] and digits[1] and not digits[0] & digits[1]
    assert np.array_equal(one.train, same.train) and not np.array_equal(one.train, other.train)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_that_leaves_nothing_is_one_sentence(folder, share):
    with pytest.raises(LabError, match="cannot be parted"):
        read_text(sorted(folder.glob("*.py")), validation_share=share)
