"""Lab 03's exercises: wrong answers, each with the hint it has to get, and right ones beside the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

Function = Callable[..., Any]


# A float from its bits


def decoded(
    bits: str,
    k: int,
    *,
    bias: Callable[[int], int] = lambda k: 2 ** (k - 1) - 1,
    leading: Callable[[int], int] = lambda e: 1 if e else 0,
    lowest: int = 1,
    part: Callable[[str], float] = lambda fraction: int(fraction, 2) / 2 ** len(fraction),
    sign: Callable[[str], int] = lambda bit: -1 if bit == "1" else 1,
) -> float:
    """The value with one part of the rule replaced; without one it is right."""
    stored, fraction = int(bits[1 : 1 + k], 2), bits[1 + k :]
    return sign(bits[0]) * 2.0 ** (max(stored, lowest) - bias(k)) * (leading(stored) + part(fraction))


def floats(**parts: Any) -> Function:
    return lambda bits, k: decoded(bits, k, **parts)


DECODED: dict[str, tuple[Function, str]] = {
    "no leading one": (floats(leading=lambda e: 0), "The 1 in front of the fraction is missing"),
    "bias of 2^(k-1)": (floats(bias=lambda k: 2 ** (k - 1)), "The bias is 2^(k - 1) - 1 for k"),
    "no bias": (floats(bias=lambda k: 0), "has an offset: subtract the bias"),
    "fraction not divided": (floats(part=lambda f: int(f, 2)), "divide it by 2 to the number of its bits"),
    "sign turned over": (floats(sign=lambda bit: 1 if bit == "1" else -1), "The sign is turned over"),
    "one whole number": (lambda bits, k: int(bits, 2), "bits as one whole number"),
    "no sign": (floats(sign=lambda bit: 1), "1 means a negative number"),
    "bias of 15": (floats(bias=lambda k: min(2 ** (k - 1) - 1, 15)), "with 8 it is 127, not 15"),
    "fraction of ten bits": (floats(part=lambda f: int(f, 2) / (128 if len(f) == 7 else 1024)), "as many bits as are"),
    "no subnormal": (floats(leading=lambda e: 1, lowest=0), "An exponent of all zeros means a subnormal number"),
    "subnormal a power too low": (floats(lowest=0), "An exponent of all zeros means a subnormal number"),
    "bits not text": (lambda bits, k: bits[0] + 1, "The bits are a string"),
}


# Quantization to whole numbers


def symmetric(
    values: np.ndarray,
    bits: int,
    *,
    peak: Callable[[np.ndarray], Any] = lambda v: np.abs(v).max(),
    divisor: Callable[[int], float] = lambda bits: 2 ** (bits - 1) - 1,
    rounding: Callable[[np.ndarray], np.ndarray] = np.round,
    finish: Callable[..., Any] = lambda numbers, scale: (numbers, scale),
    guard: bool = True,
) -> Any:
    """Symmetric quantization with one part replaced; without one it is right."""
    top = 2 ** (bits - 1) - 1
    scale = peak(values) / divisor(bits)
    scale = scale or 1.0 if guard else scale
    with np.errstate(all="ignore"):
        return finish(np.clip(rounding(values / scale), -top, top), scale)


def sym(**parts: Any) -> Function:
    return lambda values, bits: symmetric(values, bits, **parts)


SYMMETRIC: dict[str, tuple[Function, str]] = {
    "over 128": (sym(divisor=lambda bits: 2 ** (bits - 1)), "-128 stays unused"),
    "over 255": (sym(divisor=lambda bits: 2**bits - 1), "divided by 127, not by 255"),
    "affine": (sym(peak=lambda v: v.max() - v.min(), divisor=lambda bits: 2**bits - 1), "This is the affine scale"),
    "no abs": (sym(peak=lambda v: v.max()), "not the largest magnitude"),
    "not divided": (sym(divisor=lambda bits: 1), "largest magnitude itself"),
    "inverse": (sym(finish=lambda numbers, scale: (numbers, 1 / scale)), "the scale's inverse"),
    "always 127": (sym(divisor=lambda bits: 127), "depends on the bits"),
    "cut off": (sym(rounding=np.trunc), "The numbers are cut off, not rounded"),
    "rounded down": (sym(rounding=np.floor), "rounded down: `np.round`"),
    "not rounded": (sym(rounding=lambda v: v), "not rounded to whole ones"),
    "read back": (sym(finish=lambda numbers, scale: (numbers * scale, scale)), "These are the values again"),
    "only zeros": (sym(guard=False), "Only zeros: their scale would be 0"),
    "not a pair": (lambda values, bits: symmetric(values, bits)[0], "a pair (whole numbers, scale) is wanted"),
}


def affine(
    values: np.ndarray,
    bits: int,
    *,
    ends: Callable[[np.ndarray], tuple[Any, Any]] = lambda v: (
        min(v.min(), np.float32(0)),
        max(v.max(), np.float32(0)),
    ),
    levels: Callable[[int], int] = lambda bits: 2**bits - 1,
    lowest: Callable[[int], int] = lambda bits: -(2 ** (bits - 1)),
    point: Callable[..., Any] = lambda lowest, low, scale: lowest - np.round(low / scale),
    add: bool = True,
    guard: bool = True,
) -> Any:
    """Affine quantization with one part replaced; without one it is right."""
    low, high = ends(values)
    scale = (high - low) / np.float32(levels(bits))
    scale = scale or 1.0 if guard else scale
    with np.errstate(all="ignore"):
        zero_point = point(lowest(bits), low, scale)
        numbers = np.round(values / scale) + (zero_point if add else 0)
    return np.clip(numbers, lowest(bits), lowest(bits) + 2**bits - 1) if add else numbers, scale, zero_point


def aff(**parts: Any) -> Function:
    return lambda values, bits: affine(values, bits, **parts)


AFFINE: dict[str, tuple[Function, str]] = {
    "range without 0": (aff(ends=lambda v: (v.min(), v.max())), "The range must contain 0"),
    "symmetric scale": (lambda v, bits: (*symmetric(v, bits), 0), "This is the symmetric scale"),
    "256 steps": (aff(levels=lambda bits: 2**bits), "256 numbers are 255 steps apart"),
    "from 0": (aff(lowest=lambda bits: 0), "This zero point is for numbers from 0 to 255"),
    "sign": (aff(point=lambda lowest, low, scale: lowest + np.round(low / scale)), "The zero point has the wrong sign"),
    "no lowest": (
        aff(point=lambda lowest, low, scale: np.round(low / scale) + 3),
        "whole number that 0.0 becomes: the",
    ),
    "not added": (aff(add=False), "The zero point is missing"),
    "only zeros": (aff(guard=False), "Only zeros: their scale would be 0"),
    "a pair": (lambda v, bits: affine(v, bits)[:2], "three things (whole numbers, scale, zero point) is wanted"),
}


# The fake quantizer


def fake(
    weight: torch.Tensor,
    bits: int,
    group_size: int,
    *,
    group: Callable[..., torch.Tensor] = lambda w, size: w.reshape(-1, size),
    divisor: Callable[[int], float] = lambda bits: (2**bits - 1) / 2,
    least: float = 1e-38,
    back: Callable[..., torch.Tensor] = lambda steps: steps + (steps.round() - steps).detach(),
    finish: Callable[..., torch.Tensor] = lambda numbers, scale: numbers * scale,
    detach: bool = True,
) -> torch.Tensor:
    """A fake quantizer with one part replaced; without one it is right."""
    groups = group(weight, group_size)
    largest = (groups.detach() if detach else groups).abs().amax(1, keepdim=True)
    scale = (largest / divisor(bits)).clamp(min=least) if least else largest / divisor(bits)
    numbers = back(groups / scale).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return finish(numbers, scale).reshape(weight.shape)


def clamped_first(weight: torch.Tensor, bits: int, group_size: int) -> torch.Tensor:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    groups = weight.reshape(-1, group_size)
    scale = (groups.detach().abs().amax(1, keepdim=True) / ((high - low) / 2)).clamp(min=1e-38)
    inside = (groups / scale).clamp(low, high)
    return ((inside + (inside.round() - inside).detach()) * scale).reshape(weight.shape)


def fakes(**parts: Any) -> Function:
    return lambda weight, bits, size: fake(weight, bits, size, **parts)


FAKE: dict[str, tuple[Function, str]] = {
    "nothing": (lambda weight, bits, size: weight * 1, "These are the weights unchanged"),
    "over 7": (fakes(divisor=lambda bits: 2 ** (bits - 1) - 1), "over half the range"),
    "one scale": (fakes(group=lambda w, size: w.reshape(1, -1)), "This is one scale for all"),
    "a scale a row": (fakes(group=lambda w, size: w), "This is one scale a row"),
    "whole numbers": (fakes(finish=lambda numbers, scale: numbers), "These are the whole numbers"),
    "no gradient": (fakes(back=torch.round), "no gradient comes back"),
    "detached": (lambda w, bits, size: fake(w, bits, size).detach(), "no gradient comes back"),
    "through the clamp too": (
        lambda w, bits, size: w + (fake(w, bits, size) - w).detach(),
        "also where the number was clipped",
    ),
    "clamped before rounding": (clamped_first, "Round first, then clamp"),
    "lowest number left out": (
        lambda w, bits, size: fake(
            w, bits, size, back=lambda steps: (steps + (steps.round() - steps).detach()).clamp(min=1 - 2 ** (bits - 1))
        ),
        "The lowest whole number is left out",
    ),
    "scale with a gradient": (fakes(detach=False), "1 within the range, 0 where clipped; detach the scale"),
    "zeros": (fakes(least=0), "a group of zeros has a scale of 0"),
    "numpy": (lambda w, bits, size: fake(w, bits, size).detach().numpy(), "a tensor of the weight's shape is wanted"),
    "other shape": (lambda w, bits, size: fake(w, bits, size).reshape(-1), "a tensor of the weight's shape is wanted"),
}

WRONG: dict[str, dict[str, tuple[Function, str]]] = {
    "03.decode_float": DECODED,
    "03.quantize_symmetric": SYMMETRIC,
    "03.quantize_affine": AFFINE,
    "03.fake_quantize": FAKE,
}


RIGHT: dict[str, list[Function]] = {
    "03.decode_float": [floats()],
    "03.quantize_symmetric": [
        sym(),
        sym(rounding=lambda v: np.floor(v + 0.5), finish=lambda numbers, scale: [numbers.astype(int), float(scale)]),
    ],
    "03.quantize_affine": [aff(), lambda v, bits: (affine(v, bits)[0].astype(int).tolist(), *affine(v, bits)[1:])],
    "03.fake_quantize": [fakes()],
}
