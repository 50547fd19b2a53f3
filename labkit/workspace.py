"""The learner's own copy of the labs in `work/`: made when absent, never overwritten, opened in JupyterLab.

A hidden file there remembers for each lab the checksum of the version that its copy came from. When the course's
notebook has changed since, the new version is put beside the copy under another name, once.
"""

import hashlib
import itertools
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from labkit.errors import LabError
from labkit.labs import notebooks_folder
from labkit.outputs import write_text

VERSIONS = ".labkit-versions.json"


def open_lab(arguments: Sequence[str] = ()) -> int:
    """Bring `work/` beside the course's notebooks up to date, then run JupyterLab in it until it ends.

    `arguments` go to JupyterLab. Returns its exit status.

    Raises:
        LabError: as `sync`, or there are no notebooks here.
    """
    notebooks = notebooks_folder()
    work = notebooks.parent / "work"
    for sentence in sync(notebooks, work):
        print(sentence)
    print(f"Opening {work} in JupyterLab; Ctrl-C here ends it.", flush=True)
    process = subprocess.Popen([sys.executable, "-m", "jupyterlab", *arguments], cwd=work)
    # Ctrl-C reaches JupyterLab too, which asks before it stops: wait for its answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def sync(notebooks: Path, work: Path) -> list[str]:
    """Copy each notebook into `work` when it has none of that name, and put versions that are new beside their copies.

    Nothing that is there is ever overwritten. Returns a sentence for each lab that changed since it was copied.

    Raises:
        LabError: `work` cannot be used, or its file of versions is damaged.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=work):  # what cannot be written is found before JupyterLab runs
            pass
        versions = _read_versions(work / VERSIONS)
        sentences = []
        for source in sorted(notebooks.glob("*.ipynb")):
            new = source.read_bytes()
            sentences += _sync_one(new, work / source.name, versions.get(source.name))
            versions[source.name] = _checksum(new)
        write_text(work / VERSIONS, json.dumps(versions, indent=1))
    except FileExistsError:
        raise LabError(f"{work} is not a folder: move it away, so that your copies can lie there.") from None
    except OSError as error:
        raise LabError(
            f"{error.filename or work} cannot be used ({error.strerror}): your copies of the labs lie in {work}, "
            "which has to be a folder that you may write to."
        ) from None
    return sentences


def _sync_one(new: bytes, copy: Path, copied_from: str | None) -> list[str]:
    """Bring one lab up to date; the checksum is of the version that the copy came from, None when nobody knows."""
    if _place(new, copy) or _checksum(new) == copied_from:
        return []
    candidates = (copy.with_suffix(f".new{number}.ipynb") for number in itertools.chain([""], itertools.count(2)))
    beside = next(path for path in candidates if _place(new, path))
    return [
        f"The lab {copy.stem} has changed since your copy was made: your {copy.name} stays as it is, "
        f"and the new version lies beside it as {beside.name}."
    ]


def _place(content: bytes, path: Path) -> bool:
    """Whether the file has this content, after writing it where there was no file."""
    try:
        file = path.open("xb")
    except FileExistsError:
        return path.read_bytes() == content
    try:
        with file:
            file.write(content)
    except BaseException:
        path.unlink(missing_ok=True)  # half a notebook would be taken for the learner's own from now on
        raise
    return True


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_versions(path: Path) -> dict[str, str]:
    """Notebook's file name to the checksum of the version that its copy came from."""
    try:
        versions = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        versions = None
    if not isinstance(versions, dict) or not all(isinstance(value, str) for value in versions.values()):
        raise LabError(f"{path} is damaged: remove it; your notebooks stay as they are.")
    return versions
