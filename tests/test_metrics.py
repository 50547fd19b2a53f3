import json
import math
import time

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from labkit.errors import LabError
from labkit.metrics import ROUGE_TYPES, Rouge, bootstrap_interval, fact_recall, rouge, rouge_scores

PREDICTIONS = ["the cats sat on the mat", "Anna pays $40", ""]
REFERENCES = ["the cat is sitting on a mat", "Anna pays $40 for the lamp", "nothing said"]


def test_rouge_by_hand():
    """The first pair shares the, cat (which is 'cats' stemmed), on and mat."""
    scores = rouge_scores(PREDICTIONS, REFERENCES)
    precision, recall = 4 / 6, 4 / 7
    assert scores["rouge1"][0] == pytest.approx(2 * precision * recall / (precision + recall))
    assert scores["rouge1"][1] == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert scores["rouge1"][2] == 0
    assert all(type(score) is float for name in ROUGE_TYPES for score in scores[name])
    assert rouge(["same words"], ["same words"]) == dict.fromkeys(ROUGE_TYPES, 1.0)


def test_rouge_1_alone_is_the_same_rouge_1():
    assert rouge_scores(PREDICTIONS, REFERENCES, ["rouge1"]) == {
        "rouge1": rouge_scores(PREDICTIONS, REFERENCES)["rouge1"]
    }


def test_rouge_is_the_mean_of_googles_scorer():
    scorer = RougeScorer(list(ROUGE_TYPES), use_stemmer=True)
    for name, value in rouge(PREDICTIONS, REFERENCES).items():
        scores = [scorer.score(r, p)[name].fmeasure for p, r in zip(PREDICTIONS, REFERENCES, strict=True)]
        assert value == pytest.approx(np.mean(scores))


def test_the_metric_of_evaluate_gives_the_same():
    import evaluate

    metric = Rouge()
    assert isinstance(metric, evaluate.Metric)
    assert metric.compute(predictions=PREDICTIONS, references=REFERENCES) == rouge(PREDICTIONS, REFERENCES)
    metric.add_batch(predictions=PREDICTIONS[:1], references=REFERENCES[:1])
    metric.add(prediction=PREDICTIONS[1], reference=REFERENCES[1])
    assert metric.compute() == rouge(PREDICTIONS[:2], REFERENCES[:2])


def test_two_hundred_pairs_are_quick():
    words = "the quick brown fox jumps over a lazy dog and asks for forty new running shoes at nine".split()
    generator = np.random.default_rng(0)
    predictions, references = ([" ".join(generator.choice(words, 40)) for _ in range(200)] for _ in range(2))
    start = time.process_time()
    rouge(predictions, references)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "predictions, references, words",
    [
        (["a"], ["a", "b"], "1 predictions but 2 references"),
        ([], [], "at least one sample"),
        ("a", ["a"], "must be lists"),
        ([None], ["a"], "must be strings"),
    ],
)
def test_bad_samples(predictions, references, words):
    for function in (rouge, rouge_scores):
        with pytest.raises(LabError, match=words):
            function(predictions, references)


def test_facts_are_found_as_whole_words():
    facts = {"name": "Anna", "price": "$40", "time": "5", "place": "New York"}
    assert fact_recall(["anna pays $40 at 5 in New\nYork."], [facts]) == [1.0]
    assert fact_recall(["Annabel pays $400 at 5:30 or 2.5 in York"], [json.dumps(facts)]) == [0.0]
    assert fact_recall(["Anna, $40", "x"], [facts, {"a": "x"}]) == [0.5, 1.0]


def test_samples_without_facts_are_nan():
    recalls = fact_recall(["a", "b"], ["{}", '{"x": "b"}'])
    assert math.isnan(recalls[0]) and recalls[1] == 1
    assert bootstrap_interval(recalls) == (1.0, 1.0)


@pytest.mark.parametrize(
    "facts, words", [(["no json"], "dict"), (['["a"]'], "dict"), ([], "0 facts"), ({"a": "b"}, "lists")]
)
def test_bad_facts(facts, words):
    with pytest.raises(LabError, match=words):
        fact_recall(["a"], facts)


def test_the_interval_is_that_of_the_mean():
    """For 400 normal values the 95% interval of the mean is 1.96 standard errors to either side."""
    values = np.random.default_rng(1).normal(3, 2, 400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)
    assert bootstrap_interval(values) == (low, high) != bootstrap_interval(values, seed=1)
    narrow = bootstrap_interval(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    generator = np.random.default_rng(2)
    covered = 0
    for n in range(100):
        low, high = bootstrap_interval(generator.normal(0, 1, 100), samples=200, seed=n)
        covered += low <= 0 <= high
    assert 88 <= covered <= 100


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 1.0]])
def test_intervals_need_numbers(values):
    with pytest.raises(LabError, match="finite numbers"):
        bootstrap_interval(values)


def test_intervals_need_a_level_and_samples():
    with pytest.raises(LabError, match="level"):
        bootstrap_interval([1.0, 2.0], level=95)
    with pytest.raises(LabError, match="samples"):
        bootstrap_interval([1.0, 2.0], samples=5)
