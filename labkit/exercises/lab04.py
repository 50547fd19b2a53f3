"""Lab 04's exercises: the cases each answer is tried on, and a hint for every mistake that an answer gives away."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.exercises.answers import NUMBER, PAIR, VECTOR, close
from labkit.exercises.checking import Case, Exercise

# Weigh a rank's loss. Keys of the slips are wrong factors for 120 of 600 tokens on 4 ranks, worked out by hand.

_SCALE_CASES = (
    Case(
        (120, 600, 4),
        "Its mean loss times `tokens_here` is a sum; over `tokens_everywhere` it is a share of the whole mean.",
        {
            120 / 600: "The average divides by the number of ranks once more: without that factor it is too small.",
            600 / 120: "Upside down: a rank with few tokens has to count for less, not for more.",
            600 / 120 / 4: "Upside down: a rank with few tokens has to count for less, not for more.",
            120 / 600 / 4: "Divided by the ranks twice: the average does so already, so multiply by them.",
            1 / 4: "This treats all ranks as equals, which is what the average does anyway: use the tokens.",
            1.0: "This treats all ranks as equals, which is what the average does anyway: use the tokens.",
            120 * 4: "A factor this large makes it a sum: divide by the tokens of the whole batch.",
            120: "A factor this large makes it a sum: divide by the tokens of the whole batch.",
        },
    ),
    Case(
        (259, 751, 4),
        "More than a fair share of the tokens makes a factor above 1: it is neither rounded nor cut off.",
    ),
    Case((150, 600, 4), "With a fair share of the tokens the factor is 1."),
    Case((0, 600, 2), "A rank without a token in the loss adds nothing: its factor is 0."),
    Case((700, 700, 1), "One rank alone has all tokens: its factor is 1."),
)


def _scale_mistake(case: Case, got: Any, expected: float) -> str | None:
    if isinstance(got, ZeroDivisionError):
        return "A rank may have no token in the loss: do not divide by `tokens_here`."
    if isinstance(got, Exception):
        return None
    if not isinstance(got, int | float) or not expected or close(got, expected):
        return None
    if got in (int(expected), round(expected)):
        return "The factor is rounded: divide with `/`, not with `//`."
    return None


LOSS_SCALE = Exercise("04.loss_scale", "Weigh a rank's loss", NUMBER, _SCALE_CASES, _scale_mistake)

# Average a gradient. The other ranks' gradients are multiples of this rank's, so that whatever is done to it (dividing
# it before the sum, say) is done to theirs in proportion, and one process can play all of them.


@dataclass(frozen=True)
class Ranks:
    """Stands in for all ranks: its call gives the sum of what they hand over, their gradients being multiples of one.

    `multiples` has one number a rank, this rank's first.
    """

    multiples: tuple[float, ...]

    def __call__(self, values: Any) -> Any:
        """The sum over the ranks."""
        return np.asarray(values) * (sum(self.multiples) / self.multiples[0])


def _average_case(gradient: list[float], multiples: tuple[float, ...], hint: str = "") -> Case:
    return Case((np.array(gradient), Ranks(multiples), len(multiples)), hint)


_AVERAGE_CASES = (
    _average_case([0.5, -1.0, 2.0, 1.5, -0.25, 3.0], (1.0, 2.0, -0.5, 3.0)),  # lengths that are no number of ranks
    _average_case([3.0], (1.0, 5.0, -2.0)),
    _average_case([1.0, -2.0], (1.0,), "With one rank the mean is its own gradient."),
)


def _average_mistake(case: Case, got: Any, expected: tuple[float, ...]) -> str | None:
    if isinstance(got, Exception):
        return None
    gradient, ranks, count = case.arguments
    total = gradient * sum(ranks.multiples) / ranks.multiples[0]
    slips = (
        (total, "This is the sum over the ranks: their mean is the sum divided by `ranks`."),
        (gradient / count, "No other rank is in this: hand the gradient to `all_reduce`, and take what it returns."),
        (gradient, "This is the rank's own gradient: take what `all_reduce` returns."),
        (total / count**2, "Divided by the ranks twice: before the sum or after it, not both."),
        (total * count, "Multiplied by the ranks: the mean is the sum divided by them."),
        (total / len(gradient), "Divided by the length of the gradient: the mean is over ranks, not over its numbers."),
        (total + gradient, "This rank counts twice: its gradient is in the sum already."),
        ((total + gradient) / count, "This rank counts twice: its gradient is in the sum already."),
        ((total - gradient) / count, "This rank is left out: the mean is over all ranks, this one too."),
    )
    for slip, hint in slips:
        if VECTOR.same(got, tuple(map(float, slip))):
            return hint
    if len(got) != len(gradient):
        return f"The mean has as many numbers as the gradient ({len(gradient)}), not {len(got)}."
    return None


AVERAGE_GRADIENT = Exercise(
    "04.average_gradient", "Average a gradient over all ranks", VECTOR, _AVERAGE_CASES, _average_mistake
)

# The ring's schedule.

_SCHEDULE_CASES = (
    Case((2, 0, 4), "In step 0 rank r sends chunk r, and gets the chunk that rank r - 1 sends."),
    Case((3, 1, 4), "In step 1 it sends what came in step 0, and its left neighbour does the same."),
    Case((0, 0, 4), "Left of rank 0 stands the last rank: count modulo `ranks`."),
    Case((1, 3, 4), "The rule is the same in the second half: a rank sends what came in the step before."),
    Case((0, 5, 4), "The rule is the same in the last step: a rank sends what came in the step before."),
    Case((1, 1, 2), "It has to work for any number of ranks, for 2 as well."),
    Case((4, 7, 5), "It has to work for any number of ranks, for 5 as well."),
)


def _schedule_mistake(case: Case, got: Any, expected: tuple[float, float]) -> str | None:
    if isinstance(got, Exception):
        return None
    rank, step, ranks = case.arguments
    if PAIR.same(got, expected[::-1]):
        return "The pair is the wrong way round: the chunk that is sent comes first."
    if any(end != int(end) for end in got):
        return "A chunk has a whole number: use `%`, not `/`."
    if PAIR.same(tuple(end % ranks for end in got), expected):
        return f"There are chunks from 0 to {ranks - 1} only: take both numbers modulo `ranks`."
    if PAIR.same(got, ((rank - step) % ranks, (rank - step + 1) % ranks)):
        return "What comes in is sent by the left neighbour, rank - 1: it sends the chunk below this rank's, not above."
    if PAIR.same(got, ((rank + step) % ranks, (rank + step - 1) % ranks)) or PAIR.same(
        got, ((rank + step) % ranks, (rank + step + 1) % ranks)
    ):
        return (
            "The wrong direction: what is sent goes to the right, so a rank's own turn comes to lower and lower chunks."
        )
    if got[0] == got[1]:
        return "A rank does not get the chunk that it sends: that one its right neighbour gets."
    return None


RING_SCHEDULE = Exercise("04.ring_schedule", "Which chunk goes where", PAIR, _SCHEDULE_CASES, _schedule_mistake)

# ZeRO's memory.

_ZERO_CASES = (
    Case((7.5e9, 64, 0), "Stage 0 keeps all of it on each rank: 2 + 2 + 12 bytes a parameter."),
    Case((7.5e9, 64, 1)),
    Case((7.5e9, 64, 2)),
    Case((7.5e9, 64, 3)),
    Case((1e9, 1, 3), "On one rank there is nothing to share: every stage takes 16 bytes a parameter."),
)


def _zero_mistake(case: Case, got: Any, expected: float) -> str | None:
    if isinstance(got, Exception):
        return None
    parameters, ranks, stage = case.arguments

    def held(*whole: int, split: int) -> float:
        """Bytes with `whole` bytes a parameter kept on each rank and `split` bytes shared."""
        return parameters * (sum(whole) + split / ranks)

    every_gb = close(got * 1e9, expected)
    if every_gb:
        return "This is in GB: the answer is in bytes."
    if close(got, expected * ranks) and ranks > 1:
        return "This is what all ranks hold together: divide by them once more."
    if stage and close(got, 16 * parameters):
        return f"Nothing is shared here: stage {stage} divides a part of the 16 bytes by the ranks."
    if stage in (1, 2) and close(got, 16 * parameters / ranks):
        return f"Stage {stage} leaves something whole: only what it shards is divided by the ranks."
    sequence = {1: held(2, 2, split=12), 2: held(2, split=14), 3: held(split=16)}
    for other, size in sequence.items():
        if other != stage and close(got, size):
            return f"This is stage {other}: stage 1 shards the optimizer's bytes, 2 the gradient's too, 3 everything."
    if stage == 1 and any(close(got, size) for size in (held(2, 12, split=2), held(12, split=4))):
        return "The wrong part is shared: stage 1 starts with the largest one, the optimizer's 12 bytes."
    if any(close(got, size) for size in (parameters * 12, held(4, split=8), held(2, split=10), held(split=12))):
        return "The master copy is missing: Adam in mixed precision keeps 12 bytes, 4 each for copy, mean and variance."
    if stage == 2 and close(got, held(2, 12, split=2)):
        return "Stage 2 comes on top of stage 1: the optimizer's bytes are shared too, not the gradient's alone."
    if stage == 3 and close(got, held(2, 12, split=2)):
        return "Stage 3 comes on top of the others: everything is shared, not the parameters alone."
    return None


ZERO_BYTES = Exercise("04.zero_bytes", "ZeRO's memory", NUMBER, _ZERO_CASES, _zero_mistake)

EXERCISES = (LOSS_SCALE, AVERAGE_GRADIENT, RING_SCHEDULE, ZERO_BYTES)  # as they come in the lab
