"""What those who write summaries do by habit: which of two wordings they take, and how they close.

A habit shows only where there is an occasion for it: how a refusal is closed cannot be read off the summary of a talk
that ends well. So one example tells little of whoever wrote the summaries, a few tell more, and training on many of
them tells all. The references are written with one set of habits; in training every prompt has its own.
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
KEPT = 0.85  # how often a habit is kept where there is an occasion for it
CLOSE = 0.9  # share of the writers who close with a sentence on the outcome


@dataclass(frozen=True)
class Habits:
    """The habits of one writer."""

    second: tuple[float, ...] = (0.5,) * len(SYNONYMS)  # how often the second of two wordings is taken
    closings: tuple[str, ...] = ("",) * len(PLOTS)  # the last sentence, by outcome

    def worded(self, template: str, rng: random.Random) -> str:
        """A report, here and there in other words."""
        for (wording, other), share in zip(SYNONYMS, self.second, strict=True):
            if rng.random() < share:
                template = re.sub(wording, other, template)
        return template

    def closing(self, plot: str, rng: random.Random) -> str:
        """The last sentence of a summary, mostly; nothing where no outcome is known."""
        return self.closings[PLOTS.index(plot)] if plot in PLOTS and rng.random() < KEPT else ""


NO_HABITS = Habits()
HOUSE_HABITS = Habits(
    tuple(KEPT if second else 1 - KEPT for second in (True, False, True, False, False, True, True, False)),
    tuple(CLOSINGS[plot][0] for plot in PLOTS),
)


def random_habits(rng: random.Random) -> Habits:
    """Any writer's."""
    second = tuple(rng.choice((KEPT, 1 - KEPT)) for _ in SYNONYMS)
    closes = rng.random() < CLOSE
    return Habits(second, tuple(rng.choice(CLOSINGS[plot]) if closes else "" for plot in PLOTS))
