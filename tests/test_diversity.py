import random

import pytest

from labkit.diversity import cut_alike, distinct_n, jackknife_interval, ngrams, repeat_rate, words
from labkit.errors import LabError


def test_words_are_those_of_rouge():
    assert words("#Person1# isn't at No. 7.") == ["person1", "isn", "t", "at", "no", "7"]


def test_ngrams():
    assert ngrams("abc", 2) == [("a", "b"), ("b", "c")] and ngrams("a", 2) == []


def test_distinct_n_counts_over_all_texts():
    assert distinct_n(["abc", "abd"], 2) == 3 / 4  # ab twice
    assert distinct_n(["ab", "a"], 2) == 1 and distinct_n(["aaaa"], 1) == 1 / 4
    with pytest.raises(LabError, match="a text of 2 tokens"):
        distinct_n(["a", ""], 2)


def test_repeat_rate():
    assert repeat_rate("abcabc", 3) == pytest.approx(1 / 4)  # abc bca cab abc
    assert repeat_rate("abcdef", 3) == 0 == repeat_rate("ab", 3)
    assert repeat_rate("aaaaaa", 2) == pytest.approx(4 / 5)


def test_texts_are_cut_to_the_shortest_of_their_row():
    assert cut_alike([["abc", "x"], ["de", "xyz"]]) == [[["a", "b"], ["x"]], [["d", "e"], ["x"]]]
    with pytest.raises(LabError, match="as many texts"):
        cut_alike([["a"], ["a", "b"]])


def test_the_jackknife_of_a_mean_is_the_standard_error():
    draw = random.Random(0)
    values = [draw.random() for _ in range(50)]
    mean = sum(values) / 50
    error = (sum((value - mean) ** 2 for value in values) / 49 / 50) ** 0.5
    low, high = jackknife_interval(values, lambda items: sum(items) / len(items))
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error))


def test_the_jackknife_covers_distinct_n():
    """The interval from 40 texts holds, most times, the mean of distinct-2 over many draws of 40 texts."""
    draw = random.Random(1)

    def texts():
        return ["".join(draw.choice("aaabbcdefghijklm") for _ in range(12)) for _ in range(40)]

    truth = sum(distinct_n(texts(), 2) for _ in range(200)) / 200
    held = [
        low <= truth <= high
        for low, high in (jackknife_interval(texts(), lambda t: distinct_n(t, 2)) for _ in range(40))
    ]
    assert sum(held) >= 36


def test_one_text_has_no_interval():
    with pytest.raises(LabError, match="at least two items"):
        jackknife_interval(["ab"], lambda items: 1.0)
