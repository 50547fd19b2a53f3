"""Write the embedded corpus: `labkit build corpus`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from labkit.corpus.generator import HOUSE, Style, make_dialogue, summarize
from labkit.corpus.script import Script, load_scripts
from labkit.corpus.slots import Filler
from labkit.errors import LabError

UNSEEN_TOPICS = ("selling something second-hand", "a bicycle repair", "a library loan", "ordering a cake")
SIZES = {"train": 2000, "validation": 300, "test": 500, "test_topics": 300}
RARE = 0.12  # share of wide-list and invented words: low here, where people read; high in the training stream
NATURAL = Path(__file__).parent.parent / "corpus" / "natural"
COLUMNS = ("id", "dialogue", "summary", "topic", "headline", "facts")


def seen_scripts() -> list[Script]:
    """The scripts the model may be trained on."""
    return [script for script in load_scripts() if script.topic not in UNSEEN_TOPICS]


def generated_splits(seed: int = 0) -> dict[str, list[dict[str, str]]]:
    """Rows of the generated splits. No dialogue and no summary stands twice, in one split or in two."""
    unseen = [script for script in load_scripts() if script.topic in UNSEEN_TOPICS]
    taken: set[str] = set()
    splits = {}
    for split, size in SIZES.items():
        filler = Filler(random.Random(f"{seed} {split}"), RARE, "never" if split == "train" else "any")
        scripts = unseen if split == "test_topics" else seen_scripts()
        rows: list[dict[str, str]] = []
        while len(rows) < size:
            dialogue = make_dialogue(scripts[len(rows) % len(scripts)], filler)
            summary = summarize(dialogue, HOUSE, filler.rng)
            if dialogue.text in taken or summary in taken:
                continue
            taken |= {dialogue.text, summary}
            headline = summarize(dialogue, Style("headline"), filler.rng)
            rows.append(_row(dialogue.text, summary, dialogue.script.topic, headline, dialogue.facts))
        filler.rng.shuffle(rows)
        splits[split] = [{"id": f"{split}_{number}", **row} for number, row in enumerate(rows)]
    return splits


def natural_split(name: str) -> list[dict[str, str]]:
    """Rows of the dialogues that were written one by one: `name` is 'train' or 'test'."""
    blocks = (NATURAL / f"{name}.txt").read_text("utf-8").strip().split("\n\n")
    return [{"id": f"natural_{name}_{number}", **_natural_row(block)} for number, block in enumerate(blocks)]


def _natural_row(block: str) -> dict[str, str]:
    lines = [line.strip() for line in block.splitlines()]
    fields = dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
    if set(fields) != {"topic", "headline", "summary"}:
        raise LabError(
            f"A natural dialogue needs the lines topic:, headline: and summary:, but one has {sorted(fields)}."
        )
    turns = "\n".join(line for line in lines if line.startswith("#"))
    return _row(turns, fields["summary"], fields["topic"], fields["headline"], {})


def _row(dialogue: str, summary: str, topic: str, headline: str, facts: dict[str, str]) -> dict[str, str]:
    return {"dialogue": dialogue, "summary": summary, "topic": topic, "headline": headline, "facts": json.dumps(facts)}


def all_splits(seed: int = 0) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Every split that is shipped, by name."""
    yield from generated_splits(seed).items()
    yield from ((f"natural_{name}", natural_split(name)) for name in ("train", "test"))


def evaluation_texts(seed: int = 0) -> frozenset[str]:
    """Dialogues and summaries that the training stream must never produce."""
    splits = generated_splits(seed)
    return frozenset(
        row[key] for name in SIZES if name != "train" for row in splits[name] for key in ("dialogue", "summary")
    )


def build_corpus(folder: Path, seed: int = 0) -> dict[str, int]:
    """Write one parquet file a split; returns the number of rows of each."""
    from datasets import Dataset

    folder.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, rows in all_splits(seed):
        Dataset.from_list(rows).select_columns(list(COLUMNS)).to_parquet(folder / f"{name}.parquet")
        sizes[name] = len(rows)
    return sizes
