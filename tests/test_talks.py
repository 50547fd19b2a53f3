import random
from collections import Counter

from labkit.build.corpus import UNSEEN_TOPICS
from labkit.corpus.exchanges import exchanges
from labkit.corpus.generator import make_dialogue
from labkit.corpus.script import PLOTS, SLOT, load_scripts, talk_problems
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, Style, summarize
from labkit.corpus.talks import talks
from labkit.metrics import fact_recall

ALL = [*talks(), *talks(validation=True)]


def test_every_talk_is_sound():
    assert {talk.id: found for talk in ALL if (found := talk_problems(talk))} == {}
    assert len({talk.id for talk in ALL}) == len(ALL) >= 1_560
    assert all(4 <= len(talk.turns) <= 12 and not talk.groups for talk in ALL)
    plots = Counter(talk.plot for talk in ALL)
    assert set(plots) == set(PLOTS) and min(plots.values()) > 0.19 * len(ALL)


def test_validation_is_on_topics_of_its_own_and_no_talk_on_one_that_training_must_not_see():
    topics, kept_out = ({talk.topic for talk in talks(validation)} for validation in (False, True))
    scripted = {script.topic for script in load_scripts()}
    assert len(topics) >= 300 and len(kept_out) >= 12
    assert not kept_out & (topics | scripted) and not topics & set(UNSEEN_TOPICS)


def test_no_line_stands_twice_in_scripts_exchanges_or_other_talks():
    lines = Counter(text.lower() for talk in ALL for turn in talk.turns for text in turn.alternatives)
    lines += Counter(text.lower() for script in load_scripts() for turn in script.turns for text in turn.alternatives)
    lines += Counter(turn.alternatives[0].lower() for exchange in exchanges() for turn in exchange)
    own = {text.lower() for talk in ALL for turn in talk.turns for text in turn.alternatives}
    assert [text for text in sorted(own) if lines[text] > 1] == []


def test_a_report_says_what_its_turn_does_but_for_values_taken_back():
    def slots(text):
        return {match[2] for match in SLOT.finditer(text)} - {"A", "B"}

    said, told = Counter(), Counter()
    for talk in ALL:
        for turn in talk.turns:
            for text, report in zip(turn.alternatives, turn.reports or turn.alternatives, strict=True):
                said[talk.id] += len(slots(text))
                told[talk.id] += len(slots(text) & slots(report)) if turn.reports else 0
    assert told.total() / said.total() > 0.96
    assert all(told[name] >= said[name] - 3 for name in said)


def test_the_reports_that_matter_keep_the_facts_of_a_talk():
    filler, kept = Filler(random.Random(0)), {"house": [], "quotes": []}
    for talk in ALL:
        dialogue = make_dialogue(talk, filler)
        for form in kept:
            style = HOUSE if form == "house" else Style("quotes")
            kept[form] += fact_recall([summarize(dialogue, style, filler.rng)], [dialogue.facts])
    assert sum(kept["house"]) / len(ALL) > 0.99 and sum(kept["quotes"]) / len(ALL) > 0.97
