"""Lab 02's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

Wrong answers are recognised by working them out: each mistake is a formula here, and the answer is compared with it.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from labkit.exercises.answers import PAIRS, VECTOR
from labkit.exercises.checking import Case, Exercise

Slips = Iterable[tuple[Callable[[], Any], str]]


def _floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def _recognised(got: tuple[float, ...], slips: Slips) -> str | None:
    """The hint of the first mistake that gives this answer."""
    with np.errstate(all="ignore"):
        for wrong, hint in slips:
            if np.allclose(got, wrong(), rtol=1e-5, atol=1e-6):
                return hint
    return None


def _shape_mistake(got: tuple[float, ...], size: int) -> str | None:
    """What is wrong with an answer that does not have a number for each token."""
    if len(got) == size:
        return None
    return (
        f"The answer has {len(got)} numbers for {size} tokens: every token keeps its place, and what is cut off gets 0."
    )


# Temperature.

_OVERFLOW = (
    "`exp` of 1000 overflows and `exp` of -1000 is 0: subtract the largest logit from all of them first, which changes "
    "no probability."
)
_UNDERFLOW = (
    "With thousands of tokens each is improbable, and a small probability to a high power is 0: divide the logits by "
    "the temperature before `exp`."
)


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def _temperature_mistake(case: Case, got: Any, expected: tuple[float, ...]) -> str | None:
    if isinstance(got, Exception):
        return None
    logits, temperature = np.asarray(case.arguments[0], dtype=float), case.arguments[1]
    if wrong := _shape_mistake(got, len(logits)):
        return wrong
    if not np.isfinite(got).all():
        return _OVERFLOW if np.abs(logits).max() > 100 else _UNDERFLOW if len(logits) > 100 else None
    plain, twice = _softmax(logits), "The softmax is applied twice: the temperature divides the logits, once."
    unscaled = "These do not sum to 1: divide by the sum of all exponentials."
    if temperature == 1 and not VECTOR.same(got, VECTOR.read(plain)):
        return "At temperature 1 this has to be the plain softmax, and it is not."
    return _recognised(
        got,
        (
            (lambda: logits / temperature, "These are the scaled logits: the softmax of them is wanted."),
            (lambda: np.exp(logits / temperature), unscaled),
            (lambda: np.exp((logits - logits.max()) / temperature), unscaled),
            (lambda: np.log(_softmax(logits / temperature)), "These are logarithms: probabilities are wanted."),
            (lambda: plain / temperature, "The exponential comes too early: divide the logits, then take `exp`."),
            (
                lambda: plain,
                "The temperature has no effect here: it divides the logits, before `exp`; later it cancels.",
            ),
            (lambda: _softmax(logits * temperature), "The logits are multiplied by the temperature: divide by it."),
            (lambda: _softmax(plain / temperature), twice),
            (lambda: _softmax(_softmax(logits / temperature)), twice),
            (lambda: plain == plain.max(), "This is greedy: all on the likeliest token, whatever the temperature."),
        ),
    )


TEMPERATURE_SOFTMAX = Exercise(
    "02.temperature_softmax",
    "Softmax with a temperature",
    VECTOR,
    (
        Case((_floats(2.0, 1.0, 0.0, -1.0), 0.5), "Divide the logits by the temperature, then take their softmax."),
        Case((_floats(0.3, -1.2, 2.5, 0.9), 2.0), "Divide the logits by the temperature, then take their softmax."),
        Case((_floats(1.5, 0.5, -0.5), 1.0)),
        Case((_floats(1000.0, 999.0, 990.0), 1.0), _OVERFLOW),
        Case((_floats(-1000.0, -1001.0, -1003.0), 1.0), _OVERFLOW),
        Case((_floats(12.0, 11.9, 3.0), 0.01), "A temperature near 0 leaves nearly all to the likeliest token."),
        Case((np.linspace(0, 0.01, 4096, dtype=np.float32), 0.01), _UNDERFLOW),
    ),
    _temperature_mistake,
)

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
    return _shape_mistake(got, len(given)) or _recognised(
        got,
        (
            (lambda: given, "Nothing is cut off: these are the probabilities that were handed over."),
            (lambda: kept, "The right tokens stay, but their probabilities do not sum to 1: divide by their sum."),
            (lambda: np.sort(_scaled(kept))[::-1], "The tokens have changed places: the answer keeps the order given."),
            (lambda: np.sort(_scaled(kept)), "The tokens have changed places: the answer keeps the order given."),
            (lambda: _scaled(kept > 0), "All that stay are equally likely here: keep their own probabilities' ratio."),
            (lambda: _softmax(kept), "This is a softmax of probabilities: they only need to be divided by their sum."),
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
    return _recognised(
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
        Case(
            (_floats(0.1, 0.38, 0.05, 0.26, 0.21), 2), "Keep the k likeliest, set the others to 0, divide by the sum."
        ),
        Case(
            (_floats(0.1, 0.38, 0.05, 0.26, 0.21), 3), "Keep the k likeliest, set the others to 0, divide by the sum."
        ),
        Case((_floats(0.2, 0.5, 0.3), 1), "With k = 1 all goes to the likeliest token."),
        Case((_floats(0.2, 0.1, 0.3, 0.2, 0.2), 2), _TIES),
        Case((_floats(0.2, 0.5, 0.3), 3), _MANY),
        Case((_floats(0.2, 0.5, 0.3), 50), _MANY),
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
    return _recognised(
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
        Case((_floats(0.13, 0.39, 0.06, 0.27, 0.15), 0.5), _UNTIL),
        Case((_floats(0.15, 0.25, 0.1, 0.2, 0.12, 0.18), 0.77), _UNTIL),
        Case((_floats(0.05, 0.88, 0.07), 0.5), _ONE_STAYS),
        Case((_floats(0.125, 0.5, 0.125, 0.25), 0.75), _REACHED),
        Case((_floats(0.375, 0.5, 0.125), 1.0), "With p = 1 every token stays."),
        Case(
            (_floats(0.37, 0.05, 0.29, 0.29), 1.0),
            "With p = 1 every token stays, though rounding keeps the sum below 1.",
        ),
    ),
    _top_p_mistake,
)

# Beam step. A case: the hypotheses' scores, their log-probabilities of three or four tokens, the number of beams.

_BEST = (
    "A continuation's score is its hypothesis' score plus the token's log-probability; take the best of all of them."
)
_ACROSS = "One is taken for each hypothesis: all continuations compete, and a hypothesis may have several of the best."


def _picks(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    order = np.argsort(-totals, axis=None, kind="stable")[:count]
    return [(int(index) // totals.shape[1], int(index) % totals.shape[1]) for index in order]


def _beam_mistake(case: Case, got: Any, expected: tuple[tuple[int, int], ...]) -> str | None:
    if isinstance(got, Exception):
        return None
    scores, log_probs, beams = case.arguments
    totals = np.asarray(scores)[:, None] + log_probs
    best_of_each = sorted(((row, int(total.argmax())) for row, total in enumerate(totals)), key=lambda at: -totals[at])
    slips = (
        (_picks(log_probs, beams), "The scores so far are left out: a good token on a bad hypothesis wins here."),
        (_picks(-totals, beams), "These are the worst ones: a log-probability is better the nearer it is to 0."),
        (best_of_each, _ACROSS),
        ([(token, row) for row, token in expected], "The pairs are the wrong way round: (hypothesis, token)."),
        (
            _picks(np.asarray(scores)[:, None] * log_probs, beams),
            "Scores and log-probabilities are multiplied: logarithms of probabilities add up.",
        ),
        (
            _picks(np.asarray(scores)[:, None] + np.exp(log_probs), beams),
            "Probabilities are added to scores, which are logarithms: add the log-probabilities as they are.",
        ),
        (list(expected[::-1]), "The right ones, but the best has to come first."),
    )
    for wrong, hint in slips:
        if PAIRS.same(got, PAIRS.read(wrong)):
            return hint
    if set(got) == set(expected):
        return "The right ones, but the best has to come first."
    if len(got) > len(expected) and set(expected) <= set(got):
        return f"{len(got)} continuations are too many: only {len(expected)} go on, of all hypotheses together."
    return None


BEAM_STEP = Exercise(
    "02.beam_step",
    "One step of beam search",
    PAIRS,
    (
        Case(([-1.0, -1.5], np.array([[-0.5, -2.0, -3.2], [-0.2, -0.4, -2.5]]), 2), _BEST),
        Case(([-0.5, -3.0], np.array([[-1.0, -1.2, -2.0], [-0.1, -3.0, -4.0]]), 2), _BEST),
        Case(([-1.0, -3.0], np.array([[-5.0, -0.1, -6.0], [-0.05, -4.0, -6.0]]), 2), _BEST),
        Case(
            ([0.0], np.array([[-2.0, -0.4, -3.0, -1.5]]), 3), "At the start there is one hypothesis with a score of 0."
        ),
        Case(
            ([0.0], np.array([[-0.9, -0.5]]), 3), "Where there are fewer continuations than beams, all of them go on."
        ),
    ),
    _beam_mistake,
)

EXERCISES = (TEMPERATURE_SOFTMAX, TOP_K_PROBABILITIES, TOP_P_PROBABILITIES, BEAM_STEP)  # as they come in the lab
