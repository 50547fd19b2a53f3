"""T5's forward pass over the parameters of a transformers model, as one short function for training.

In bfloat16 where the machine can multiply in it, else in float32, which is then far faster. The model of transformers
run under autocast costs two to three times as much on a CPU. Same arithmetic: T5 has no bias terms, no scale in its
attention, RMS norms, a gated GELU, and one table of relative position biases a stack (Raffel et al. 2020; the gated
form: Shazeer 2020). A test compares the two.
"""

from __future__ import annotations

import shutil
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import T5ForConditionalGeneration

from labkit.models import multiplies_bfloat16


def compute_dtype(device: torch.device) -> torch.dtype:
    """What to calculate in: bfloat16 where the device has instructions for it, else float32."""
    return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32


def hidden_states(
    model: T5ForConditionalGeneration,
    source: Tensor,
    decoder_input: Tensor,
    train_bias: bool = True,
    seen: dict[str, Tensor] | None = None,
) -> Tensor:
    """Last hidden states of the decoder, scaled for the tied output layer.

    `source` (batch, source length) and `decoder_input` (batch, target length) are token ids, 0 is padding in `source`;
    returns (batch, target length, d_model) in `compute_dtype`. Without
    `train_bias` the position biases get no gradient, which saves a sum over all attention scores. In `seen` come the
    encoded prompt and the attention over it, (batch, heads, target length, source length), by the module's name.
    """
    dtype = compute_dtype(source.device)
    weights = {name: tensor.to(dtype) for name, tensor in model.named_parameters()}
    if not train_bias:
        weights |= {name: tensor.detach() for name, tensor in weights.items() if "relative_attention_bias" in name}
    heads = model.config.num_heads
    mask = torch.where(source != 0, 0.0, -1e4)[:, None, None, :].to(dtype)
    encoded = F.embedding(source, weights["shared.weight"])
    bias = position_bias(
        model.encoder, weights["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"], source.shape[1]
    )
    for layer in range(model.config.num_layers):
        name = f"encoder.block.{layer}.layer"
        encoded = attend(weights, f"{name}.0", "SelfAttention", encoded, None, (bias, mask), heads)[0]
        encoded = feed_forward(weights, f"{name}.1", encoded)
    encoded = norm(encoded, weights["encoder.final_layer_norm.weight"])
    seen = {} if seen is None else seen
    seen["encoder.final_layer_norm"] = encoded

    length = decoder_input.shape[1]
    decoded = F.embedding(decoder_input, weights["shared.weight"])
    causal = torch.full((length, length), -1e4, dtype=dtype, device=source.device).triu(1)
    bias = position_bias(
        model.decoder, weights["decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"], length
    )
    for layer in range(len(model.decoder.block)):
        name = f"decoder.block.{layer}.layer"
        decoded = attend(weights, f"{name}.0", "SelfAttention", decoded, None, (bias + causal,), heads)[0]
        decoded, seen[f"{name}.1"] = attend(weights, f"{name}.1", "EncDecAttention", decoded, encoded, (mask,), heads)
        decoded = feed_forward(weights, f"{name}.2", decoded)
    return norm(decoded, weights["decoder.final_layer_norm.weight"]) * model.config.d_model**-0.5


def loss(
    model: T5ForConditionalGeneration,
    source: Tensor,
    labels: Tensor,
    train_bias: bool = True,
    seen: dict[str, Tensor] | None = None,
) -> Tensor:
    """Weighted mean cross-entropy over the tokens of `labels` (batch, target length) that are not padding (0).

    A token of an answer with n tokens counts 1 / sqrt(n), lest long answers drown the short ones.
    """
    start = torch.zeros_like(labels[:, :1])
    hidden = hidden_states(model, source, torch.cat([start, labels[:, :-1]], dim=1), train_bias, seen)
    wanted = labels != 0
    logits = hidden[wanted] @ model.shared.weight.to(hidden.dtype).T
    weights = wanted.sum(1, keepdim=True).float().rsqrt().expand_as(labels)[wanted]
    return F.cross_entropy(logits.float(), labels[wanted], reduction="none") @ weights / weights.sum()


def attend(
    weights: dict, name: str, kind: str, x: Tensor, memory: Tensor | None, biases: tuple[Tensor, ...], heads: int
) -> tuple[Tensor, Tensor]:
    """x + attention of the normalised x over itself or over `memory`, and the shares it was paid in.

    The biases are added in place and one by one: their sum over a batch would be as large as the scores.
    """
    inner = norm(x, weights[f"{name}.layer_norm.weight"])
    memory = inner if memory is None else memory

    def split(states: Tensor, matrix: str) -> Tensor:
        return F.linear(states, weights[f"{name}.{kind}.{matrix}.weight"]).unflatten(-1, (heads, -1)).transpose(1, 2)

    q, k, v = split(inner, "q"), split(memory, "k"), split(memory, "v")
    scores = q @ k.transpose(2, 3)
    for bias in biases:
        scores += bias
    shares = scores.softmax(-1)
    mixed = (shares @ v).transpose(1, 2).flatten(2)
    return x + F.linear(mixed, weights[f"{name}.{kind}.o.weight"]), shares


def feed_forward(weights: dict, name: str, x: Tensor) -> Tensor:
    """x + gated GELU of the normalised x."""
    matrices = (weights[f"{name}.DenseReluDense.{matrix}.weight"] for matrix in ("wi_0", "wi_1", "wo"))
    return gated_gelu(x, weights[f"{name}.layer_norm.weight"], *matrices)


def gated_gelu(x: Tensor, scale: Tensor, wi_0: Tensor, wi_1: Tensor, wo: Tensor) -> Tensor:
    """x + wo(gelu(wi_0 y) * wi_1 y), y the normalised x."""
    inner = norm(x, scale)
    return x + F.linear(F.gelu(F.linear(inner, wi_0), approximate="tanh") * F.linear(inner, wi_1), wo)


def norm(x: Tensor, weight: Tensor) -> Tensor:
    """T5's layer norm: no mean, no bias."""
    return F.rms_norm(x, weight.shape, weight, eps=1e-6)


if shutil.which("c++"):  # the same arithmetic in fewer passes over memory, and what that takes off a training step
    gated_gelu = torch.compile(gated_gelu, dynamic=True)  # a sixth, measured on one processor
    norm = torch.compile(norm, dynamic=True)  # three tenths, on another


def position_bias(stack: Any, table: Tensor, length: int) -> Tensor:
    """(1, heads, length, length) from the bucket of every distance, by the model's own bucket function."""
    positions = torch.arange(length, device=table.device)
    attention = stack.block[0].layer[0].SelfAttention
    buckets = attention._relative_position_bucket(
        positions[None, :] - positions[:, None], bidirectional=not attention.is_decoder, num_buckets=table.shape[0]
    )
    return F.embedding(buckets, table).permute(2, 0, 1)[None]
