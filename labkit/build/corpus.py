"""Write the embedded corpus: `labkit build corpus`."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator
from pathlib import Path

from labkit.corpus.generator import Dialogue, make_dialogue, make_rude
from labkit.corpus.natural import natural_dialogues
from labkit.corpus.script import Script, load_scripts
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, Style, summarize
from labkit.corpus.words import unfit

UNSEEN_TOPICS = (
    "selling something second-hand",
    "a bicycle repair",
    "a library loan",
    "ordering a cake",
    "a haircut",
    "a lost pet",
    "redecorating a room",
    "asking the way",
)
SIZES = {"train": 2000, "validation": 300, "test": 500, "test_topics": 300, "rude_train": 600, "rude_test": 300}
RARE = 0.12  # share of wide-list and invented words: low here, where people read; high in the training stream
TEXTS = ("dialogue", "summary", "second_summary", "polite")  # what may stand in one split only
COLUMNS = ("id", "dialogue", "summary", "second_summary", "topic", "headline", "facts", "rude", "polite")


def seen_scripts() -> list[Script]:
    """The scripts the model may be trained on."""
    return [script for script in load_scripts() if script.topic not in UNSEEN_TOPICS]


@functools.cache
def generated_splits(seed: int = 0) -> dict[str, list[tuple[Dialogue, dict[str, str]]]]:
    """The generated splits, each dialogue with its row. No text of a row stands twice, in one split or in two."""
    unseen = [script for script in load_scripts() if script.topic in UNSEEN_TOPICS]
    taken: set[str] = set()
    splits = {}
    for split, size in SIZES.items():
        filler = Filler(random.Random(f"{seed} {split}"), RARE, "never" if split.endswith("train") else "any")
        scripts = unseen if split == "test_topics" else seen_scripts()
        made: list[tuple[Dialogue, dict[str, str]]] = []
        while len(made) < size:
            dialogue = make_dialogue(scripts[len(made) % len(scripts)], filler)
            polite = dialogue.text if split.startswith("rude") else ""
            dialogue = make_rude(dialogue, filler.rng) if polite else dialogue
            row = _row(dialogue, polite, filler.rng)
            texts = {row[key] for key in TEXTS} - {""}
            if texts & taken or row["summary"] == row["second_summary"] or unfit(dialogue.text):
                continue
            taken |= texts
            made.append((dialogue, row))
        filler.rng.shuffle(made)
        for number, (_, row) in enumerate(made):
            row["id"] = f"{split}_{number}"
            if number % 2 or split not in ("test", "test_topics"):
                row["second_summary"] = ""
        splits[split] = made
    return splits


def _row(dialogue: Dialogue, polite: str, rng: random.Random) -> dict[str, str]:
    summary = summarize(dialogue, HOUSE, rng)
    others = [summarize(dialogue, HOUSE, rng) for _ in range(6)]
    return {
        "dialogue": dialogue.text,
        "summary": summary,
        "second_summary": min(others, key=lambda other: len(set(other.split()) & set(summary.split()))),
        "topic": dialogue.script.topic,
        "headline": summarize(dialogue, Style("headline"), rng),
        "facts": json.dumps(dialogue.facts),
        "rude": f"#Person{dialogue.number[dialogue.rude]}#" if dialogue.rude else "",
        "polite": polite,
    }


def natural_split(name: str) -> list[dict[str, str]]:
    """Rows of the dialogues that were written one by one: `name` is 'train' or 'test'."""
    empty = {"second_summary": "", "facts": "{}", "rude": "", "polite": ""}
    return [row | empty | {"id": f"natural_{name}_{number}"} for number, row in enumerate(natural_dialogues(name))]


def all_splits(seed: int = 0) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Every split that is shipped, by name."""
    yield from ((name, [row for _, row in made]) for name, made in generated_splits(seed).items())
    yield from ((f"natural_{name}", natural_split(name)) for name in ("train", "test"))


def evaluation_texts(seed: int = 0) -> frozenset[str]:
    """Dialogues and summaries that the training stream must never produce."""
    splits = generated_splits(seed)
    held_back = [name for name in SIZES if not name.endswith("train")]
    return frozenset(row[key] for name in held_back for _, row in splits[name] for key in TEXTS) - {""}


def build_corpus(folder: Path, seed: int = 0) -> dict[str, int]:
    """Write one parquet file a split; returns the number of rows of each."""
    from datasets import Dataset

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, rows in all_splits(seed):
        Dataset.from_list(rows).select_columns(list(COLUMNS)).to_parquet(folder / f"{name}.parquet")
        sizes[name] = len(rows)
    return sizes
