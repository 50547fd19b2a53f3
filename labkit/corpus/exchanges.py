"""Dialogues strung together from exchanges: pieces of everyday talk written one by one, each turn with its report.

A dialogue of these makes no story, but its lines stand in no script: what is told has to be read off them. An exchange
is written as the turns of a script are (scripts/README.md), with slots named by their types.
"""

from __future__ import annotations

import functools
import random
from dataclasses import replace
from pathlib import Path

from labkit.corpus.script import SLOT, Script, Turn, parse_folder

FOLDER = Path(__file__).parent / "exchanges"
MOST = 4  # exchanges in a dialogue
OTHER = {"A": "B", "B": "A"}


@functools.cache
def exchanges() -> list[list[Turn]]:
    """All exchanges, by file name and place in the file. Raises LabError for a line that cannot be read."""
    return [script.turns for script in parse_folder(FOLDER)]


def strung_together(rng: random.Random) -> Script:
    """A script of one to four exchanges: all slots are facts; the turns with a slot matter, and the last one."""
    script = Script(id="exchanges", roles={"A": "the first speaker", "B": "the second speaker"})
    for exchange in rng.sample(exchanges(), rng.randint(1, MOST)):
        swapped = exchange[0].speaker == script.turns[-1].speaker if script.turns else rng.random() < 0.5
        names: dict[str, str] = {}  # of the exchange's slots in the script
        for turn in exchange:
            for match in SLOT.finditer(turn.alternatives[0]):
                if match[2] not in names:
                    names[match[2]] = f"{match[2]}_{len(script.slots)}"
                    script.slots[names[match[2]]] = match[2].rstrip("0123456789")
        new = names | (OTHER if swapped else {})
        for turn in exchange:
            text, report = (_renamed(each, new) for each in (turn.alternatives[0], turn.reports[0]))
            speaker = new.get(turn.speaker, turn.speaker)
            script.turns.append(Turn(speaker, (text,), reports=(report,), key="{" in text))
    script.turns[-1] = replace(script.turns[-1], key=True)
    script.facts = tuple(script.slots)
    return script


def _renamed(text: str, new: dict[str, str]) -> str:
    return SLOT.sub(lambda m: f"{{{m[1] + ' ' if m[1] else ''}{new.get(m[2], m[2])}}}", text)
