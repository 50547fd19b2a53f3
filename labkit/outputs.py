"""The output folder of a run: what may be written there, and `results.json`.

A hidden file beside the results lists what our runs wrote. A folder with anything else in it is refused, and nothing
but listed files is ever replaced or removed.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.errors import LabError

MANIFEST = ".labkit-run.json"
TEMPORARY = MANIFEST + "."  # how files begin that are being written
RESULTS = "results.json"
INDEX = "index.html"
LEFT_BY_OTHERS = (".ipynb_checkpoints", ".DS_Store")  # left by JupyterLab and Finder when they only look at a folder


@dataclass
class OutputFolder:
    """An output folder with its manifest: `files` are the names that runs of ours wrote.

    `runs` says for each lab with which parameters and notebook it ran last, and whether it passed: what `--resume`
    and the page need beyond `results.json`.
    """

    path: Path
    files: set[str] = field(default_factory=set)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    def claim(self, names: Iterable[str]) -> None:
        """Note the names before they are written, so that an aborted run leaves nothing unknown behind."""
        self.files.update(names)
        self.write_manifest()

    def write_manifest(self) -> None:
        """Save `files` and `runs`."""
        content = {"note": "Written by labkit run.", "files": sorted(self.files), "runs": self.runs}
        write_text(self.path / MANIFEST, json.dumps(content, indent=1))

    def remove(self, name: str) -> None:
        """Remove a file of an earlier run of ours, where there is one."""
        if name in self.files:
            (self.path / name).unlink(missing_ok=True)

    def merge(self, profile: str, environment: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        """Replace the lab's entry in `results.json`, keep the others', in the order of the labs' names."""
        others = [other for other in self.notebooks if other["name"] != entry["name"]]
        notebooks = sorted([*others, dict(entry)], key=lambda each: each["name"])
        self._write_results({"profile": profile, "environment": dict(environment), "notebooks": notebooks})

    def drop(self, name: str) -> None:
        """Forget a lab that is about to run again, so that an aborted run leaves no result that is out of date."""
        self.runs.pop(name, None)
        self.write_manifest()
        if any(entry["name"] == name for entry in self.notebooks):
            kept = [entry for entry in self.notebooks if entry["name"] != name]
            self._write_results({**self.results, "notebooks": kept})

    @property
    def notebooks(self) -> list[dict[str, Any]]:
        """The labs' entries in `results.json`."""
        return list(self.results.get("notebooks", []))

    def entry(self, name: str) -> dict[str, Any] | None:
        """A lab's entry in `results.json`."""
        return next((entry for entry in self.notebooks if entry["name"] == name), None)

    def _write_results(self, results: dict[str, Any]) -> None:
        self.results = results
        write_text(self.path / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def open_output(path: Path, profile: str) -> OutputFolder:
    """The output folder, made when absent.

    Raises LabError, with nothing changed, when it cannot be written, when something lies there that no run of ours
    wrote, or when it holds results of another profile.
    """
    path = path.resolve()
    output = _read_manifest(path)
    for name in _names(path):
        if name != MANIFEST and name not in output.files:
            raise LabError(
                f"The output folder {path} holds '{name}', which no labkit run wrote: "
                "move it away, or give another folder with --out."
            )
    held = output.results.get("profile")
    if held is not None and held != profile and output.notebooks:
        raise LabError(
            f"The output folder {path} holds results of profile '{held}', not '{profile}': "
            f"give another folder, as in --out {path.name}-{profile}."
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise LabError(
            f"The output folder {path} cannot be written ({error.strerror}): give another one with --out."
        ) from None
    return output


def _names(path: Path) -> list[str]:
    """Names in the folder, none where there is no folder; LabError when it is something else or cannot be listed."""
    try:
        names = sorted(entry.name for entry in path.iterdir())
        return [name for name in names if name not in LEFT_BY_OTHERS and not name.startswith(TEMPORARY)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LabError(
            f"The output folder {path} cannot be used ({error.strerror}): give another one with --out."
        ) from None


def _read_manifest(path: Path) -> OutputFolder:
    if not (path / MANIFEST).is_file():
        return OutputFolder(path)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        output = OutputFolder(path, set(manifest["files"]), dict(manifest["runs"]))
        if RESULTS in output.files and (path / RESULTS).exists():
            output.results = json.loads((path / RESULTS).read_text(encoding="utf-8"))
            output.results["profile"], [entry["name"] for entry in output.results["notebooks"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LabError(
            f"The results of earlier runs in {path} are damaged: remove that folder, or give another one with --out."
        ) from None
    return output


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old text or the new one, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
