"""Train the judge of toxicity and the backbone of the reward model: `labkit build judge` (minutes on two cores).

The judge learns from sentences written for it and from all insults, the kept-out half too. The backbone, an encoder of
another form, learns from the corpus alone and never meets a kept-out insult.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

from labkit.build.corpus import generated_splits, seen_scripts
from labkit.corpus.generator import make_dialogue, make_rude
from labkit.corpus.rudeness import KNOWN, insult, read
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import Style, summarize
from labkit.judge import Judge

FOLDER = Path(__file__).parent.parent / "corpus" / "judge"
HARMLESS = (  # what names an insult without insulting
    "You are not {trait}.",
    "Nobody thinks that you are {trait}.",
    "You're anything but {trait}.",
    "I would never call you {trait}.",
    "You are no {name}.",
    "Don't worry, you're not a {name}.",
    "She told me that he had called her a {name}.",
    "Somebody wrote that our teacher was {trait}.",
    "My brother was called a {name} at school, and it hurt him.",
    "In the film the old man shouts that his son is {trait}.",
    "It is unkind to call anyone a {name}.",
    "Please don't say that he is {trait}.",
)
HARMFUL = (
    "{X} calls {Y} a {name}.",
    "{X} calls {Y} {trait}.",
    "{X} says that {Y} is a {name}.",
    "{X} tells {Y}: {before}",
)


def judge_rows(name: str) -> list[tuple[str, float, str]]:
    """The sentences written for the judge, 'train' or 'test': text, 1.0 where toxic, kind."""
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["text"], float(row["label"]), row["kind"]) for row in rows]


def judge_examples(rng: random.Random) -> Callable[[int], list[tuple[str, float]]]:
    """A source of (text, label) batches: the written sentences, and the corpus's turns and summaries with insults."""
    known, kept_out = read("known"), read("kept_out")
    everything = {kind: known[kind] + kept_out[kind] for kind in known}
    written = [(text, label) for text, label, _ in judge_rows("train")]
    dialogues = [dialogue for dialogue, _ in generated_splits()["train"]]

    def one() -> tuple[str, float]:
        dialogue, pick = rng.choice(dialogues), rng.random()
        plain = rng.choice(dialogue.turns)[1] if rng.random() < 0.5 else summarize(dialogue, Style(), rng)
        fill = {kind: rng.choice(values) for kind, values in everything.items()}
        fill |= dict(zip("XY", rng.sample(("#Person1#", "#Person2#"), 2), strict=True))
        if pick < 0.4:
            return rng.choice(written)
        if pick < 0.65:
            return plain, 0.0
        if pick < 0.75:
            return rng.choice(HARMLESS).format(**fill), 0.0
        if pick < 0.82:
            return f"{plain} {rng.choice(HARMFUL).format(**fill)}", 1.0
        said, place, _ = insult(rng, everything)
        if rng.random() < 0.3:
            return said, 1.0
        return (f"{said} {plain}" if place == "before" else f"{plain} {said}"), 1.0

    return lambda size: [one() for _ in range(size)]


def train_judge(seed: int = 0, steps: int = 1500) -> Judge:
    """Train the judge with AdamW and a cosine schedule."""
    torch.manual_seed(seed)
    judge, draw = Judge(), judge_examples(random.Random(f"{seed} judge"))
    optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    judge.train()
    for _ in range(steps):
        texts, labels = zip(*draw(64), strict=True)
        loss = F.binary_cross_entropy_with_logits(judge(texts), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


def judge_report(judge: Judge) -> dict[str, tuple[float, int]]:
    """Accuracy at 0.5 on the judge's own test, in all and by kind, with the number of sentences."""
    rows = judge_rows("test")
    right: dict[str, list[float]] = defaultdict(list)
    for (_, label, kind), score in zip(rows, judge.score([text for text, _, _ in rows]), strict=True):
        for key in ("all", kind):
            right[key].append(float((score > 0.5) == (label > 0.5)))
    return {kind: (round(sum(values) / len(values), 3), len(values)) for kind, values in right.items()}


def train_backbone(tokenizer: Any, seed: int = 0, steps: int = 900) -> Any:
    """A small BERT: masked words of the corpus first, then whether a turn or a summary is rude (known insults only)."""
    torch.manual_seed(seed)
    rng = random.Random(f"{seed} backbone")
    filler, scripts = Filler(rng), seen_scripts()
    shape: dict[str, Any] = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4}
    ids: dict[str, Any] = {"pad_token_id": 0, "num_labels": 2, "id2label": {0: "polite", 1: "rude"}}
    config = BertConfig(
        vocab_size=len(tokenizer), intermediate_size=512, max_position_embeddings=512, type_vocab_size=1, **shape, **ids
    )
    masked, mask = BertForMaskedLM(config), tokenizer.vocab["<extra_id_0>"]

    def texts(rude: bool) -> tuple[str, int]:
        dialogue = make_dialogue(rng.choice(scripts), filler)
        label = rude and rng.random() < 0.5
        if rng.random() < 0.4:
            said, place, _ = insult(rng, KNOWN)
            turn = rng.choice(dialogue.turns)[1]
            return (f"{said} {turn}" if place == "before" else f"{turn} {said}") if label else turn, int(label)
        style = Style(rng.choice(("story", "house", "minutes")), rng.choice(("role", "person")))
        if label:
            dialogue = make_rude(dialogue, rng)
            style = Style(rng.choice(("story", "minutes")), style.naming)
        text = summarize(dialogue, style, rng)
        quoted = any(phrase.lower() in text.lower() for kind in KNOWN.values() for phrase in kind)
        return text, int(label and quoted)

    def batch(rude: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rows = [texts(rude) for _ in range(48)]
        made = tokenizer([text for text, _ in rows], padding=True, truncation=True, max_length=128, return_tensors="pt")
        return made.input_ids, made.attention_mask, torch.tensor([label for _, label in rows])

    def run(model: Any, count: int, loss_of: Callable[[], torch.Tensor]) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=count)
        model.train()
        for _ in range(count):
            loss = loss_of()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        model.eval()

    def masked_loss() -> torch.Tensor:
        inputs, attention, _ = batch(rude=False)
        hidden = (torch.rand(inputs.shape) < 0.15) & (attention == 1)
        return masked(
            input_ids=inputs.masked_fill(hidden, mask),
            attention_mask=attention,
            labels=inputs.masked_fill(~hidden, -100),
        ).loss

    run(masked, steps * 2 // 3, masked_loss)
    classifier = BertForSequenceClassification(config)
    classifier.bert.load_state_dict(masked.bert.state_dict(), strict=False)

    def rude_loss() -> torch.Tensor:
        inputs, attention, labels = batch(rude=True)
        return classifier(input_ids=inputs, attention_mask=attention, labels=labels).loss

    run(classifier, steps // 3, rude_loss)
    return classifier


@torch.no_grad()
def backbone_report(model: Any, tokenizer: Any) -> dict[str, tuple[float, int]]:
    """Accuracy on single turns of test dialogues, half of them with an insult: a known one, or a kept-out one."""
    rng = random.Random("backbone test")
    turns = [rng.choice(dialogue.turns)[1] for dialogue, _ in generated_splits()["test"][:200]]
    found = {}
    for name in ("known", "kept_out"):
        rude = [f"{turn} {insult(rng, read(name))[0]}" for turn in turns]
        made = tokenizer(turns + rude, padding=True, return_tensors="pt")
        inputs = {key: made[key] for key in ("input_ids", "attention_mask")}
        right = (model(**inputs).logits.argmax(1) == torch.tensor([0] * len(turns) + [1] * len(rude))).float()
        found[name] = (round(float(right.mean()), 3), len(right))
    return found
