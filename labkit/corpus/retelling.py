"""Turns put together by rule, and how they are reported: what anyone says, whatever it is about.

The scripts' lines are a few thousand; a model can learn them by heart. Here verbs, things and sentences are combined
without end, so that reporting a turn has to be learnt as the rule it is. Only the training stream has such turns.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from labkit.corpus import words
from labkit.corpus.generator import Dialogue, fill
from labkit.corpus.script import mentions
from labkit.corpus.slots import Filler

FOLDER = Path(__file__).parent
VERBS = (FOLDER / "retelling_verbs.txt").read_text("utf-8").split()
SENTENCES = (FOLDER / "retelling_sentences.txt").read_text("utf-8").splitlines()  # what is said | how it is reported
FILLERS = (
    "Well, |Um, |Look, |Oh dear. |Listen. |Right. |Hm. |Actually, |To be honest, |You know, |Oh, |Sorry? |Honestly, |"
    "Really? |Hello. |Goodness. "
).split("|")
AFTER = (
    " All right?| Honestly.| Really.| It's true.| What do you say?| There you are.| That's all.| I mean it.| Sorry.|"
    " Okay?"
).split("|")
TIMES = (
    "today|tomorrow|tonight|again|now|soon|later|twice|at once|at noon|after lunch|before breakfast|every day|"
    "last week|next year|this morning|in the afternoon|all day|for years|in a hurry|by mistake|on purpose|with care|"
    "for nothing|in secret|by hand"
).split("|")
WITH = {  # how a value comes into a sentence, by the type of its slot
    "thing": "with the {}", "object": "with the {}", "food": "with the {}", "name": "for {}", "surname": "for Mrs {}",
    "fullname": "for {}", "weekday": "on {}", "date": "on {}", "month": "in {}", "time": "at {}", "hours": "for {}",
    "days": "for {}", "price": "for {}", "count": "in groups of {}", "number": "under number {}", "room": "in {}",
    "code": "under {}", "phone": "on {}", "street": "in {}", "place": "at {}", "town": "in {}", "company": "from {}",
    "colour": "in {}",
}  # fmt: skip
PLACED = "in|on|under|behind|near|with|without|from|for|because of|instead of|next to".split("|")
FORM = re.compile(r"\bV(2?)(s|ed|en|ing)?\b|\b([OPTNJSH])\b")
TAGS = {"s": "VBZ", "ed": "VBD", "en": "VBN", "ing": "VBG"}


def retold(dialogue: Dialogue, filler: Filler, share: float) -> Dialogue:
    """The same dialogue, a share of its reported turns made by rule in place of its own, with the same values."""
    letter = {number: who for who, number in dialogue.number.items()}
    turns, told = list(dialogue.turns), []
    for at, key, template in dialogue.told:
        if filler.rng.random() < share:
            number = turns[at][0]
            needed = [name for name in dialogue.script.slots if mentions(template, name)]
            said, template = turn([(name, dialogue.script.slots[name]) for name in needed], letter[number], filler)
            turns[at] = number, fill(said, dialogue.values, filler.rng)
        told.append((at, key, template))
    return replace(dialogue, turns=tuple(turns), told=tuple(told))


def turn(values: list[tuple[str, str | tuple[str, ...]]], who: str, filler: Filler) -> tuple[str, str]:
    """What `who` says, and the report of it: one or two sentences that hold the values, given as (slot, type)."""
    rng = filler.rng
    count = 2 if rng.random() < 0.35 else 1
    said, reports = zip(*(sentence(values[number::count], filler) for number in range(count)), strict=True)
    before, after = (rng.choice(some) if rng.random() < 0.25 else "" for some in (FILLERS, AFTER))
    text = " ".join(said)
    if before.endswith(", ") and not text.startswith(("I ", "I'", "{")):
        text = text[0].lower() + text[1:]
    report = reports[0]
    if count == 2:
        second = reports[1].removeprefix("S ") if rng.random() < 0.7 else reports[1]
        report = f"{report.removesuffix('.')} and {second}"
    other = "B" if who == "A" else "A"
    return before + text + after, re.sub(r"\bS\b", f"{{{who}}}", re.sub(r"\bH\b", f"{{{other}}}", report))


def sentence(values: list[tuple[str, str | tuple[str, ...]]], filler: Filler) -> tuple[str, str]:
    """A sentence and its report, with S for the speaker and H for the hearer."""
    rng = filler.rng
    said, report = rng.choice(SENTENCES).split(" | ")
    held = [WITH[kind].format(f"{{{name}}}") if isinstance(kind, str) else f"about {{{name}}}" for name, kind in values]
    if " T" not in said:
        said, report = f"{said[:-1]} T{said[-1]}", f"{report[:-1]} T."
    if not held and rng.random() < 0.5:
        held = [rng.choice(TIMES)] if rng.random() < 0.5 else [f"{rng.choice(PLACED)} {_thing(filler)}"]
    parts = {
        "V": rng.choice(VERBS),
        "V2": rng.choice(VERBS),
        "O": _thing(filler),
        "P": _thing(filler),
        "T": " ".join(held),
        "N": filler.value("name"),
        "J": filler.draw(words.LOOKS, "ADJ"),
    }
    return _put(said, parts), _third_person(_put(report, parts))


def _thing(filler: Filler) -> str:
    rng = filler.rng
    look = f"{filler.draw(words.LOOKS, 'ADJ')} " if rng.random() < 0.4 else ""
    return f"{rng.choice(('my', 'your', 'the', 'the', 'a', 'his', 'this'))} {look}{filler.value('object')}"


def _put(text: str, parts: dict[str, str]) -> str:
    def part(match: re.Match[str]) -> str:
        if match[3]:
            return parts.get(match[3], match[3])
        verb, *rest = parts[f"V{match[1]}"].split("-")
        return " ".join([inflected(verb, match[2]), *rest])

    text = re.sub(r"\s+([.?!])", r"\1", FORM.sub(part, text))
    return text[0].upper() + text[1:]


def inflected(verb: str, form: str | None) -> str:
    """'s', 'ed', 'en' or 'ing' of a verb."""
    import lemminflect

    return lemminflect.getInflection(verb, tag=TAGS[form])[0] if form else verb


def _third_person(report: str) -> str:
    return re.sub(r"\bmy\b", "S's", re.sub(r"\byour\b", "H's", report))
