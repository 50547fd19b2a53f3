import pytest
import torch
from transformers import GenerationConfig

from labkit.decoding import read_prompts, step_logits
from labkit.errors import LabError
from labkit.generation import completion, decoder_input
from labkit.quiet import quiet
from labkit.settings import check_settings, logits_processors

SAMPLE = {"do_sample": True}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_beams": 4, "length_penalty": 0.0},
        {"repetition_penalty": 1.3, "no_repeat_ngram_size": 3},
        {**SAMPLE, "temperature": 0.7, "top_k": 0, "top_p": 0.9},
        {**SAMPLE, "temperature": 1, "top_p": 1},
        {"min_new_tokens": 5, "max_new_tokens": 5},
    ],
)
def test_good_settings_pass(settings):
    check_settings(settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**SAMPLE, "tok_k": 5}, "no decoding setting 'tok_k': did you mean 'top_k'?"),
        ({**SAMPLE, "temperature": 0.0}, "set `do_sample=False`"),
        ({**SAMPLE, "temperature": 0}, "has to be a strictly positive float"),
        ({**SAMPLE, "temperature": "hot"}, "temperature must be a number, not 'hot'"),
        ({**SAMPLE, "top_p": 90}, "not 90: write 0.9 for 90 percent"),
        ({**SAMPLE, "top_p": 0}, "top_p is a probability above 0 and up to 1, not 0."),
        ({**SAMPLE, "top_k": -1}, "top_k must be a whole number of 0 or more (0 switches it off), not -1"),
        ({**SAMPLE, "top_k": 5.0}, "top_k must be a whole number"),
        ({"temperature": 0.5}, "However, `temperature` is set to `0.5` -- this flag is only used in sample-based"),
        ({"top_p": 0.9}, "You should set `do_sample=True` or unset `top_p`"),
        ({"length_penalty": 2.0}, "You should set `num_beams>1` or unset `length_penalty`"),
        ({"repetition_penalty": 0.0}, "has to be a strictly positive float, but is 0.0"),
        ({"no_repeat_ngram_size": -3}, "no_repeat_ngram_size must be a whole number of 0 or more"),
        ({"num_beams": 0}, "num_beams must be a whole number of 1 or more"),
        ({"max_new_tokens": 2.5}, "max_new_tokens must be a whole number of 1 or more, not 2.5"),
        ({"do_sample": 1}, "do_sample must be True or False, not 1"),
        ({"min_new_tokens": 9, "max_new_tokens": 5}, "min_new_tokens is more than max_new_tokens"),
    ],
)
def test_wrong_settings_get_a_sentence(settings, sentence):
    with pytest.raises(LabError) as caught:
        check_settings(settings)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value) and "GenerationConfig is invalid" not in str(caught.value)


@pytest.mark.parametrize("settings", [{**SAMPLE, "top_p": 90}, {"no_repeat_ngram_size": -3}, {"max_new_tokens": 2.5}])
def test_what_is_added_is_what_the_library_lets_through(tiny_model, settings):
    model, tokenizer = tiny_model
    config = GenerationConfig(**{"max_new_tokens": 3, **settings})
    config.validate(strict=True)
    with quiet("transformers"), torch.inference_mode():
        assert len(model.generate(**tokenizer("a", return_tensors="pt"), generation_config=config)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {**SAMPLE},
        {**SAMPLE, "top_k": 0},
        {**SAMPLE, "temperature": 0.7, "top_k": 20, "top_p": 0.9, "repetition_penalty": 1.3},
        {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
    ],
    ids=str,
)
def test_the_processors_are_those_of_generate(tiny_model, settings):
    model, tokenizer = tiny_model
    (state,) = read_prompts(model, tokenizer, ["How much is the lamp?"])
    torch.manual_seed(0)
    output = model.generate(
        **decoder_input([state]), max_new_tokens=6, output_scores=True, return_dict_in_generate=True, **settings
    )
    ids = completion(output.sequences[0].tolist(), tokenizer.eos_token_id)
    logits = step_logits(model, state, ids)
    for step in range(len(ids)):
        before = output.sequences[:1, : step + 1]
        found = logits_processors(settings)(before, logits[step : step + 1]).softmax(-1)
        assert torch.allclose(found, output.scores[step].softmax(-1), atol=1e-5)
