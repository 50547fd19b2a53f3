"""How varied texts are, how much they repeat themselves, and how sure such a number is."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from labkit.errors import LabError


def words(text: str) -> list[str]:
    """The words of a text as ROUGE counts them: runs of letters and digits, in small letters."""
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(tokens: Sequence[Any], n: int) -> list[tuple[Any, ...]]:
    """All runs of n neighbours, in order; none where there are fewer than n tokens."""
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]


def distinct_n(texts: Sequence[Sequence[Any]], n: int) -> float:
    """Different n-grams of all texts together, over the number of their n-grams: 1 where none comes twice.

    Each text is a list of tokens. The longer the texts, the lower the share, so that only texts of equal length compare
    (`cut_alike`). Li et al. 2016, arXiv:1510.03055, section 5, who divide by the number of tokens instead.

    Raises:
        LabError: no text has n tokens.
    """
    found = [each for text in texts for each in ngrams(text, n)]
    if not found:
        raise LabError(f"distinct_n() needs a text of {n} tokens or more: none of these has as many.")
    return len(set(found)) / len(found)


def repeat_rate(tokens: Sequence[Any], n: int) -> float:
    """The share of a text's n-grams that stood in it before: 0 where none repeats, and where it has none.

    Welleck et al. 2020, arXiv:1908.04319, section 6 ("seq-rep-n").
    """
    found = ngrams(tokens, n)
    return 1 - len(set(found)) / len(found) if found else 0.0


def cut_alike(columns: Sequence[Sequence[Sequence[Any]]]) -> list[list[list[Any]]]:
    """For each column a list of texts, text n of every column cut to the length of the shortest text n.

    Raises:
        LabError: columns with different numbers of texts.
    """
    if len({len(column) for column in columns}) > 1:
        raise LabError("cut_alike() needs as many texts in each column: text n of all of them is cut to one length.")
    lengths = [min(map(len, row)) for row in zip(*columns, strict=True)]
    return [[list(text[:length]) for text, length in zip(column, lengths, strict=True)] for column in columns]


def jackknife_interval(
    items: Sequence[Any], statistic: Callable[[Sequence[Any]], float], *, z: float = 1.96
) -> tuple[float, float]:
    """The 95% interval of a statistic of all items together, from its values with one item left out at a time.

    For statistics such as distinct-n, which resampling spoils: a text drawn twice is no second text. The jackknife's
    variance is on average too large, never too small (Efron and Stein 1981).

    Raises:
        LabError: fewer than two items.
    """
    size = len(items)
    if size < 2:
        raise LabError(f"A jackknife interval needs at least two items, not {size}.")
    value = statistic(items)
    without = [statistic([*items[:place], *items[place + 1 :]]) for place in range(size)]
    mean = sum(without) / size
    error = ((size - 1) / size * sum((each - mean) ** 2 for each in without)) ** 0.5
    return value - z * error, value + z * error
