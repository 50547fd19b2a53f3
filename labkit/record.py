"""Named results: `record(name=value)` in a notebook, `read_records(path)` in a test.

A lab states its numbers through `record`, so that the table a learner reads and the value a test asserts are one thing.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.tables import Table

RECORD_MIME = "application/vnd.labkit.record+json"

Scalar = bool | int | float | str
Flat = Scalar | list[int | float]
Value = Flat | dict[str, "Value"]


def record(**values: Any) -> None:
    """Show the values as a table and keep them in the notebook's output under `RECORD_MIME`.

    A value is a number (numpy's too), a bool, a string, a list, tuple or one-dimensional array of numbers, or a dict
    of such values, whose keys are strings or numbers and are kept as strings. Dicts with the same keys are shown as one
    table, a column each.

    Raises LabError for no values at all, nan, inf, an empty list or dict, and anything else.
    """
    if not values:
        raise LabError("record() needs at least one value by name, as in record(rouge1_zero_shot=0.41).")
    clean = {name: _clean(name, value) for name, value in values.items()}
    shown = _tables(clean)
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:  # a plain script: there is no output to keep anything in
        print(*shown, sep="\n\n")
        return
    page, text = "".join(each._repr_html_() for each in shown), "\n\n".join(map(repr, shown))
    display({"text/html": page, "text/plain": text, RECORD_MIME: clean}, raw=True)


def read_records(notebook: str | Path | Mapping[str, Any]) -> dict[str, Value]:
    """All records of an executed notebook (its path or its content), in the order in which they were made.

    Raises LabError when the file is missing or is no notebook, and when one name was recorded twice.
    """
    content = _read_json(Path(notebook)) if isinstance(notebook, str | Path) else notebook
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise LabError("This is no notebook: it has no list of cells. Give the path of an executed .ipynb file.")
    records: dict[str, Value] = {}
    first_cell: dict[str, int] = {}
    for number, cell in enumerate(cells, start=1):
        for output in cell.get("outputs", []):
            for name, value in output.get("data", {}).get(RECORD_MIME, {}).items():
                if name in records:
                    raise LabError(
                        f"'{name}' is recorded twice, in cell {first_cell[name]} and in cell {number}: "
                        "each name stands for one result, so rename one of the two."
                    )
                records[name], first_cell[name] = value, number
    return records


def flat(records: Mapping[str, Value]) -> dict[str, Flat]:
    """The records with each dict taken apart: {"a": {"x": 1, "y": {"z": 2}}} as {"a[x]": 1, "a[y][z]": 2}."""
    found: dict[str, Flat] = {}
    for name, value in records.items():
        found |= (
            flat({f"{name}[{key}]": each for key, each in value.items()}) if isinstance(value, dict) else {name: value}
        )
    return found


def format_value(value: Value) -> str:
    """A value as tables show it: floats with four significant digits; lists and dicts separated by commas."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {format_value(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(format_value(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _tables(values: Mapping[str, Value]) -> list[Table]:
    """A table of the plain values, then one for all dicts that have the same keys."""
    plain = [(name, format_value(value)) for name, value in values.items() if not isinstance(value, dict)]
    texts = any(isinstance(value, str) for value in values.values())
    tables = [Table((), plain, right=() if texts else (1,))] if plain else []
    dicts = {name: value for name, value in values.items() if isinstance(value, dict)}
    for keys in dict.fromkeys(map(tuple, dicts.values())):
        same = {name: value for name, value in dicts.items() if tuple(value) == keys}
        rows = [(key, *(format_value(value[key]) for value in same.values())) for key in keys]
        tables.append(Table(("", *same), rows, right=range(1, len(same) + 1)))
    return tables


def _clean(name: str, value: Any) -> Value:
    """The value in JSON's types, or LabError."""
    if type(value).__module__ == "numpy":  # by name: numpy need not be imported for this
        value = value.tolist()
    if isinstance(value, Mapping):
        clean = {_key(name, key): _clean(f"{name}[{key}]", each) for key, each in value.items()}
        if not clean or len(clean) < len(value):
            wrong = "two keys that are the same as strings" if clean else "an empty dict"
            raise LabError(f"record({name}=…) got {wrong}: give each value a name of its own, or leave the dict out.")
        return clean
    if isinstance(value, list | tuple):
        if not value:
            raise LabError(f"record({name}=…) got an empty list: record the numbers, or leave the name out.")
        return [_number(f"{name}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, bool | str):
        return value
    return _number(name, value)


def _key(name: str, key: Any) -> str:
    if isinstance(key, bool) or not isinstance(key, str | int | float):
        raise LabError(f"record({name}=…) got a dict with the key {key!r}: keys are strings or numbers.")
    return str(key)


def _number(name: str, value: Any) -> int | float:
    if type(value).__module__ == "numpy":
        value = value.tolist()
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = " (a tensor's number is tensor.item())" if hasattr(value, "item") else ""
        raise LabError(
            f"record({name}=…) got a value of type {type(value).__name__}: numbers, bools, strings, "
            f"lists of numbers and dicts of these can be recorded{hint}."
        )
    if not math.isfinite(value):
        raise LabError(f"record({name}=…) got {value}: only finite numbers can be recorded; see what made it {value}.")
    return value


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"The notebook {path} cannot be read ({error.strerror}): give the path of an .ipynb.") from None
    except ValueError as error:
        raise LabError(f"{path} is not a notebook: it is not JSON ({error}). Restore the file.") from None
    if not isinstance(content, dict):
        raise LabError(f"{path} is not a notebook: its JSON is not an object. Restore the file.")
    return content
