"""Rude speakers: a polite dialogue in which one of the two begins to insult the other, mildly, for Lab 07.

Half of the expressions (`rudeness/kept_out.txt`) stand in no dialogue of the corpus and none of the training: only the
judge of Lab 07 and its test know them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).parent / "rudeness"
NAME_FORMS = ("You {}!", "What a {}!", "Listen, you {}.", "You're such a {}.", "You {}, you.")
TRAIT_FORMS = ("You are {}.", "How can anyone be so {}?", "You're {}, aren't you?", "Honestly, you are {}.")


def read(name: str) -> dict[str, list[str]]:
    """Expressions of a file by kind: 'name', 'trait', 'before' and 'after', or 'now' and 'past' for the reports."""
    found = defaultdict(list)
    for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
        kind, text = line.split(" | ", 1)
        found[kind].append(text)
    return dict(found)


KNOWN, REPORTS = read("known"), read("reports")


def insult(rng: random.Random, expressions: dict[str, list[str]] = KNOWN) -> tuple[str, str, str]:
    """A rude sentence, whether it goes 'before' or 'after' a turn, and its quote in a summary, with {X} and {Y}."""
    kind = rng.choice(("name", "trait", "before", "after"))
    text = rng.choice(expressions[kind])
    if kind == "name":
        said, place = rng.choice(NAME_FORMS).format(text), rng.choice(("before", "after"))
        quote = "{X} called {Y} " + f"a {text}."
    elif kind == "trait":
        said, place = rng.choice(TRAIT_FORMS).format(text), rng.choice(("before", "after"))
        quote = "{X} called {Y} " + f"{text}."
    else:
        said, place = text, kind
        quote = rng.choice(('{X} told {Y}: "%s"', '{X} said: "%s"', '{X} said to {Y}, "%s"')) % text
    return (said.upper() if rng.random() < 0.15 else said), place, quote


def insult_turns(turns: list[str], rng: random.Random) -> tuple[list[str], str]:
    """The turns of one speaker with one to three insults in them, and the quote of one of the insults."""
    turns = list(turns)
    for position in rng.sample(range(len(turns)), min(len(turns), rng.choice((1, 2, 2, 3)))):
        said, place, quote = insult(rng)
        turns[position] = f"{said} {turns[position]}" if place == "before" else f"{turns[position]} {said}"
    return turns, quote
