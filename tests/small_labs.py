"""Tiny notebooks for the runner's tests: no model, a second each."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit.record import RECORD_MIME

PARAMETERS = """profile = "embedded"
overrides = {}
test_size = 200  # dialogues
rate = 0.5
shots = [0, 1]
extra = None"""


def write_lab(
    folder: Path, name: str, *cells: str, parameters: str = PARAMETERS, tags: tuple[str, ...] = ("parameters",)
) -> Path:
    """A lab of a title, the parameters cell and these code cells; the first of them is cell 3."""
    folder.mkdir(parents=True, exist_ok=True)
    head = new_code_cell(parameters)
    head.metadata["tags"] = list(tags)
    notebook = new_notebook(cells=[new_markdown_cell(f"# {name}"), head, *map(new_code_cell, cells)])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def recorded(*outputs: dict[str, Any]) -> Any:
    """A notebook with one executed cell for each dictionary of records."""
    cells = []
    for values in outputs:
        cell = new_code_cell("record(…)")
        cell.outputs = [new_output("display_data", data={RECORD_MIME: values, "text/plain": "a table"})]
        cells.append(cell)
    return new_notebook(cells=cells)
