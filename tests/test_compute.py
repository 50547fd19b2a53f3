import math

import pytest

from labkit.compute import (
    CHINCHILLA_TABLE,
    FITS,
    GPUS,
    MODELS,
    PETAFLOP_S_DAY,
    check_budget,
    compute_budget,
)
from labkit.errors import LabError


def test_a_petaflop_s_day():
    assert PETAFLOP_S_DAY == 8.64e19
    assert MODELS["GPT-3"].flops / PETAFLOP_S_DAY == pytest.approx(3640, rel=0.01)  # Brown et al. 2020, table D.1
    assert MODELS["T5-11B"].flops / PETAFLOP_S_DAY == pytest.approx(382, rel=0.01)
    assert MODELS["BERT-base"].flops / PETAFLOP_S_DAY == pytest.approx(1.89, rel=0.01)


def test_eight_v100_and_two_a100():
    assert 8 * GPUS["V100"] == 1e15 and 2 * GPUS["A100"] == pytest.approx(0.624e15)


def test_the_published_table_is_that_of_6nd():
    for parameters, flops, tokens in CHINCHILLA_TABLE.values():
        assert 6 * parameters * tokens == pytest.approx(flops, rel=0.05)
        assert 20 <= tokens / parameters < 23


def test_a_fit_gives_the_loss_of_a_published_model():
    """Chinchilla by its own paper's fit: 1.69 + 0.08 + 0.16."""
    chinchilla = MODELS["Chinchilla"]
    expected = 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28
    assert FITS["Hoffmann et al. 2022"].loss(chinchilla.parameters, chinchilla.tokens) == pytest.approx(expected)
    assert 1.9 < expected < 2.0


def test_gpus_and_days_make_a_budget():
    assert compute_budget("A100", 1, 1, 1.0) == pytest.approx(312e12 * 86400)
    assert compute_budget("A100", 512, 30, 0.4) == pytest.approx(512 * 30 * 0.4 * compute_budget("A100", 1, 1, 1.0))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: check_budget(0), "A budget of 0 FLOPs is out of range: choose one from 1e"),
        (lambda: check_budget(1e40), r"A budget of 1e\+40 FLOPs is out of range"),
        (lambda: check_budget(math.nan), "A budget of nan FLOPs"),
        (lambda: check_budget("1e21"), "out of range"),
        (lambda: check_budget(True), "out of range"),
        (lambda: compute_budget("TPU", 1, 1, 1), "There is no GPU 'TPU' in the list: choose one of V100"),
        (lambda: compute_budget("A100", 0, 1, 1), "0 GPUs for 1 days do no work"),
        (lambda: compute_budget("A100", 1, 0, 1), "1 GPUs for 0 days"),
        (lambda: compute_budget("A100", 1, math.inf, 1), "do no work"),
        (lambda: compute_budget("A100", 1, 1, 1.2), r"An efficiency of 1\.2 is impossible"),
        (lambda: compute_budget("A100", 1, 1, 0), "An efficiency of 0"),
        (lambda: compute_budget("A100", 10**20, 1, 1), "out of range"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)
