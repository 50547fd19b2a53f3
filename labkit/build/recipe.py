"""What decides the result of the training beside its material: stages, rates, optimizers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import T5ForConditionalGeneration

from labkit.models import multiplies_bfloat16


@dataclass(frozen=True)
class Recipe:
    """What decides the result, beside the scripts and the tokenizer."""

    tokens: int = 34_000_000  # real tokens seen in the first stage, prompts and answers
    questions: int = 4_600_000  # tokens of the second stage: single questions alone
    third_stage: int = 43_500_000  # a quarter of the examples single questions, and exchanges among the rest
    finish: int = 39_900_000  # the same and endings, with the first stage's optimizers again
    tokens_per_step: int = 8_192  # padded; half of it in the later stages
    max_prompt: int = 1_400
    matrix_lr: float = 0.006
    embedding_lr: float = 4e-3
    norm_lr: float = 2e-3
    bias_lr: float = 8e-3
    later_lr: float = 4e-4  # of all weights in the second and third stage
    finish_share: float = 0.4  # of the first stage's rates, in the finish
    # where the weights are averaged with those of the end of the first stage: (progress, share of the latter)
    averages: tuple[tuple[float, float], ...] = ((2.13, 0.4), (2.3, 0.3), (2.85, 0.2), (2.95, 0.1), (3.0, 0.1))
    guidance: float = 0.5  # weight of the loss that says which lines an answer tells
    bias_until: float = 0.3  # share of the run after which the position biases stay as they are
    seed: int = 0


def optimizers(
    model: T5ForConditionalGeneration, picker: torch.nn.Linear, recipe: Recipe, stage: int = 0
) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices, AdamW for the rest; in stages 1 and 2 AdamW for all.

    T5's attention is not scaled by the head size, so its query matrices move at a lower rate.
    """
    named = dict(model.named_parameters())
    muon: list[torch.optim.Optimizer] = []
    if stage in (1, 2):
        queries = [p for name, p in named.items() if name.endswith(".q.weight")]
        others = [p for name, p in named.items() if not name.endswith(".q.weight")]
        groups = [
            {"params": [*others, *picker.parameters()], "lr": recipe.later_lr},
            {"params": queries, "lr": 0.35 * recipe.later_lr},
        ]
    else:
        if not multiplies_bfloat16(model.device):
            torch.optim._muon._zeropower_via_newtonschulz = orthogonalised  # type: ignore[assignment]
        matrices = {name: p for name, p in named.items() if p.ndim == 2 and "shared" not in name and "bias" not in name}
        queries = [p for name, p in matrices.items() if name.endswith(".q.weight")]
        others = [p for name, p in matrices.items() if not name.endswith(".q.weight")]
        biases = [p for name, p in named.items() if "relative_attention_bias" in name]
        share = recipe.finish_share if stage else 1.0
        matrix_lr = share * recipe.matrix_lr
        rates = [{"params": others, "lr": matrix_lr}, {"params": queries, "lr": matrix_lr / 8}]
        muon = [torch.optim.Muon(rates, weight_decay=0.0)]
        groups = [
            {"params": [named["shared.weight"]], "lr": share * recipe.embedding_lr},
            {"params": [p for name, p in named.items() if "layer_norm" in name], "lr": share * recipe.norm_lr},
            {"params": list(picker.parameters()), "lr": share * recipe.norm_lr},
            {"params": biases, "lr": share * recipe.bias_lr},
        ]
    made = [*muon, torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0, fused=True)]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return made


def orthogonalised(gradient: Tensor, ns_coefficients: tuple[float, float, float], ns_steps: int, eps: float) -> Tensor:
    """Muon's update of a matrix by Newton-Schulz iteration, in float32.

    PyTorch has it in bfloat16 alone, which takes many times as long on a processor without instructions for it.
    """
    a, b, c = ns_coefficients
    update = gradient.T if gradient.shape[0] > gradient.shape[1] else gradient
    update = update / update.norm().clamp(min=eps)
    for _ in range(ns_steps):
        gram = update @ update.T
        update = a * update + (b * gram + c * gram @ gram) @ update
    return update.T if gradient.shape[0] > gradient.shape[1] else update


def rate(done: float) -> float:
    """Share of the base learning rate, by the share of a stage: a short warm-up, then a straight line down to 2%."""
    return min(1.0, done / 0.01 + 0.05) * max(0.02, 1 - done)


def progress_of(tokens: float, recipe: Recipe) -> float:
    """From 0 to 1 over the first stage of the training, from 1 to 2 over the second, and so on to 4 at the end."""
    progress, before = 0.0, 0
    for stage in (recipe.tokens, recipe.questions, recipe.third_stage, recipe.finish):
        progress += min(1.0, max(0.0, (tokens - before) / stage))
        before += stage
    return progress


@torch.no_grad()
def average(model: T5ForConditionalGeneration, first: dict[str, Tensor], share: float) -> None:
    """Move each weight towards what it was in `first`, by `share` of the way (Wortsman et al. 2022, WiSE-FT, eq. 1).

    What was learnt before and forgotten for what came later comes back, at little cost for the latter.
    """
    for name, weight in model.named_parameters():
        weight.lerp_(first[name], share)
