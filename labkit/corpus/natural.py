"""The dialogues that were written one by one: as rows, and for training with some of their words exchanged."""

from __future__ import annotations

import functools
import random
import re
from pathlib import Path

from labkit.corpus import words
from labkit.corpus.script import Script, Turn
from labkit.corpus.slots import COUNTS, MONTHS, WEEKDAYS
from labkit.errors import LabError

FOLDER = Path(__file__).parent / "natural"
FIELDS = {"topic", "headline", "summary"}


@functools.cache
def natural_dialogues(name: str) -> list[dict[str, str]]:
    """Rows of `name` ('train' or 'test'): dialogue, summary, topic, headline. LabError where a line is missing."""
    found = []
    for block in (FOLDER / f"{name}.txt").read_text("utf-8").strip().split("\n\n"):
        lines = [line.strip() for line in block.splitlines()]
        row = dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
        if set(row) != FIELDS:
            raise LabError(f"A natural dialogue needs the lines {sorted(FIELDS)}, but one has {sorted(row)}.")
        found.append(row | {"dialogue": "\n".join(line for line in lines if line.startswith("#"))})
    return found


def as_script(row: dict[str, str], rng: random.Random) -> Script:
    """A natural dialogue as a script of fixed turns, about half of its names, days, numbers and plain nouns made slots.

    The slots turn the few hundred training dialogues into many: the words change in dialogue and summary alike.
    """
    slots: dict[str, str] = {}
    for word in sorted(set(re.findall(r"[A-Za-z]+", row["dialogue"]))):
        kind = _slot_type(word)
        if kind and rng.random() < 0.5:
            slots[word] = kind

    numbers = {word: number for number, word in enumerate(slots)}

    def slot(match: re.Match[str]) -> str:
        article, name = match[1], f"w{numbers[match[2]]}"
        return f"{{a {name}}}" if article == "a" else f"{article} {{{name}}}" if article else f"{{{name}}}"

    def mark(text: str) -> str:
        text = re.sub(r"[()|{}]", "", text)
        return re.sub(rf"\b(?:([Aa])n? )?({'|'.join(numbers)})\b", slot, text) if numbers else text

    script = Script(id="natural", topic=row["topic"], roles={"A": "the first speaker", "B": "the second speaker"})
    script.slots = {f"w{number}": kind for number, kind in enumerate(slots.values())}
    for line in row["dialogue"].splitlines():
        speaker, text = line.split(": ", 1)
        script.turns.append(Turn("A" if speaker == "#Person1#" else "B", (mark(text),), None))
    for form, field in (("brief", "summary"), ("headline", "headline")):
        text = mark(row[field]).replace("#Person1#", "{A}").replace("#Person2#", "{B}")
        script.summaries[form] = [text]
    return script


def _slot_type(word: str) -> str | None:
    if word in words.FIRST_NAMES:
        return "name"
    if word in WEEKDAYS:
        return "weekday"
    if word in MONTHS and word not in ("May", "March"):
        return "month"
    if word in COUNTS:
        return "count"
    return "object" if word in _nouns() else None


@functools.cache
def _nouns() -> frozenset[str]:
    nouns = [word for word in words.wide_words()["NOUN"] if words.always_noun(word)]
    return frozenset(nouns[400:])  # the commonest ("what", "time") are more than names of things
