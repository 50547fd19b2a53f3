"""What can fill a slot: one function a slot type, from a `random.Random` and the share of rare words to a phrase."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from labkit.corpus import words

WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
COUNTS = "two three four five six seven eight nine ten eleven twelve".split()
REAL = ("NOUN", "NOUN", "ADJ", "ADJ", "VERB", "ADV")  # parts of speech of any real word, by their share
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


@dataclass
class Filler:
    """Draws slot values.

    `rare` is the share of values drawn from the wide word lists or invented; `held_out` says which of the rarer words
    may come: 'never' (training), 'any' (test), 'only' (a test of copying).
    """

    rng: random.Random
    rare: float = 0.4
    held_out: str = "never"

    def value(self, kind: str | tuple[str, ...]) -> str:
        """One value for a slot type, or one of a script's own list."""
        return self.rng.choice(kind) if isinstance(kind, tuple) else TYPES[kind](self)

    def allowed(self, word: str) -> bool:
        """Whether a rarer word may be used in this split."""
        return self.held_out == "any" or words.held_out(word) == (self.held_out == "only")

    def draw(self, common: list[str], kind: str | None = None) -> str:
        """A word of a hand-picked list or, in a share of the draws, a rare real one of that part of speech."""
        if kind and self.rng.random() < self.rare * 0.6:
            return self.accept(lambda: self.rng.choice(words.wide_words()[kind]))
        return self.accept(lambda: self.rng.choice(common))

    def real_word(self) -> str:
        """Any real word, common or rare."""
        return self.accept(lambda: self.rng.choice(words.wide_words()[self.rng.choice(REAL)]))

    def invent(self, syllables: int = 1) -> str:
        """An invented word, capitalised."""
        return self.accept(lambda: words.invented(self.rng, syllables))

    def accept(self, draw: Callable[[], str]) -> str:
        """Draw until the word is allowed."""
        while not self.allowed(word := draw()):
            pass
        return word


def name(f: Filler) -> str:
    """A first name."""
    return f.invent() if f.rng.random() < f.rare * 0.6 else f.draw(words.FIRST_NAMES)


def surname(f: Filler) -> str:
    """A surname, put together as English ones are, or invented."""
    if f.rng.random() < f.rare * 0.6:
        return f.invent(f.rng.choice((1, 1, 2)))
    return f.accept(lambda: words.compound(f.rng))


def thing(f: Filler) -> str:
    """A look and an object: 'copper lantern'."""
    return f"{f.draw(words.LOOKS, 'ADJ')} {object_(f)}"


def object_(f: Filler) -> str:
    """A thing one can have."""
    return f.invent().lower() if f.rng.random() < f.rare * 0.3 else f.draw(words.OBJECTS, "NOUN")


def food(f: Filler) -> str:
    """A dish."""
    first = f.draw(words.KITCHEN)
    second = f" and {f.draw(words.KITCHEN)}" if f.rng.random() < 0.4 else ""
    return f"{first}{second} {f.rng.choice(words.DISHES)}"


def proper(f: Filler) -> str:
    """The first word of a street, a café or a firm."""
    pick = f.rng.random()
    if pick < 0.5:
        return surname(f)
    if pick < 0.6:
        return f.draw(words.FIRST_NAMES)
    return f.draw(f.rng.choice((words.LOOKS, words.OBJECTS, words.KITCHEN)), "NOUN").title()


def price(f: Filler) -> str:
    """A sum of money, in one of several ways to write it."""
    pounds = f.rng.choice((f.rng.randint(2, 30), f.rng.randint(10, 400), f.rng.randint(100, 3000)))
    form = f.rng.random()
    if form < 0.45:
        return f"{f.rng.choice('£$')}{pounds}"
    if form < 0.65:
        return f"{f.rng.choice('£$')}{pounds % 90 + 2}.{f.rng.choice(('50', '99', '25', '75', '20', '80'))}"
    unit = f.rng.choice(("pounds", "dollars", "euros"))
    return f"{f.rng.choice(TENS + COUNTS)} {unit}" if form < 0.85 else f"{pounds} {unit}"


def time(f: Filler) -> str:
    """A time of day."""
    hour = f.rng.choice([*COUNTS, "one"])
    form = f.rng.random()
    if form < 0.4:
        return f"{f.rng.choice(('half past', 'quarter past', 'quarter to', 'ten past', 'twenty to'))} {hour}"
    if form < 0.7:
        return f"{f.rng.randint(1, 12)}:{f.rng.randint(1, 11) * 5:02d}"
    return (
        f"{hour} {f.rng.choice(('in the morning', 'in the afternoon', 'in the evening'))}"
        if form < 0.85
        else f"{hour} o'clock"
    )


def hours(f: Filler) -> str:
    """A length of hours or minutes."""
    if f.rng.random() < 0.5:
        return f"{f.rng.choice(TENS)}{f.rng.choice(('', '-five'))} minutes"
    return (
        f.rng.choice(("an hour", "half an hour", "an hour and a half"))
        if f.rng.random() < 0.3
        else f"{f.rng.choice(COUNTS)} hours"
    )


def days(f: Filler) -> str:
    """A length of days or weeks."""
    return (
        f.rng.choice(("a fortnight", "a week", "a month", "ten days"))
        if f.rng.random() < 0.2
        else f"{f.rng.choice(COUNTS)} {f.rng.choice(('days', 'weeks'))}"
    )


def date(f: Filler) -> str:
    """A day of a month."""
    day = f.rng.randint(1, 30)
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"the {day}{ending} of {f.rng.choice(MONTHS)}"


def code(f: Filler) -> str:
    """A booking reference."""
    letters = "".join(f.rng.choice("ABCDEFGHJKLMNPRSTVWXYZ") for _ in range(f.rng.choice((1, 2, 2, 3))))
    return f"{letters}{f.rng.randint(10, 9999)}"


def town(f: Filler) -> str:
    """A town."""
    return surname(f)


TYPES: dict[str, Callable[[Filler], str]] = {
    "name": name,
    "surname": surname,
    "fullname": lambda f: f"{name(f)} {surname(f)}",
    "weekday": lambda f: f.rng.choice(WEEKDAYS),
    "date": date,
    "month": lambda f: f.rng.choice(MONTHS),
    "time": time,
    "hours": hours,
    "days": days,
    "price": price,
    "count": lambda f: f.rng.choice(COUNTS),
    "number": lambda f: str(f.rng.randint(13, 400)),
    "room": lambda f: f"room {f.rng.randint(1, 599)}",
    "code": code,
    "phone": lambda f: f"0{f.rng.randint(100, 999)} {f.rng.randint(1000, 9999)}",
    "street": lambda f: f"{proper(f)} {f.rng.choice(words.STREETS)}",
    "place": lambda f: f"the {proper(f)} {f.rng.choice(words.PLACES)}",
    "town": town,
    "company": lambda f: f"{proper(f)} {f.rng.choice(words.FIRMS)}",
    "thing": thing,
    "object": object_,
    "colour": lambda f: f.rng.choice(words.COLOURS),
    "food": food,
}
