"""Generate from many prompts at once: batches of similar length, padding masked, results in the order asked for."""

import inspect
from collections.abc import Sequence
from typing import Any

from labkit.errors import LabError
from labkit.profile import nearest

NOMINAL_LENGTH = 512  # tokens of the prompts that batch_size is meant for
_ONE_EACH = ("num_return_sequences", "return_dict_in_generate", "streamer")  # would not give one completion a prompt
_NOT_SETTINGS = ("kwargs", "inputs", "custom_generate", *_ONE_EACH)


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    max_length: int | None = None,
    description: str = "",
    **generation_kwargs: Any,
) -> list[str]:
    """The model's completion of each prompt, in the order of the prompts.

    Prompts of similar length share a batch, so that little of it is padding, and the attention mask keeps the rest out:
    in float32 the tokens are those of one prompt at a time, greedily and with beams.

    Args:
        max_new_tokens: a cap on the tokens of a completion.
        batch_size: prompts in a batch if they have up to 512 tokens; fewer where they are longer, to bound the memory.
        max_length: cut a prompt to this many tokens, as the tokenizer does; None: no limit, T5 needs none.
        description: stands before the progress bar.
        generation_kwargs: what `model.generate` takes: do_sample, num_beams, temperature, ...

    Raises:
        LabError: prompts that are not a list of strings, a number below 1, or a setting that `model.generate` lacks.
    """
    ids = generate_ids(
        model,
        tokenizer,
        prompts,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        max_length=max_length,
        description=description,
        **generation_kwargs,
    )
    return [tokenizer.decode(row, skip_special_tokens=True) for row in ids]


def generate_ids(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    max_length: int | None = None,
    description: str = "",
    **generation_kwargs: Any,
) -> list[list[int]]:
    """As `generate`, but the token ids of each completion: end of sequence included where reached, without padding."""
    import torch
    from tqdm.auto import tqdm

    from labkit.decoder_loop import generate_rows

    _check(prompts, max_new_tokens=max_new_tokens, batch_size=batch_size, max_length=max_length)
    _check_settings(model, generation_kwargs)
    inputs = encode(tokenizer, prompts, max_length)
    order = sorted(range(len(inputs)), key=lambda n: -len(inputs[n]))  # longest first: too little memory shows at once
    completions: list[list[int]] = [[] for _ in inputs]
    with torch.inference_mode(), tqdm(total=len(order), desc=description or None, leave=False) as bar:
        while order:
            rows = max(1, min(batch_size, batch_size * NOMINAL_LENGTH // len(inputs[order[0]])))
            batch, order = order[:rows], order[rows:]
            states = decoder_input(encoder_states(model, [inputs[n] for n in batch]))
            output = generate_rows(model, states, max_new_tokens=max_new_tokens, **generation_kwargs)
            for n, row in zip(batch, output.tolist(), strict=True):
                completions[n] = completion(row, tokenizer.eos_token_id)
            bar.update(len(batch))
    return completions


def encoder_states(model: Any, inputs: Sequence[list[int]]) -> list[Any]:
    """What the encoder makes of each prompt's token ids: a tensor of shape (tokens, width).

    Each prompt is read by itself: unpadded it takes half the time, and the decoder gets the same.
    """
    import torch

    from labkit.position_bias import bias_by_distance

    with torch.inference_mode(), bias_by_distance(model):
        return [model.get_encoder()(torch.tensor([ids], device=model.device))[0][0] for ids in inputs]


def decoder_input(states: Sequence[Any]) -> dict[str, Any]:
    """Encoder states as a batch: the arguments `encoder_outputs` and `attention_mask` of the model and its generate."""
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from transformers.modeling_outputs import BaseModelOutput

    ones = [torch.ones(len(each), dtype=torch.long, device=each.device) for each in states]
    return {
        "encoder_outputs": BaseModelOutput(last_hidden_state=pad_sequence(list(states), batch_first=True)),
        "attention_mask": pad_sequence(ones, batch_first=True),
    }


def token_log_probabilities(
    model: Any, tokenizer: Any, prompts: Sequence[str], completions: Sequence[str], *, batch_size: int
) -> list[list[float]]:
    """For each completion the natural logarithm of the probability of each of its tokens, end of sequence included.

    Raises:
        LabError: lists of different lengths, something that is not a string in them, or a batch_size below 1.
    """
    _check(prompts, batch_size=batch_size)
    _check(completions)
    states = encoder_states(model, encode(tokenizer, prompts))
    return id_log_probabilities(model, states, encode(tokenizer, completions), batch_size=batch_size)


def id_log_probabilities(
    model: Any, states: Sequence[Any], completions: Sequence[list[int]], *, batch_size: int
) -> list[list[float]]:
    """For each completion, given as token ids, the natural logarithm of the probability of each of its tokens.

    The completions are read, not generated: the decoder is given the tokens before (teacher forcing), in one pass.
    That these are the ids that were generated matters: a text does not always give back the ids it was made from.

    Args:
        states: the prompts as `encoder_states` gives them.

    Raises:
        LabError: lists of different lengths.
    """
    import torch
    from tqdm.auto import tqdm

    if len(states) != len(completions):
        raise LabError(f"There are {len(states)} prompts and {len(completions)} completions: each needs its own.")
    start = model.config.decoder_start_token_id
    order = sorted(range(len(states)), key=lambda n: len(states[n]))
    found: list[list[float]] = [[] for _ in states]
    with torch.inference_mode():
        for first in tqdm(range(0, len(order), batch_size), desc="log-probabilities", leave=False):
            batch = order[first : first + batch_size]
            width = max(len(completions[n]) for n in batch)
            padded = [[start, *completions[n], *[start] * (width - len(completions[n]))] for n in batch]
            ids = torch.tensor(padded, device=model.device)
            logits = model(**decoder_input([states[n] for n in batch]), decoder_input_ids=ids[:, :-1]).logits
            chosen = logits.float().log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
            for n, row in zip(batch, chosen.tolist(), strict=True):
                found[n] = row[: len(completions[n])]
    return found


def encode(tokenizer: Any, prompts: Sequence[str], max_length: int | None = None) -> list[list[int]]:
    """The token ids of each prompt, unpadded, cut to `max_length` tokens if it is given.

    Padding is not left to the tokenizer: it would stay switched on in the backend that its copies share. Truncation
    stays on in the same way, so a last call without it switches it off.
    """
    if not prompts:
        return []
    if max_length is None:
        return tokenizer(list(prompts), verbose=False)["input_ids"]  # verbose: warns of more than 512 tokens
    ids = tokenizer(list(prompts), truncation=True, max_length=max_length)["input_ids"]
    tokenizer("")
    return ids


def completion(row: list[int], eos_token_id: int) -> list[int]:
    """What the decoder wrote: the row of `model.generate` after its start token, up to the end of sequence."""
    written = row[1:]
    return written[: written.index(eos_token_id) + 1] if eos_token_id in written else written


def _check(prompts: Sequence[str], **numbers: int | None) -> None:
    if isinstance(prompts, str) or not all(isinstance(prompt, str) for prompt in prompts):
        raise LabError("The prompts must be a list of strings: [prompt] where there is only one.")
    for name, value in numbers.items():
        if value is None and name == "max_length":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LabError(f"{name} must be a whole number of 1 or more, not {value!r}.")


def _check_settings(model: Any, settings: dict[str, Any]) -> None:
    """Refuse a setting that `model.generate` would ignore, and those that give more or less than one text a prompt."""
    known = {*vars(model.generation_config), *inspect.signature(model.generate).parameters}
    known = {name for name in known if not name.startswith("_") and name not in _NOT_SETTINGS}
    for name in settings:
        if name in _ONE_EACH:
            raise LabError(
                f"generate() gives one text for each prompt and does not take {name!r}; model.generate does."
            )
        if name not in known:
            raise LabError(f"generate() has no setting {name!r}{nearest(name, known)} GenerationConfig lists them.")
