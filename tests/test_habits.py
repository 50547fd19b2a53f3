import random
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from labkit.build.corpus import generated_splits, seen_scripts
from labkit.corpus.exchanges import strung_together
from labkit.corpus.generator import make_dialogue
from labkit.corpus.habits import CLOSINGS, HOUSE_HABITS, KEPT, NO_HABITS, SYNONYMS, Habits, random_habits
from labkit.corpus.script import PLOTS
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, Style, summarize
from labkit.corpus.tasks import TaskMixture
from labkit.corpus.words import unfit

ALL = [text for texts in CLOSINGS.values() for text in texts]


def closed_with(summary):
    """The closings that stand in a summary."""
    return [text for text in ALL if text in summary]


def test_every_outcome_can_be_closed_in_five_ways_and_none_stands_in_a_script():
    assert set(CLOSINGS) == set(PLOTS) and {len(set(texts)) for texts in CLOSINGS.values()} == {5}
    assert len(set(ALL)) == 25 and all(5 < len(text.split()) < 11 and not unfit(text) for text in ALL)
    reports = " ".join(text for script in seen_scripts() for turn in script.turns for text in turn.reports)
    assert not any(text in reports for text in ALL)


def test_a_writer_takes_the_wording_that_is_a_habit():
    report = "{A} says that {B} will come because {B} would like to."
    rng = random.Random(0)
    assert Habits((0.0,) * len(SYNONYMS)).worded(report, rng) == report
    assert Habits((1.0,) * len(SYNONYMS)).worded(report, rng) == (
        "{A} explains that {B} is going to come since {B} wants to."
    )
    taken = Counter(Habits((KEPT,) * len(SYNONYMS)).worded("{A} says that.", rng) for _ in range(1000))
    assert taken["{A} explains that."] / 1000 == pytest.approx(KEPT, abs=0.04)
    none = Counter(NO_HABITS.worded("{A} says that.", rng) for _ in range(1000))
    assert none["{A} explains that."] / 1000 == pytest.approx(0.5, abs=0.05)


def test_references_are_closed_by_the_house_habit_of_their_outcome():
    house = dict(zip(PLOTS, HOUSE_HABITS.closings, strict=True))
    assert all(house[plot] in CLOSINGS[plot] for plot in PLOTS)
    for split in ("train", "test", "test_topics"):
        closed = []
        for dialogue, row in generated_splits()[split]:
            found = closed_with(row["summary"])
            assert found in ([], [house[dialogue.script.plot]]), row["summary"]
            assert not found or dialogue.rude or row["summary"].endswith(found[0])
            closed.append(bool(found))
        assert sum(closed) / len(closed) == pytest.approx(KEPT, abs=0.05), split


def test_nothing_is_closed_where_no_outcome_is_known():
    rng = random.Random(1)
    for _ in range(40):
        dialogue = make_dialogue(strung_together(rng), Filler(rng))
        assert not closed_with(summarize(dialogue, HOUSE, rng))


def test_habits_show_in_the_house_form_alone():
    rng = random.Random(2)
    for form in ("story", "brief", "minutes", "headline", "facts", "quotes"):
        dialogue = make_dialogue(rng.choice(seen_scripts()), Filler(rng))
        assert not closed_with(summarize(dialogue, Style(form), rng))


def test_writers_differ_in_each_habit_and_a_tenth_close_with_nothing():
    rng = random.Random(3)
    writers = [random_habits(rng) for _ in range(1000)]
    for at in range(len(SYNONYMS)):
        assert {writer.second[at] for writer in writers} == {KEPT, 1 - KEPT}
    assert sum(not any(writer.closings) for writer in writers) / 1000 == pytest.approx(0.1, abs=0.03)
    pairs = Counter(writer.closings[:2] for writer in writers if any(writer.closings))
    assert len(pairs) == 25 and max(pairs.values()) < 70  # one habit says nothing of another
    assert sum(writer == HOUSE_HABITS for writer in writers) == 0


def test_a_prompt_has_one_writer_and_prompts_have_many():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(4)), progress=0.99)
    outcome = {text: plot for plot, texts in CLOSINGS.items() for text in texts}
    seen, same, closed = Counter(), 0, 0
    for _ in range(600):
        prompt, answer = mixture.few_shot()
        shown = closed_with(prompt)
        for one, two in pairwise(sorted({*shown, *closed_with(answer)}, key=lambda text: outcome[text])):
            assert outcome[one] != outcome[two], "two closings for one outcome"
        for text in closed_with(answer):
            closed += 1
            same += text in shown
            seen[text] += 1
    assert closed > 120 and len(seen) > 20 and max(seen.values()) < closed / 6
    assert 0.15 < same / closed < 0.5  # as it comes: nothing sees to it that an example ends as the target does


def test_endings_are_told_by_one_writer_after_as_many_examples_as_come():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(8)), progress=3.5)
    outcome = {text: plot for plot, texts in CLOSINGS.items() for text in texts}
    pairs = [mixture.ending() for _ in range(300)]
    same, bare, short = 0, 0, 0
    for prompt, answer in pairs:
        (closing,), shown = closed_with(answer), closed_with(prompt)
        assert answer.endswith(closing) and shown
        assert len({outcome[text] for text in {closing, *shown}}) == len({closing, *shown})
        same += closing in shown
        bare += answer == closing
        assert answer == closing or len(answer.removesuffix(closing).split()) > 2
        lines = [len(re.findall("^#Person[12]#:", part, re.M)) for part in re.split("\n\n+", prompt)]
        short += max(lines) < 6
    assert 0.3 < same / 300 < 0.55 and 0.4 < bare / 300 < 0.6 and 0.4 < short / 300 < 0.6
    assert len({answer for _, answer in pairs if answer in ALL}) > 20


def test_endings_come_in_the_finish_alone(monkeypatch):
    counts = []
    for progress in (0.99, 2.5, 3.5):
        mixture = TaskMixture(seen_scripts(), Filler(random.Random(9)), progress=progress)
        monkeypatch.setattr(mixture, "ending", lambda: ("ending", ""))
        counts.append(sum(mixture.example()[0] == "ending" for _ in range(600)))
    assert counts[:2] == [0, 0] and 35 < counts[2] < 80


def test_quotes_do_not_depend_on_the_closing():
    rng = random.Random(7)
    for _ in range(5):
        dialogue = make_dialogue(rng.choice(seen_scripts()), Filler(rng))
        everything = " ".join(text for _, text in dialogue.turns)
        loud = replace(HOUSE, form="quotes", habits=Habits(closings=(everything,) * len(PLOTS)))
        quiet = replace(loud, habits=NO_HABITS)
        assert summarize(dialogue, loud, random.Random(8)) == summarize(dialogue, quiet, random.Random(8))
