import pytest
import torch

from labkit.errors import LabError
from labkit.models import load_model
from labkit.profile import profile
from labkit.tuning import IGNORED, fine_tune, training_batches

PROMPTS = ["Hello Anna.", "How much is the lamp, Boris? It costs $10.", "Is it a good one?", "Yes.", "Hello lamp."]
ANSWERS = ["Anna", "A lamp for $10.", "It is.", "Yes", "lamp"]


@pytest.fixture
def fresh(tiny_checkpoint):
    return load_model(profile("embedded", model_id=str(tiny_checkpoint)))


def test_padding_is_masked_in_the_inputs_and_left_out_of_the_loss(tiny_model):
    tokenizer = tiny_model[1]
    (batch,) = training_batches(tokenizer, PROMPTS, ANSWERS, batch_size=5, steps=1, seed=0)
    rows = {tuple(row) for row in tokenizer(PROMPTS).input_ids}
    for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True):
        assert tuple(ids[mask.bool()].tolist()) in rows
        assert set(ids[~mask.bool()].tolist()) <= {tokenizer.pad_token_id}
        assert tokenizer.decode(labels[labels != IGNORED], skip_special_tokens=True) in ANSWERS


def test_pairs_stay_together_and_come_again_in_the_same_order_for_the_same_seed(tiny_model):
    tokenizer = tiny_model[1]
    settings = {"batch_size": 2, "steps": 7}
    one, same = (training_batches(tokenizer, PROMPTS, ANSWERS, **settings, seed=3) for _ in range(2))
    assert len(one) == 7
    assert all(torch.equal(a["input_ids"], b["input_ids"]) for a, b in zip(one, same, strict=True))
    others = [training_batches(tokenizer, PROMPTS, ANSWERS, **settings, seed=seed) for seed in range(8)]
    assert len({tuple(batch["input_ids"].shape[1] for batch in each) for each in others}) > 1
    pairs = {
        (
            tokenizer.decode(ids, skip_special_tokens=True),
            tokenizer.decode(row[row != IGNORED], skip_special_tokens=True),
        )
        for batch in one
        for ids, row in zip(batch["input_ids"], batch["labels"], strict=True)
    }
    given = {
        tuple(tokenizer.decode(tokenizer(t).input_ids, skip_special_tokens=True) for t in p)
        for p in zip(PROMPTS, ANSWERS, strict=True)
    }
    assert pairs <= given


def test_training_learns_and_is_the_same_for_the_same_start(fresh, tiny_checkpoint):
    batches = training_batches(fresh[1], PROMPTS, ANSWERS, batch_size=5, steps=30, seed=0)
    losses = fine_tune(fresh[0], batches, learning_rate=1e-2)
    assert len(losses) == 30 and losses[-1] < losses[0] - 1
    assert not fresh[0].training
    again = load_model(profile("embedded", model_id=str(tiny_checkpoint)))[0]
    assert fine_tune(again, batches, learning_rate=1e-2) == pytest.approx(losses)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more"),
        ({"steps": 2.0}, "steps must be a whole number"),
        ({"answers": ["one"]}, "5 prompts and 1 answers"),
        ({"batch_size": 6}, "5 pairs do not fill a batch of 6"),
    ],
)
def test_bad_input_is_one_sentence(tiny_model, change, sentence):
    values = {"prompts": PROMPTS, "answers": ANSWERS, "batch_size": 2, "steps": 1, "seed": 0, **change}
    with pytest.raises(LabError, match=sentence):
        training_batches(tiny_model[1], values.pop("prompts"), values.pop("answers"), **values)


def test_nothing_to_train_on_is_refused(tiny_model):
    with pytest.raises(LabError, match="nothing to train on"):
        fine_tune(tiny_model[0], [], learning_rate=0.1)
