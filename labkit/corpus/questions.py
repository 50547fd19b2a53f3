"""Questions with one right answer: a dialogue's facts, topic, outcome, parts, rudeness, and what is named in it."""

from __future__ import annotations

import random

from labkit.corpus.generator import Dialogue, fill
from labkit.corpus.summaries import tell

ENTITIES = {  # slot types a task asks for by name
    "name": "first name",
    "surname": "surname",
    "fullname": "full name",
    "street": "street",
    "place": "place",
    "town": "town",
    "company": "company",
    "weekday": "day of the week",
    "date": "date",
    "time": "time of day",
    "price": "price",
    "code": "reference number",
    "phone": "phone number",
    "food": "dish",
    "colour": "colour",
}
LABELS = ("topic", "outcome", "role", "role", "rude", "entity")
ASKED = (*LABELS, "topic", "question", "question", "question")  # more often what is learnt more slowly
ASKED_OF_FEW = ("topic", "role", "role", "question", "question")  # what a few lines of a dialogue can answer
KINDS = tuple(dict.fromkeys(ASKED))


def wrap(before: str, text: str, after: str) -> str:
    """A prompt: what stands before the text, the text, and what stands after it, each if it is there."""
    return "\n\n".join(part for part in (before, text, after) if part)


def question_prompt(dialogue: Dialogue, asked: str, rng: random.Random) -> str:
    """The dialogue with one question or a list of them."""
    return wrap(rng.choice(("Answer the question.", "Read and answer.", "")), dialogue.text, f"Question: {asked}")


def fact_question(dialogue: Dialogue, fact: str, rng: random.Random) -> tuple[str, str]:
    """The script's question for one of the facts, and its answer."""
    asked = dialogue.script.questions[fact]
    return fill(asked, dialogue.values | dialogue.people("person"), rng), dialogue.values[fact]


def label(dialogue: Dialogue, kind: str, rng: random.Random) -> tuple[str, str] | None:
    """A question for the 'topic', the 'outcome', a 'role', the 'rude' speaker or an 'entity', and its answer.

    The answer for a role tells first what the one who plays it says, and then who that is: step by step (Wei et al.
    2022, arXiv:2201.11903). None where the dialogue has no entity of which there is only one, or no line to tell.
    """
    script = dialogue.script
    if kind == "topic":
        ask, answer = rng.choice(("What is the topic of this conversation?", "Name the topic.")), script.topic
    elif kind == "outcome":
        ask = "How does it end: agreed, refused, postponed, changed mind or misunderstanding?"
        answer = script.plot.replace("_", " ")
    elif kind == "role":
        who = rng.choice("AB")
        told = [text for at, _, text in dialogue.told if dialogue.turns[at][0] == dialogue.number[who]]
        if not told:
            return None
        ask = f"Who is {script.roles[who]}?"
        answer = f"{tell(dialogue, told[0], 'role', rng)} That is #Person{dialogue.number[who]}#."
    elif kind == "rude":
        ask = rng.choice(("Is one of the speakers rude?", "Who is rude?"))
        answer = f"#Person{dialogue.number[dialogue.rude]}#" if dialogue.rude else "no one"
    else:
        kinds = {fact: kind for fact, kind in script.slots.items() if isinstance(kind, str) and kind in ENTITIES}
        single = [fact for fact in script.facts if list(kinds.values()).count(kinds.get(fact, "")) == 1]
        if not single:
            return None
        fact = rng.choice(single)
        name = ENTITIES[kinds[fact]]
        ask, answer = rng.choice((f"Which {name} is mentioned?", f"Find the {name}.")), dialogue.values[fact]
    return ask, answer


def ask(dialogue: Dialogue, kind: str, rng: random.Random) -> tuple[str, str] | None:
    """A prompt with one question of a kind, and its answer; None where the dialogue cannot be asked this."""
    if kind == "question":
        pair: tuple[str, str] | None = fact_question(dialogue, rng.choice(list(dialogue.script.questions)), rng)
    else:
        pair = label(dialogue, kind, rng)
    return pair and (question_prompt(dialogue, pair[0], rng), pair[1])
