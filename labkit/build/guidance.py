"""What the training asks of some attention heads: to look at the line of the dialogue that is told next.

A summary is planned line by line, but its words say little of the plan: trained on them alone, the model did not learn
which lines matter. So the training also shows which line each part of an answer tells. One head in each of two decoder
layers learns to look there (guided alignment: Chen et al. 2016, arXiv:1607.01628), and the encoder learns to tell
which lines the answer will take up, as in extractive summarization (Nallapati et al. 2017, arXiv:1611.04230).
The model that ships has nothing of this but what its weights have learnt.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POINTERS = (("decoder.block.1.layer.1", 7), ("decoder.block.2.layer.1", 7))  # attention over the prompt, and its head
ENCODED = "encoder.final_layer_norm"
LINE = re.compile(r"^#Person[12]#: .*$", re.M)
PART = re.compile(r"(?<=[.?!)]) (?=[A-Z#£$€0-9\"])|, and (?=#Person|the |Person |speaker )")
WORD = re.compile(r"[^\W_]{3,}|\d+")
COMMON = frozenset("the and for that has not but with from person says asks".split())


def lines_told(prompt: str, answer: str, offsets: list[tuple[int, int]]) -> tuple[list[int], int]:
    """For each token of the answer the line of the last dialogue in the prompt that it tells, and the number of lines.

    `offsets` are the tokens' places in the answer. Lines count from the end of the prompt, the last one is 1; 0 where
    it cannot be said. The number is 0 where no line is told.
    """
    parts, count = _parts(prompt, answer)
    starts = [start for start, _ in parts]
    if not any(line for _, line in parts):
        return [0] * len(offsets), 0
    return [parts[bisect_right(starts, max(last - 1, 0)) - 1][1] if last else 0 for _, last in offsets], count


def _parts(prompt: str, answer: str) -> tuple[list[tuple[int, int]], int]:
    """(where a part of the answer starts, the line that shares the most of the words that no other line has)."""
    found = list(LINE.finditer(prompt))
    first = len(found) - 1
    while first > 0 and found[first].start() == found[first - 1].end() + 1:
        first -= 1
    lines = [_stems(match[0].split(": ", 1)[1]) for match in found[max(0, first) :]]
    if len(lines) < 2:
        return [], 0
    common = Counter(stem for line in lines for stem in line)
    starts = [0, *(match.end() for match in PART.finditer(answer))]
    parts = []
    for start, stop in zip(starts, [*starts[1:], len(answer)], strict=True):
        told = _stems(answer[start:stop])
        scores = [sum(1 / common[stem] for stem in line & told) for line in lines]
        second, best = sorted(scores)[-2:]
        parts.append((start, len(lines) - scores.index(best) if best >= 0.9 and best > second else 0))
    return parts, len(lines)


def _stems(text: str) -> set[str]:
    return {word[:5] for word in WORD.findall(text.lower())} - COMMON


def line_numbers(source: Tensor, starts: Tensor) -> Tensor:
    """For each token of `source` (batch, length) the number of its line, from the end.

    `starts` are the ids of '#Person1#:' and '#Person2#:'; 0 before the first line and at padding.
    """
    so_far = torch.isin(source, starts).cumsum(1)
    number = so_far[:, -1:] - so_far + 1
    return number.masked_fill((so_far == 0) | (source == 0), 0)


def guidance(
    seen: dict[str, Tensor], picker: nn.Linear, source: Tensor, told: Tensor, counts: Tensor, starts: Tensor
) -> Tensor:
    """Cross-entropy of the pointers' attention and of the lines picked by the mean of their states, summed.

    `seen` holds what `forward.hidden_states` kept: attention (batch, heads, target length, source length) and encoded
    states; `told` (batch, target length) and `counts` (batch,) are those of `lines_told`.
    """
    number = line_numbers(source, starts)
    right = (number[:, None, :] == told[:, :, None]) & (told > 0)[:, :, None]
    total = torch.zeros((), device=source.device)
    if not bool(right.any()):
        return total
    for name, head in POINTERS:
        shares = (seen[name][:, head] * right).sum(-1)[told > 0]
        total = total - (shares.float() + 1e-6).log().mean()
    lines = torch.arange(1, int(counts.max()) + 1, device=source.device)[None, :, None]
    tokens = (number[:, None, :] == lines).to(seen[ENCODED].dtype)
    means = (tokens @ seen[ENCODED]) / tokens.sum(-1, keepdim=True).clamp(min=1)
    asked = lines[..., 0] <= counts[:, None]
    wanted = (lines == told[:, None, :]).any(-1)
    return total + F.binary_cross_entropy_with_logits(picker(means.float()).squeeze(-1)[asked], wanted[asked].float())
