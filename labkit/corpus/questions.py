"""Questions with one right answer: a dialogue's facts, topic, outcome, parts, rudeness, and what is named in it."""

from __future__ import annotations

import random

from labkit.corpus.generator import Dialogue, fill

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
ASKED = (*LABELS, "question", "question")  # twice what a line has to be found for
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

    None where the dialogue has no entity of which there is only one.
    """
    script = dialogue.script
    if kind == "topic":
        ask, answer = rng.choice(("What is the topic of this conversation?", "Name the topic.")), script.topic
    elif kind == "outcome":
        ask = "How does it end: agreed, refused, postponed, changed mind or misunderstanding?"
        answer = script.plot.replace("_", " ")
    elif kind == "role":
        who = rng.choice("AB")
        ask, answer = f"Who is {script.roles[who]}?", f"#Person{dialogue.number[who]}#"
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
