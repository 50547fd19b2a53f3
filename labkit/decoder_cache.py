"""A cache for the decoder that grows in place, and holds what it reads of a prompt once for all rows of that prompt.

The library's cache is copied whole at every step, and each sample or hypothesis of a prompt gets its own copy of the
prompt's keys and values. The outputs are the same, and decoding many short texts on a CPU takes half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache, EncoderDecoderCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED = "shared_prompt"  # the name under which the library finds the attention below


class RoomyLayer(DynamicLayer):
    """Keys and values of one layer, with room for the tokens to come: (rows, heads, tokens, head size)."""

    keys: Tensor  # views of the buffers, as far as they are filled
    values: Tensor

    def __init__(self, room: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.room = room
        self.buffers: list[Tensor] = []

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Add the states of new tokens; returns those of all tokens."""
        first = self.get_seq_length()
        last = first + key_states.shape[2]
        if not self.buffers or last > self.buffers[0].shape[2]:
            self._make_room(key_states, max(last, self.room))
        for buffer, new in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, first:last] = new
        self.keys, self.values = (buffer[:, :, :last] for buffer in self.buffers)
        return self.keys, self.values

    def _make_room(self, like: Tensor, tokens: int) -> None:
        before = [self.keys, self.values] if self.buffers else []
        self.buffers = [like.new_empty(*like.shape[:2], tokens, like.shape[3]) for _ in range(2)]
        self.device, self.dtype, self.is_initialized = like.device, like.dtype, True
        for buffer, states in zip(self.buffers, before, strict=bool(before)):
            buffer[:, :, : states.shape[2]] = states

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Row n goes on where row `beam_idx[n]` was."""
        moved = (beam_idx != torch.arange(len(beam_idx), device=beam_idx.device)).nonzero()[:, 0]
        for states in (self.keys, self.values):
            states[moved] = states[beam_idx[moved]]

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows only."""
        before = self.keys[indices], self.values[indices]
        self.buffers, self.is_initialized = [], False
        self.update(*before)


class PromptLayer(DynamicLayer):
    """Keys and values of the prompts, once for all of a prompt's `rows`, which stand one after the other."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keep one row of each prompt."""
        return super().update(key_states[:: self.rows], value_states[:: self.rows])

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """All hypotheses of a prompt read the same."""

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the prompts of these rows only, of which all rows are kept or none."""
        super().batch_select_indices(indices[:: self.rows] // self.rows)


def shared_prompt_attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, None]:
    """Scaled dot-product attention; where there are fewer keys than queries, several rows of queries share a row."""
    rows = len(query) // len(key)
    if rows == 1 or query.shape[2] != 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    heads, size = query.shape[1], query.shape[3]
    together = query.view(len(key), rows, heads, size).transpose(1, 2)  # a prompt's rows as positions of one query
    mask = None if attention_mask is None else attention_mask[::rows]
    mixed, _ = sdpa_attention_forward(module, together, key, value, mask, **kwargs)
    return mixed.reshape(len(query), 1, heads, size), None


AttentionInterface.register(SHARED, shared_prompt_attention)
AttentionMaskInterface.register(SHARED, sdpa_mask)


@contextmanager
def decoder_cache(model: Any, rows: int, max_new_tokens: int) -> Iterator[dict[str, Any]]:
    """What to give `model.generate` so that it decodes with this cache: `rows` texts or hypotheses of each prompt.

    Nothing where the model's attention is not the library's scaled dot-product attention.
    """
    config = model.get_decoder().config
    before = config._attn_implementation
    if before != "sdpa":
        yield {}
        return
    own, prompt = DynamicCache(), DynamicCache()
    layers = range(config.num_layers)
    own.layers = [RoomyLayer(max_new_tokens + 1) for _ in layers]
    prompt.layers = [PromptLayer(rows) for _ in layers]
    config._attn_implementation = SHARED
    try:
        yield {"cache": EncoderDecoderCache(own, prompt)}
    finally:
        config._attn_implementation = before
