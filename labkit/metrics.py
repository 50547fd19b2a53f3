"""How good summaries are: ROUGE, the facts they keep, and how sure a mean is."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

from labkit.errors import LabError

ROUGE_TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def rouge(predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, -2, -L and -Lsum of summaries: the F measure between 0 and 1, mean over the samples.

    Words are reduced by the Porter stemmer, as in the published tables (Lin 2004; Google's rouge_score).

    Raises:
        LabError: lists of different lengths, empty ones, or something that is not a string in them.
    """
    return {name: sum(scores) / len(scores) for name, scores in rouge_scores(predictions, references).items()}


def rouge_scores(
    predictions: Sequence[str], references: Sequence[str], types: Sequence[str] = ROUGE_TYPES
) -> dict[str, list[float]]:
    """As `rouge`, but for each name the list of the samples' F measures; ROUGE-1 alone takes a fraction of the time.

    Raises:
        LabError: as `rouge`.
    """
    _check_pairs("references", predictions, references)
    if not all(isinstance(text, str) for text in (*predictions, *references)):
        raise LabError("Predictions and references must be strings, one prediction and one reference for each sample.")
    scorer = _scorer(tuple(types))
    pairs = zip(predictions, references, strict=True)
    scores = [scorer.score(target=reference, prediction=prediction) for prediction, reference in pairs]
    return {name: [float(score[name].fmeasure) for score in scores] for name in types}


def fact_recall(predictions: Sequence[str], facts: Sequence[str | Mapping[str, str]]) -> list[float]:
    """For each prediction the share of its sample's facts that stand in it, between 0 and 1; nan where it has none.

    `facts` holds for each sample a dict slot → value or the JSON string of one, as in the column of that name. A value
    stands in a prediction if it does so as whole words; case and the amount of white space do not matter.

    Raises:
        LabError: lists of different lengths, empty ones, or facts that are no such dict.
    """
    _check_pairs("facts", predictions, facts)
    recalls = []
    for prediction, fact in zip(predictions, facts, strict=True):
        values = _values(fact)
        kept = [_stands(value, prediction) for value in values]
        recalls.append(sum(kept) / len(kept) if kept else math.nan)
    return recalls


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, samples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean (Efron 1979): of `samples` resamples of the values.

    nan values (samples without facts) are left out.

    Raises:
        LabError: no values, a level outside of 0 to 1, or fewer than 100 samples.
    """
    import numpy as np

    data = np.asarray(values, dtype=float)
    data = data[~np.isnan(data)]
    if data.ndim != 1 or not data.size or not np.isfinite(data).all():
        raise LabError("A bootstrap interval needs a list of one or more finite numbers.")
    if not 0 < level < 1 or samples < 100:
        raise LabError(f"level must lie between 0 and 1 and samples be 100 or more, not {level!r} and {samples!r}.")
    generator = np.random.default_rng(seed)
    means = [data[generator.integers(data.size, size=data.size)].mean() for _ in range(samples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def __getattr__(name: str) -> Any:
    """`Rouge` is made on first use: evaluate takes seconds to import."""
    if name == "Rouge":
        return _rouge_metric()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _rouge_metric() -> type:
    import evaluate
    from datasets import Features, Value

    class Rouge(evaluate.Metric):
        """`rouge` as a metric of the evaluate library; unlike `evaluate.load("rouge")` it needs no download.

        >>> Rouge().compute(predictions=["a cat"], references=["the cat"])
        """

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**{"keep_in_memory": True, **kwargs})

        def _info(self) -> evaluate.MetricInfo:
            return evaluate.MetricInfo(
                description="ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: mean F measure, Porter stemmer on.",
                citation="Chin-Yew Lin. ROUGE: A Package for Automatic Evaluation of Summaries. 2004.",
                inputs_description="predictions: list of strings; references: list of as many strings",
                features=Features({"predictions": Value("string"), "references": Value("string")}),
            )

        def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
            return rouge(predictions, references)

    Rouge.__module__, Rouge.__qualname__ = __name__, "Rouge"
    return Rouge


@cache
def _scorer(types: tuple[str, ...]) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(types), tokenizer=_stems())


@cache
def _stems() -> Any:
    """The tokenizer of rouge_score with the Porter stemmer, each word stemmed once: a sixth of the time."""
    from nltk.stem.porter import PorterStemmer
    from rouge_score.tokenize import tokenize

    stemmer = PorterStemmer()
    stemmer.stem = cache(stemmer.stem)
    return SimpleNamespace(tokenize=lambda text: tokenize(text, stemmer))


def _check_pairs(name: str, predictions: Sequence[Any], others: Sequence[Any]) -> None:
    if isinstance(predictions, str) or isinstance(others, (str, Mapping)):
        raise LabError(f"Predictions and {name} must be lists, one entry for each sample.")
    if len(predictions) != len(others):
        raise LabError(f"There are {len(predictions)} predictions but {len(others)} {name}: each needs the other.")
    if not len(predictions):
        raise LabError(f"There are no predictions and no {name}: a score needs at least one sample.")


def _values(fact: str | Mapping[str, str]) -> list[str]:
    try:
        facts = json.loads(fact) if isinstance(fact, str) else fact
    except json.JSONDecodeError:
        facts = None
    if not isinstance(facts, Mapping):
        raise LabError(f"Facts must be a dict slot → value or its JSON string, not {fact!r}.")
    return [str(value) for value in facts.values() if str(value).strip()]


def _stands(value: str, text: str) -> bool:
    """Whole words only, and "5" is not found in "5:30" or "2.5"."""
    words, text = " ".join(value.casefold().split()), " ".join(text.casefold().split())
    return re.search(rf"(?<!\w)(?<!\d[.:,]){re.escape(words)}(?!\w)(?![.:,]\d)", text) is not None
