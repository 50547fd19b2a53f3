"""What the exercises on distributions over tokens share: wrong answers are worked out and compared with."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Slips = Iterable[tuple[Callable[[], Any], str]]


def floats(*values: float) -> np.ndarray:
    """Logits or probabilities in float32, as a model gives them."""
    return np.array(values, dtype=np.float32)


def recognised(got: tuple[float, ...], slips: Slips) -> str | None:
    """The hint of the first mistake that gives this answer."""
    with np.errstate(all="ignore"):
        for wrong, hint in slips:
            if np.allclose(got, wrong(), rtol=1e-5, atol=1e-6):
                return hint
    return None


def shape_mistake(got: tuple[float, ...], size: int) -> str | None:
    """What is wrong with an answer that does not have a number for each token."""
    if len(got) == size:
        return None
    return (
        f"The answer has {len(got)} numbers for {size} tokens: every token keeps its place, and what is cut off gets 0."
    )


def softmax(values: np.ndarray) -> np.ndarray:
    """The plain softmax."""
    powers = np.exp(values - values.max())
    return powers / powers.sum()
