"""From a script to a dialogue: slots filled, alternatives chosen, optional turns kept or not."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.corpus.rudeness import KNOWN, insult_turns
from labkit.corpus.script import CHOICE, SLOT, Script
from labkit.corpus.slots import TYPES, Filler

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
SENTENCE_END = re.compile(r"(?<=[.?!]) (?=[A-Z#£$€0-9])")
PERSON_SLOT = re.compile(r"\{[AB]\}")
COMMON = frozenset(
    "about after again because been before could from have into just more once only should since than that them then"
    " there they this until what when where which while will with would your".split()
)


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


def small_talk(filler: Filler) -> list[str]:
    """A remark and its answer, slots filled."""
    pair = filler.rng.choice(SMALL_TALK)
    values = {match[2]: filler.value(match[2]) for line in pair for match in SLOT.finditer(line) if match[2] in TYPES}
    return [fill(line, values, filler.rng) for line in pair]


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
    fixed = content_words(" ".join(dialogue.values.values()))
    shared = {
        word
        for at, _, template in dialogue.told
        for word in content_words(dialogue.turns[at][1]) & content_words(SLOT.sub(" ", template)) - fixed
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


def some_turns(dialogue: Dialogue, few: slice) -> Dialogue:
    """A few turns in a row of a dialogue, and what is told of them."""
    told = tuple((at - few.start, key, text) for at, key, text in dialogue.told if few.start <= at < few.stop)
    return replace(dialogue, turns=dialogue.turns[few], told=told)


def content_words(text: str) -> set[str]:
    """The words of four letters or more and the numbers of a text, without the commonest words."""
    return set(re.findall(r"[^\W_]{4,}|\d+", text.lower())) - COMMON


def _other_word(word: str, filler: Filler) -> str:
    """Any noun or adjective, with the ending of the word that it stands for."""
    ending = re.search(r"(?:ing|ed|ly|(?<![su])s)?$", word)
    return f"{filler.real_word()}{ending[0] if ending else ''}"


def _other_person(match: re.Match[str]) -> str:
    return "{B}" if match[0] == "{A}" else "{A}"


def is_insult(dialogue: Dialogue, said: tuple[int, str]) -> bool:
    """Whether a sentence, given with the number of its speaker, holds one of the rude speaker's insults."""
    number, sentence = said
    return (
        bool(dialogue.rude)
        and number == dialogue.number[dialogue.rude]
        and any(phrase.lower() in sentence.lower() for kind in KNOWN.values() for phrase in kind)
    )
