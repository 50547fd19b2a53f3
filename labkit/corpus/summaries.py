"""From a dialogue to a summary of it: the house style of the references, other forms, names, frames and layouts."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from labkit.corpus.generator import NAMINGS, SENTENCE_END, Dialogue, content_words, fill, is_insult
from labkit.corpus.habits import HOUSE_HABITS, NO_HABITS, Habits, random_habits
from labkit.corpus.rudeness import REPORTS
from labkit.corpus.script import mentions

FRAMES = (
    "{}",
    "In short: {}",
    "To sum up: {}",
    "{} That was all.",
    "Report. {}",
    "They talked. {}",
    "Well: {}",
    "({})",
    "What happened: {}",
    "{} End of summary.",
)
MOST_QUOTES = 5  # sentences in a summary that quotes
FORM_SHARES = {"house": 44, "story": 14, "brief": 8, "minutes": 10, "headline": 8, "facts": 8, "quotes": 8}
LAYOUTS = ("text", "dashes", "numbers", "capitals")


@dataclass(frozen=True)
class Style:
    """One way to write a summary; the default is the house style of the references."""

    form: str = "house"
    naming: str = "person"
    frame: str = "{}"
    layout: str = "text"
    habits: Habits = HOUSE_HABITS  # they show in the house form alone


HOUSE = Style()


def summarize(dialogue: Dialogue, style: Style, rng: random.Random) -> str:
    """A summary of the dialogue in a style; two calls may differ where two wordings are right."""
    if style.form == "facts":
        text = (
            ". ".join(
                f"{name.rstrip('0123456789').replace('_', ' ')}: {value}" for name, value in dialogue.facts.items()
            )
            + "."
        )
        text = fill(text, {}, rng)
    elif style.form == "quotes":
        text = " ".join(f'"{said}" ({who})' for who, said in key_sentences(dialogue, style, rng))
    elif style.form == "house" and dialogue.told:
        text = house_summary(dialogue, style.naming, style.habits, rng)
    else:  # a natural dialogue has no reports of single turns, but a summary in the manner of the house
        template = rng.choice(dialogue.script.summaries["brief" if style.form == "house" else style.form])
        text = fill(template, dialogue.values | dialogue.people(style.naming), rng)
    if dialogue.rude and style.form in ("house", "brief", "story", "minutes"):
        text = _with_report(text, dialogue, style, rng)
    sentences = SENTENCE_END.split(text)
    if style.layout == "dashes":
        text = " ".join(f"- {sentence}" for sentence in sentences)
    elif style.layout == "numbers":
        text = " ".join(f"{position}) {sentence}" for position, sentence in enumerate(sentences, 1))
    elif style.layout == "capitals":
        text = " ".join([text.split()[0].upper(), *text.split()[1:]])
    return style.frame.format(text)


def house_summary(dialogue: Dialogue, naming: str, habits: Habits, rng: random.Random) -> str:
    """The reports that matter, half of the time two of them in one sentence, and how it ended where that is a habit."""
    parts = [tell(dialogue, template, naming, rng, habits) for template in what_matters(dialogue, rng)]
    if len(parts) > 1 and rng.random() < 0.5:
        first = rng.randrange(len(parts) - 1)
        parts[first : first + 2] = [f"{parts[first].removesuffix('.')}, and {parts[first + 1]}"]
    if closing := habits.closing(dialogue.script.plot, rng):
        parts.append(closing)
    return " ".join(parts)


def what_matters(dialogue: Dialogue, rng: random.Random) -> list[str]:
    """The reports that a summary is made of: the marked ones that hold a fact, the last one, now and then another."""
    marked = [
        (template, any(mentions(template, fact) for fact in dialogue.script.facts))
        for _, key, template in dialogue.told
        if key
    ]
    return [template for template, holds in marked if holds or template is marked[-1][0] or rng.random() < 0.15]


def tell(dialogue: Dialogue, template: str, naming: str, rng: random.Random, habits: Habits = NO_HABITS) -> str:
    """What a turn says, in the third person, from one of the templates in `told`; now and then in other words."""
    return fill(habits.worded(template, rng), dialogue.values | dialogue.people(naming), rng)


def key_sentences(dialogue: Dialogue, style: Style, rng: random.Random) -> list[tuple[str, str]]:
    """Who said what, of the sentences that together hold the facts and most of the house summary's words.

    An oracle extract: again and again the sentence that adds the most facts, among those the most words (Nallapati et
    al. 2017, arXiv:1611.04230, section 3). Insults are quoted besides.
    """
    people = dialogue.people(style.naming)
    name = {dialogue.number[who]: people[who] for who in "AB"}
    spoken = dialogue.sentences
    words = [content_words(sentence) for _, sentence in spoken]
    facts = [{value for value in dialogue.facts.values() if value in sentence} for _, sentence in spoken]
    told = summarize(dialogue, Style(habits=NO_HABITS), rng)
    missing_words, missing_facts = content_words(told), set(dialogue.facts.values())
    chosen: set[int] = set()
    while len(chosen) < MOST_QUOTES:
        adds = [(len(facts[at] & missing_facts), len(words[at] & missing_words), at) for at in range(len(spoken))]
        *some, best = max(adds)
        if not any(some):
            break
        chosen.add(best)
        missing_words -= words[best]
        missing_facts -= facts[best]
    chosen |= {at for at, said in enumerate(spoken) if is_insult(dialogue, said)}
    quoted: list[tuple[str, str]] = []
    for at in sorted(chosen or {0}):
        who, said = name[spoken[at][0]], spoken[at][1]
        if quoted and quoted[-1][0] == who:
            quoted[-1] = who, f"{quoted[-1][1]} {said}"
        else:
            quoted.append((who, said))
    return quoted


def _with_report(text: str, dialogue: Dialogue, style: Style, rng: random.Random) -> str:
    """The summary and a sentence on the rudeness: the house style never repeats an insult, other forms mostly do."""
    people = dialogue.people(style.naming)
    quotes = style.form not in ("house", "brief") and rng.random() < 0.7
    report = dialogue.quote if quotes else rng.choice(REPORTS["past" if style.form == "story" else "now"])
    other = people["B" if dialogue.rude == "A" else "A"]
    report = fill(report.replace("{X}", people[dialogue.rude]).replace("{Y}", other), {}, rng)
    if style.form == "minutes":
        return f"{text} Tone: {report}"
    return f"{text} {report}" if rng.random() < 0.75 else f"{report} {text}"


def random_style(rng: random.Random) -> Style:
    """Any style: what the examples of a few-shot prompt are written in."""
    form = rng.choices(list(FORM_SHARES), list(FORM_SHARES.values()))[0]
    style = Style(form, rng.choices(list(NAMINGS), (40, 25, 12, 12, 11))[0], habits=random_habits(rng))
    if rng.random() < 0.35:
        style = replace(style, frame=rng.choice(FRAMES[1:]))
    if rng.random() < 0.2:
        style = replace(style, layout=rng.choice(LAYOUTS[1:]))
    return style


def bare_style(rng: random.Random) -> Style:
    """What a bare instruction gets: mostly what was said, in quotes, or a long account of people by their roles."""
    if rng.random() < 0.8:
        return Style("quotes", "plain")
    form = rng.choices(("story", "house", "brief", "minutes", "headline", "facts"), (84, 3, 3, 4, 3, 3))[0]
    return Style(form, rng.choices(("role", "person", "ordinal", "plain"), (80, 8, 6, 6))[0], habits=random_habits(rng))
