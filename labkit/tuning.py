"""Fine-tune a model on pairs of prompt and answer."""

from collections.abc import Sequence
from typing import Any

from labkit.errors import LabError
from labkit.generation import encode

IGNORED = -100  # a label that the loss leaves out


def training_batches(
    tokenizer: Any, prompts: Sequence[str], answers: Sequence[str], *, batch_size: int, steps: int, seed: int
) -> list[dict[str, Any]]:
    """As many batches as there are steps: tensors input_ids, attention_mask and labels, padding masked in each.

    Pairs of similar length share a batch, the batches come in random order, and the pairs again once all were seen.

    Raises:
        LabError: lists of different lengths, fewer pairs than a batch, or a number below 1.
    """
    import torch

    for name, value in (("batch_size", batch_size), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LabError(f"{name} must be a whole number of 1 or more, not {value!r}.")
    if len(prompts) != len(answers):
        raise LabError(f"There are {len(prompts)} prompts and {len(answers)} answers: each needs the other.")
    if len(prompts) < batch_size:
        raise LabError(f"{len(prompts)} pairs do not fill a batch of {batch_size}: lower batch_size, or give more.")
    inputs, labels = encode(tokenizer, prompts), encode(tokenizer, answers)
    order = sorted(range(len(inputs)), key=lambda n: len(inputs[n]))
    groups = [order[start : start + batch_size] for start in range(0, len(order) - batch_size + 1, batch_size)]
    generator = torch.Generator().manual_seed(seed)
    chosen: list[list[int]] = []
    while len(chosen) < steps:
        chosen += [groups[n] for n in torch.randperm(len(groups), generator=generator).tolist()]
    return [
        {
            "input_ids": _padded([inputs[n] for n in group], tokenizer.pad_token_id),
            "attention_mask": _padded([[1] * len(inputs[n]) for n in group], 0),
            "labels": _padded([labels[n] for n in group], IGNORED),
        }
        for group in chosen[:steps]
    ]


def fine_tune(
    model: Any, batches: Sequence[dict[str, Any]], *, learning_rate: float, description: str = ""
) -> list[float]:
    """Train all parameters of the model on the batches, in place, a step each; the loss of each step.

    AdamW without weight decay; the rate rises over the first tenth of the steps and falls to zero in a straight line;
    gradients are clipped at a norm of 1. Ends in evaluation mode.

    Raises:
        LabError: no batches.
    """
    import torch
    from tqdm.auto import tqdm
    from transformers import get_linear_schedule_with_warmup

    if not batches:
        raise LabError("There is nothing to train on: give one batch or more.")
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0, fused=True)
    schedule = get_linear_schedule_with_warmup(optimizer, len(batches) // 10, len(batches))
    losses = []
    model.train()
    for batch in tqdm(batches, desc=description or None, leave=False):
        loss = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.eval()
    return losses


def _padded(rows: list[list[int]], value: int) -> Any:
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])
