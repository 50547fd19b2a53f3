import os
import subprocess
import sys

import pytest
import torch
from tiny import SPLITS, tiny_rows

from labkit import generate
from labkit.bench import compare
from labkit.errors import LabError
from labkit.generation import encode, generate_ids, token_log_probabilities

PROMPTS = [f"Summarize this. {row['dialogue']} Summary: " for split in SPLITS for row in tiny_rows(split)]
SIZES = {"max_new_tokens": 12, "batch_size": 4}


def one_by_one(tiny_model, **settings) -> list[str]:
    model, tokenizer = tiny_model
    texts = []
    for prompt in PROMPTS:
        ids = torch.tensor([tokenizer(prompt, verbose=False)["input_ids"]])
        with torch.inference_mode():
            output = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, **settings)
        texts.append(tokenizer.decode(output[0], skip_special_tokens=True))
    return texts


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}], ids=["greedy", "beams"])
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_batches_give_what_one_prompt_at_a_time_gives(tiny_model, settings, batch_size):
    texts = generate(*tiny_model, PROMPTS, max_new_tokens=12, batch_size=batch_size, **settings)
    assert texts == one_by_one(tiny_model, **settings)
    assert len(set(texts)) > 1


def test_padding_and_truncation_are_off_in_the_tokenizer_afterwards(tiny_model):
    model, tokenizer = tiny_model
    generate(model, tokenizer, PROMPTS, max_length=20, **SIZES)
    assert tokenizer.backend_tokenizer.padding is None and tokenizer.backend_tokenizer.truncation is None
    short, long = tokenizer.backend_tokenizer.encode_batch(["a", PROMPTS[0] * 20])
    assert len(short.ids) < 5 and len(long.ids) > 512


def test_max_length_truncates_as_the_tokenizer_does(tiny_model):
    model, tokenizer = tiny_model
    expected = [tokenizer(prompt, truncation=True, max_length=20)["input_ids"] for prompt in PROMPTS]
    assert encode(tokenizer, PROMPTS, max_length=20) == expected
    long = PROMPTS[0] * 30
    assert len(encode(tokenizer, [long])[0]) > 512
    cut = torch.tensor(encode(tokenizer, [long], 20))
    output = model.generate(input_ids=cut, attention_mask=torch.ones_like(cut), max_new_tokens=12)
    assert generate(model, tokenizer, [long], max_length=20, **SIZES) == tokenizer.batch_decode(
        output, skip_special_tokens=True
    )


def test_completions_end_at_the_end_of_sequence(tiny_model):
    model, tokenizer = tiny_model
    for ids in generate_ids(model, tokenizer, PROMPTS, **SIZES):
        assert 1 <= len(ids) <= 12 and tokenizer.pad_token_id not in ids[:1]
        assert tokenizer.eos_token_id not in ids[:-1]


def test_sampling_follows_the_seed(tiny_model):
    texts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        texts.append(generate(*tiny_model, PROMPTS, do_sample=True, temperature=1.5, **SIZES))
    assert texts[0] == texts[1] != texts[2]


def test_a_column_of_a_dataset_can_be_the_prompts(tiny_model):
    from datasets import Dataset

    assert generate(*tiny_model, Dataset.from_dict({"prompt": PROMPTS})["prompt"], **SIZES) == generate(
        *tiny_model, PROMPTS, **SIZES
    )


def test_longer_prompts_share_smaller_batches(tiny_model, monkeypatch):
    model, tokenizer = tiny_model
    shapes = []
    real = model.generate

    def spy(attention_mask, **rest):
        shapes.append(tuple(attention_mask.shape))
        return real(attention_mask=attention_mask, **rest)

    monkeypatch.setattr(model, "generate", spy)
    prompts = ["a", "lamp " * 1500, "a", "a", "lamp " * 1000, "lamp " * 900]
    lengths = sorted(map(len, encode(tokenizer, prompts)), reverse=True)
    assert lengths[0] > 1024 and 683 < lengths[1] <= 1024  # room for one, then for two
    generate(model, tokenizer, prompts, max_new_tokens=1, batch_size=4)
    assert shapes == [(1, lengths[0]), (2, lengths[1]), (3, lengths[3])]


def test_no_prompts_no_completions(tiny_model):
    assert generate(*tiny_model, [], **SIZES) == []


@pytest.mark.parametrize(
    "prompts, settings, words",
    [
        ("one prompt", SIZES, "list of strings"),
        ([1, 2], SIZES, "list of strings"),
        (["a"], {**SIZES, "batch_size": 0}, "batch_size must be a whole number"),
        (["a"], {**SIZES, "max_new_tokens": 2.5}, "max_new_tokens must be a whole number"),
        (["a"], {**SIZES, "max_length": True}, "max_length must be a whole number"),
        (["a"], {**SIZES, "tok_k": 5}, "no setting 'tok_k': did you mean 'top_k'?"),
        (["a"], {**SIZES, "num_return_sequences": 2}, "one text for each prompt"),
    ],
)
def test_bad_arguments(tiny_model, prompts, settings, words):
    with pytest.raises(LabError) as caught:
        generate(*tiny_model, prompts, **settings)
    assert words in str(caught.value)


def test_generating_says_nothing_but_its_progress(tiny_assets):
    """In a process of its own, since libraries warn only once; prompts of more than 512 tokens, and beams."""
    code = (
        f"import pathlib, labkit, labkit.assets; labkit.assets.ROOT = pathlib.Path({str(tiny_assets)!r}); "
        "model, tokenizer = labkit.load_model(labkit.profile()); "
        "print(len(labkit.generate(model, tokenizer, ['lamp ' * 600, 'a'], max_new_tokens=5, batch_size=2))); "
        "print(len(labkit.generate(model, tokenizer, ['a'], max_new_tokens=5, batch_size=2, num_beams=2)))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "default", "-c", code],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "2\n1\n", "")


def test_the_benchmark_compares_both_ways(tiny_model):
    result = compare(*tiny_model, PROMPTS[:6], max_new_tokens=4, batch_size=6)
    assert result.differing == 0 and result.prompts == 6 and result.tokens >= 6
    assert "equal" in str(result) and f"{result.ratio:.1f}" in str(result)
    assert result.passed == (result.ratio >= 5)


def test_token_log_probabilities_are_those_of_generation(tiny_model):
    model, tokenizer = tiny_model
    completions = ["It costs $10.", "#Person1# asks Anna about a lamp for $11, and it works well.", "Yes."]
    found = token_log_probabilities(model, tokenizer, PROMPTS[:3], completions, batch_size=3)
    for prompt, text, row in zip(PROMPTS, completions, found, strict=False):
        ids, target = (torch.tensor([tokenizer(each, verbose=False)["input_ids"]]) for each in (prompt, text))
        with torch.inference_mode():
            loss = model(input_ids=ids, labels=target).loss
        assert len(row) == target.shape[1] and max(row) < 0
        assert -sum(row) / len(row) == pytest.approx(float(loss), abs=1e-4)
    alone = [token_log_probabilities(model, tokenizer, [PROMPTS[0]], [text], batch_size=1)[0] for text in completions]
    assert alone[0] == pytest.approx(found[0], abs=1e-4) and alone[1] != pytest.approx(found[1], abs=1e-4)


def test_each_prompt_needs_its_completion(tiny_model):
    with pytest.raises(LabError, match="2 prompts and 1 completions"):
        token_log_probabilities(*tiny_model, PROMPTS[:2], ["Yes."], batch_size=1)
