import pytest
import torch
from tiny import SPLITS, tiny_rows

from labkit.decoding import decode, read_prompts, step_logits
from labkit.errors import LabError
from labkit.generation import generate_ids, id_log_probabilities, token_log_probabilities

PROMPTS = [f"Summarize this. {row['dialogue']} Summary: " for split in SPLITS for row in tiny_rows(split)]
SIZES = {"max_new_tokens": 12, "batch_size": 4}
SAMPLE = {"do_sample": True, "top_k": 0}


@pytest.fixture(scope="module")
def read(tiny_model):
    return read_prompts(*tiny_model, PROMPTS)


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"repetition_penalty": 1.5}], ids=str)
def test_texts_are_those_of_generate(tiny_model, read, settings):
    found = decode(*tiny_model, read, **SIZES, **settings)
    assert [row[0] for row in found.ids] == generate_ids(*tiny_model, PROMPTS, **SIZES, **settings)
    tokens = sum(len(row[0]) for row in found.ids)
    assert found.tokens_per_second == pytest.approx(tokens / found.seconds) and found.seconds > 0
    assert found.texts(tiny_model[1])[0] == [tiny_model[1].decode(found.ids[0][0], skip_special_tokens=True)]


def test_beams_of_several_prompts_in_a_batch_stay_with_their_prompt(tiny_model, read):
    beams = {"num_beams": 3, "length_penalty": 0.0}
    found = decode(*tiny_model, read, max_new_tokens=12, batch_size=12, **beams)
    assert [row[0] for row in found.ids] == generate_ids(*tiny_model, PROMPTS, **SIZES, **beams)


def test_samples_follow_their_seed_alone(tiny_model, read):
    def drawn(seed):
        return decode(*tiny_model, read[:5], samples=3, seed=seed, temperature=1.5, **SIZES, **SAMPLE).ids

    first = drawn(1)
    torch.rand(7)
    assert first == drawn(1) != drawn(2)
    assert [len(row) for row in first] == [3] * 5 and first[0][0] != first[0][1]


def test_samples_belong_to_their_prompts(tiny_model, read):
    cold = decode(*tiny_model, read, samples=2, temperature=1e-3, **SIZES, **SAMPLE)
    greedy = decode(*tiny_model, read, **SIZES)
    assert [row[0] for row in cold.ids] == [row[1] for row in cold.ids] == [row[0] for row in greedy.ids]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": 0.5}, "do_sample"),
        ({"tok_k": 5}, "did you mean 'top_k'"),
        ({"samples": 2}, "would be the same"),
    ],
)
def test_a_wrong_setting_stops_before_anything_runs(tiny_model, read, settings, sentence, monkeypatch):
    monkeypatch.setattr(tiny_model[0], "generate", lambda **_: pytest.fail("it ran"))
    with pytest.raises(LabError, match=sentence):
        decode(*tiny_model, read, **SIZES, **settings)


def test_one_string_is_no_list_of_prompts(tiny_model):
    with pytest.raises(LabError, match="list of strings"):
        read_prompts(*tiny_model, "one prompt")


def test_the_steps_of_a_text_chose_its_tokens(tiny_model, read):
    model, tokenizer = tiny_model
    (ids,) = decode(model, tokenizer, read[:1], **SIZES).ids[0]
    logits = step_logits(model, read[0], ids)
    assert logits.shape == (len(ids), model.config.vocab_size) and logits.dtype == torch.float32
    assert logits.argmax(-1).tolist() == ids
    (logs,) = id_log_probabilities(model, read[:1], [ids], batch_size=1)
    assert logs == pytest.approx([float(row.log_softmax(-1)[token]) for row, token in zip(logits, ids, strict=True)])


def test_ids_are_read_as_they_were_written(tiny_model, read):
    model, tokenizer = tiny_model
    texts = ["It costs $10.", "Yes.", "#Person1# asks Anna about a lamp."]
    ids = [tokenizer(text)["input_ids"] for text in texts]
    by_text = token_log_probabilities(model, tokenizer, PROMPTS[:3], texts, batch_size=2)
    for one, other in zip(id_log_probabilities(model, read[:3], ids, batch_size=3), by_text, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
    with pytest.raises(LabError, match="3 prompts and 1 completions"):
        id_log_probabilities(model, read[:3], ids[:1], batch_size=1)
