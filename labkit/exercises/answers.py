"""The kinds of answer an exercise can have: each reads what a function returned into a plain Python value.

Only these plain values are compared and shown, so no method of a learner's object (`__eq__`, `__repr__`) takes part.
"""

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_LONGEST = 480  # characters of a value that are shown
_SMALL = 12  # numbers of an array that are shown


@dataclass(frozen=True)
class Kind:
    """A kind of answer: what it is called, how it is read (None: it is not of this kind), when two are the same."""

    noun: str
    read: Callable[[Any], Any]
    same: Callable[[Any, Any], bool]


def collapse(text: str) -> str:
    """The text with every run of white space as one blank and none at its ends, as T5's tokenizer sees it."""
    return " ".join(text.split())


def close(one: float, other: float) -> bool:
    """Whether two numbers agree to a millionth (float32 arithmetic does)."""
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


def unchanged(now: Any, before: Any) -> bool:
    """Whether an argument of a case (numbers, strings, lists, arrays) still is what it was, types included."""
    if type(now) is not type(before):
        return False
    if isinstance(before, list | tuple):
        return len(now) == len(before) and all(map(unchanged, now, before))
    if isinstance(before, np.ndarray):
        return now.dtype == before.dtype and np.array_equal(now, before)
    return bool(now == before)


def shown(value: Any, longest: int = _LONGEST) -> str:
    """A plain value as a table shows it: numbers to six digits, long texts cut, large arrays by their shape."""
    if isinstance(value, np.ndarray):
        small = collapse(np.array2string(value, precision=6, separator=", "))
        return small if value.size <= _SMALL else f"<array of shape {value.shape}>"
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, list) and 0 < len(value) <= _SMALL and all(isinstance(each, float) for each in value):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"  # no minus in front of a zero
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number beyond 2**64"
    text = repr(value)
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def _text(returned: Any) -> str | None:
    return collapse(str.__str__(returned)) if isinstance(returned, str) else None


def _number(returned: Any) -> float | None:
    return float(returned) if isinstance(returned, numbers.Real) and not isinstance(returned, bool) else None


def _count(returned: Any) -> int | None:
    return int(returned) if isinstance(returned, numbers.Integral) and not isinstance(returned, bool) else None


def _pair(returned: Any) -> tuple[float, float] | None:
    if not isinstance(returned, tuple | list | np.ndarray):
        return None
    ends = [_number(end) for end in returned]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None
    return ends[0], ends[1]


def _vector(returned: Any) -> tuple[float, ...] | None:
    if not isinstance(returned, np.ndarray) or returned.ndim != 1:  # the labs index and compare what comes back
        return None
    found = [_number(item) for item in returned]
    return None if None in found else tuple(found)  # type: ignore[arg-type]


def _pairs(returned: Any) -> tuple[tuple[int, int], ...] | None:
    if not isinstance(returned, tuple | list | np.ndarray):
        return None
    found = [tuple(map(_count, item)) if isinstance(item, tuple | list | np.ndarray) else () for item in returned]
    return tuple(found) if all(len(item) == 2 and None not in item for item in found) else None  # type: ignore


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two lists of numbers agree to a millionth, of the whole and not of each."""
    return len(one) == len(other) and all(abs(a - b) <= 1e-6 for a, b in zip(one, other, strict=True))


TEXT = Kind("a string", _text, lambda one, other: one == other)
NUMBER = Kind("a number", _number, close)
COUNT = Kind("a whole number (an int)", _count, lambda one, other: one == other)
PAIR = Kind("a pair of numbers", _pair, lambda one, other: all(map(close, one, other)))
VECTOR = Kind("a one-dimensional numpy array of numbers", _vector, _alike)
PAIRS = Kind("a list of pairs of whole numbers", _pairs, lambda one, other: one == other)
