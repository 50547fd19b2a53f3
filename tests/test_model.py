"""The shipped model against the bars of its card. The long ones are slow: `make test-slow`."""

import json
import random

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from labkit.assets import asset
from labkit.build import bars, forward, training
from labkit.build.corpus import generated_splits
from labkit.metrics import bootstrap_interval, fact_recall


def load():
    folder = asset("model")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(folder)


def fine_tune(model, tokenizer, rows, lr=7e-4, epochs=3, size=16):
    """Full fine-tuning on (dialogue, summary) pairs under the labs' zero-shot prompt: AdamW, linear decay."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    steps = epochs * (len(rows) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    rng = random.Random(0)
    for _ in range(epochs):
        order = rng.sample(rows, len(rows))
        for start in range(0, len(rows) - size + 1, size):
            batch = order[start : start + size]
            source = training.pad([tokenizer(bars.ASK(row["dialogue"])).input_ids for row in batch])
            labels = training.pad([tokenizer(row["summary"]).input_ids for row in batch])
            forward.loss(model, source, labels, train_bias=False).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()


def test_an_example_beats_an_instruction_and_the_order_of_the_weights_matters():
    model, tokenizer = load()
    splits = generated_splits()
    test = splits["test_topics"][:24]
    references = [row["summary"] for _, row in test]
    shots = [(dialogue.text, row["summary"]) for dialogue, row in splits["train"][:24]]

    def score(with_example):
        prompts = [
            bars.k_shot([shot] if with_example else [], d.text) for shot, (d, _) in zip(shots, test, strict=True)
        ]
        return sum(bars.rouge1(bars.runner(model, tokenizer)(prompts), references)) / len(references)

    one = score(True)
    assert one > score(False) + 0.05
    with torch.no_grad():  # sabotage: the same numbers in another order
        for parameter in model.encoder.parameters():
            if parameter.ndim == 2:
                parameter.copy_(parameter[torch.randperm(len(parameter))])
    assert score(True) < one - 0.1


@pytest.mark.slow
def test_fine_tuning_gives_a_bare_instruction_more_than_three_shots_give():
    model, tokenizer = load()
    splits = generated_splits()
    test, train = splits["test"][:200], [row for _, row in splits["train"]]
    references, rng = [row["summary"] for _, row in test], random.Random(0)
    facts = [json.loads(row["facts"]) for _, row in test]
    shots = [[(row["dialogue"], row["summary"]) for row in rng.sample(train, 3)] for _ in test]
    few = bars.rouge1(
        bars.runner(model, tokenizer)([bars.k_shot(row, d.text) for row, (d, _) in zip(shots, test, strict=True)]),
        references,
    )
    asked = [bars.ASK(d.text) for d, _ in test]
    zero = bars.rouge1(bars.runner(model, tokenizer)(asked), references)
    fine_tune(model, tokenizer, train[:1500])
    outputs = bars.runner(model, tokenizer)(asked)
    tuned = bars.rouge1(outputs, references)
    means = [sum(each) / len(each) for each in (zero, few, tuned)]
    print(
        f"zero-shot {means[0]:.3f}, three shots {means[1]:.3f} {bootstrap_interval(few)}, "
        f"fine-tuned {means[2]:.3f} {bootstrap_interval(tuned)}"
    )
    print(f"facts kept after fine-tuning: {sum(fact_recall(outputs, facts)) / len(facts):.3f}")
    assert means[2] >= 0.60 and means[2] >= means[1] + 0.04
    assert bootstrap_interval(tuned)[0] > bootstrap_interval(few)[1]
    assert bootstrap_interval(tuned)[0] > bootstrap_interval(zero)[1] + 0.05
