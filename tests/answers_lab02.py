"""Lab 02's exercises: wrong answers, each with the hint it has to get, and right ones beside the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


# Temperature


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def overflows(logits: np.ndarray, temperature: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        powers = np.exp(logits / temperature)
        return powers / powers.sum()


def power(logits: np.ndarray, temperature: float) -> np.ndarray:
    with np.errstate(all="ignore"):
        return scaled(softmax(logits) ** (1 / temperature))


def in_place(logits: np.ndarray, temperature: float) -> np.ndarray:
    logits /= temperature
    return softmax(logits)


TEMPERATURES: dict[str, tuple[Function, str]] = {
    "multiplied": (lambda z, t: softmax(z * t), "multiplied by the temperature"),
    "ignored": (lambda z, t: softmax(z), "has no effect"),
    "on the probabilities": (lambda z, t: (softmax(z) / t) / (softmax(z) / t).sum(), "has no effect"),
    "too late": (lambda z, t: softmax(z) / t, "comes too early"),
    "not scaled": (lambda z, t: np.exp(z / t), "do not sum to 1"),
    "logits": (lambda z, t: z / t, "the scaled logits"),
    "logarithms": (lambda z, t: np.log(softmax(z / t)), "are logarithms"),
    "twice": (lambda z, t: softmax(softmax(z) / t), "applied twice"),
    "twice, scaled first": (lambda z, t: softmax(softmax(z / t)), "applied twice"),
    "greedy": (lambda z, t: (z == z.max()).astype(float), "This is greedy"),
    "overflow": (overflows, "subtract the largest logit"),
    "in place": (in_place, "changes its input (argument 1"),
    "one number": (lambda z, t: 0.5, "a one-dimensional numpy array of numbers is wanted"),
    "two dimensions": (lambda z, t: softmax(z / t)[None], "a one-dimensional numpy array of numbers is wanted"),
    "shorter": (lambda z, t: softmax(z / t)[1:], "has 3 numbers for 4 tokens"),
    "not scaled, shifted": (lambda z, t: np.exp((z - z.max()) / t), "do not sum to 1"),
    "a list": (lambda z, t: softmax(z / t).tolist(), "a one-dimensional numpy array of numbers is wanted"),
    "a power": (power, "to a high power is 0"),
    "something else": (lambda z, t: softmax(z - t) * 0.9, "Divide the logits by the temperature"),
    "not at 1": (lambda z, t: softmax(z / t) if t != 1 else softmax(2 * z), "At temperature 1"),
}

# Top-k


def largest(p: np.ndarray, k: int) -> np.ndarray:
    result = np.zeros_like(p)
    best = np.argsort(-p, kind="stable")[: max(k, 0)]
    result[best] = p[best]
    return result


def scaled(p: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return p / p.sum()


TOP_KS: dict[str, tuple[Function, str]] = {
    "not scaled": (lambda p, k: largest(p, k), "do not sum to 1"),
    "nothing cut": (lambda p, k: p.copy(), "Nothing is cut off"),
    "sorted": (lambda p, k: np.sort(scaled(largest(p, k)))[::-1], "changed places"),
    "the k alone": (lambda p, k: scaled(np.sort(p)[::-1][:k]), "has 2 numbers for 5 tokens"),
    "the smallest": (lambda p, k: scaled(p - largest(p, len(p) - k)), "k least likely tokens stay"),
    "one more": (lambda p, k: scaled(largest(p, k + 1)), "One token too many"),
    "one fewer": (lambda p, k: scaled(largest(p, k - 1)), "One token too few"),
    "first k": (lambda p, k: scaled(np.where(np.arange(len(p)) < k, p, 0)), "The first k stay"),
    "equal": (lambda p, k: scaled(largest(p, k) > 0), "equally likely"),
    "softmax": (lambda p, k: softmax(largest(p, k)), "softmax of probabilities"),
    "ties": (lambda p, k: scaled(largest(p, k)), "as likely as the k-th"),
    "too many": (lambda p, k: scaled(np.where(p >= np.sort(p)[-k], p, 0)), "nothing is cut off: take the smaller"),
}

# Top-p


def nucleus(p: np.ndarray, limit: float, order: np.ndarray, stays: Function) -> np.ndarray:
    ranked = p[order].astype(float)
    kept = order[stays(np.cumsum(ranked), ranked, limit)]
    result = np.zeros_like(p)
    result[kept] = p[kept]
    return scaled(result)


def at_most(sums: np.ndarray, ranked: np.ndarray, limit: float) -> np.ndarray:
    return sums <= limit + 1e-9


def reaching(sums: np.ndarray, ranked: np.ndarray, limit: float) -> np.ndarray:
    return sums - ranked < limit - 1e-9


def beyond(sums: np.ndarray, ranked: np.ndarray, limit: float) -> np.ndarray:
    return sums - ranked <= limit + 1e-9


def likeliest_first(p: np.ndarray) -> np.ndarray:
    return np.argsort(-p, kind="stable")


def empty_set(p: np.ndarray, limit: float) -> np.ndarray:
    first = p.max() > limit
    return nucleus(p, limit, likeliest_first(p), at_most if first else reaching)


TOP_PS: dict[str, tuple[Function, str]] = {
    "at most": (lambda p, x: nucleus(p, x, likeliest_first(p), at_most), "at most p"),
    "at most, not scaled": (
        lambda p, x: np.where(nucleus(p, x, likeliest_first(p), at_most) > 0, p, 0),
        "at most p",
    ),
    "not scaled": (
        lambda p, x: np.where(nucleus(p, x, likeliest_first(p), reaching) > 0, p, 0),
        "do not sum to 1",
    ),
    "order given": (lambda p, x: nucleus(p, x, np.arange(len(p)), reaching), "added up in the order given"),
    "least first": (
        lambda p, x: nucleus(p, x, likeliest_first(p)[::-1], reaching),
        "least likely tokens are taken first",
    ),
    "beyond": (lambda p, x: nucleus(p, x, likeliest_first(p), beyond), "p is reached exactly"),
    "reaching 1": (
        lambda p, x: nucleus(
            p, x, likeliest_first(p), lambda sums, ranked, limit: np.arange(len(sums)) <= np.argmax(sums >= limit)
        ),
        "With p = 1",
    ),
    "empty": (empty_set, "The likeliest token alone is over p"),
    "threshold": (lambda p, x: scaled(np.where(p >= 1 - x, p, 0)), "compared with a threshold"),
    "sorted": (lambda p, x: np.sort(nucleus(p, x, likeliest_first(p), reaching))[::-1], "changed places"),
    "equal": (lambda p, x: scaled(nucleus(p, x, likeliest_first(p), reaching) > 0), "equally likely"),
    "shorter": (lambda p, x: nucleus(p, x, likeliest_first(p), reaching)[:2], "has 2 numbers for 5 tokens"),
}

# Beam step


def picks(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    order = np.argsort(-totals, axis=None, kind="stable")[:count]
    return [divmod(int(index), totals.shape[1]) for index in order]


def totals(scores: list[float], rows: np.ndarray) -> np.ndarray:
    return np.array(scores)[:, None] + rows


def one_each(scores: list[float], rows: np.ndarray, beams: int) -> list[tuple[int, int]]:
    best = [(row, int(each.argmax())) for row, each in enumerate(totals(scores, rows))]
    return sorted(best, key=lambda at: -totals(scores, rows)[at])


def all_of_each(scores: list[float], rows: np.ndarray, beams: int) -> list[tuple[int, int]]:
    return picks(totals(scores, rows), beams * len(scores))


BEAMS: dict[str, tuple[Function, str]] = {
    "no scores": (lambda s, r, b: picks(r, b), "The scores so far are left out"),
    "worst": (lambda s, r, b: picks(-totals(s, r), b), "These are the worst ones"),
    "one each": (one_each, "One is taken for each hypothesis"),
    "swapped": (lambda s, r, b: [at[::-1] for at in picks(totals(s, r), b)], "the wrong way round"),
    "multiplied": (lambda s, r, b: picks(np.array(s)[:, None] * r, b), "are multiplied"),
    "probabilities": (lambda s, r, b: picks(totals(s, np.exp(r)), b), "Probabilities are added to scores"),
    "backwards": (lambda s, r, b: picks(totals(s, r), b)[::-1], "the best has to come first"),
    "too many": (all_of_each, "continuations are too many"),
    "flat": (lambda s, r, b: np.argsort(-totals(s, r), axis=None)[:b], "a list of pairs of whole numbers is wanted"),
    "far off": (lambda s, r, b: [(0, 1), (1, 2)], "A continuation's score is"),
}

WRONG = {
    "02.temperature_softmax": TEMPERATURES,
    "02.top_k_probabilities": TOP_KS,
    "02.top_p_probabilities": TOP_PS,
    "02.beam_step": BEAMS,
}


RIGHT: dict[str, list[Function]] = {
    "02.temperature_softmax": [
        lambda z, t: softmax(np.asarray(z, dtype=float) / t),
        lambda z, t: softmax((z - z.max()) / t),
    ],
    "02.top_k_probabilities": [
        lambda p, k: scaled(np.where(p < np.sort(p)[::-1][: min(k, len(p))].min(), 0, p)),
    ],
    "02.top_p_probabilities": [
        lambda p, x: nucleus(p, x, likeliest_first(p), reaching),
        lambda p, x: nucleus(
            p,
            x,
            likeliest_first(p),
            lambda sums, ranked, limit: np.arange(len(sums)) <= np.argmax(sums >= limit - 1e-7),
        ),
    ],
    "02.beam_step": [lambda s, r, b: picks(totals(s, r), b), lambda s, r, b: np.array(picks(totals(s, r), b))],
}
