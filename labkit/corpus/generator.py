"""From a script to a dialogue: slots filled, alternatives chosen, optional turns kept or not; its summaries."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.corpus.rudeness import KNOWN, REPORTS, insult_turns
from labkit.corpus.script import CHOICE, SLOT, Script, mentions
from labkit.corpus.slots import TYPES, Filler
from labkit.corpus.words import wide_words

SMALL_TALK = [
    tuple(line.split(" | "))
    for line in (Path(__file__).parent / "small_talk.txt").read_text("utf-8").splitlines()
    if line.strip()
]
NAMINGS = {  # how a summary calls the two people, from the number of the speaker and the role the script gives
    "person": lambda number, role: f"#Person{number}#",
    "role": lambda number, role: role,
    "plain": lambda number, role: f"Person {number}",
    "ordinal": lambda number, role: ("the first speaker", "the second speaker")[number - 1],
    "letter": lambda number, role: f"speaker {'AB'[number - 1]}",
}
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
SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z#£$€0-9])")
PERSON_SLOT = re.compile(r"\{[AB]\}")
COMMON = frozenset(
    "about after again because been before could from have into just more once only should since than that them then"
    " there they this until what when where which while will with would your".split()
)
SYNONYMS = (  # wordings that a report may have as well
    (r"\basks (whether|what|how|where|why|when|who|which)\b", r"wants to know \1"),
    (r"\bsays that\b", "explains that"),
    (r"(?<!only )\bbecause (?!of\b)", "since "),
    (r"\bwould like to\b", "wants to"),
    (r"(?<=[AB]\} )will(?= \w+ )", "is going to"),
    (r"\bsuggests\b", "proposes"),
    (r"(?<=[AB]\} )has got\b", "has"),
    (r"\bthinks that\b", "believes that"),
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


HOUSE = Style()


@dataclass(frozen=True)
class Dialogue:
    """A filled script: what was said by whom (speaker 1 or 2), and the values in its slots."""

    script: Script
    turns: tuple[tuple[int, str], ...]
    values: dict[str, str]
    number: dict[str, int]  # the script's A and B → 1 and 2
    rude: str = ""  # the script's A or B, where one of them is rude
    quote: str = ""  # one of the insults as a summary quotes it, with {X} for the rude one and {Y} for the other
    told: tuple[tuple[int, bool, str], ...] = ()  # (turn, whether a summary needs it, report of it with open slots)

    @property
    def lines(self) -> list[str]:
        """One line a turn, with its speaker."""
        return [f"#Person{number}#: {text}" for number, text in self.turns]

    @property
    def text(self) -> str:
        """The dialogue in the form of DialogSum."""
        return "\n".join(self.lines)

    @property
    def sentences(self) -> list[tuple[int, str]]:
        """Who (1 or 2) said which sentence."""
        return [(number, sentence) for number, text in self.turns for sentence in SENTENCE_END.split(text)]

    @property
    def facts(self) -> dict[str, str]:
        """What a good summary keeps."""
        return {fact: self.values[fact] for fact in self.script.facts}

    def people(self, naming: str) -> dict[str, str]:
        """How A and B are called."""
        return {who: NAMINGS[naming](self.number[who], self.script.roles[who]) for who in "AB"}


def fill(text: str, values: dict[str, str], rng: random.Random) -> str:
    """Choose among the alternatives in parentheses, fill the slots, start every sentence with a capital."""
    text = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
    text = SLOT.sub(lambda match: _article(values[match[2]]) if match[1] else values[match[2]], text)
    text = re.sub(r"(?<![Ss]peaker )\b([Aa]) (?=[aeio]|u(?!ni(?!n|m)|se|su))", r"\1n ", text)
    text = re.sub(r"\s+([,.?!;:])", r"\1", re.sub(r"\s+", " ", text)).strip()
    return re.sub(r"(^|[.?!] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def _article(value: str) -> str:
    first = value.split()[0].lower()
    vowel = first[0] in "aeiou" and not re.match("uni(?!n|m)|use|usu|eu|one", first)
    return f"{'an' if vowel or first in ('hour', 'honest') else 'a'} {value}"


def draw_values(script: Script, filler: Filler) -> dict[str, str]:
    """Values for all slots of a script; two slots of one type never get the same."""
    values: dict[str, str] = {}
    for name, kind in script.slots.items():
        while (value := filler.value(kind)) in values.values():
            pass
        values[name] = value
    return values


def make_dialogue(script: Script, filler: Filler) -> Dialogue:
    """One dialogue of a script."""
    rng, values = filler.rng, draw_values(script, filler)
    kept = {group for group in script.groups if rng.random() < 0.5}
    spoken: list[tuple[str, str]] = []
    told: list[tuple[int, bool, str]] = []
    for position, turn in enumerate(script.turns):
        if position == script.small_talk_at and rng.random() < 0.2:
            spoken += zip((turn.speaker, spoken[-1][0]), small_talk(filler), strict=True)
        if turn.group is None or turn.group in kept:
            chosen = rng.randrange(len(turn.alternatives))
            if turn.reports:
                told.append((len(spoken), turn.key, turn.reports[chosen]))
            spoken.append((turn.speaker, fill(turn.alternatives[chosen], values, rng)))
    number = {"A": 1, "B": 2} if spoken[0][0] == "A" else {"A": 2, "B": 1}
    return Dialogue(script, tuple((number[who], text) for who, text in spoken), values, number, told=tuple(told))


def make_rude(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """The same dialogue with one rude speaker: its polite twin is the dialogue given."""
    who = rng.choice("AB")
    own = [at for at, (number, _) in enumerate(dialogue.turns) if number == dialogue.number[who]]
    texts, quote = insult_turns([dialogue.turns[at][1] for at in own], rng)
    turns = list(dialogue.turns)
    for at, text in zip(own, texts, strict=True):
        turns[at] = (turns[at][0], text)
    return replace(dialogue, turns=tuple(turns), rude=who, quote=quote)


def spoken_by_either(dialogue: Dialogue, rng: random.Random) -> Dialogue:
    """The same lines, each said by one of the two at random: no talk, but who says what must be read off the lines.

    Fits the forms that are made of single turns, reports and quotes.
    """
    numbers = [rng.choice((1, 2)) for _ in dialogue.turns]
    told = tuple(
        (at, key, template if numbers[at] == dialogue.turns[at][0] else PERSON_SLOT.sub(_other_person, template))
        for at, key, template in dialogue.told
    )
    turns = tuple((number, text) for number, (_, text) in zip(numbers, dialogue.turns, strict=True))
    return replace(dialogue, turns=turns, told=told)


def in_new_words(dialogue: Dialogue, filler: Filler) -> Dialogue:
    """The same dialogue, half of the words that its turns share with their reports exchanged for any others.

    It makes little sense, but what is told can be known from the lines alone: the script is of no help.
    """
    fixed = _words(" ".join(dialogue.values.values()))
    shared = {
        word
        for at, _, template in dialogue.told
        for word in _words(dialogue.turns[at][1]) & _words(SLOT.sub(" ", template)) - fixed
        if word.isalpha()
    }
    new = {word: _other_word(word, filler) for word in sorted(shared) if filler.rng.random() < 0.5}
    if not new:
        return dialogue
    pattern = re.compile(rf"\b(?:([Aa])n? )?({'|'.join(new)})\b(?!\}})", re.I)

    def exchange(match: re.Match[str]) -> str:
        word = new[match[2].lower()]
        word = word.capitalize() if match[2][0].isupper() else word
        article = _article(word) if match[1] else word
        return article.capitalize() if match[1] == "A" else article

    turns = tuple((number, pattern.sub(exchange, text)) for number, text in dialogue.turns)
    told = tuple((at, key, pattern.sub(exchange, template)) for at, key, template in dialogue.told)
    return replace(dialogue, turns=turns, told=told)


def _other_word(word: str, filler: Filler) -> str:
    """Any noun or adjective, with the ending of the word that it stands for."""
    other = filler.accept(lambda: filler.rng.choice(wide_words()[filler.rng.choice(("NOUN", "ADJ"))]))
    ending = re.search(r"(?:ing|ed|ly|(?<![su])s)?$", word)
    return f"{other}{ending[0] if ending else ''}"


def _other_person(match: re.Match[str]) -> str:
    return "{B}" if match[0] == "{A}" else "{A}"


def small_talk(filler: Filler) -> list[str]:
    """A remark and its answer, slots filled."""
    pair = filler.rng.choice(SMALL_TALK)
    values = {match[2]: filler.value(match[2]) for line in pair for match in SLOT.finditer(line) if match[2] in TYPES}
    return [fill(line, values, filler.rng) for line in pair]


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
        text = house_summary(dialogue, style.naming, rng)
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


def house_summary(dialogue: Dialogue, naming: str, rng: random.Random) -> str:
    """The reports that matter, one after the other, half of the time two of them in one sentence."""
    parts = [tell(dialogue, template, naming, rng) for template in what_matters(dialogue, rng)]
    if len(parts) > 1 and rng.random() < 0.5:
        first = rng.randrange(len(parts) - 1)
        parts[first : first + 2] = [f"{parts[first].removesuffix('.')}, and {parts[first + 1]}"]
    return " ".join(parts)


def what_matters(dialogue: Dialogue, rng: random.Random) -> list[str]:
    """The reports that a summary is made of: the marked ones that hold a fact, the last one, now and then another."""
    marked = [
        (template, any(mentions(template, fact) for fact in dialogue.script.facts))
        for _, key, template in dialogue.told
        if key
    ]
    return [template for template, holds in marked if holds or template is marked[-1][0] or rng.random() < 0.15]


def tell(dialogue: Dialogue, template: str, naming: str, rng: random.Random) -> str:
    """What a turn says, in the third person, from one of the templates in `told`; now and then in other words."""
    for wording, other in SYNONYMS:
        if rng.random() < 0.5:
            template = re.sub(wording, other, template)
    return fill(template, dialogue.values | dialogue.people(naming), rng)


def key_sentences(dialogue: Dialogue, style: Style, rng: random.Random) -> list[tuple[str, str]]:
    """Who said what, of the sentences that together hold most of the house summary's words, and of the insults.

    An oracle extract: again and again the sentence that adds the most words (Nallapati et al. 2017, arXiv:1611.04230,
    section 3).
    """
    people = dialogue.people(style.naming)
    name = {dialogue.number[who]: people[who] for who in "AB"}
    spoken = dialogue.sentences
    words = [_words(sentence) for _, sentence in spoken]
    missing = _words(summarize(dialogue, HOUSE, rng))
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


def is_insult(dialogue: Dialogue, said: tuple[int, str]) -> bool:
    """Whether a sentence, given with the number of its speaker, holds one of the rude speaker's insults."""
    number, sentence = said
    return (
        bool(dialogue.rude)
        and number == dialogue.number[dialogue.rude]
        and any(phrase.lower() in sentence.lower() for kind in KNOWN.values() for phrase in kind)
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]{4,}|\d+", text.lower())) - COMMON


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
    return style


def bare_style(rng: random.Random) -> Style:
    """What a bare instruction gets: mostly what was said, in quotes, or a long account of people by their roles."""
    if rng.random() < 0.55:
        return Style("quotes", "plain")
    form = rng.choices(("story", "house", "brief", "minutes", "headline", "facts"), (84, 3, 3, 4, 3, 3))[0]
    return Style(form, rng.choices(("role", "person", "ordinal", "plain"), (80, 8, 6, 6))[0])
