"""Tasks of the mixture that ask for what stands in the prompt: to repeat it, to say whose it is, to fill its gaps."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from labkit.corpus.generator import Dialogue
from labkit.corpus.questions import wrap
from labkit.corpus.slots import Filler


def copy(draw: Callable[[], Dialogue], filler: Filler) -> tuple[str, str]:
    """Words, lines or parts of them to be repeated: only attention to the prompt can solve it.

    `draw` gives a dialogue, where one is needed.
    """
    rng = filler.rng
    kind = rng.choice(("words", "line", "last", "part", "part", "part", "masked", "pairs"))
    if kind == "words":
        text = " ".join(any_word(filler) for _ in range(rng.randint(3, 14)))
        return f"Repeat: {text}", text
    if kind == "pairs":
        table = {any_word(filler): any_word(filler) for _ in range(rng.randint(3, 8))}
        key = rng.choice(list(table))
        return " ".join(f"{left} = {right}." for left, right in table.items()) + f" What is {key}?", table[key]
    dialogue = draw()
    lines = dialogue.lines
    position = rng.randrange(len(lines))
    number, text = dialogue.turns[position]
    if kind == "last":
        return wrap("", dialogue.text, "Repeat the last line."), lines[-1]
    if kind == "line":
        ask = f"Repeat line {position + 1} and say whose it is."
        return wrap("", dialogue.text, ask), f"{text} (#Person{number}#)"
    spoken = text.split()
    if kind == "part":  # from within a turn: who says it cannot be told from the next line's name
        start = rng.randrange(max(1, len(spoken) - 4))
        part = " ".join(spoken[start : start + rng.randint(2, 5)])
        return wrap("", dialogue.text, f'Who says "{part}"?'), f"{part} (#Person{number}#)"
    start = rng.randrange(len(spoken))
    stop = min(len(spoken), start + rng.randint(1, 4))
    gap = " ".join([*spoken[:start], "<extra_id_0>", *spoken[stop:]])
    return wrap("", dialogue.text, f"Complete: {gap}"), " ".join(spoken[start:stop])


def whose(dialogue: Dialogue, rng: random.Random) -> tuple[str, str]:
    """Lines to repeat with their speakers, or those of one speaker; mostly a few lines, spoken in any order."""
    turns = list(dialogue.turns)
    if rng.random() < 0.85:  # the two taking turns would be told by counting
        turns = [(rng.choice((1, 2)), text) for _, text in turns[few_of(len(turns), rng)]]
    text = "\n".join(f"#Person{number}#: {said}" for number, said in turns)
    if rng.random() < 0.65:
        ask = "Repeat each line and say whose it is."
        return wrap("", text, ask), " ".join(f"{said} (#Person{number}#)" for number, said in turns)
    who = rng.choice((1, 2))
    answer = " ".join(said for number, said in turns if number == who)
    return wrap("", text, f"What does #Person{who}# say?"), answer or "nothing"


def with_gaps(text: str, dialogue: Dialogue) -> tuple[str, str] | None:
    """A summary with its facts and people behind sentinels, and what stands behind them; None where there are none."""
    values = sorted(map(re.escape, dialogue.values.values()), key=len, reverse=True)
    pattern = re.compile(
        rf"#Person[12]#|Person [12]|\b(?:{'|'.join(values)})(?!\w)" if values else "#Person[12]#", re.I
    )
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return f"<extra_id_{len(hidden) - 1}>"

    text = pattern.sub(hide, text)
    answer = " ".join(f"<extra_id_{number}> {value}" for number, value in enumerate(hidden))
    return (text, answer) if hidden else None


def spans(dialogue: Dialogue, rng: random.Random) -> tuple[str, str]:
    """T5's span corruption: 15% of the words, in spans of 3 on average, behind sentinels."""
    tokens = dialogue.text.split()
    count = max(1, round(len(tokens) * 0.15 / 3))
    source: list[str] = []
    target: list[str] = []
    at = number = 0
    for start in sorted(rng.sample(range(len(tokens)), count)):
        if start < at:
            continue
        stop = min(len(tokens), start + rng.randint(1, 5))
        source += [*tokens[at:start], f"<extra_id_{number}>"]
        target += [f"<extra_id_{number}>", *tokens[start:stop]]
        at, number = stop, number + 1
    return " ".join([*source, *tokens[at:]]), " ".join(target)


def few_of(count: int, rng: random.Random, most: int = 5) -> slice:
    """Two or more of `count` turns in a row, `most` at the most."""
    start = rng.randrange(count - 1)
    return slice(start, start + rng.randint(2, most))


def any_word(filler: Filler) -> str:
    """Any word: a common or a rare real one, an invented one, a price, a name."""
    if filler.rng.random() < 0.4:
        return filler.real_word()
    return filler.value(
        filler.rng.choice(("name", "surname", "price", "time", "code", "object", "town", "weekday", "phone"))
    )
