"""What those who write summaries do by habit: which of two wordings they take, how they open and how they close.

A habit shows only where there is an occasion for it: how a refusal is closed cannot be read off the summary of a talk
that ends well, and the sentence that a writer opens with is left out in three of ten. So one example tells little of
whoever wrote the summaries, a few tell more, and training on many of them tells all. The references are written with
one set of habits; in training every prompt has its own.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from labkit.corpus.script import PLOTS

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
CLOSINGS = {
    "agreed": (
        "In the end both are content with it.",
        "The two of them come to an agreement.",
        "With that the whole matter is settled.",
        "Everything is arranged as it was wanted.",
        "So the talk ends well for everyone.",
    ),
    "refused": (
        "They part without having agreed on anything.",
        "Nothing comes of the request after all.",
        "The answer stays no until the end.",
        "No way is found to make it possible.",
        "So the wish does not come true.",
    ),
    "postponed": (
        "The matter has to wait until later.",
        "For the time being nothing is decided.",
        "It is put off to another day.",
        "They will come back to it another time.",
        "A decision is left for the future.",
    ),
    "changed_mind": (
        "So things turn out other than planned.",
        "The first plan is given up on the way.",
        "In the course of the talk a mind is changed.",
        "What was wanted at first is dropped.",
        "A different choice is made in the end.",
    ),
    "misunderstanding": (
        "It was a misunderstanding and is cleared up.",
        "The two had simply taken each other wrong.",
        "By then the confusion is over.",
        "A mistake lay behind it all along.",
        "Once that is explained, all is well.",
    ),
}
OPENINGS = (
    "Two people talk something over, and it goes as follows.",
    "Here, in brief, is what they say to each other.",
    "This conversation between two people is soon retold.",
    "What comes up in the talk can be told quickly.",
    "In the conversation before us, these things are said.",
)
KEPT = 0.85  # how often the preferred wording is taken
OPENED = 0.7  # how often a writer who opens with a sentence of his own does so
CLOSED = 0.95  # how often a writer who closes with a sentence on the outcome does so
OPEN = 0.7  # share of the writers who open
CLOSE = 0.9  # share of the writers who close


@dataclass(frozen=True)
class Habits:
    """The habits of one writer."""

    second: tuple[float, ...] = (0.5,) * len(SYNONYMS)  # how often the second of two wordings is taken
    opening: str = ""  # the first sentence
    closings: tuple[str, ...] = ("",) * len(PLOTS)  # the last sentence, by outcome

    def worded(self, template: str, rng: random.Random) -> str:
        """A report, here and there in other words."""
        for (wording, other), share in zip(SYNONYMS, self.second, strict=True):
            if rng.random() < share:
                template = re.sub(wording, other, template)
        return template

    def framed(self, reports: list[str], plot: str, rng: random.Random) -> list[str]:
        """The reports between a first and a last sentence, each left out now and then; no last one without a plot.

        One draw decides both, the first by its digits from the third on, so that a seed gives the same dialogues
        whatever the habits are.
        """
        chance = rng.random()
        opening = self.opening if chance * 100 % 1 < OPENED else ""
        closing = self.closings[PLOTS.index(plot)] if plot in PLOTS and chance < CLOSED else ""
        return [text for text in (opening, *reports, closing) if text]


NO_HABITS = Habits()
HOUSE_HABITS = Habits(
    tuple(KEPT if second else 1 - KEPT for second in (True, False, True, False, False, True, True, False)),
    OPENINGS[0],
    tuple(CLOSINGS[plot][0] for plot in PLOTS),
)


def random_habits(rng: random.Random) -> Habits:
    """Any writer's."""
    second = tuple(rng.choice((KEPT, 1 - KEPT)) for _ in SYNONYMS)
    opening = rng.choice(OPENINGS) if rng.random() < OPEN else ""
    closes = rng.random() < CLOSE
    return Habits(second, opening, tuple(rng.choice(CLOSINGS[plot]) if closes else "" for plot in PLOTS))
