"""What each record of a lab must be: reading `tests/expected/NN.json`, comparing, and checking the file itself.

An expectation is one of

- `at_least` or `at_most` (a bound, for a claim), with the measured `value` noted beside it,
- `value` with a `tolerance`,
- `equals` (bools, texts, exact whole numbers),

each with `no_effect` (what the record would be if the lab's effect were absent) and a `reason`; lists are compared
element by element. Relations between records may stand beside one of these or alone: `above` (another record's name;
`by` is the least difference) and `above_interval_of` (this interval lies wholly above the other one).

A record that is a dict is compared value by value. An expectation whose numbers are dicts with the record's keys holds
for all its values, `"rouge1_by_config": {"value": {"greedy": 0.6, …}, "tolerance": 0.02, …}`; one under the name
`rouge1_by_config[greedy]` for that value. Relations name values in the same way.

Records that are not asserted stand under `free`, each with its reason: a whole dict, or one of its values.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.record import flat, format_value

BOUNDS = ("at_least", "at_most")
FIGURES = (*BOUNDS, "value", "tolerance", "equals", "no_effect", "by")  # may be a dict, for a record that is one
KEYS = (*FIGURES, "above", "above_interval_of", "reason")
ROUNDING = 1e-9  # of float arithmetic, far below any tolerance


@dataclass(frozen=True)
class Expected:
    """An expectations file: the asserted records, and the free ones with the reason why they are not asserted."""

    records: Mapping[str, Mapping[str, Any]]
    free: Mapping[str, str]


def read_expected(path: Path) -> Expected:
    """The expectations in a file; LabError naming the entry when one is malformed."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"The expectations {path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise LabError(f"The expectations {path} are not JSON ({error}).") from None
    return parse_expected(content)


def parse_expected(content: Any) -> Expected:
    """The expectations in the JSON content of a file; LabError naming the entry when one is malformed."""
    if not isinstance(content, dict) or not set(content) <= {"records", "free"}:
        raise LabError('Expectations are an object with "records" and "free", nothing else.')
    records: dict[str, Any] = {}
    free = content.get("free", {})
    for name, entry in content.get("records", {}).items():
        records |= _spread(name, entry)
    for name, entry in records.items():
        problem = _malformed(entry) or ("it stands under free as well" if name in free else "")
        if problem:
            raise LabError(f"The expectation of '{name}' is malformed: {problem}.")
        for other in (entry[key] for key in ("above", "above_interval_of") if key in entry):
            if other not in records and not _listed(other, free):
                raise LabError(f"The expectation of '{name}' refers to '{other}', which is neither expected nor free.")
    for name, reason in free.items():
        if not isinstance(reason, str) or not reason.strip():
            raise LabError(f"The free record '{name}' needs a reason, in words, why it is not asserted.")
    return Expected(records, free)


def _spread(name: str, entry: Any) -> dict[str, Any]:
    """An expectation whose figures are dicts, as one for each value of the record; any other one as it is."""
    figures = entry if isinstance(entry, dict) else {}
    dicts = {key: each for key, each in figures.items() if key in FIGURES and isinstance(each, dict)}
    if not dicts:
        return {name: entry}
    keys = list(next(iter(dicts.values())))
    if any(sorted(each) != sorted(keys) for each in dicts.values()):
        raise LabError(f"The expectation of '{name}' is malformed: {' and '.join(dicts)} do not have the same keys.")
    found: dict[str, Any] = {}
    for key in keys:
        found |= _spread(f"{name}[{key}]", {**entry, **{figure: each[key] for figure, each in dicts.items()}})
    return found


def _listed(name: str, free: Mapping[str, str]) -> bool:
    """Whether a value is free: by its own name, or with the whole dict that it is of."""
    return name in free or name.partition("[")[0] in free


def _malformed(entry: Any) -> str:
    """Why an entry is malformed, '' when it is well-formed."""
    if not isinstance(entry, dict):
        return "it is not an object"
    if unknown := [key for key in entry if key not in KEYS]:
        return f"it has '{unknown[0]}', known are {', '.join(KEYS)}"
    if not str(entry.get("reason", "")).strip():
        return "it gives no reason"
    kinds = [key for key in (*BOUNDS, "tolerance", "equals") if key in entry]
    if len(kinds) > 1:
        return f"it has {' and '.join(kinds)}, of which an expectation has one"
    if not kinds and "above" not in entry and "above_interval_of" not in entry:
        return "it has no bound, no value with tolerance, no equals and no relation"
    if kinds and "no_effect" not in entry:
        return "it does not say what no_effect would be"
    if kinds and kinds != ["equals"] and "value" not in entry:
        return "it does not note the measured value"
    if "by" in entry and "above" not in entry:
        return "it has 'by' without 'above'"
    return ""


def describe(entry: Mapping[str, Any]) -> str:
    """An expectation in a few words: 'at least 0.35', '0.43 ± 0.02', 'more than rouge1_no_prompt + 0.02'."""
    parts = []
    if "at_least" in entry:
        parts.append(f"at least {format_value(entry['at_least'])}")
    if "at_most" in entry:
        parts.append(f"at most {format_value(entry['at_most'])}")
    if "tolerance" in entry:
        parts.append(f"{format_value(entry['value'])} ± {format_value(entry['tolerance'])}")
    if "equals" in entry:
        parts.append(f"exactly {format_value(entry['equals'])}")
    if "above" in entry:
        parts.append(f"more than {entry['above']}" + (f" + {format_value(entry['by'])}" if entry.get("by") else ""))
    if "above_interval_of" in entry:
        parts.append(f"interval wholly above {entry['above_interval_of']}")
    return ", ".join(parts)


def compare(expected: Expected, records: Mapping[str, Any]) -> dict[str, str]:
    """The records that are not as expected, each with a sentence that says where it failed; empty when all are right.

    A record that is missing, and one that is neither expected nor free, count as failures too.
    """
    failures: dict[str, str] = {}
    whole, records = records, flat(records)
    for name, entry in expected.records.items():
        if name not in records:
            failures[name] = f"{name} was not recorded, expected {describe(entry)}."
        elif found := _mismatch(entry, records[name], records):
            effect = f" (without the effect: {format_value(entry['no_effect'])})" if "no_effect" in entry else ""
            why = _sentence(entry["reason"])
            failures[name] = f"{name} is {format_value(records[name])}: {found}{effect}. Why: {why}"
    for name in expected.free:
        if name not in records and name not in whole:
            failures[name] = f"{name} was not recorded, though it stands under free."
    for name, value in records.items():
        if name not in expected.records and not _listed(name, expected.free):
            failures[name] = f"{name} is {format_value(value)}: it is neither expected nor listed as free."
    return failures


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else reason + "."


def _mismatch(entry: Mapping[str, Any], value: Any, records: Mapping[str, Any]) -> str:
    """What is wrong with a recorded value, '' when nothing is."""
    if "equals" in entry:
        same_type = isinstance(value, bool) == isinstance(entry["equals"], bool)
        if not same_type or value != entry["equals"]:
            return f"expected {describe({'equals': entry['equals']})}"
    for key in (*BOUNDS, "tolerance"):
        if key in entry and (found := _outside(key, entry, value)):
            return found
    if "above" in entry and (found := _not_above(entry, value, records)):
        return found
    if "above_interval_of" in entry:
        return _not_above_interval(entry["above_interval_of"], value, records)
    return ""


def _outside(key: str, entry: Mapping[str, Any], value: Any) -> str:
    """Compare a number, or each of a list, with a bound or with value ± tolerance."""
    target = entry["value"] if key == "tolerance" else entry[key]
    try:
        rows = _aligned(value, target, entry[key])
    except ValueError as error:
        return str(error)
    for index, (got, wanted, limit) in enumerate(rows):
        where = f"element {index} is {format_value(got)}, " if isinstance(value, list) else ""
        if key == "at_least" and got < wanted - ROUNDING:
            return f"{where}expected at least {format_value(wanted)}"
        if key == "at_most" and got > wanted + ROUNDING:
            return f"{where}expected at most {format_value(wanted)}"
        if key == "tolerance" and abs(got - wanted) > limit + ROUNDING:
            return f"{where}expected {format_value(wanted)} ± {format_value(limit)}"
    return ""


def _not_above(entry: Mapping[str, Any], value: Any, records: Mapping[str, Any]) -> str:
    other, by = entry["above"], entry.get("by", 0)
    if not _is_number(records.get(other)):
        return f"it cannot be compared with {other}, which was not recorded as a number"
    if not _is_number(value):
        return "expected a number"
    if value - records[other] <= by - (ROUNDING if by else 0):
        return f"expected {describe({'above': other, 'by': by})}, and {other} is {format_value(records[other])}"
    return ""


def _not_above_interval(other: str, value: Any, records: Mapping[str, Any]) -> str:
    if not _is_interval(records.get(other)):
        return f"it cannot be compared with {other}, which was not recorded as an interval"
    if not _is_interval(value):
        return "expected an interval [low, high]"
    if value[0] <= records[other][1]:
        return f"expected an interval wholly above {other}, which is {format_value(records[other])}"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def _aligned(*columns: Any) -> list[tuple[float, ...]]:
    """Numbers and lists side by side, a number repeated along the lists; ValueError when they do not fit."""
    lengths = {len(column) for column in columns if isinstance(column, list)}
    if len(lengths) > 1:
        raise ValueError(f"expected a list of {len(columns[1]) if isinstance(columns[1], list) else 1} numbers")
    if lengths and not isinstance(columns[0], list):
        raise ValueError(f"expected a list of {lengths.pop()} numbers")
    length = lengths.pop() if lengths else 1
    rows = [column if isinstance(column, list) else [column] * length for column in columns]
    if not all(_is_number(item) for row in rows for item in row):
        raise ValueError("expected a number" if length == 1 else "expected numbers only")
    return list(zip(*rows, strict=True))


def check_tolerances(expected: Expected) -> list[str]:
    """What is too lax in the expectations themselves, a sentence each; empty when every one of them can fail.

    - A tolerance is positive and under half the distance from the measured value to no effect.
    - A bound lies strictly between no effect and the measured value, and nearer to the measured value,
      so that the room it leaves is under half that distance too.
    - `equals` differs from no effect.
    - `above` without any of these (where no effect is a difference of 0) has a `by` that lies between half of the
      measured difference and the difference; beside one of these, it holds for the measured values.
    """
    found = []
    for name, entry in expected.records.items():
        found += [f"{name}: {problem}." for problem in (*_lax_value(entry), *_lax_relation(entry, expected.records))]
    return found


def _lax_value(entry: Mapping[str, Any]) -> list[str]:
    if "equals" in entry:
        return ["equals is the same as no_effect"] if entry["equals"] == entry["no_effect"] else []
    key = next((key for key in (*BOUNDS, "tolerance") if key in entry), None)
    if key is None:
        return []
    try:
        rows = _aligned(entry["value"], entry["no_effect"], entry[key])
    except ValueError as error:
        return [f"value, no_effect and {key} do not fit together ({error})"]
    problems = []
    for value, no_effect, limit in rows:
        half = abs(value - no_effect) / 2
        if key == "tolerance" and not 0 < limit < half:
            problems.append(f"the tolerance {limit} is not between 0 and {half:.4g}, half of |{value} - {no_effect}|")
        if key != "tolerance":
            low, high = (no_effect, value) if key == "at_least" else (value, no_effect)
            if not low < limit < high:
                problems.append(f"{key} {limit} is not between no effect, {no_effect}, and the measured {value}")
            elif not abs(value - limit) < half:
                problems.append(f"{key} {limit} is nearer to no effect, {no_effect}, than to the measured {value}")
    return problems


def _lax_relation(entry: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    measured = {name: other["value"] for name, other in records.items() if "value" in other}
    problems = []
    if "above" in entry:
        other, by = entry["above"], entry.get("by", 0)
        alone = not any(key in entry for key in (*BOUNDS, "tolerance", "equals", "above_interval_of"))
        if not (_is_number(entry.get("value")) and _is_number(measured.get(other))):
            if alone:
                problems.append(f"it is above {other}, so the measured values of both must be noted")
        elif not 0 <= by < (difference := entry["value"] - measured[other]):
            problems.append(f"'by' {by} does not lie between 0 and the measured difference, {difference:.4g}")
        elif alone and not by > difference / 2:
            problems.append(f"'by' {by} is not over half of the measured difference, {difference:.4g}")
    if "above_interval_of" in entry and "value" in entry:
        other = entry["above_interval_of"]
        if other in measured and (failed := _not_above_interval(other, entry["value"], measured)):
            problems.append(f"the measured values do not fulfil it ({failed})")
    return problems
