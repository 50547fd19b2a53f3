"""The embedded model before training: a T5 with a circuit that copies."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from labkit.profile import Profile

HEAD = 32  # dimensions of a head, of a token's mark and of the memory of the last ones
LAST = 4  # tokens that are gathered at once
WEIGHTS = (1.0, 0.8, 0.6, 0.5)  # of the last token, the one before, and so on
COPYING = ((2, 0), (2, 1), (2, 2), (2, 3), (3, 0), (3, 1))  # (decoder layer, head)
FARTHEST = slice(HEAD * (LAST - 1), HEAD * LAST)  # the head that looks four to the left
SPEAKER = 7  # the head of the encoder's first layer that looks at where the line starts
CONSTANT, START, FIRST, SECOND = range(2 * HEAD, 2 * HEAD + 4)  # dimensions: 1, a line's start, one by either person
SAID_BY = slice(2 * HEAD + 4, 2 * HEAD + 10), slice(2 * HEAD + 10, 2 * HEAD + 16)  # in a line of either person
OWN = slice(2 * HEAD + 16)  # all dimensions that the encoder's circuits alone write into
RIGHT = 32  # buckets of distances from here on are to the right
Place = tuple[slice | int, ...]


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> T5ForConditionalGeneration:
    """A T5 of 8 million parameters, initialised as transformers does, but able to copy from the start."""
    torch.manual_seed(seed)
    shape: dict[str, Any] = {
        "d_model": 256,
        "d_kv": 32,
        "num_heads": 8,
        "d_ff": 640,
        "num_layers": 4,
        "num_decoder_layers": 4,
        "relative_attention_num_buckets": 2 * RIGHT,
    }
    kind: dict[str, Any] = {"feed_forward_proj": "gated-gelu", "dropout_rate": 0.0}
    ids: dict[str, Any] = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    model = T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer), **shape, **kind, **ids))
    stacks: Any = model.encoder.block[0], model.decoder.block[0]
    with torch.no_grad():
        start_copying(model)
        start_naming(model, [tokenizer.vocab[f"▁#Person{number}#:"] for number in (1, 2)])
        encoder, decoder = (block.layer[0].SelfAttention.relative_attention_bias.weight for block in stacks)
        for place in range(LAST):  # bucket 1: one to the left
            encoder[1 + place, place] = 10
            decoder[1 + place, place] = 10
        encoder[RIGHT + 1, LAST] += 6
        for distance in range(8):
            encoder[distance, LAST + 1] += 3 - 0.5 * distance
            encoder[RIGHT + distance, LAST + 1] += 3 - 0.5 * distance
            decoder[distance, LAST] += 3 - 0.5 * distance
    model.generation_config = GenerationConfig(max_new_tokens=Profile.max_new_tokens, **ids)
    return model


def start_copying(model: Any) -> None:
    """Give the model a circuit that copies: an induction head (Olsson et al. 2022, arXiv:2209.11895) with a memory.

    The first 32 dimensions of an embedding are its token's mark. In the encoder's first layer four heads look one, two,
    three and four tokens to the left and write the marks found there into the next 32 dimensions, each rotated once
    more than the one before; in the second layer the last of them adds what stands there four to the left. In the
    decoder they add to the mark in the same way. So on both sides these dimensions hold the last eight tokens. Some
    heads in the last two decoder layers look for the place in the prompt whose memory is like that of what was written
    last, and begin by copying the token there. Nothing else writes into these dimensions.
    """
    mark, memory = slice(HEAD), slice(HEAD, 2 * HEAD)
    turn = torch.linalg.qr(torch.randn(HEAD, HEAD))[0]
    for parameter, place in kept(model):
        parameter[place] = 1 if parameter.ndim == 1 else 0
    torch.nn.init.normal_(model.shared.weight[:, mark])
    model.decoder.final_layer_norm.weight[mark] = 0
    for stack, to, scale, first in ((model.encoder, memory, 2.5, 0), (model.decoder, mark, 1.0, 1)):
        left = stack.block[0].layer[0].SelfAttention
        for number in range(LAST - first):
            rows = slice(HEAD * number, HEAD * number + HEAD)
            left.v.weight[rows, mark] = torch.eye(HEAD)
            left.o.weight[to, rows] = scale * WEIGHTS[number + first] * torch.linalg.matrix_power(turn, number + first)
        again = stack.block[1].layer[0].SelfAttention
        again.v.weight[FARTHEST, to] = torch.eye(HEAD)
        again.o.weight[to, FARTHEST] = 1.25 * torch.linalg.matrix_power(turn, LAST)  # half, once states have grown
    for part, (layer, head) in enumerate(COPYING, 2):
        cross = model.decoder.block[layer].layer[1].EncDecAttention
        rows, copied = slice(HEAD * head, HEAD * head + HEAD), slice(HEAD * part, HEAD * part + HEAD)
        cross.q.weight[rows, mark], cross.k.weight[rows, memory] = 2 * torch.eye(HEAD), torch.eye(HEAD)
        cross.v.weight[rows], cross.o.weight[:, rows] = 0, 0
        cross.v.weight[rows, copied], cross.o.weight[copied, rows] = torch.eye(HEAD), 4 * torch.eye(HEAD)


def start_naming(model: Any, starts: list[int]) -> None:
    """Let every token of the prompt know who says it: one head looks for the last '#PersonN#:' (`starts`) to the left.

    Twelve dimensions then hold the answer, which nothing else writes into.
    """
    table, first = model.shared.weight, model.encoder.block[0].layer[0].SelfAttention
    table[:, CONSTANT], table[:, START : OWN.stop] = 1, 0
    table[starts, START] = 16
    rows = HEAD * SPEAKER
    for weight in (first.q.weight, first.k.weight, first.v.weight):
        weight[rows : rows + HEAD] = 0
    first.q.weight[rows, CONSTANT], first.k.weight[rows, START] = 3.5, 3.5
    for number, (token, own, said_by) in enumerate(zip(starts, (FIRST, SECOND), SAID_BY, strict=True)):
        table[token, own] = 6
        first.v.weight[rows + number, own], first.o.weight[said_by, rows + number] = 1, 1.5
    bias = first.relative_attention_bias.weight
    bias[:RIGHT, SPEAKER], bias[RIGHT:, SPEAKER] = -4.0 * torch.arange(RIGHT), -1e3


def kept(model: Any) -> list[tuple[Tensor, Place]]:
    """The weights of the memory, as (parameter, place in it): they stay as `start_copying` sets them."""
    places: list[tuple[Tensor, Place]] = [(model.shared.weight, (slice(None), OWN))]
    naming, speaker = model.encoder.block[0].layer[0].SelfAttention, slice(HEAD * SPEAKER, HEAD * SPEAKER + HEAD)
    places += [(weight, (speaker,)) for weight in (naming.q.weight, naming.k.weight, naming.v.weight)]
    places.append((naming.relative_attention_bias.weight, (slice(None), SPEAKER)))
    for stack, own in ((model.encoder, OWN), (model.decoder, slice(HEAD))):
        first, again = (block.layer[0].SelfAttention for block in stack.block[:2])
        places.append((first.relative_attention_bias.weight, (slice(None), slice(LAST))))
        places += [(first.q.weight, (slice(HEAD * LAST),)), (first.v.weight, (slice(HEAD * LAST),))]
        places += [(again.q.weight, (FARTHEST,)), (again.v.weight, (FARTHEST,))]
        for block in stack.block:
            places += [(layer.layer_norm.weight, (own,)) for layer in block.layer[:-1]]
            places.append((block.layer[0].SelfAttention.o.weight, (own,)))
            places.append((block.layer[-1].DenseReluDense.wo.weight, (own,)))
    places.append((model.encoder.final_layer_norm.weight, (OWN,)))
    places += [(block.layer[1].EncDecAttention.o.weight, (slice(HEAD),)) for block in model.decoder.block]
    for layer, head in COPYING:
        cross, rows = model.decoder.block[layer].layer[1].EncDecAttention, slice(HEAD * head, HEAD * head + HEAD)
        places += [(cross.q.weight, (rows,)), (cross.k.weight, (rows,))]
    return places
