"""Lab 03's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

The cases go from plain to special, and each special case brings out one mistake. No case has a value half-way between
two steps, so that it does not matter which way a half is rounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.exercises.answers import NUMBER, Kind, close
from labkit.exercises.checking import Case, Exercise
from labkit.exercises.whole_numbers import AFFINE, SYMMETRIC, all_close

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
    lambda one, other: all(all_close(*pair) for pair in zip(one, other, strict=True)),
)


def _fake_mistake(case: Case, got: Any, expected: tuple[list[float], list[float]]) -> str | None:
    if isinstance(got, Exception):
        return None
    weight, bits, group_size = case.arguments
    values, gradient = got
    if not np.isfinite(values).all():
        return "The result holds nan or infinity: a group of zeros has a scale of 0, so keep the scale above 0."
    if not all_close(values, expected[0]):
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
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    groups = np.array(weight).reshape(-1, group_size)
    steps = groups * (high - low) / 2 / np.abs(groups).max(axis=1, keepdims=True).clip(1e-30)  # before rounding
    if all_close(gradient, [float(low <= step <= high) for step in steps.ravel()]):
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
