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
        filled = self.get_seq_length()
        self.buffers = [buffer.index_select(0, indices) for buffer in self.buffers]
        self.keys, self.values = (buffer[:, :, :filled] for buffer in self.buffers)


class PromptCache(DynamicCache):
    """The prompts' keys and values in all layers, once for all `rows` of a prompt, and which row reads which prompt.

    `states`, the encoder's, have the shape (prompts, tokens, width); a prompt's rows stand one after the other.
    """

    def __init__(self, decoder: Any, states: Tensor, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.places: Tensor | None = None  # row → prompt · rows + its place among the prompt's; none has left: None
        self.first = torch.arange(len(states), device=states.device) * rows  # prompt → the first of its rows
        for number, block in enumerate(decoder.block):
            attention = block.layer[1].EncDecAttention
            shape = (*states.shape[:2], -1, attention.key_value_proj_dim)
            self.update(*(part(states).view(shape).transpose(1, 2) for part in (attention.k, attention.v)), number)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """All hypotheses of a prompt read the same."""

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows, in ascending order, and the prompts that they read."""
        places = indices if self.places is None else self.places[indices]
        prompts, prompt = (places // self.rows).unique(return_inverse=True)
        if len(prompts) < len(self.first):
            super().batch_select_indices(prompts)
        self.places = prompt * self.rows + places % self.rows
        every = torch.arange(len(prompts), device=indices.device) * self.rows
        self.first = torch.searchsorted(self.places, every)

    def attention(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
    ) -> tuple[Tensor, None]:
        """Scaled dot-product attention; with fewer keys than queries, several rows of queries read one row of keys."""
        if len(query) == len(key) or query.shape[2] != 1:
            return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
        _, heads, _, size = query.shape
        together = query[:, :, 0]
        if self.places is not None:
            together = query.new_zeros(len(key) * self.rows, heads, size).index_copy_(0, self.places, together)
        together = together.view(len(key), self.rows, heads, size).transpose(1, 2)  # rows as positions of one query
        mask = None if attention_mask is None else attention_mask.index_select(0, self.first)
        mixed, _ = sdpa_attention_forward(module, together, key, value, mask, **kwargs)
        mixed = mixed.reshape(-1, 1, heads, size)
        return (mixed if self.places is None else mixed.index_select(0, self.places)), None


AttentionMaskInterface.register(SHARED, sdpa_mask)


@contextmanager
def decoder_cache(model: Any, states: Tensor, rows: int, max_new_tokens: int) -> Iterator[dict[str, Any]]:
    """What to give `model.generate` so that it decodes with this cache: `rows` texts or hypotheses of each prompt.

    Nothing where the model's attention is not the library's scaled dot-product attention.

    Args:
        states: what the encoder made of the prompts, padded, shape (prompts, tokens, width).
    """
    decoder = model.get_decoder()
    before = decoder.config._attn_implementation
    if before != "sdpa":
        yield {}
        return
    own, prompts = DynamicCache(), PromptCache(decoder, states, rows)
    own.layers = [RoomyLayer(max_new_tokens + 1) for _ in decoder.block]
    AttentionInterface.register(SHARED, prompts.attention)
    decoder.config._attn_implementation = SHARED
    try:
        yield {"cache": EncoderDecoderCache(own, prompts)}
    finally:
        decoder.config._attn_implementation = before
        AttentionInterface.register(SHARED, sdpa_attention_forward)  # the registry would keep the cache alive
