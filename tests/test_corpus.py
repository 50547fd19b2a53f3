"""The hand-written scripts and the splits made of them."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from labkit.build.corpus import SIZES, UNSEEN_TOPICS, all_splits, generated_splits, seen_scripts
from labkit.corpus import words
from labkit.corpus.generator import HOUSE, Style, fill, make_dialogue, summarize
from labkit.corpus.script import PLOTS, load_scripts, parse, problems
from labkit.corpus.slots import TYPES, Filler
from labkit.corpus.tasks import TaskMixture
from labkit.errors import LabError

SOUND = """
=== a-test
topic: a test
plot: agreed
roles: A = the tester, B = the tested
slot day: weekday
facts: day
?a B: Hello?
A: On {day}, then. | Shall we say {day}?
B: Fine by me.
house: {A} meets {B} on {day}.
house: On {day}, {A} meets {B}.
story: They met on {day}.
story: It was {day} when they met.
headline: See you on {day}
headline: Meeting on {day}
minutes: Meeting: {day}.
ask day: When do they meet?
"""


def test_every_script_is_sound():
    scripts = load_scripts()
    assert len({script.id for script in scripts}) == len(scripts)
    assert {script.plot for script in scripts} == set(PLOTS)
    assert set(UNSEEN_TOPICS) < {script.topic for script in scripts}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("B: Fine by me.", "A: Fine by me.", "two turns in a row"),
        ("| Shall we say {day}?", "| Shall we?", "not said in every alternative"),
        ("slot day: weekday", "slot day: dayweek", "unknown type"),
        ("on {day}.\nhouse", "on {date}.\nhouse", "not a slot"),
        ("They met on {day}.", "They met.", "a story misses day"),
        ("ask day: When do they meet?", "", "no question asks day"),
        ("Hello?", "(Hello|Hi?", "unbalanced"),
        ("plot: agreed", "plot: happy", "is none of"),
    ],
)
def test_problems_names_what_is_wrong(old, new, complaint):
    assert problems(parse(SOUND, "test")[0]) == []
    assert any(complaint in problem for problem in problems(parse(SOUND.replace(old, new), "test")[0]))


def test_an_unreadable_line_is_named():
    with pytest.raises(LabError, match=r"test, line 3: cannot read 'subject: a test'"):
        parse(SOUND.replace("topic:", "subject:"), "test")


def test_fill_takes_articles_capitals_and_choices():
    values = {"item": "oak umbrella", "day": "Friday"}
    assert (
        fill("{a item} by {day}. (it|it) is late", values, random.Random(0)) == "An oak umbrella by Friday. It is late"
    )


def test_speakers_take_turns_and_facts_are_said():
    filler = Filler(random.Random(0), held_out="any")
    for script in load_scripts():
        for _ in range(5):
            dialogue = make_dialogue(script, filler)
            speakers = [number for number, _ in dialogue.turns]
            assert speakers[0] == 1 and all(one != two for one, two in pairwise(speakers))
            for value in dialogue.facts.values():
                assert value.lower() in dialogue.text.lower(), (script.id, value)
                assert value.lower() in summarize(dialogue, Style("story"), filler.rng).lower(), (script.id, value)


def test_training_never_draws_a_held_out_word():
    filler = Filler(random.Random(0), rare=1.0)
    for kind in TYPES:
        for _ in range(200):
            for word in re.findall(r"[A-Za-z]{4,}", filler.value(kind)):
                in_lists = word.lower() in {w for part in words.wide_words().values() for w in part}
                assert not (in_lists and kind == "object" and words.held_out(word)), (kind, word)


def test_splits_share_no_dialogue_and_no_summary():
    seen: Counter[str] = Counter()
    sizes = {}
    for name, rows in all_splits():
        sizes[name] = len(rows)
        seen.update(row["dialogue"] for row in rows)
        seen.update(row["summary"] for row in rows)
    assert [text for text, count in seen.items() if count > 1] == []
    assert {name: sizes[name] for name in SIZES} == SIZES


def test_unseen_topics_are_unseen():
    splits = generated_splits()
    topics = {name: {row["topic"] for row in rows} for name, rows in splits.items()}
    assert topics["test_topics"] == set(UNSEEN_TOPICS)
    assert topics["test"] == topics["train"] == {script.topic for script in seen_scripts()}
    assert not topics["test"] & topics["test_topics"]


def test_natural_dialogues_repeat_no_line_and_vary_as_much_as_dialogsum():
    lines: Counter[str] = Counter()
    pairs: list[tuple[str, str]] = []
    for name, rows in all_splits():
        if not name.startswith("natural"):
            continue
        for row in rows:
            turns = row["dialogue"].split("\n")
            assert [turn[:10] for turn in turns] == [f"#Person{1 + n % 2}#:"[:10] for n in range(len(turns))]
            said = [turn.split(": ", 1)[1] for turn in turns]
            lines.update(line for line in said if len(line.split()) >= 4)
            tokens = re.findall(r"[a-z0-9']+", " ".join(said).lower())
            pairs += pairwise(tokens)
    assert [line for line, count in lines.items() if count > 1] == []
    assert len(set(pairs)) / len(pairs) > 0.5


def test_the_mixture_is_seeded_and_spares_the_evaluation_texts():
    def draw(seed, forbidden=frozenset()):
        mixture = TaskMixture(seen_scripts(), Filler(random.Random(seed)), forbidden, progress=0.6)
        return [mixture.example() for _ in range(40)]

    assert draw(1) == draw(1) != draw(2)
    mixture = TaskMixture(seen_scripts()[:1], Filler(random.Random(3)))
    dialogue = mixture.dialogue()
    spared = TaskMixture(seen_scripts()[:1], Filler(random.Random(3)), frozenset([dialogue.text]))
    assert spared.dialogue().text != dialogue.text
    summary = summarize(dialogue, HOUSE, random.Random(0))
    spared = TaskMixture(seen_scripts()[:1], Filler(random.Random(3)), frozenset([summary]))
    assert all(spared.summary(dialogue, HOUSE) != summary for _ in range(20))


def test_few_shot_examples_share_the_style_of_the_answer():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(5)), progress=1.0)
    for _ in range(50):
        prompt, answer = mixture.few_shot()
        assert answer not in prompt
        assert prompt.count("#Person1#:") >= 4 and answer
