"""A decoder-only language model over bytes, so small that dozens of them are trained in a minute.

Only its width varies, so that a family of sizes is smooth. There are no biases and no gains: without embeddings it has
exactly 12 × layers × width² parameters. Attention is written out in two matrix products, since torch 2.13's counter of
FLOPs does not know the fused kernel that a CPU would use, and counts nothing for it.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from labkit.errors import LabError
from labkit.source_text import VOCABULARY

CONTEXT = 64  # positions that the model sees
LAYERS = 2
HEADS = 2


class Attention(nn.Module):
    """Causal self-attention: (batch, positions, width) → the same shape."""

    future: Tensor  # -inf where a position would see a later one

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.register_buffer("future", torch.full((CONTEXT, CONTEXT), float("-inf")).triu(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Mix each position with those before it."""
        batch, positions, width = x.shape
        size = width // HEADS
        parts = self.qkv(x).view(batch, positions, 3, HEADS, size).permute(2, 0, 3, 1, 4)
        q, k, v = parts.reshape(3, batch * HEADS, positions, size)
        future = self.future[:positions, :positions]
        weights = torch.baddbmm(future, q, k.transpose(1, 2), alpha=size**-0.5).softmax(-1)
        mixed = torch.bmm(weights, v).view(batch, HEADS, positions, size).transpose(1, 2)
        return self.out(mixed.reshape(batch, positions, width))


class FeedForward(nn.Module):
    """Two matrices with a GELU between them, four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Each position by itself."""
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """One layer: attention and feed-forward, each on a normalised input and added to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.feed_forward = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, positions, width) → the same shape."""
        x = x + self.attention(F.layer_norm(x, x.shape[-1:]))
        return x + self.feed_forward(F.layer_norm(x, x.shape[-1:]))


class ByteModel(nn.Module):
    """The model: symbols (batch, positions), at most 64 positions → logits (batch, positions, 128).

    The output layer starts at zero, so that an untrained model gives every symbol the same probability.

    Raises:
        LabError: a width that is not an even number of 4 or more.
    """

    def __init__(self, width: int, seed: int = 0) -> None:
        super().__init__()
        if width < 4 or width % HEADS:
            raise LabError(f"A model of width {width} cannot be made: its {HEADS} heads need an even width from 4 up.")
        self.token = nn.Embedding(VOCABULARY, width)
        self.position = nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(LAYERS))
        self.output = nn.Linear(width, VOCABULARY, bias=False)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.token.weight.normal_(0, 0.5, generator=generator)
            self.position.weight.normal_(0, 0.1, generator=generator)
            self.output.weight.zero_()
            for weight in self.blocks.parameters():
                weight.normal_(0, weight.shape[1] ** -0.5, generator=generator)

    def forward(self, symbols: Tensor) -> Tensor:
        """Logits of the next symbol at each position."""
        x = self.token(symbols) + self.position.weight[: symbols.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.output(F.layer_norm(x, x.shape[-1:]))

    def size(self, *, embeddings: bool = False) -> int:
        """How many parameters; those of tokens, positions and the output layer count as embeddings."""
        counted = self if embeddings else self.blocks
        return sum(weight.numel() for weight in counted.parameters())


def next_symbol_loss(model: ByteModel, windows: Tensor) -> Tensor:
    """The mean cross-entropy in nats of windows (batch, positions + 1): each symbol from those before it."""
    logits = model(windows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


@cache
def training_flops_per_token(width: int) -> float:
    """FLOPs of a forward and a backward pass for each of 64 tokens, counted by torch in its matrix products."""
    windows = torch.zeros(1, CONTEXT + 1, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        next_symbol_loss(ByteModel(width), windows).backward()
    return counter.get_total_flops() / CONTEXT
