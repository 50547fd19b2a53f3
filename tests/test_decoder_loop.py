import functools
import gc
import weakref

import pytest
import torch
from tiny import SPLITS, tiny_rows

from labkit import decoder_loop
from labkit.decoder_cache import RoomyLayer, decoder_cache
from labkit.decoder_loop import draw, generate_rows
from labkit.decoding_bench import WAYS, decoding_lines
from labkit.generation import decoder_input, encode, encoder_states
from labkit.position_bias import bias_by_distance

PROMPTS = [f"Summarize this. {row['dialogue']} Summary: " for split in SPLITS for row in tiny_rows(split)][:9]


@pytest.fixture(scope="module")
def states(tiny_model):
    model, tokenizer = tiny_model
    return encoder_states(model, encode(tokenizer, PROMPTS))


def trimmed(rows, eos):
    return [row[: row.index(eos) + 1] if eos in row else row for row in rows.tolist()]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"repetition_penalty": 1.7},
        {"no_repeat_ngram_size": 2},
        {"min_new_tokens": 9},
        {"num_beams": 3, "length_penalty": 0.0},
        {"num_beams": 4, "no_repeat_ngram_size": 2},
    ],
    ids=str,
)
def test_texts_are_those_of_the_library(tiny_model, states, settings):
    model, tokenizer = tiny_model
    ours = generate_rows(model, decoder_input(states), max_new_tokens=14, **settings)
    library = model.generate(**decoder_input(states), max_new_tokens=14, **settings)
    assert trimmed(ours, tokenizer.eos_token_id) == trimmed(library, tokenizer.eos_token_id)


@pytest.mark.parametrize("samples", [1, 3])
def test_rows_that_have_ended_leave_the_batch(tiny_model, states, monkeypatch, samples):
    model, _ = tiny_model
    sizes, forward = [], type(model).forward

    @functools.wraps(forward)
    def watched(self, *args, **kwargs):
        sizes.append(len(kwargs["decoder_input_ids"]))
        return forward(self, *args, **kwargs)

    ends = iter(range(2, 100))
    monkeypatch.setattr(type(model), "forward", watched)
    inputs = decoder_input(states)
    expected = model.generate(**decoder_input(states), max_new_tokens=14).repeat_interleave(samples, 0)

    def stop(ids, scores):  # at each step one of four rows ends, so that prompts lose some of their samples
        step = next(ends)
        return (torch.arange(len(ids)) % 4 == 3) & (step > 3) | (ids.shape[1] > 14)

    sizes.clear()
    cold = {"do_sample": True, "temperature": 1e-4} if samples > 1 else {}  # cold sampling is greedy
    rows = generate_rows(model, inputs, max_new_tokens=14, samples=samples, stopping_criteria=[stop], **cold)
    assert sizes[0] == 9 * samples and sizes[-1] < 5 * samples and sizes == sorted(sizes, reverse=True)
    for ours, whole in zip(rows.tolist(), expected.tolist(), strict=True):
        kept = len([token for token in ours if token != 0]) + 1
        assert ours[: min(kept, len(whole))] == whole[:kept]


def test_samples_of_a_prompt_stand_together_and_differ(tiny_model, states):
    model, _ = tiny_model
    torch.manual_seed(0)
    sampled = generate_rows(
        model, decoder_input(states), max_new_tokens=10, samples=3, do_sample=True, top_k=0, temperature=2.0
    )
    assert len(sampled) == 27 and len({tuple(row) for row in sampled.tolist()}) > 20
    cold = generate_rows(
        model, decoder_input(states), max_new_tokens=10, samples=3, do_sample=True, top_k=0, temperature=1e-4
    )
    greedy = generate_rows(model, decoder_input(states), max_new_tokens=10)
    assert trimmed(cold, 1) == [row for row in trimmed(greedy, 1) for _ in range(3)]


def test_draws_follow_the_probabilities():
    torch.manual_seed(0)
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2, 0.0])
    counts = torch.bincount(draw(probabilities.repeat(20_000, 1)), minlength=5) / 20_000
    assert counts[1] == counts[4] == 0
    assert counts.numpy() == pytest.approx(probabilities.numpy(), abs=0.015)
    assert draw(torch.eye(4)).tolist() == [0, 1, 2, 3]


def test_the_models_own_attention_comes_back(tiny_model, states):
    model, _ = tiny_model
    config = model.get_decoder().config
    before = config._attn_implementation
    with pytest.raises(ZeroDivisionError), torch.no_grad(), decoder_cache(model, states[0][None], 1, 4) as cache:
        assert cache and config._attn_implementation != before
        raise ZeroDivisionError
    assert config._attn_implementation == before == "sdpa"


def test_the_cache_is_not_kept(tiny_model, states):
    model, _ = tiny_model
    with torch.no_grad(), decoder_cache(model, states[0][None], 1, 4) as made:
        kept = weakref.ref(made["cache"].cross_attention_cache)
    assert kept() is not None
    del made
    gc.collect()
    assert kept() is None


def test_another_attention_is_left_to_the_library(tiny_model, states, monkeypatch):
    model, _ = tiny_model
    expected = generate_rows(model, decoder_input(states), max_new_tokens=8)
    monkeypatch.setattr(model.get_decoder().config, "_attn_implementation", "eager")
    monkeypatch.setattr(decoder_loop, "_pick_tokens", lambda *_, **__: pytest.fail("our loop ran"))
    assert torch.equal(generate_rows(model, decoder_input(states), max_new_tokens=8), expected)


def test_a_layer_grows_beyond_its_room_and_moves_rows():
    layer, parts = RoomyLayer(2), [torch.randn(3, 2, 1, 4) for _ in range(5)]
    for part in parts:
        keys, values = layer.update(part, -part)
    assert torch.equal(keys, torch.cat(parts, 2)) and torch.equal(values, -keys)
    wanted = keys[torch.tensor([2, 2, 0])]
    layer.reorder_cache(torch.tensor([2, 2, 0]))
    assert torch.equal(layer.keys, wanted)
    layer.batch_select_indices(torch.tensor([0, 2]))
    assert torch.equal(layer.update(parts[0][:2], parts[0][:2])[0], torch.cat([wanted[[0, 2]], parts[0][:2]], 2))


@pytest.mark.parametrize("length", [1, 7, 150])
def test_the_bias_by_distance_is_the_librarys(tiny_model, length):
    model, _ = tiny_model
    ids = torch.randint(3, model.config.vocab_size, (2, length), generator=torch.Generator().manual_seed(0))
    attention = model.encoder.block[0].layer[0].SelfAttention
    with torch.inference_mode():
        plain, library = attention.compute_bias(length, length), model.encoder(ids)[0]
        with bias_by_distance(model):
            assert torch.equal(attention.compute_bias(length, length), plain)
            assert torch.allclose(model.encoder(ids)[0], library, atol=1e-6)
    assert "compute_bias" not in vars(attention)


def test_prompts_are_not_changed(tiny_model, states):
    inputs = decoder_input(states)
    before = inputs["encoder_outputs"].last_hidden_state, inputs["encoder_outputs"].last_hidden_state.clone()

    def stop(ids, scores):  # half of the rows end, and leave, after the first token
        return torch.arange(len(ids)) < len(ids) // 2

    generate_rows(tiny_model[0], inputs, max_new_tokens=6, stopping_criteria=[stop])
    assert inputs["encoder_outputs"].last_hidden_state is before[0] and torch.equal(*before)


def test_the_benchmark_compares_every_way_with_the_library(tiny_model):
    lines = list(decoding_lines(*tiny_model, PROMPTS, max_new_tokens=6))
    assert len(lines) == len(WAYS) + 2 and [line.endswith("equal)") for line in lines] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert all(float(line.split("(")[0].split()[-1]) > 0 for line in lines[1:])
