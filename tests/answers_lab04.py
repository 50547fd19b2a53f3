"""Lab 04's exercises: wrong answers, each with the hint it has to get, and right ones beside the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


SCALES: dict[str, tuple[Function, str]] = {
    "no ranks": (lambda here, all_, n: here / all_, "The average divides by the number of ranks once more"),
    "upside down": (lambda here, all_, n: all_ / here, "Upside down"),
    "share upside down": (lambda here, all_, n: all_ / (n * here), "Upside down"),
    "twice": (lambda here, all_, n: here / all_ / n, "Divided by the ranks twice"),
    "equals": (lambda here, all_, n: 1.0, "treats all ranks as equals"),
    "one over ranks": (lambda here, all_, n: 1 / n, "treats all ranks as equals"),
    "sum": (lambda here, all_, n: here * n, "makes it a sum"),
    "whole": (lambda here, all_, n: n * here // all_, "The factor is rounded"),
    "divides by here": (
        lambda here, all_, n: n * here / all_ if here > 100 else 1 / here,
        "do not divide by `tokens_here`",
    ),
}


def other_ranks_only(gradient: Any, all_reduce: Function, ranks: int) -> Any:
    return (all_reduce(gradient) - gradient) / ranks


AVERAGES: dict[str, tuple[Function, str]] = {
    "sum": (lambda g, reduce, n: reduce(g), "This is the sum over the ranks"),
    "own": (lambda g, reduce, n: g, "This is the rank's own gradient"),
    "own, divided": (lambda g, reduce, n: g / n, "No other rank is in this"),
    "twice": (lambda g, reduce, n: reduce(g / n) / n, "before the sum or after it, not both"),
    "multiplied": (lambda g, reduce, n: reduce(g) * n, "Multiplied by the ranks"),
    "counted twice": (lambda g, reduce, n: (reduce(g) + g) / n, "This rank counts twice"),
    "left out": (other_ranks_only, "This rank is left out"),
    "over its numbers": (lambda g, reduce, n: reduce(g) / len(g), "Divided by the length of the gradient"),
    "one number": (lambda g, reduce, n: np.array([float((reduce(g) / n).mean())]), "as many numbers as the gradient"),
}

SCHEDULES: dict[str, tuple[Function, str]] = {
    "swapped": (lambda r, s, n: ((r - s - 1) % n, (r - s) % n), "the wrong way round"),
    "no modulo": (lambda r, s, n: (r - s, r - s - 1), "take both numbers modulo `ranks`"),
    "direction": (lambda r, s, n: ((r + s) % n, (r + s - 1) % n), "The wrong direction"),
    "right neighbour": (lambda r, s, n: ((r - s) % n, (r - s + 1) % n), "What comes in is sent by the left neighbour"),
    "own chunk": (lambda r, s, n: ((r - s) % n, (r - s) % n), "does not get the chunk that it sends"),
    "first step again": (lambda r, s, n: (r, (r - 1) % n), "In step 1 it sends what came in step 0"),
    "four ranks": (lambda r, s, n: ((r - s) % 4, (r - s - 1) % 4), "take both numbers modulo `ranks`"),
    "divided": (lambda r, s, n: ((r - s) / n, (r - s - 1) % n), "A chunk has a whole number"),
    "second half starts anew": (
        lambda r, s, n: ((r - s % (n - 1)) % n, (r - s % (n - 1) - 1) % n),
        "The rule is the same in the second half",
    ),
}


def held(parameters: float, ranks: int, stage: int, *, parts: tuple[int, ...] = (12, 2, 2)) -> float:
    """Right with these parts: bytes of optimizer, gradient and parameter, shared from stages 1, 2 and 3 on."""
    return parameters * sum(part / (ranks if stage > place else 1) for place, part in enumerate(parts))


ZEROS: dict[str, tuple[Function, str]] = {
    "in GB": (lambda p, n, s: held(p, n, s) / 1e9, "This is in GB"),
    "all ranks": (lambda p, n, s: held(p, n, s) * n, "what all ranks hold together"),
    "nothing shared": (lambda p, n, s: 16 * p, "Nothing is shared here"),
    "everything": (lambda p, n, s: 16 * p / (n if s else 1), "leaves something whole"),
    "a stage ahead": (lambda p, n, s: held(p, n, min(s + 1, 3) if s else 0), "This is stage 2"),
    "a stage behind": (lambda p, n, s: held(p, n, s - 1 if s > 1 else s), "This is stage 1"),
    "parameters first": (lambda p, n, s: held(p, n, s, parts=(2, 2, 12)), "The wrong part is shared"),
    "no master copy": (lambda p, n, s: held(p, n, s, parts=(8, 2, 2)), "The master copy is missing"),
    "gradient alone": (
        lambda p, n, s: held(p, n, s) if s < 2 else p * (14 + 2 / n),
        "Stage 2 comes on top of stage 1",
    ),
    "parameters alone": (
        lambda p, n, s: held(p, n, s) if s < 3 else p * (14 + 2 / n),
        "Stage 3 comes on top of the others",
    ),
}

WRONG = {
    "04.loss_scale": SCALES,
    "04.average_gradient": AVERAGES,
    "04.ring_schedule": SCHEDULES,
    "04.zero_bytes": ZEROS,
}


RIGHT: dict[str, list[Function]] = {
    "04.loss_scale": [lambda here, all_, n: here / (all_ / n), lambda here, all_, n: np.float64(here * n) / all_],
    "04.average_gradient": [
        lambda g, reduce, n: reduce(g / n),
        lambda g, reduce, n: reduce(g) * (1 / n),
    ],
    "04.ring_schedule": [
        lambda r, s, n: ((r - s + 2 * n) % n, (r + n - s % n - 1) % n),
        lambda r, s, n: [(r - s) % n, (r - s - 1) % n],
    ],
    "04.zero_bytes": [held, lambda p, n, s: p * [16, 4 + 12 / n, 2 + 14 / n, 16 / n][s]],
}
