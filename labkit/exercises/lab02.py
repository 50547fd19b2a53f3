"""Lab 02's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

Wrong answers are recognised by working them out: each mistake is a formula here, and the answer is compared with it.
"""

from typing import Any

import numpy as np

from labkit.exercises.answers import PAIRS, VECTOR
from labkit.exercises.checking import Case, Exercise
from labkit.exercises.slips import floats, recognised, shape_mistake, softmax
from labkit.exercises.truncation import TOP_K_PROBABILITIES, TOP_P_PROBABILITIES

# Temperature.

_OVERFLOW = (
    "`exp` of 1000 overflows and `exp` of -1000 is 0: subtract the largest logit from all of them first, which changes "
    "no probability."
)
_UNDERFLOW = (
    "With thousands of tokens each is improbable, and a small probability to a high power is 0: divide the logits by "
    "the temperature before `exp`."
)


def _temperature_mistake(case: Case, got: Any, expected: tuple[float, ...]) -> str | None:
    if isinstance(got, Exception):
        return None
    logits, temperature = np.asarray(case.arguments[0], dtype=float), case.arguments[1]
    if wrong := shape_mistake(got, len(logits)):
        return wrong
    if not np.isfinite(got).all():
        return _OVERFLOW if np.abs(logits).max() > 100 else _UNDERFLOW if len(logits) > 100 else None
    plain, twice = softmax(logits), "The softmax is applied twice: the temperature divides the logits, once."
    unscaled = "These do not sum to 1: divide by the sum of all exponentials."
    if temperature == 1 and not VECTOR.same(got, VECTOR.read(plain)):
        return "At temperature 1 this has to be the plain softmax, and it is not."
    return recognised(
        got,
        (
            (lambda: logits / temperature, "These are the scaled logits: the softmax of them is wanted."),
            (lambda: np.exp(logits / temperature), unscaled),
            (lambda: np.exp((logits - logits.max()) / temperature), unscaled),
            (lambda: np.log(softmax(logits / temperature)), "These are logarithms: probabilities are wanted."),
            (lambda: plain / temperature, "The exponential comes too early: divide the logits, then take `exp`."),
            (
                lambda: plain,
                "The temperature has no effect here: it divides the logits, before `exp`; later it cancels.",
            ),
            (lambda: softmax(logits * temperature), "The logits are multiplied by the temperature: divide by it."),
            (lambda: softmax(plain / temperature), twice),
            (lambda: softmax(softmax(logits / temperature)), twice),
            (lambda: plain == plain.max(), "This is greedy: all on the likeliest token, whatever the temperature."),
        ),
    )


TEMPERATURE_SOFTMAX = Exercise(
    "02.temperature_softmax",
    "Softmax with a temperature",
    VECTOR,
    (
        Case((floats(2.0, 1.0, 0.0, -1.0), 0.5), "Divide the logits by the temperature, then take their softmax."),
        Case((floats(0.3, -1.2, 2.5, 0.9), 2.0), "Divide the logits by the temperature, then take their softmax."),
        Case((floats(1.5, 0.5, -0.5), 1.0)),
        Case((floats(1000.0, 999.0, 990.0), 1.0), _OVERFLOW),
        Case((floats(-1000.0, -1001.0, -1003.0), 1.0), _OVERFLOW),
        Case((floats(12.0, 11.9, 3.0), 0.01), "A temperature near 0 leaves nearly all to the likeliest token."),
        Case((np.linspace(0, 0.01, 4096, dtype=np.float32), 0.01), _UNDERFLOW),
    ),
    _temperature_mistake,
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
