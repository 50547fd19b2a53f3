"""Text to train on that every computer has: the sources of Python's standard library, a symbol a byte."""

from __future__ import annotations

import random
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.errors import LabError

if TYPE_CHECKING:
    import numpy as np

VOCABULARY = 128
OTHER = 127  # the symbol of all bytes from 127 up: a part of a character beyond ASCII
END = 0  # the symbol after each file
NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}  # folders


@dataclass(frozen=True, eq=False)
class Text:
    """Symbols to learn from and symbols to be tested on, from different files.

    Attributes:
        train, validation: uint8 arrays of symbols, 0 to 127, one a byte.
        files: how many files both come from.
    """

    train: np.ndarray
    validation: np.ndarray
    files: int


def library_files(*, tests: bool = False) -> list[Path]:
    """The source files of the standard library of the Python that runs this, without its tests unless asked for."""
    root = Path(sysconfig.get_path("stdlib"))
    left_out = {"site-packages", "dist-packages", "__pycache__"} if tests else NOT_LIBRARY
    found = [path for path in root.rglob("*.py") if not left_out.intersection(path.relative_to(root).parts)]
    if not found:
        raise LabError(
            f"Python {sys.version_info.major}.{sys.version_info.minor} comes without the sources of its standard "
            f"library here (none in {root}): use a Python that has them, as those of python.org and conda do."
        )
    return sorted(found)


def package_files(names: Iterable[str]) -> list[Path]:
    """The source files of installed packages.

    Raises:
        LabError: a package that is not installed.
    """
    found: list[Path] = []
    for name in names:
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            raise LabError(f"The package {name} is not installed: install it with 'pip install {name}'.") from None
        found += sorted(Path(str(file.locate())) for file in files if file.suffix == ".py")
    return found


def read_text(files: Iterable[Path], *, validation_share: float = 0.02, seed: int = 0) -> Text:
    """The files in random order as symbols, a share of them (by bytes, whole files) kept apart for validation.

    Every byte is a symbol: ASCII stands for itself, all bytes from 127 up share one symbol.

    Raises:
        LabError: no files or none with text, or a share that leaves one of the two without a file.
    """
    import numpy as np

    contents = [content for path in files if (content := path.read_bytes())]
    random.Random(seed).shuffle(contents)
    wanted, held, kept = validation_share * sum(map(len, contents)), 0, 0
    while kept < len(contents) and held < wanted:
        held += len(contents[kept])
        kept += 1
    if not 0 < kept < len(contents):
        raise LabError(
            f"{len(contents)} files with text cannot be parted into {1 - validation_share:.0%} for training and "
            f"{validation_share:.0%} for validation: give more files, or another share."
        )
    parts = contents[kept:], contents[:kept]
    joined = (np.frombuffer(b"".join(content + bytes([END]) for content in part), np.uint8) for part in parts)
    train, validation = (np.minimum(part, OTHER) for part in joined)
    return Text(train, validation, len(contents))
