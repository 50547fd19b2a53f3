"""Train the embedded model from scratch: `labkit build model`.

One pass over an endless stream of generated examples. Seeded; a killed run goes on from its last checkpoint; the log
shows loss and, on validation dialogues, what the labs rely on.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast, T5ForConditionalGeneration

from labkit.build import bars, forward
from labkit.build.guidance import guidance, lines_told
from labkit.build.recipe import Recipe, average, optimizers, progress_of, rate
from labkit.build.untrained import kept, new_model
from labkit.corpus.generator import make_dialogue
from labkit.corpus.script import Script
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, summarize
from labkit.corpus.talks import talks
from labkit.corpus.tasks import TaskMixture

POOL_SIZE = 2048  # examples that are drawn, sorted by length and cut into batches at once
CHECKPOINT_POOLS = 2  # a checkpoint after so many pools
CHECKS = 12  # how often the bars are measured


def batches(
    mixture: TaskMixture, tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Batches of near-equal lengths out of one pool of examples: (source, labels, lines told, number of lines).

    0 where padded; the last two are those of `lines_told`.
    """
    pairs = [mixture.example() for _ in range(POOL_SIZE)]
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    sources = [e.ids for e in backend.encode_batch([source for source, _ in pairs])]
    answers = backend.encode_batch([target for _, target in pairs])
    labels = [e.ids for e in answers]
    told, counts = zip(*(lines_told(*pair, e.offsets) for pair, e in zip(pairs, answers, strict=True)), strict=True)
    most = recipe.tokens_per_step // (1 if mixture.progress < 1 else 2)
    order = sorted(
        (i for i in range(len(pairs)) if len(sources[i]) <= recipe.max_prompt),
        key=lambda i: (_round(len(sources[i])), len(labels[i])),
    )
    made: list[list[int]] = []
    batch: list[int] = []
    for index in order:
        widest = sum(
            _round(max(len(rows[i]) for i in [*batch, index]), to) for rows, to in ((sources, 32), (labels, 8))
        )
        if batch and (len(batch) + 1) * widest > most:
            made.append(batch)
            batch = []
        batch.append(index)
    if batch:
        made.append(batch)
    mixture.rng.shuffle(made)
    for batch in made:
        answer, lines = (pad([rows[i] for i in batch], 8) for rows in (labels, told))
        yield pad([sources[i] for i in batch]), answer, lines, torch.tensor([counts[i] for i in batch])


def _round(length: int, to: int = 32) -> int:
    return -(-length // to) * to


def pad(rows: list[list[int]], to: int = 32) -> Tensor:
    """Rows of token ids as one tensor, 0 where padded, its width a multiple of `to`."""
    width = _round(max(map(len, rows)), to)
    return torch.tensor([row + [0] * (width - len(row)) for row in rows])


def train(
    folder: Path, tokenizer: PreTrainedTokenizerFast, scripts: list[Script], forbidden: frozenset[str], recipe: Recipe
) -> T5ForConditionalGeneration:
    """Train, or go on where the checkpoint in `folder` stands; log to `folder/log.jsonl`."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder.mkdir(parents=True, exist_ok=True)
    model: Any = new_model(tokenizer, recipe.seed)
    picker = torch.nn.Linear(model.config.d_model, 1)  # which lines matter, from their encoded states
    model.to(device)
    picker.to(device)
    starts = torch.tensor([tokenizer.vocab[f"▁#Person{number}#:"] for number in (1, 2)], device=device)
    fixed = kept(model)
    state: dict[str, Any] = {"pool": 0, "step": 0, "tokens": 0, "averaged": 0, "seconds": 0.0}
    first: dict[str, Tensor] = {}  # the weights at the end of the first stage
    saved: dict[str, Any] = {}
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        picker.load_state_dict(saved["picker"])
        first, state = saved["first"], saved["state"]
    stage = min(3, int(progress_of(state["tokens"], recipe)))
    steps = optimizers(model, picker, recipe, stage)
    if saved:
        for optimizer, values in zip(steps, saved["optimizers"], strict=True):
            optimizer.load_state_dict(values)
    total = recipe.tokens + recipe.questions + recipe.third_stage + recipe.finish
    between = total // CHECKS
    started, losses, guided = time.time() - state["seconds"], [], []
    next_check = (state["tokens"] // between + 1) * between
    while state["tokens"] < total:
        rng = random.Random(f"{recipe.seed} pool {state['pool']}")
        mixture = TaskMixture(scripts, Filler(rng), forbidden, progress=progress_of(state["tokens"], recipe))
        for batch in batches(mixture, tokenizer, recipe):
            source, labels, lines, counts = (each.to(device) for each in batch)
            progress = progress_of(state["tokens"], recipe)
            share = rate(progress - stage)
            for optimizer in steps:
                for group in optimizer.param_groups:
                    group["lr"] = group["base_lr"] * share
            seen: dict[str, Tensor] = {}
            value = forward.loss(model, source, labels, progress < recipe.bias_until, seen)
            pointed = guidance(seen, picker, source, lines, counts, starts)
            (value + recipe.guidance * pointed).backward()
            for parameter, place in fixed:
                if parameter.grad is not None:
                    parameter.grad[place] = 0
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimizer in steps:
                optimizer.step()
                optimizer.zero_grad()
            losses.append(value.detach())
            guided.append(pointed.detach())
            state["step"] += 1
            state["tokens"] += int((source != 0).sum() + (labels != 0).sum())
            if state["step"] % 100 == 0:
                state["seconds"] = time.time() - started
                log(
                    folder,
                    **state,
                    loss=round(float(torch.stack(losses).mean()), 4),
                    guidance=round(float(torch.stack(guided).mean()), 4),
                    tokens_per_second=round(state["tokens"] / state["seconds"]),
                )
                losses.clear()
                guided.clear()
            if progress_of(state["tokens"], recipe) >= stage + 1:
                break
        state["pool"] += 1
        progress = progress_of(state["tokens"], recipe)
        if progress >= 1 and not first:
            first = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        for at, share in recipe.averages[state["averaged"] :]:
            if progress >= at:
                average(model, first, share)
                state["averaged"] += 1
        if stage < int(progress) < 4:  # the next stage begins with new optimizers
            stage = int(progress)
            steps = optimizers(model, picker, recipe, stage)
        if state["pool"] % CHECKPOINT_POOLS == 0 or state["tokens"] >= total:
            state["seconds"] = time.time() - started
            saved = {"model": model.state_dict(), "picker": picker.state_dict(), "first": first, "state": state}
            saved["optimizers"] = [optimizer.state_dict() for optimizer in steps]
            torch.save(saved, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
        if state["tokens"] >= next_check:
            next_check += between
            log(folder, tokens=state["tokens"], **check(model, tokenizer, scripts))
    log(folder, recipe=asdict(recipe), **state)
    return model


def check(
    model: T5ForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, scripts: list[Script], size: int = 48
) -> dict[str, Any]:
    """The bars of the model card in small, on fresh dialogues with words never trained on.

    Of the training scripts, and of talks on topics that nothing is trained on.
    """
    mixture = TaskMixture(scripts, Filler(random.Random("check"), rare=0.1, held_out="any"))
    run, found = bars.runner(model, tokenizer), {}
    known = [mixture.dialogue(rude=0) for _ in range(size)]
    new = [make_dialogue(mixture.rng.choice(talks(validation=True)), mixture.filler) for _ in range(size)]
    for name, dialogues in (("known", known), ("new", new)):
        shots = [[mixture.dialogue(rude=0) for _ in range(3)] for _ in range(size)]
        references = [summarize(dialogue, HOUSE, mixture.rng) for dialogue in dialogues]
        found[name] = bars.climb(run, dialogues, references, shots)
        outputs = found[name].pop("outputs")
        found[name]["samples"] = {"reference": references[0]} | {way: made[0] for way, made in outputs.items()}
    rude = [mixture.dialogue(rude=1) for _ in range(size // 2)]
    return found | {"tasks": bars.battery(run, known, rude, size)}


def log(folder: Path, **values: object) -> None:
    """One line of JSON, on the screen and in the log."""
    line = json.dumps(values)
    print(line, flush=True)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
