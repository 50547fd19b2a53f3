import random
from itertools import pairwise

import pytest

from labkit.corpus import exchanges
from labkit.corpus.generator import make_dialogue
from labkit.corpus.script import NOT_THIRD_PERSON, SLOT, Turn, load_scripts
from labkit.corpus.slots import TYPES, Filler
from labkit.corpus.summaries import HOUSE, summarize
from labkit.corpus.talks import talks
from labkit.corpus.tasks import TaskMixture


def test_every_turn_has_one_wording_and_a_report_that_can_stand_alone():
    for exchange in exchanges.exchanges():
        assert 2 <= len(exchange) <= 5, exchange
        assert all(one.speaker != two.speaker for one, two in pairwise(exchange)), exchange
        said: set[str] = set()
        for turn in exchange:
            assert len(turn.alternatives) == len(turn.reports) == 1 and turn.group is None, turn
            spoken, told = ([m[2] for m in SLOT.finditer(text)] for text in (turn.alternatives[0], turn.reports[0]))
            assert {name.rstrip("0123456789") for name in spoken} <= set(TYPES), turn
            said |= set(spoken)
            assert set(spoken) <= set(told) <= said | {"A", "B"} and {"A", "B"} & set(told), turn
            assert not NOT_THIRD_PERSON.search(SLOT.sub("", turn.reports[0])), turn


def test_no_line_stands_twice_or_in_a_script():
    lines = [turn.alternatives[0].lower() for exchange in exchanges.exchanges() for turn in exchange]
    assert len(lines) > 62_000
    assert len(set(lines)) == len(lines)
    scripted = {text.lower() for script in load_scripts() for turn in script.turns for text in turn.alternatives}
    assert not scripted & set(lines)


def test_a_dialogue_of_exchanges_takes_turns_and_tells_every_value_with_its_speaker():
    rng = random.Random(0)
    filler = Filler(rng)
    for _ in range(200):
        script = exchanges.strung_together(rng)
        dialogue = make_dialogue(script, filler)
        assert all(one[0] != two[0] for one, two in pairwise(dialogue.turns))
        assert len(dialogue.told) == len(dialogue.turns) and script.facts == tuple(script.slots)
        for turn in script.turns:
            slots = {match[2] for match in SLOT.finditer(turn.alternatives[0])}
            assert slots <= {match[2] for match in SLOT.finditer(turn.reports[0])}
            assert turn.key == (bool(slots) or turn is script.turns[-1])
        assert all(value.lower() in dialogue.text.lower() for value in dialogue.facts.values())
        assert summarize(dialogue, HOUSE, rng)


def test_swapped_speakers_change_places_in_the_reports_too(monkeypatch):
    asked = Turn("A", ("Is {name} in?",), reports=("{A} asks {B} whether {name} is in.",))
    answered = Turn("B", ("Until {time}.",), reports=("{B} tells {A} until {time}.",))
    again = Turn("B", ("Is it {name}?",), reports=("{B} asks {A} whether it is {name}.",))
    parted = Turn("A", ("On {weekday}.",), reports=("{A} tells {B} on {weekday}.",))
    alone = Turn("A", ("Not in {month}.",), reports=("{A} tells {B} that it is not in {month}.",))
    monkeypatch.setattr(exchanges, "exchanges", lambda: [[asked, answered], [again], [parted], [alone]])
    seen = set()
    for seed in range(40):
        script = exchanges.strung_together(random.Random(seed))
        assert all(one.speaker != two.speaker for one, two in pairwise(script.turns))
        for turn in script.turns:
            other = "B" if turn.speaker == "A" else "A"
            assert turn.reports[0].startswith(f"{{{turn.speaker}}}") and f" {{{other}}} " in turn.reports[0]
        assert len(set(script.slots)) == sum("{" in turn.alternatives[0] for turn in script.turns)
        seen.add((script.turns[0].speaker, len(script.turns)))
    assert len(seen) >= 4


def test_most_dialogues_to_be_told_line_by_line_are_talks_or_strung_together_and_no_others():
    mixture = TaskMixture(load_scripts(), Filler(random.Random(0)), progress=2.5)
    own = {talk.id for talk in talks()}

    def shares(**how):
        drawn = [mixture.dialogue(**how).script.id for _ in range(500)]
        return [sum(each) / 500 for each in ([name == "exchanges" for name in drawn], [name in own for name in drawn])]

    assert shares(turns=True) == pytest.approx([0.25, 0.35], abs=0.06)
    assert shares(turns=True, ended=True) == [0, pytest.approx(0.6, abs=0.06)]
    assert shares() == [0, 0]
    mixture.progress = 0.99
    assert shares(turns=True) == [0, 0]
