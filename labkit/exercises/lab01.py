"""Lab 01's exercises: the cases each answer is tried on, and a hint for every mistake that can be told from its answer.

The cases of an exercise go from plain to special, and each special case brings out one mistake: the first case that
goes wrong says which it is.
"""

import re
from itertools import zip_longest
from typing import Any

import numpy as np

from labkit.exercises.answers import COUNT, NUMBER, PAIR, TEXT, close, collapse
from labkit.exercises.checking import Case, Exercise

# One-shot prompt. No text of a case stands within another one, so that each can be found in a prompt.

_HEADER, _QUESTION = "Dialogue:", "What was going on?"

_TEXTS = (
    "#Person1#: Is the blue bicycle still for sale?\n#Person2#: It is. Sixty, and the lamp is included.",
    "#Person2# sells #Person1# a blue bicycle with a lamp for sixty.",
    "#Person1#: My train was cancelled. Can I take the next one?\n#Person2#: You can, the ticket is good all day.",
    "#Person2# lets #Person1# take a later train with the same ticket.",
    "#Person1#: Did you feed the cat?\n#Person2#: Twice, I fear. She was very convincing.",
)


def _prompt_mistake(case: Case, got: Any, expected: str) -> str | None:
    if not isinstance(got, str):
        return None
    example, summary, target = map(collapse, case.arguments)
    if re.search(r"\{\s*(example_dialogue|example_summary|dialogue)\s*\}", got):
        return "The prompt holds a name in braces in place of the text: the string needs an `f` in front of its quotes."
    if not any(text in got for text in (example, summary, target)):
        return (
            "None of the texts handed over is in the prompt: use the function's arguments, not names of the notebook."
        )
    if target not in got:
        return "The dialogue to summarise is not in the prompt: `dialogue` belongs after the example."
    if example not in got and summary not in got:
        return "This is a zero-shot prompt: the example (`example_dialogue` and `example_summary`) has to come first."
    if summary not in got:
        return "The example's summary is missing: without it the example does not show what an answer looks like."
    if example not in got:
        return "The example's dialogue is missing: the model sees a summary, but not of what."
    return _order_mistake(got, example, summary, target) or _wording_mistake(got, summary, target, expected)


def _order_mistake(got: str, example: str, summary: str, target: str) -> str | None:
    """What is out of place in a prompt that holds all three texts."""
    if got.find(target) < got.find(summary) < got.find(example):
        return "Example and target are swapped: the summary stands under `dialogue`, which is the one to summarise."
    if got.find(target) < got.find(example):
        return "The example comes after the target: the model answers what stands last, so the example goes first."
    if got.find(summary) < got.find(example):
        return "The example's summary comes before its dialogue: the example must run in the order of the task."
    if got.find(summary) > got.find(target):
        return "The example's summary comes after the target dialogue: it belongs right after the example's question."
    if summary in got[got.rfind(target) :]:
        return "A summary stands after the target as well: that is the model's to write, so end with the question."
    return None


def _wording_mistake(got: str, summary: str, target: str, expected: str) -> str:
    """What is wrong around three texts that stand in the right order."""
    ending = got[got.rfind(target) + len(target) :]
    if _QUESTION not in ending:
        return f"The instruction is missing after the target: `{_QUESTION}` has to follow `dialogue` too."
    if not ending.endswith(_QUESTION):
        return f"The prompt goes on after its last `{_QUESTION}`: that is where the model has to answer."
    if _QUESTION not in got[: got.find(summary)]:
        return f"The instruction is missing in the example: `{_QUESTION}` stands between its dialogue and its summary."
    if got.count(_HEADER) < 2:
        return f"`{_HEADER}` is missing: it stands above the example's dialogue and above the target."
    if got.replace(" ", "") == expected.replace(" ", ""):
        return "Two parts run together: all the words are right, but a line break is missing between two of them."
    pairs = zip_longest(got.split(), expected.split(), fillvalue="(the end)")
    mine, wanted = next(pair for pair in pairs if pair[0] != pair[1])
    return f"Only the wording differs: the first word that does is `{mine}` where `{wanted}` is expected."


ONE_SHOT_PROMPT = Exercise(
    "01.one_shot_prompt", "One-shot prompt", TEXT, (Case(_TEXTS[0:3]), Case(_TEXTS[2:5])), _prompt_mistake
)

# ROUGE-1. Keys of the slips are the wrong scores, worked out by hand.

_CLIP = "A repeated word counts too often: it overlaps at most as many times as it occurs in the other text."
_FOLD = "Upper and lower case count as different words: lower-case both texts before you split them."
_PUNCTUATION = "Punctuation belongs to no word: take what `[a-z0-9]+` finds, instead of splitting at white space."
_APOSTROPHE = "An apostrophe parts words: `it's` is the two words `it` and `s`, as `[a-z0-9]+` finds them."
_NO_OVERLAP = "Without a common word precision and recall are both 0 and F1 would be 0/0: return 0.0 before you divide."
_EMPTY = "An empty text has no word to divide by: return 0.0 if nothing overlaps, before you divide."
_SET = "A set forgets how often a word occurs: count the words (`collections.Counter`)."

_ROUGE_CASES = (
    Case(
        ("tom sells bike today", "tom sells his old red bike"),  # 3 of 4 and 3 of 6 words
        slips={
            0.75: "This is precision (overlap / words of the prediction): F1 takes recall into account as well.",
            0.5: "This is recall (overlap / words of the reference): F1 takes precision into account as well.",
            0.625: "This is the plain mean of precision and recall: F1 is their harmonic mean, 2PR / (P + R).",
            0.3: "A factor of 2 is missing: F1 = 2PR / (P + R).",
            3 / 7: "This is the overlap over the union (Jaccard): F1 is the harmonic mean of precision and recall.",
            3: "This is the number of common words: divide it by the words of each text for precision and recall.",
        },
    ),
    Case(
        ("very very very late late train", "very late late late bus today"),  # clipped: 1 + 2 of 6 and of 6
        _CLIP,
        {10 / 12: _CLIP, 8 / 12: _CLIP, 20 / 27: _CLIP, 4 / 7: _SET, 4 / 12: _SET},
    ),
    Case(("Mary calls anna", "mary calls Anna"), _FOLD),
    Case(("Yes, at nine.", "yes at nine"), _PUNCTUATION),
    Case(("it's fine", "it is fine"), _APOSTROPHE),
    Case(("room 12 at 9", "room 14 at 9"), "Numbers are words too: keep the digits, as `0-9` in the pattern does."),
    Case(
        ("he ran", "the orange"),
        _NO_OVERLAP,
        {1: "`in` on a string finds parts of words (`he` in `the`): split both texts into words first."},
    ),
    Case(("cakes ordered", "ordering a cake"), "There is no stemmer here: `cake` and `cakes` are two words."),
    Case(("", "see you tomorrow"), _EMPTY),
    Case(("see you tomorrow", "..."), _EMPTY),
    Case(("", ""), _EMPTY),
)


def _rouge_mistake(case: Case, got: Any, expected: float) -> str | None:
    if isinstance(got, Exception):
        return None
    if got != got:
        return "The score is nan, which comes of 0/0: if nothing overlaps, return 0.0 and divide by nothing."
    if expected and close(got, 100 * expected):
        return "This is in percent: the score is a fraction between 0 and 1."
    if got != 0 and any(got == round(expected, digits) for digits in range(1, 6)):
        return "The score is rounded: return it as it is, and round only where it is printed."
    return None


ROUGE1 = Exercise("01.rouge1", "ROUGE-1 by hand", NUMBER, _ROUGE_CASES, _rouge_mistake)

# Bootstrap interval. The scores are skewed, so that no interval of the percentile kind is symmetric about the mean.

_SCORES = [0.05, 0.62, 0.11, 0.07, 0.9, 0.16, 0.09, 0.21, 0.13, 0.3, 0.02, 0.08]
_ENDS = (2.5, 97.5)


def _bootstrap_case(size: int, samples: int, seed: int) -> Case:
    draws = np.random.default_rng(seed).integers(size, size=(samples, size))
    return Case(
        (_SCORES[:size], draws), "The interval runs from the 2.5 to the 97.5 percentile of the resampled means."
    )


def _bootstrap_mistake(case: Case, got: Any, expected: tuple[float, float]) -> str | None:
    if isinstance(got, TypeError):
        return "A list takes one index at a time; `np.asarray(scores)[draws]` gives all resamples, one a row."
    if isinstance(got, Exception):
        return None
    low, high = got
    if low != low or high != high:
        return "The interval holds nan: something was divided by zero, or a mean was taken of nothing."
    scores = np.asarray(case.arguments[0])
    resamples = scores[case.arguments[1]]
    means = resamples.mean(axis=1)
    each_score = (
        "These are percentiles of single scores: take the mean of each resample first, then percentiles of those."
    )
    slips = (
        (np.percentile(means, [5, 95]), "5 and 95 leave 10% outside: a 95% interval leaves 2.5% at either end."),
        (np.percentile(means, [0.025, 0.975]), "`np.percentile` counts to 100: 2.5 and 97.5, not 0.025 and 0.975."),
        (np.percentile(scores, _ENDS), each_score),
        (np.percentile(resamples, _ENDS), each_score),
        (
            np.percentile(resamples.mean(axis=0), _ENDS),
            "The means run over the wrong axis: a resample is a row of `draws`.",
        ),
        (
            np.percentile(case.arguments[1].mean(axis=1), _ENDS),
            "These are means of indices: look the scores up with them.",
        ),
        (np.percentile(resamples.sum(axis=1), _ENDS), "These are sums of the resamples: divide by their size."),
        (np.percentile(np.median(resamples, axis=1), _ENDS), "These are medians of the resamples: take their means."),
        ((means.min(), means.max()), "This is the whole range of the means: leave out 2.5% at either end."),
        (expected[::-1], "The ends are swapped: the low one comes first."),
    )
    for slip, hint in slips:
        if PAIR.same(got, slip):
            return hint
    return _interval_mistake(got, expected, scores, means)


def _interval_mistake(
    got: tuple[float, float], expected: tuple[float, float], scores: np.ndarray, means: np.ndarray
) -> str | None:
    """What is wrong with an interval that is no other statistic's."""
    low, high = got
    if close(low, expected[0]):
        return "The low end is right, the high end is not: it is the 97.5 percentile of the same means."
    if close(high, expected[1]):
        return "The high end is right, the low end is not: it is the 2.5 percentile of the same means."
    if any(close((low + high) / 2, centre) for centre in (scores.mean(), means.mean())):
        return "So symmetric an interval comes of a standard error: take percentiles of the resampled means instead."
    slack = 0.3 * (expected[1] - expected[0])
    if abs(low - expected[0]) > slack or abs(high - expected[1]) > slack:
        return None
    if all(np.isclose(means, end).any() for end in got):
        return "Close: these are two of the means, but `np.percentile` interpolates between neighbours."
    return "Close, but not the same: use the draws that are handed over, not new ones."


BOOTSTRAP_INTERVAL = Exercise(
    "01.bootstrap_interval",
    "Bootstrap interval",
    PAIR,
    (_bootstrap_case(12, 400, seed=1), _bootstrap_case(9, 250, seed=2)),
    _bootstrap_mistake,
)

# Context budget.

_IN_ORDER = "Shots are taken in order: stop at the first that no longer fits, even if a later, smaller one would."
_AT_LEAST_0 = "Fewer than 0 shots are impossible: if even the dialogue does not fit, the answer is 0."

_BUDGET_CASES = (
    Case(
        ([100, 120, 90, 85, 130], 150, 400),
        slips={
            4: "The dialogue is not counted: it has to fit beside the shots, so start from `dialogue_tokens`.",
            3: "The shot that goes over the budget is counted as well: only those before it fit.",
            5: "Each shot is compared with the budget alone: add up the tokens of all shots so far.",
            1: "One shot too few: the second one still fits (150 + 100 + 120 is within 400).",
        },
    ),
    Case(([100, 100, 100], 100, 300), "A prompt of exactly the budget fits: compare with <=, not with <."),
    Case(
        ([90, 300, 50, 20, 30], 100, 250),
        _IN_ORDER,
        {3: "The shots seem to be sorted by length: take them in the order in which they come."},
    ),
    Case(
        ([10, 20], 30, 512), "All shots fit: once the loop has reached the end of the list, the answer is their number."
    ),
    Case(([], 30, 512), "Without any shots the answer is 0."),
    Case(([400, 10], 200, 512), "Not even the first shot fits: the answer is 0."),
    Case(([10, 20], 600, 512), "The dialogue alone is over the budget: the answer is 0."),
)


def _budget_mistake(case: Case, got: Any, expected: int) -> str | None:
    if isinstance(got, Exception):
        return None
    shots = case.arguments[0]
    if got < 0:
        return _AT_LEAST_0
    if got > len(shots):
        return f"{got} is more than there are shots ({len(shots)}): count shots, not tokens."
    return None


CONTEXT_BUDGET = Exercise("01.context_budget", "Context budget", COUNT, _BUDGET_CASES, _budget_mistake)

EXERCISES = (ONE_SHOT_PROMPT, ROUGE1, BOOTSTRAP_INTERVAL, CONTEXT_BUDGET)  # as they come in the lab
