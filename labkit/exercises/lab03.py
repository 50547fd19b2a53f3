"""Lab 03's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

The cases go from plain to special, and each special case brings out one mistake. No case has a value half-way between
two steps, so that it does not matter which way a half is rounded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.exercises.answers import NUMBER, Kind, close
from labkit.exercises.checking import Case, Exercise

# A float from its bits. Keys of the slips are the wrong values, worked out by hand.

_IMPLICIT = "The 1 in front of the fraction is missing: only the digits after the point are stored, so it is 1 + f."
_BIAS = "The bias is 2^(k - 1) - 1 for k exponent bits: 15 for 5, 127 for 8."
_SUBNORMAL = (
    "An exponent of all zeros means a subnormal number: there the 1 in front of the fraction is missing, and the power "
    "of two is that of a stored exponent of 1."
)

_FLOAT_CASES = (
    Case(
        ("0100001001001000", 5),  # 2^(16 - 15) × (1 + 584/1024)
        slips={
            2 * 584 / 1024: _IMPLICIT,
            1 + 584 / 1024: _BIAS,
            4 * (1 + 584 / 1024): _BIAS,
            2**16 * (1 + 584 / 1024): "The stored exponent has an offset: subtract the bias, 2^(k - 1) - 1.",
            2 * 585: "The fraction is a number between 0 and 1: divide it by 2 to the number of its bits.",
            -2 * (1 + 584 / 1024): "The sign is turned over: a first bit of 0 means a positive number.",
            0x4248: "These are the bits as one whole number: take sign, exponent and fraction apart first.",
        },
    ),
    Case(("1100001001001000", 5), "The sign is the first bit: 1 means a negative number."),
    Case(("0011100000000000", 5), "Exponents below the bias give negative powers of two: this is 2^(14 - 15) = 0.5."),
    Case(("0100000001001001", 8), "The bias depends on the number of exponent bits: with 8 it is 127, not 15."),
    Case(("01000101", 4), "The fraction has as many bits as are left, here 3: divide it by 2^3."),
    Case(("00000001", 5), _SUBNORMAL, {2.0**-15 * 1.25: _SUBNORMAL, 2.0**-15 * 0.25: _SUBNORMAL}),
    Case(("0000000000000000", 5), _SUBNORMAL),
)


def _float_mistake(case: Case, got: Any, expected: float) -> str | None:
    if isinstance(got, TypeError):
        return "The bits are a string of '0' and '1': `int(bits[…], 2)` reads a part of it as a whole number."
    return None


DECODE_FLOAT = Exercise("03.decode_float", "A float from its bits", NUMBER, _FLOAT_CASES, _float_mistake)

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
        return _all_close(one[0], other[0]) and all(map(close, one[1:], other[1:]))

    return Kind(noun, read, same)


def _all_close(one: Sequence[float], other: Sequence[float]) -> bool:
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
    if _all_close(numbers, np.trunc(steps).tolist()):
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
    if _all_close([number + zero_point for number in numbers], expected[0]):
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

# The fake quantizer. An answer is read as (values, gradient).


@dataclass(frozen=True)
class _Faked:
    """The values of a result, and the share of the gradient that comes back to each weight."""

    values: list[float]
    gradient: list[float]


_UPSTREAM = (0.5, -2.0, 3.0, 1.5)  # what comes back from the loss, repeated

_ROUNDED = (
    "Whether a number was clipped is decided after rounding: 3.3 becomes 3, which is in the range of 3 bits, so its "
    "gradient is 1. Round first, then clamp."
)
_FAKE_CASES = (
    Case(([[0.9, -1.46, 0.35, 0.1], [-0.2, 0.8, 0.31, -0.55]], 4, 4)),
    Case(([[0.9, -0.4, 0.43, 0.1], [-0.2, 0.94, 0.31, -0.81]], 3, 2), "Each group of `group_size` has its own scale."),
    Case(([[0.7, -0.24, 0.66, 0.42]], 3, 4), _ROUNDED),
    Case(([[0.9, -1.46, 0.35, 0.1], [0.0] * 4], 4, 4), "A group of zeros has a scale of 0: keep it above 0."),
)


def _with_gradient(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call with a tensor that wants a gradient; what comes back of it, or an answer of another kind as it is."""
    import torch

    weight, *rest = arguments
    leaf = torch.tensor(weight, dtype=torch.float32, requires_grad=True)
    returned = function(leaf, *rest)
    if not isinstance(returned, torch.Tensor) or returned.shape != leaf.shape:
        return returned
    upstream = torch.tensor(_UPSTREAM).repeat(leaf.numel() // len(_UPSTREAM)).reshape(leaf.shape)
    if returned.requires_grad:
        returned.backward(upstream)
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    return _Faked(returned.detach().flatten().tolist(), (gradient / upstream).flatten().tolist())


_FAKE = Kind(
    "a tensor of the weight's shape",
    lambda returned: (returned.values, returned.gradient) if isinstance(returned, _Faked) else None,
    lambda one, other: all(_all_close(*pair) for pair in zip(one, other, strict=True)),
)


def _fake_mistake(case: Case, got: Any, expected: tuple[list[float], list[float]]) -> str | None:
    if isinstance(got, Exception):
        return None
    weight, bits, group_size = case.arguments
    values, gradient = got
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    groups = np.array(weight).reshape(-1, group_size)
    steps = groups * (high - low) / 2 / np.abs(groups).max(axis=1, keepdims=True).clip(1e-30)
    if not np.isfinite(values).all():
        return "The result holds nan or infinity: a group of zeros has a scale of 0, so keep the scale above 0."
    if not _all_close(values, expected[0]):
        return _values_mistake(np.array(weight), bits, group_size, values)
    if not any(gradient):
        return (
            "The values are right, but no gradient comes back: `round` has a slope of 0 everywhere. Straight through: "
            "add (rounded - steps).detach() to the steps, so that the backward pass sees no rounding."
        )
    if all(close(each, 1.0) for each in gradient):
        return (
            "The values are right and the gradient passes, also where the number was clipped: there a change of the "
            "weight changes nothing, so its gradient is 0. Clamp after the straight-through step, not within it."
        )
    if _all_close(gradient, [float(low <= step <= high) for step in steps.ravel()]):
        return _ROUNDED
    return "The values are right, the gradient is not: 1 within the range, 0 where clipped; detach the scale."


def _values_mistake(weight: np.ndarray, bits: int, group_size: int, values: list[float]) -> str | None:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    groups, whole, rows = weight.reshape(-1, group_size), weight.reshape(1, -1), weight

    def fake(parts: np.ndarray, divisor: float) -> np.ndarray:
        scale = np.maximum(np.abs(parts).max(axis=1, keepdims=True) / divisor, 1e-30)
        return (np.clip(np.round(parts / scale), low, high) * scale).ravel()

    half, peaks = (high - low) / 2, np.abs(groups).max(axis=1, keepdims=True).clip(1e-30)
    slips = (
        (weight.ravel(), "These are the weights unchanged: they have to be rounded to steps and scaled back."),
        (fake(groups, high), "The scale is the largest magnitude over half the range, (2^bits - 1) / 2, as torchao's."),
        (
            (np.clip(np.round(groups * half / peaks), -high, high) * peaks / half).ravel(),
            "The lowest whole number is left out: here they run from -2^(bits - 1), all of them are used.",
        ),
        (fake(groups, -low), "The scale is the largest magnitude over half the range, (2^bits - 1) / 2, as torchao's."),
        (fake(whole, half), "This is one scale for all: each group of `group_size` weights has its own."),
        (fake(rows, half), "This is one scale a row: each group of `group_size` weights has its own."),
        (
            np.clip(np.round(groups * half / peaks), low, high).ravel(),
            "These are the whole numbers: a fake quantizer scales them back, so that the layer works on as before.",
        ),
    )
    return next((hint for slip, hint in slips if np.allclose(values, slip, rtol=1e-4, atol=1e-6)), None)


FAKE_QUANTIZE = Exercise(
    "03.fake_quantize", "Fake quantizer, straight through", _FAKE, _FAKE_CASES, _fake_mistake, _with_gradient
)

EXERCISES = (DECODE_FLOAT, SYMMETRIC, AFFINE, FAKE_QUANTIZE)  # as they come in the lab
