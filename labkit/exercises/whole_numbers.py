"""The exercises of Lab 03 on whole numbers with a scale: the cases of both, and a hint for each mistake.

No case has a value half-way between two steps, so that it does not matter which way a half is rounded.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.exercises.answers import Kind, close
from labkit.exercises.checking import Case, Exercise

# Quantization to whole numbers. An answer is read as (numbers, scale) or (numbers, scale, zero point).


def _quantized(length: int, noun: str) -> Kind:
    def read(returned: Any) -> tuple[Any, ...] | None:
        if not isinstance(returned, tuple | list) or len(returned) != length:
            return None
        try:
            numbers = np.asarray(returned[0], dtype=float)
            rest = [float(np.asarray(each).reshape(()).item()) for each in returned[1:]]
        except (TypeError, ValueError):
            return None
        return (numbers.ravel().tolist(), *rest) if numbers.ndim == 1 else None

    def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return all_close(one[0], other[0]) and all(map(close, one[1:], other[1:]))

    return Kind(noun, read, same)


def all_close(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two lists have as many numbers, and the same to a millionth."""
    return len(one) == len(other) and all(map(close, one, other))


def _on_arrays(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """The values arrive as an array in float32, as a model's weights are."""
    values, *rest = arguments
    return function(np.array(values, dtype=np.float32), *rest)


_ZEROS = "Only zeros: their scale would be 0 and the division 0/0, so return a scale of 1.0 there."
_ROUND = "The numbers are not rounded to whole ones: `np.round` goes before `np.clip`."
_TRUNCATED = "The numbers are cut off, not rounded: `astype(int)` drops what stands after the point, `np.round` rounds."

_SYMMETRIC_CASES = (
    Case(([0.4, -1.0, 0.25, 0.9, -0.31], 8)),
    Case(([0.31, -0.7, 0.12, 0.62], 4), "The largest whole number depends on the bits: 2^(bits - 1) - 1, so 7 with 4."),
    Case(([0.2, 0.05, 0.71, 0.66], 8), "All values are positive here: the scale comes of the largest magnitude alone."),
    Case(([0.0, 0.0, 0.0], 8), _ZEROS),
)


def _symmetric_mistake(case: Case, got: Any, expected: tuple[list[float], float]) -> str | None:
    if isinstance(got, Exception):
        return None
    values, bits = case.arguments
    numbers, scale = got
    data, top = np.array(values, dtype=np.float32), 2 ** (bits - 1) - 1
    peak = float(np.abs(data).max())
    if _not_finite(numbers, scale):
        return _ZEROS if not peak else "The answer holds nan or infinity: something was divided by zero."
    if peak and close(scale, 1 / expected[1]):
        return "This is the scale's inverse: the scale is what one step is worth, the largest magnitude over 127."
    scales = (
        (peak / (top + 1), "The largest whole number is 2^(bits - 1) - 1, so 127 with 8 bits: -128 stays unused."),
        (peak / (2 * top + 1), "The steps reach from -127 to 127, so the magnitude is divided by 127, not by 255."),
        (
            float(data.max() - data.min()) / (2 * top + 1),
            "This is the affine scale: here 0 is the middle of the range.",
        ),
        (float(data.max()) / top, "The largest value is not the largest magnitude: take `np.abs` before `max`."),
        (peak, "This is the largest magnitude itself: divide it by the largest whole number, 127 with 8 bits."),
    )
    if not close(scale, expected[1]):
        return next(
            (hint for slip, hint in scales if close(scale, slip)),
            case.hint or "The scale differs from the expected one.",
        )
    return _numbers_mistake(numbers, data / np.float32(scale), scale) or (
        "The scale is right, the whole numbers are not: divide by the scale, round, and keep within -127 to 127."
    )


def _numbers_mistake(numbers: list[float], steps: np.ndarray, scale: float) -> str | None:
    """What is wrong with whole numbers whose scale is right; `steps` are the exact ones before rounding."""
    if all_close(numbers, np.trunc(steps).tolist()):
        return _TRUNCATED
    if any(not close(number, round(number)) for number in numbers):
        return "These are the values again: return the whole numbers." if _near(numbers, steps * scale) else _ROUND
    if _near(numbers, np.floor(steps)):
        return "The numbers are rounded down: `np.round` takes the nearest whole number."
    return None


def _near(numbers: list[float], other: np.ndarray) -> bool:
    return len(numbers) == len(other) and bool(np.allclose(numbers, other, rtol=1e-2, atol=1e-3))


def _not_finite(*parts: Any) -> bool:
    return not all(np.isfinite(np.asarray(part)).all() for part in parts)


SYMMETRIC = Exercise(
    "03.quantize_symmetric",
    "Symmetric quantization",
    _quantized(2, "a pair (whole numbers, scale)"),
    _SYMMETRIC_CASES,
    _symmetric_mistake,
    _on_arrays,
)

# Affine quantization.

_INCLUDES_ZERO = "The range must contain 0, so that 0 is kept exactly: low is at most 0.0 and high at least 0.0."

_AFFINE_CASES = (
    Case(([0.1, 0.9, -0.3, 0.52], 8)),
    Case(([0.1, 0.9, -0.3, 0.52], 4), "The range of whole numbers depends on the bits: from -8 to 7 with 4."),
    Case(([2.0, 3.1, 2.6], 8), _INCLUDES_ZERO),
    Case(([-2.0, -3.1, -2.6], 8), _INCLUDES_ZERO),
    Case(([0.0, 0.0, 0.0], 8), _ZEROS),
)


def _affine_mistake(case: Case, got: Any, expected: tuple[list[float], float, float]) -> str | None:
    if isinstance(got, Exception):
        return None
    values, bits = case.arguments
    numbers, scale, zero_point = got
    data, low, levels = np.array(values, dtype=np.float32), -(2 ** (bits - 1)), 2**bits - 1
    if _not_finite(numbers, scale, zero_point):
        return _ZEROS if not data.any() else "The answer holds nan or infinity: something was divided by zero."
    if not close(scale, expected[1]):
        scales = (
            (float(data.max() - data.min()) / levels, _INCLUDES_ZERO),
            (float(np.abs(data).max()) / (levels // 2), "This is the symmetric scale: here it is (high - low) / 255."),
            (expected[1] * levels / (levels + 1), "256 numbers are 255 steps apart: divide by 2^bits - 1."),
        )
        return next(
            (hint for slip, hint in scales if close(scale, slip)),
            case.hint or "The scale differs from the expected one.",
        )
    if not close(zero_point, expected[2]):
        if close(zero_point, expected[2] - low):
            return "This zero point is for numbers from 0 to 255: here they start at -128, so begin with that."
        if close(zero_point, 2 * low - expected[2]) or close(zero_point, -expected[2]):
            return "The zero point has the wrong sign: it is the whole number that 0.0 becomes, lowest - low / scale."
        return "The zero point is the whole number that 0.0 becomes: the lowest one minus round(low / scale)."
    if all_close([number + zero_point for number in numbers], expected[0]):
        return "The zero point is missing: add it after rounding."
    return _numbers_mistake(numbers, data / np.float32(scale) + np.float32(zero_point), scale) or (
        "Scale and zero point are right, the numbers are not: round, add the zero point, keep within -128 to 127."
    )


AFFINE = Exercise(
    "03.quantize_affine",
    "Affine quantization",
    _quantized(3, "three things (whole numbers, scale, zero point)"),
    _AFFINE_CASES,
    _affine_mistake,
    _on_arrays,
)
