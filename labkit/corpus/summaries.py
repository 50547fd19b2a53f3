"""From a dialogue to a summary of it: the house style of the references, other forms, names, frames and layouts."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace

from labkit.corpus.generator import NAMINGS, SENTENCE_END, Dialogue, content_words, fill, is_insult
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
SYNONYMS: tuple[tuple[str, tuple[str, ...]], ...] = (  # wordings that a report may have as well
    (
        r"\basks (whether|what|how|where|why|when|who|which)\b",
        (r"wants to know \1", r"would like to know \1", r"inquires \1"),
    ),
    (r"\bsays that\b", ("explains that", "points out that", "mentions that")),
    (r"(?<!only )\bbecause (?!of\b)", ("since ", "as ")),
    (r"\bwould like to\b", ("wants to", "wishes to")),
    (r"(?<=[AB]\} )will(?= \w+ )", ("is going to",)),
    (r"(?<=[AB]\} )cannot(?= \w+ )", ("is unable to", "is not able to")),
    (r"(?<=[AB]\} )(?:has to|must|needs to)(?= \w+ )", ("has to", "must")),
    (r", but ", (", yet ", ", though ")),
    (r"\bsuggests\b", ("proposes",)),
    (r"(?<=[AB]\} )has got\b(?! to)", ("has",)),
    (r"\bthinks that\b", ("believes that", "feels that")),
)
CLOSERS = {  # how it ended, in the set phrases that an author may have for it
    "agreed": (
        "So it is settled.",
        "Both are content in the end.",
        "It ends in agreement.",
        "The two come to terms.",
        "They part with a deal.",
        "All is arranged.",
    ),
    "refused": (
        "The answer stays no.",
        "Nothing comes of it.",
        "The wish is turned down.",
        "They part without a deal.",
        "In the end it is denied.",
        "The request has failed.",
    ),
    "postponed": (
        "The matter has to wait.",
        "It is put off.",
        "A later time is chosen.",
        "So nothing happens yet.",
        "They will see to it another time.",
        "It is moved to later.",
    ),
    "changed_mind": (
        "The first idea is dropped.",
        "So the plan is changed.",
        "One of them thinks again.",
        "A new decision is made.",
        "It turns out otherwise.",
        "Minds have changed.",
    ),
    "misunderstanding": (
        "It was all a mix-up.",
        "The misunderstanding is cleared up.",
        "A mistake is put right.",
        "They had talked at cross purposes.",
        "The confusion is over.",
        "It was only an error.",
    ),
}
HABIT = 0.85  # how often authors keep to their wordings
MOST_QUOTES = 5  # sentences in a summary that quotes
FORM_SHARES = {"house": 44, "story": 14, "brief": 8, "minutes": 10, "headline": 8, "facts": 8, "quotes": 8}
LAYOUTS = ("text", "dashes", "numbers", "capitals")


@dataclass(frozen=True)
class Author:
    """Habits of wording that no single example shows in full: of each synonym the favourite, of each end the phrase."""

    favourites: tuple[int, ...]  # for each of SYNONYMS: 0 keeps the report's own words, 1 takes the first other ones, …
    closers: tuple[tuple[str, str], ...] = ()  # plot, phrase


@dataclass(frozen=True)
class Style:
    """One way to write a summary; without an author the wordings are any, and there is no closing phrase."""

    form: str = "house"
    naming: str = "person"
    frame: str = "{}"
    layout: str = "text"
    author: Author | None = None


def random_author(rng: random.Random) -> Author:
    """Any author; two of three close with how it ended."""
    favourites = tuple(rng.randint(0, len(others)) for _, others in SYNONYMS)
    closers = tuple((plot, rng.choice(phrases)) for plot, phrases in CLOSERS.items())
    return Author(favourites, closers if rng.random() < 0.67 else ())


HOUSE = Style(author=random_author(random.Random("house 8")))  # that of the references: an author like any other


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
        text = house_summary(dialogue, style, rng)
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


def house_summary(dialogue: Dialogue, style: Style, rng: random.Random) -> str:
    """The reports that matter, one after the other, half of the time two of them in one sentence, and the closer."""
    parts = [tell(dialogue, template, style.naming, rng, style.author) for template in what_matters(dialogue, rng)]
    if len(parts) > 1 and rng.random() < 0.5:
        first = rng.randrange(len(parts) - 1)
        parts[first : first + 2] = [f"{parts[first].removesuffix('.')}, and {parts[first + 1]}"]
    if style.author:
        parts += [phrase for plot, phrase in style.author.closers if plot == dialogue.script.plot]
    return " ".join(parts)


def what_matters(dialogue: Dialogue, rng: random.Random) -> list[str]:
    """The reports that a summary is made of: the marked ones that hold a fact, the last one, now and then another."""
    marked = [
        (template, any(mentions(template, fact) for fact in dialogue.script.facts))
        for _, key, template in dialogue.told
        if key
    ]
    return [template for template, holds in marked if holds or template is marked[-1][0] or rng.random() < 0.15]


def tell(dialogue: Dialogue, template: str, naming: str, rng: random.Random, author: Author | None = None) -> str:
    """What a turn says, in the third person, from one of the templates in `told`, in the author's words or in any."""
    for place, (wording, others) in enumerate(SYNONYMS):
        favourite = rng.randint(0, len(others))
        if author and rng.random() < HABIT:
            favourite = author.favourites[place]
        if favourite:
            template = re.sub(wording, others[favourite - 1], template)
    return fill(template, dialogue.values | dialogue.people(naming), rng)


def key_sentences(dialogue: Dialogue, style: Style, rng: random.Random) -> list[tuple[str, str]]:
    """Who said what, of the sentences that together hold most of the house summary's words, and of the insults.

    An oracle extract: again and again the sentence that adds the most words (Nallapati et al. 2017, arXiv:1611.04230,
    section 3).
    """
    people = dialogue.people(style.naming)
    name = {dialogue.number[who]: people[who] for who in "AB"}
    spoken = dialogue.sentences
    words = [content_words(sentence) for _, sentence in spoken]
    missing = content_words(summarize(dialogue, Style(), rng))
    chosen: set[int] = set()
    while len(chosen) < MOST_QUOTES:
        best = max(range(len(spoken)), key=lambda at: (len(words[at] & missing), at))
        if not words[best] & missing:
            break
        chosen.add(best)
        missing -= words[best]
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
    style = Style(form, rng.choices(list(NAMINGS), (40, 25, 12, 12, 11))[0])
    if rng.random() < 0.35:
        style = replace(style, frame=rng.choice(FRAMES[1:]))
    if rng.random() < 0.2:
        style = replace(style, layout=rng.choice(LAYOUTS[1:]))
    return replace(style, author=random_author(rng)) if form == "house" else style


def bare_style(rng: random.Random) -> Style:
    """What a bare instruction gets: mostly what was said, in quotes, or a long account of people by their roles."""
    if rng.random() < 0.55:
        return Style("quotes", "plain")
    form = rng.choices(("story", "house", "brief", "minutes", "headline", "facts"), (84, 3, 3, 4, 3, 3))[0]
    return Style(form, rng.choices(("role", "person", "ordinal", "plain"), (80, 8, 6, 6))[0])
