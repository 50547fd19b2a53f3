"""The labs on disk: which there are, what their `parameters` cell says, and whether given parameters fit it.

papermill only warns about an unknown parameter and puts the values on top when the tagged cell is missing;
here each of these is an error, found for all labs before the first kernel starts.
"""

import ast
import difflib
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import LabError

TYPE_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    tuple: "a list",
    dict: "a dictionary",
}


@dataclass(frozen=True)
class Lab:
    """One notebook of the course with the defaults of its parameters."""

    path: Path
    parameters: Mapping[str, Any]  # name -> default, as the tagged cell has them
    parameters_index: int  # position of that cell; papermill puts the given values right after it

    @property
    def name(self) -> str:
        """The notebook's stem, as in `01_dialogue_summarization`."""
        return self.path.stem

    @property
    def number(self) -> str:
        """The digits in front, as in `01`."""
        return lab_number(self.path.stem)


def lab_number(name: str) -> str:
    """The digits at the start of a lab's name ('' without)."""
    match = re.match(r"\d+", name)
    return match.group() if match else ""


def notebooks_folder() -> Path:
    """`notebooks/` of the current directory, else of the checkout that labkit is installed from."""
    folders = [Path.cwd() / "notebooks", Path(__file__).resolve().parent.parent / "notebooks"]
    for folder in folders:
        if any(folder.glob("*.ipynb")):
            return folder
    raise LabError("There is no folder notebooks/ with labs here: change to the course's folder, then try again.")


def find_labs(wanted: Sequence[str], folder: Path) -> list[Lab]:
    """The wanted labs (numbers such as '01' or '1', or names) of the folder in its order, all when none is named."""
    paths = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    if not paths:
        raise LabError(f"There is no notebook in {folder}: change to the course's folder, then try again.")
    names = {_match(text, list(paths)) for text in wanted} if wanted else set(paths)
    return [read_lab(path) for name, path in paths.items() if name in names]


def _match(text: str, names: list[str]) -> str:
    stem = text.removesuffix(".ipynb")
    if stem in names:
        return stem
    same_number = [name for name in names if stem.isdecimal() and lab_number(name).lstrip("0") == stem.lstrip("0")]
    if len(same_number) == 1:
        return same_number[0]
    if same_number:
        raise LabError(f"Lab '{text}' could be {' or '.join(same_number)}: give the whole name.")
    raise LabError(f"There is no lab '{text}'{nearest(text, names)}. The labs are: {', '.join(names)}.")


def nearest(word: str, known: Sequence[str]) -> str:
    """A bracket that asks whether the nearest known word was meant, or '' when none is near."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""


def read_lab(path: Path) -> Lab:
    """The lab in a notebook file; LabError when it is no notebook or its parameters cell is missing or not literal."""
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except OSError as error:
        raise LabError(f"The notebook {path.name} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise LabError(f"{path.name} is not a notebook: it is not JSON ({error}). Restore the file.") from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise LabError(f"{path.name} is JSON but not a notebook: it has no list of cells. Restore the file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing cell ids and the like, which nbformat mends itself
            notebook = nbformat.reads(text, as_version=4)
            cells = notebook.cells
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabError(f"{path.name} is JSON but not a notebook ({reason}). Restore the file.") from None
    tagged = [
        index
        for index, cell in enumerate(cells)
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) != 1:
        raise LabError(
            f"{path.name} has {len(tagged) or 'no'} code cell{'s' if len(tagged) > 1 else ''} with the tag "
            "'parameters': a lab has exactly one, with its default values."
        )
    return Lab(path.resolve(), _literals(cells[tagged[0]].source, path.name), tagged[0])


def _literals(source: str, notebook: str) -> dict[str, Any]:
    """The assignments of a parameters cell; nothing is executed."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise LabError(f"The parameters cell of {notebook} is not Python (line {error.lineno}: {error.msg}).") from None
    values: dict[str, Any] = {}
    for statement in tree.body:
        target: ast.expr | None = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        try:
            if not isinstance(target, ast.Name):
                raise ValueError
            values[target.id] = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
        except (ValueError, TypeError):
            line = source.splitlines()[statement.lineno - 1].strip()
            raise LabError(
                f"The parameters cell of {notebook} has the line `{line}` (line {statement.lineno}): "
                "each line there is `name = literal`."
            ) from None
    return values


def fit_parameters(lab: Lab, given: Mapping[str, Any], also_known: Sequence[str] = ()) -> dict[str, Any]:
    """The given values in the types of the lab's defaults; texts (from a command line) are read as JSON or Python.

    `also_known` are fields of the profile: who gives one of them as a parameter is told how to override it.

    Raises LabError for a name that the lab does not have, and for a value of another type.
    """
    fitted: dict[str, Any] = {}
    for name, value in given.items():
        if name not in lab.parameters:
            raise LabError(_unknown(lab, name, also_known))
        fitted[name] = _fit(f"Parameter {name} of lab {lab.name}", lab.parameters[name], value)
    return fitted


def _unknown(lab: Lab, name: str, also_known: Sequence[str]) -> str:
    if name in also_known:
        return (
            f"Lab {lab.name} has no parameter '{name}', but the profile has such a value: "
            f"override it with -p overrides='{{\"{name}\": …}}'."
        )
    hint = nearest(name, list(lab.parameters)) or nearest(name, also_known)
    return f"Lab {lab.name} has no parameter '{name}'{hint}. Its parameters are: {', '.join(lab.parameters) or 'none'}."


def _fit(what: str, default: Any, value: Any) -> Any:
    """The value in the default's type; a default of None admits any."""
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = _parse(value)
        except ValueError:
            if default is not None:
                raise _wrong_type(what, default, value) from None
    if default is None:
        return value
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, list | tuple) and isinstance(value, list | tuple):
        kinds = {type(item) for item in default}
        return [_fit(f"{what}, item {i},", default[0], v) if len(kinds) == 1 else v for i, v in enumerate(value)]
    if type(value) is not type(default):
        raise _wrong_type(what, default, value)
    return value


def _wrong_type(what: str, default: Any, value: Any) -> LabError:
    kind = TYPE_NAMES.get(type(default), f"a {type(default).__name__}")
    return LabError(f"{what} takes {kind} such as {default!r}, not {value!r}.")


def _parse(text: str) -> Any:
    """JSON first (true, null), then a Python literal (True, None, tuples)."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(text) from None
