"""Lab 02's exercises that cut the tail of a distribution, top-k and top-p: cases, and a hint for each mistake."""

from typing import Any

import numpy as np

from labkit.exercises.answers import VECTOR
from labkit.exercises.checking import Case, Exercise
from labkit.exercises.slips import floats, recognised, shape_mistake, softmax

# Top-k.

_TIES = "A token as likely as the k-th stays too, as in the library: compare with the k-th largest probability."
_MANY = "With k as large as the vocabulary, or larger, nothing is cut off: take the smaller of the two."


def _largest(probabilities: np.ndarray, count: int) -> np.ndarray:
    """The probabilities with all but the `count` largest set to 0."""
    result = np.zeros_like(probabilities)
    kept = np.argsort(-probabilities, kind="stable")[: max(count, 0)]
    result[kept] = probabilities[kept]
    return result


def _scaled(values: np.ndarray) -> np.ndarray:
    return values / values.sum()


def _kept_mistake(got: tuple[float, ...], given: np.ndarray, kept: np.ndarray) -> str | None:
    """What is wrong with an answer that keeps the right tokens, or answers with something else than probabilities."""
    return shape_mistake(got, len(given)) or recognised(
        got,
        (
            (lambda: given, "Nothing is cut off: these are the probabilities that were handed over."),
            (lambda: kept, "The right tokens stay, but their probabilities do not sum to 1: divide by their sum."),
            (lambda: np.sort(_scaled(kept))[::-1], "The tokens have changed places: the answer keeps the order given."),
            (lambda: np.sort(_scaled(kept)), "The tokens have changed places: the answer keeps the order given."),
            (lambda: _scaled(kept > 0), "All that stay are equally likely here: keep their own probabilities' ratio."),
            (lambda: softmax(kept), "This is a softmax of probabilities: they only need to be divided by their sum."),
        ),
    )


def _top_k_mistake(case: Case, got: Any, expected: tuple[float, ...]) -> str | None:
    given, k = case.arguments
    if isinstance(got, Exception):
        return _MANY if k >= len(given) else None
    if k >= len(given):
        return _MANY
    if wrong := _kept_mistake(got, given, _largest(given, k)):
        return wrong
    return recognised(
        got,
        (
            (
                lambda: _scaled(given - _largest(given, len(given) - k)),
                "The k least likely tokens stay: turn it round.",
            ),
            (
                lambda: _scaled(_largest(given, k + 1)),
                "One token too many stays: k of them, counted from the likeliest.",
            ),
            (
                lambda: _scaled(_largest(given, k - 1)),
                "One token too few stays: k of them, counted from the likeliest.",
            ),
            (lambda: _scaled(np.where(np.arange(len(given)) < k, given, 0)), "The first k stay, not the likeliest k."),
        ),
    )


TOP_K_PROBABILITIES = Exercise(
    "02.top_k_probabilities",
    "Top-k",
    VECTOR,
    (
        Case((floats(0.1, 0.38, 0.05, 0.26, 0.21), 2), "Keep the k likeliest, set the others to 0, divide by the sum."),
        Case((floats(0.1, 0.38, 0.05, 0.26, 0.21), 3), "Keep the k likeliest, set the others to 0, divide by the sum."),
        Case((floats(0.2, 0.5, 0.3), 1), "With k = 1 all goes to the likeliest token."),
        Case((floats(0.2, 0.1, 0.3, 0.2, 0.2), 2), _TIES),
        Case((floats(0.2, 0.5, 0.3), 3), _MANY),
        Case((floats(0.2, 0.5, 0.3), 50), _MANY),
    ),
    _top_k_mistake,
)

# Top-p.

_AT_MOST = (
    "This keeps tokens with a combined probability of at most p. The set has to reach p: the token that takes the sum "
    "over p belongs to it."
)
_ONE_STAYS = "The likeliest token alone is over p: it stays, since a set without it reaches nothing."
_THRESHOLD = "Each probability is compared with a threshold: it is their sum that has to reach p."
_UNTIL = "Keep the likeliest tokens until their sum reaches p, then divide by that sum."
_REACHED = "p is reached exactly, which is enough: no further token is needed."


def _nucleus(given: np.ndarray, p: float, order: np.ndarray, *, over: bool = False) -> np.ndarray:
    """The tokens taken in this order until their sum reaches p (`over`: is more than p), the others set to 0."""
    sums = np.cumsum(given[order].astype(float)) - given[order]
    kept = order[sums <= p + 1e-9] if over else order[sums < p - 1e-9]
    result = np.zeros_like(given)
    result[kept] = given[kept]
    return result


def _top_p_mistake(case: Case, got: Any, expected: tuple[float, ...]) -> str | None:
    given, p = case.arguments
    if isinstance(got, Exception):
        return None
    order = np.argsort(-given, kind="stable")
    sums = np.cumsum(given[order].astype(float))
    at_most = np.zeros_like(given)
    at_most[order[sums <= p + 1e-9]] = given[order[sums <= p + 1e-9]]
    if not np.isfinite(got).all() or not any(got):
        return _ONE_STAYS if given.max() > p else _THRESHOLD if given.max() < 1 - p else _UNTIL
    if wrong := _kept_mistake(got, given, _nucleus(given, p, order)):
        return wrong if p < 1 else None
    return recognised(
        got,
        (
            (lambda: _scaled(at_most), _AT_MOST),
            (lambda: at_most, _AT_MOST),
            (lambda: _scaled(_nucleus(given, p, order, over=True)), _REACHED),
            (
                lambda: _scaled(_nucleus(given, p, np.arange(len(given)))),
                "The probabilities are added up in the order given: sort them first, the likeliest in front.",
            ),
            (
                lambda: _scaled(_nucleus(given, p, order[::-1])),
                "The least likely tokens are taken first: start with the likeliest.",
            ),
            (lambda: _scaled(np.where(given >= 1 - p, given, 0)), _THRESHOLD),
        ),
    )


TOP_P_PROBABILITIES = Exercise(
    "02.top_p_probabilities",
    "Top-p",
    VECTOR,
    (
        Case((floats(0.13, 0.39, 0.06, 0.27, 0.15), 0.5), _UNTIL),
        Case((floats(0.15, 0.25, 0.1, 0.2, 0.12, 0.18), 0.77), _UNTIL),
        Case((floats(0.05, 0.88, 0.07), 0.5), _ONE_STAYS),
        Case((floats(0.125, 0.5, 0.125, 0.25), 0.75), _REACHED),
        Case((floats(0.375, 0.5, 0.125), 1.0), "With p = 1 every token stays."),
        Case(
            (floats(0.37, 0.05, 0.29, 0.29), 1.0),
            "With p = 1 every token stays, though rounding keeps the sum below 1.",
        ),
    ),
    _top_p_mistake,
)
