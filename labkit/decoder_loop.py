"""The loop of `model.generate` that picks token after token, without the rows that have ended.

`model.generate` prepares everything else: settings, logits processors, stopping criteria. A batch of texts of different
lengths then takes as long as its tokens ask for, not as its longest text does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from labkit.decoder_cache import decoder_cache

FEWER = 0.125  # the share of a batch that has ended before it is made smaller: that copies the cache


def generate_rows(
    model: Any, inputs: dict[str, Any], *, max_new_tokens: int, samples: int = 1, **settings: Any
) -> Tensor:
    """Token ids of `samples` texts of each prompt, one after the other, shape (texts, tokens), padded at the end.

    Greedy and with beams they are those of `model.generate`; sampled ones are other draws from the same distributions.

    Args:
        inputs: the prompts, as `labkit.generation.decoder_input` makes them of the encoder's states.
        settings: what `model.generate` takes.
    """
    beams = settings.get("num_beams") or 1
    states = inputs["encoder_outputs"].last_hidden_state
    with torch.inference_mode(), decoder_cache(model, states, max(samples, beams), max_new_tokens) as cache:
        if cache and beams == 1:
            settings["custom_generate"] = _pick_tokens
        return model.generate(
            **inputs, **cache, max_new_tokens=max_new_tokens, num_return_sequences=samples, **settings
        )


def _pick_tokens(
    model: Any,
    input_ids: Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,
    **model_kwargs: Any,
) -> Tensor:
    """Greedy decoding or sampling, as `generation_config` says: the `custom_generate` of `model.generate`."""
    ids = input_ids
    cache, encoder_outputs, attention_mask = (
        model_kwargs[name] for name in ("cache", "encoder_outputs", "attention_mask")
    )
    alive = torch.arange(len(ids), device=ids.device)  # the number of each row that is still in the batch
    ended = torch.zeros_like(alive, dtype=torch.bool)
    texts: dict[int, Tensor] = {}  # by the number of the row
    while len(alive):
        step = model(
            decoder_input_ids=ids[:, -1:],
            encoder_outputs=encoder_outputs,
            attention_mask=attention_mask,
            cache=cache,
            use_cache=True,
        )
        scores = logits_processor(ids, step.logits[:, -1].float())
        chosen = draw(scores.softmax(-1)) if generation_config.do_sample else scores.argmax(-1)
        ids = torch.cat([ids, chosen.masked_fill(ended, generation_config.pad_token_id)[:, None]], dim=1)
        ended |= stopping_criteria(ids, None)
        if ended.all() or ended.sum() >= FEWER * len(ended):
            texts |= zip(alive[ended].tolist(), ids[ended], strict=True)
            stay = (~ended).nonzero()[:, 0]
            alive, ended, ids, attention_mask = alive[stay], ended[stay], ids[stay], attention_mask[stay]
            if len(stay):
                cache.self_attention_cache.batch_select_indices(stay)
                cache.cross_attention_cache.batch_select_indices(stay)
                states = encoder_outputs.last_hidden_state  # read already: from here on their shape alone counts
                encoder_outputs = BaseModelOutput(states[: len(stay)])
    rows = [texts[number] for number in range(len(texts))]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=generation_config.pad_token_id)


def draw(probabilities: Tensor) -> Tensor:
    """One token of each row, with the row's probabilities: where their running sum passes a random number."""
    reached = probabilities.double().cumsum(-1)
    threshold = torch.rand(len(reached), 1, dtype=reached.dtype, device=reached.device) * reached[:, -1:]
    return torch.searchsorted(reached, threshold, right=True)[:, 0].clamp(max=reached.shape[1] - 1)
