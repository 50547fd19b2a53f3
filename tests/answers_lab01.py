"""Lab 01's exercises: wrong answers, each with the hint it has to get, and right ones beside the reference."""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


# One-shot prompt


def asked(dialogue: str, answer: str = "") -> str:
    return f"Dialogue:\n\n{dialogue}\n\nWhat was going on?\n{answer}"


PROMPTS: dict[str, tuple[Function, str]] = {
    "no f": (lambda e, s, d: asked("{example_dialogue}", "{example_summary}") + asked("{dialogue}"), "an `f` in front"),
    "globals": (lambda e, s, d: asked("Hello.", "They greet.") + asked("Goodbye."), "None of the texts handed over"),
    "no target": (lambda e, s, d: asked(e, s), "dialogue to summarise is not in the prompt"),
    "example twice": (lambda e, s, d: asked(e, s) + asked(e), "dialogue to summarise is not in the prompt"),
    "zero-shot": (lambda e, s, d: asked(d), "This is a zero-shot prompt"),
    "no summary": (lambda e, s, d: asked(e) + asked(d), "The example's summary is missing"),
    "no example dialogue": (lambda e, s, d: asked(d, s) + asked(d), "The example's dialogue is missing"),
    "swapped": (lambda e, s, d: asked(d, s) + asked(e), "Example and target are swapped"),
    "example last": (lambda e, s, d: asked(d) + "\n\n\n" + asked(e, s), "The example comes after the target"),
    "summary first": (lambda e, s, d: f"{s}\n\n{asked(e)}\n\n{asked(d)}", "summary comes before its dialogue"),
    "summary last": (lambda e, s, d: asked(e) + asked(d, s), "summary comes after the target dialogue"),
    "answered": (lambda e, s, d: asked(e, s) + "\n\n\n" + asked(d, s), "A summary stands after the target as well"),
    "own answer": (lambda e, s, d: f"{asked(e, s)}\n\n\n{asked(d)}Somebody sells.", "goes on after its last"),
    "no instruction": (lambda e, s, d: f"{asked(e, s)}\n\n\nDialogue:\n\n{d}\n\n", "missing after the target"),
    "instruction above": (
        lambda e, s, d: f"{asked(e, s)}\n\n\nWhat was going on?\nDialogue:\n\n{d}",
        "missing after the target",
    ),
    "none in the example": (lambda e, s, d: f"Dialogue:\n\n{e}\n\n{s}\n\n\n{asked(d)}", "missing in the example"),
    "no header": (lambda e, s, d: asked(e, s) + f"\n\n\n{d}\n\nWhat was going on?\n", "`Dialogue:` is missing"),
    "run together": (lambda e, s, d: f"{asked(e, s)}{asked(d)}", "Two parts run together"),
    "wording": (lambda e, s, d: f"{asked(e, 'Summary: ' + s)}\n\n\n{asked(d)}", "`Summary:` where `#Person2#` is"),
}

# ROUGE-1


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def scored(
    prediction: str,
    reference: str,
    *,
    split: Callable[[str], Any] = words,
    overlap: Callable[[Any, Any], float] = lambda p, r: (Counter(p) & Counter(r)).total(),
    combine: Callable[[float, float], float] = lambda p, r: 2 * p * r / (p + r),
) -> float:
    """ROUGE-1 with one part replaced; without one it is right."""
    p, r = split(prediction), split(reference)
    common = overlap(p, r)
    return combine(common / len(p), common / len(r)) if common else 0.0


def variant(**parts: Any) -> Function:
    return lambda prediction, reference: scored(prediction, reference, **parts)


def unguarded(prediction: str, reference: str) -> float:
    p, r = Counter(words(prediction)), Counter(words(reference))
    precision, recall = (p & r).total() / p.total(), (p & r).total() / r.total()
    return 2 * precision * recall / (precision + recall)


def guarded_too_late(prediction: str, reference: str) -> float:
    p, r = Counter(words(prediction)), Counter(words(reference))
    precision, recall = (p & r).total() / p.total(), (p & r).total() / r.total()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def through_numpy(prediction: str, reference: str) -> float:
    with np.errstate(all="ignore"):
        p, r = Counter(words(prediction)), Counter(words(reference))
        precision, recall = np.float64((p & r).total()) / p.total(), np.float64((p & r).total()) / r.total()
        return 2 * precision * recall / (precision + recall)


def stemmed(text: str) -> list[str]:
    return [re.sub("(s|ed|ing)$", "", word) for word in words(text)]


def on_the_string(prediction: str, reference: str) -> float:
    p, r = words(prediction), words(reference)
    common = sum(word in reference.lower() for word in set(p))
    return scored(prediction, reference) if scored(prediction, reference) else 2 * common / max(len(p) + len(r), 1)


ROUGES: dict[str, tuple[Function, str]] = {
    "precision": (variant(combine=lambda p, r: p), "This is precision"),
    "recall": (variant(combine=lambda p, r: r), "This is recall"),
    "mean": (variant(combine=lambda p, r: (p + r) / 2), "plain mean"),
    "no factor 2": (variant(combine=lambda p, r: p * r / (p + r)), "A factor of 2"),
    "jaccard": (lambda p, r: len({*words(p)} & {*words(r)}) / len({*words(p)} | {*words(r)}), "over the union"),
    "count": (lambda p, r: len({*words(p)} & {*words(r)}), "number of common words"),
    "not clipped": (variant(overlap=lambda p, r: sum(word in r for word in p)), "counts too often"),
    "not clipped either": (variant(overlap=lambda p, r: sum(word in p for word in r)), "counts too often"),
    "sets": (variant(split=lambda text: {*words(text)}), "A set forgets"),
    "common as a set": (variant(overlap=lambda p, r: len({*p} & {*r})), "A set forgets"),
    "case": (variant(split=lambda text: re.findall(r"\w+", text)), "Upper and lower case"),
    "case of one": (
        lambda p, r: scored(p.lower(), r, split=lambda text: re.findall(r"[A-Za-z0-9]+", text)),
        "Upper and lower case",
    ),
    "punctuation": (variant(split=lambda text: text.lower().split()), "Punctuation belongs to no word"),
    "apostrophe": (
        variant(split=lambda text: re.sub(r"[^\w\s]", "", text.lower()).split()),
        "An apostrophe parts words",
    ),
    "digits": (variant(split=lambda text: re.findall(r"[a-z]+", text.lower())), "Numbers are words"),
    "unguarded": (unguarded, "Without a common word"),
    "empty": (guarded_too_late, "An empty text has no word"),
    "nan": (through_numpy, "The score is nan"),
    "parts of words": (on_the_string, "parts of words"),
    "stemmer": (variant(split=stemmed), "no stemmer"),
    "percent": (lambda p, r: 100 * scored(p, r), "in percent"),
    "rounded": (lambda p, r: round(scored(p, r), 2), "rounded"),
    "no overlap is 1": (lambda p, r: scored(p, r) or 1e-3, "Without a common word"),
}

# Context budget


def fitting(shots: list[int], used: int, budget: int) -> int:
    """Right: the number of shots, in order, that fit beside `used` tokens."""
    count = 0
    for tokens in shots:
        used += tokens
        if used > budget:
            break
        count += 1
    return count


def skips(shots: list[int], dialogue: int, budget: int) -> int:
    count, used = 0, dialogue
    for tokens in shots:
        if used + tokens <= budget:
            count, used = count + 1, used + tokens
    return count


def pops(shots: list[int], dialogue: int, budget: int) -> int:
    count, used = 0, dialogue
    while shots and used + shots[0] <= budget:
        used += shots.pop(0)
        count += 1
    return count


def counts_one_more(shots: list[int], dialogue: int, budget: int) -> int:
    return min(fitting(shots, dialogue, budget) + 1, len(shots))


def returns_in_the_loop(shots: list[int], dialogue: int, budget: int) -> int | None:
    for index, tokens in enumerate(shots):
        dialogue += tokens
        if dialogue > budget:
            return index
    return None


def runs_over_the_end(shots: list[int], dialogue: int, budget: int) -> int:
    count = 0
    while dialogue + shots[count] <= budget:
        dialogue += shots[count]
        count += 1
    return count


def stands_still(shots: list[int], dialogue: int, budget: int) -> int:
    count = 0
    while dialogue <= budget:
        count += 1
    return count


BUDGETS: dict[str, tuple[Function, str]] = {
    "without the dialogue": (lambda s, d, b: fitting(s, 0, b), "The dialogue is not counted"),
    "one more": (counts_one_more, "goes over the budget is counted as well"),
    "each alone": (lambda s, d, b: sum(d + tokens <= b for tokens in s), "Each shot is compared with the budget alone"),
    "one fewer": (lambda s, d, b: max(fitting(s, d, b) - 1, 0), "One shot too few"),
    "less than": (lambda s, d, b: fitting(s, d, b - 1), "compare with <="),
    "skips": (skips, "stop at the first that no longer fits"),
    "sorts": (lambda s, d, b: fitting(sorted(s), d, b), "sorted by length"),
    "negative": (lambda s, d, b: fitting(s, d, b) if d <= b else -1, "Fewer than 0 shots"),
    "tokens": (lambda s, d, b: sum(s[: fitting(s, d, b)]), "count shots, not tokens"),
    "tokens left": (lambda s, d, b: b - d - sum(s[: fitting(s, d, b)]), "count shots, not tokens"),
    "pops": (pops, "changes its input (argument 1, of type list)"),
    "None at the end": (returns_in_the_loop, "All shots fit: once the loop has reached"),
    "over the end": (runs_over_the_end, "All shots fit: once the loop has reached"),
    "stands still": (stands_still, "was stopped after"),
    "at least one": (lambda s, d, b: max(fitting(s, d, b), min(len(s), 1)), "Not even the first shot fits"),
    "no dialogue": (lambda s, d, b: fitting(s, d, b) if d <= b else len(s), "The dialogue alone is over the budget"),
}

# Bootstrap interval


def means_of(scores: list[float], draws: np.ndarray) -> np.ndarray:
    return np.asarray(scores)[draws].mean(axis=1)


def by_standard_error(scores: list[float], draws: np.ndarray) -> tuple[float, float]:
    error = np.std(scores, ddof=1) / math.sqrt(len(scores))
    return np.mean(scores) - 1.96 * error, np.mean(scores) + 1.96 * error


def by_spread_of_means(scores: list[float], draws: np.ndarray) -> tuple[float, float]:
    means = means_of(scores, draws)
    return means.mean() - 1.96 * means.std(), means.mean() + 1.96 * means.std()


def percentiles(values: Any, low: float = 2.5, high: float = 97.5) -> tuple[float, float]:
    return float(np.percentile(values, low)), float(np.percentile(values, high))


def by_rank(scores: list[float], draws: np.ndarray) -> tuple[float, float]:
    means = np.sort(means_of(scores, draws))
    return means[int(0.025 * len(means))], means[int(0.975 * len(means))]


def own_draws(scores: list[float], draws: np.ndarray) -> tuple[float, float]:
    return percentiles(means_of(scores, np.random.default_rng(7).integers(len(scores), size=draws.shape)))


def sorts_in_place(scores: list[float], draws: np.ndarray) -> tuple[float, float]:
    result = percentiles(means_of(scores, draws))
    scores.sort()
    return result


INTERVALS: dict[str, tuple[Function, str]] = {
    "standard error": (by_standard_error, "comes of a standard error"),
    "standard deviation of the means": (by_spread_of_means, "comes of a standard error"),
    "of the scores": (lambda s, d: percentiles(s), "percentiles of single scores"),
    "of all resampled scores": (lambda s, d: percentiles(np.asarray(s)[d]), "percentiles of single scores"),
    "5 and 95": (lambda s, d: percentiles(means_of(s, d), 5, 95), "5 and 95 leave 10%"),
    "fractions": (lambda s, d: percentiles(means_of(s, d), 0.025, 0.975), "`np.percentile` counts to 100"),
    "high end alone": (lambda s, d: (0.0, percentiles(means_of(s, d))[1]), "the low end is not"),
    "low end alone": (lambda s, d: (percentiles(means_of(s, d))[0], 1.0), "the high end is not"),
    "one number": (lambda s, d: percentiles(means_of(s, d))[0], "of type float, but a pair of numbers"),
    "wrong axis": (lambda s, d: percentiles(np.asarray(s)[d].mean(axis=0)), "the wrong axis"),
    "indices": (lambda s, d: percentiles(d.mean(axis=1)), "means of indices"),
    "sums": (lambda s, d: percentiles(np.asarray(s)[d].sum(axis=1)), "sums of the resamples"),
    "medians": (lambda s, d: percentiles(np.median(np.asarray(s)[d], axis=1)), "medians of the resamples"),
    "range": (lambda s, d: (min(means_of(s, d)), max(means_of(s, d))), "whole range"),
    "swapped": (lambda s, d: percentiles(means_of(s, d))[::-1], "The ends are swapped"),
    "by rank": (by_rank, "interpolates"),
    "own draws": (own_draws, "use the draws that are handed over"),
    "a list indexed": (lambda s, d: percentiles(s[d]), "`np.asarray(scores)[draws]`"),
    "nan": (lambda s, d: (math.nan, math.nan), "holds nan"),
    "sorts the input": (sorts_in_place, "changes its input (argument 1, of type list)"),
    "far off": (lambda s, d: (5.0, 6.0), "The interval runs from the 2.5 to the 97.5 percentile"),
}

WRONG = {
    "01.one_shot_prompt": PROMPTS,
    "01.rouge1": ROUGES,
    "01.context_budget": BUDGETS,
    "01.bootstrap_interval": INTERVALS,
}


RIGHT: dict[str, list[Function]] = {
    "01.one_shot_prompt": [
        lambda e, s, d: " ".join(["Dialogue:", e, "What was going on?", s, "Dialogue:", d, "What was going on?"]),
    ],
    "01.rouge1": [scored, lambda p, r: np.float32(scored(p, r))],
    "01.context_budget": [
        fitting,
        lambda s, d, b: int((d + np.cumsum(s) <= b).sum()),
        lambda s, d, b: next((n for n in range(len(s), 0, -1) if d + sum(s[:n]) <= b), 0),
    ],
    "01.bootstrap_interval": [
        lambda s, d: np.quantile(means_of(s, d), [0.025, 0.975]),
        lambda s, d: percentiles([sum(s[i] for i in draw) / len(draw) for draw in d]),
    ],
}
