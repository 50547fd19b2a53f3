"""The files that ship in the package, each compared with its checksum before it is used."""

import hashlib
from functools import cache
from pathlib import Path

from labkit.errors import LabError

ROOT = Path(__file__).parent / "assets"
SUMS = "SHA256SUMS"
_CURE = "install the course again (pip install -e .), or in a git checkout run 'git checkout -- labkit/assets'"


def asset(name: str) -> Path:
    """The path of a shipped file ("corpus/test.parquet") or folder ("model"), whole and unchanged.

    Every file is compared with its line in assets/SHA256SUMS (the output of `sha256sum`) once in a process.

    Raises:
        LabError: the name is not an asset, or one of its files is missing or damaged.
    """
    return _verified(ROOT, name)


@cache
def _verified(root: Path, name: str) -> Path:
    sums = _checksums(root)
    members = [file for file in sums if file == name or file.startswith(f"{name}/")]
    if not members:
        raise LabError(f"There is no asset {name!r}; the assets are: {', '.join(sums)}.")
    for file in members:
        try:
            with (root / file).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise LabError(f"The course's file {root.name}/{file} is missing or cannot be read: {_CURE}.") from error
        if digest != sums[file]:
            raise LabError(f"The course's file {root.name}/{file} is damaged (its checksum differs): {_CURE}.")
    return root / name


@cache
def _checksums(root: Path) -> dict[str, str]:
    """File name (relative to the assets folder) to SHA-256, as listed in SHA256SUMS."""
    try:
        lines = (root / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LabError(f"The course's file {root.name}/{SUMS} is missing or cannot be read: {_CURE}.") from error
    sums = {}
    for line in lines:
        digest, _, file = line.partition(" ")
        if len(digest) != 64 or not file.strip():
            raise LabError(f"The course's file {root.name}/{SUMS} is damaged: {_CURE}.")
        sums[file.lstrip(" *")] = digest
    return sums
