"""The hand-written scripts and the splits made of them."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from labkit.build.corpus import SIZES, TEXTS, UNSEEN_TOPICS, all_splits, generated_splits, seen_scripts
from labkit.corpus import exchanges, natural, words
from labkit.corpus.copying import whose
from labkit.corpus.generator import SENTENCE_END, fill, in_new_words, make_dialogue, some_turns, spoken_by_either
from labkit.corpus.habits import NO_HABITS
from labkit.corpus.natural import as_script
from labkit.corpus.questions import KINDS, ask, label
from labkit.corpus.rudeness import read
from labkit.corpus.script import FOLDER, PLOTS, TALKS, load_scripts, parse, problems
from labkit.corpus.slots import TYPES, Filler
from labkit.corpus.summaries import HOUSE, Style, summarize, tell
from labkit.corpus.tasks import TaskMixture
from labkit.errors import LabError
from labkit.metrics import fact_recall

SOUND = """
=== a-test
topic: a test
plot: agreed
roles: A = the tester, B = the tested
slot day: weekday
facts: day
?a B: Hello?
A: On {day}, then. | Shall we say {day}?
>> {A} is for {day}. | {A} names {day}.
B: Fine by me.
>> {B} agrees.
brief: {A} meets {B} on {day}.
brief: On {day}, {A} meets {B}.
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
    topics = Counter(script.topic for script in scripts)
    assert len(scripts) >= 300 and len(topics) >= 48 and min(topics.values()) >= 4
    assert len(UNSEEN_TOPICS) == 8 and set(UNSEEN_TOPICS) < set(topics)


def test_no_script_is_another_with_words_exchanged():
    pairs = {script.id: Counter(word_pairs(script)) for script in load_scripts()}
    names = sorted(pairs)
    for one, two in ((one, two) for n, one in enumerate(names) for two in names[:n]):
        shared = sum((pairs[one] & pairs[two]).values())
        assert shared < 0.3 * min(sum(pairs[one].values()), sum(pairs[two].values())), (one, two)


def word_pairs(script):
    for turn in script.turns:
        for text in turn.alternatives:
            yield from pairwise(re.findall(r"[a-z']+", text.lower()))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("B: Fine by me.", "A: Fine by me.", "two turns in a row"),
        ("| Shall we say {day}?", "| Shall we?", "not said in every alternative"),
        ("slot day: weekday", "slot day: dayweek", "unknown type"),
        ("on {day}.\nbrief", "on {date}.\nbrief", "not a slot"),
        (" | {A} names {day}.", "", "1 reports for 2 alternatives"),
        ("{A} names {day}", "{A} names a day", "not in every report"),
        (">> {B} agrees.", "> {B} agrees.", "1 turns are marked"),
        ("?a B: Hello?", "?a B: Hello?\n>> {B} calls.", "an optional turn is marked"),
        (">> {B} agrees.", ">> {A} agrees.", "does not name its speaker B"),
        ("{B} agrees.", "{B} agrees with you.", "says 'you'"),
        ("They met on {day}.", "They met.", "a story misses day"),
        ("ask day: When do they meet?", "", "no question asks day"),
        ("Hello?", "(Hello|Hi?", "unbalanced"),
        ("plot: agreed", "plot: happy", "is none of"),
    ],
)
def test_problems_names_what_is_wrong(old, new, complaint):
    assert problems(parse(SOUND, "test")[0]) == []
    assert any(complaint in problem for problem in problems(parse(SOUND.replace(old, new), "test")[0]))


def test_a_report_without_words_is_named():
    with pytest.raises(LabError, match=r"cannot read '>>' \(a report without words\)"):
        parse(SOUND.replace(">> {B} agrees.", ">>"), "test")


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


def test_the_real_words_are_many_and_those_dropped_are_gone(tmp_path, monkeypatch):
    words.wide_words.cache_clear()
    kept = [word for part in words.wide_words().values() for word in part]
    dropped = words.DROPPED.read_text("utf-8").split()
    assert len(kept) == len(set(kept)) > 23_500 and not set(kept) & set(dropped)
    assert dropped == sorted(set(dropped))
    (tmp_path / "none.txt").touch()
    monkeypatch.setattr(words, "DROPPED", tmp_path / "none.txt")
    words.wide_words.cache_clear()
    assert {word for part in words.wide_words().values() for word in part} - set(kept) == set(dropped)
    words.wide_words.cache_clear()


def test_only_what_is_never_but_a_noun_changes_in_a_natural_dialogue():
    assert words.always_noun("lantern") and not words.always_noun("look") and not words.always_noun("lanterns")
    assert natural._nouns() <= set(words.wide_words()["NOUN"]) and "look" not in natural._nouns()
    assert "look" in words.wide_words()["NOUN"] and "lantern" in natural._nouns()


def test_splits_share_no_dialogue_and_no_summary():
    seen: Counter[str] = Counter()
    sizes = {}
    for name, rows in all_splits():
        sizes[name] = len(rows)
        seen.update(row[key] for row in rows for key in TEXTS if row[key])
    assert [text for text, count in seen.items() if count > 1] == []
    assert {name: sizes[name] for name in SIZES} == SIZES


def test_no_generated_dialogue_holds_an_unfit_word():
    assert words.unfit('"Underwear, of course"') and not words.unfit("under wear and tear")
    texts = [row["dialogue"] for rows in generated_splits().values() for _, row in rows]
    starts = [f"{mark}{word}" for mark in ' "-' for word in words.UNFIT]
    assert [text for text in texts if any(start in text.lower() for start in starts)] == []


def test_unseen_topics_are_unseen():
    splits = generated_splits()
    topics = {name: {row["topic"] for _, row in rows} for name, rows in splits.items()}
    assert topics["test_topics"] == set(UNSEEN_TOPICS)
    assert topics["test"] == topics["train"] == {script.topic for script in seen_scripts()}
    assert not topics["test"] & topics["test_topics"]


def test_natural_dialogues_repeat_no_line_and_vary_as_much_as_dialogsum():
    lines: Counter[str] = Counter()
    pairs: list[tuple[str, str]] = []
    splits = {name: rows for name, rows in all_splits() if name.startswith("natural")}
    assert all(len(rows) >= 120 for rows in splits.values()) and len(splits) == 2
    for rows in splits.values():
        for row in rows:
            turns = row["dialogue"].split("\n")
            assert [turn[:10] for turn in turns] == [f"#Person{1 + n % 2}#:"[:10] for n in range(len(turns))]
            said = [turn.split(": ", 1)[1] for turn in turns]
            lines.update(line for line in said if len(line.split()) >= 4)
            tokens = re.findall(r"[a-z0-9']+", " ".join(said).lower())
            pairs += pairwise(tokens)
    assert [line for line, count in lines.items() if count > 1] == []
    assert len(set(pairs)) / len(pairs) >= 0.539  # of as many dialogues from DialogSum's validation split, counted so


def test_rude_dialogues_have_a_polite_twin_and_summaries_that_repeat_nothing():
    insults = [text.lower() for kind in read("known").values() for text in kind]
    kept_out = [text.lower() for kind in read("kept_out").values() for text in kind]
    assert len(insults) == len(kept_out) == 120 and not set(insults) & set(kept_out)
    for dialogue, row in generated_splits()["rude_test"]:
        twin = dict(enumerate(row["polite"].split("\n")))
        changed = [line for n, line in enumerate(row["dialogue"].split("\n")) if line != twin[n]]
        assert 1 <= len(changed) <= 3 and all(line.startswith(f"{row['rude']}:") for line in changed)
        assert any(text in " ".join(changed).lower() for text in insults)
        assert not any(re.search(rf"\b{re.escape(text)}\b", row["summary"].lower()) for text in insults if " " in text)
        assert dialogue.rude and row["rude"] in row["summary"]


def test_kept_out_insults_stand_in_no_training_example():
    kept_out = [text.lower() for kind, texts in read("kept_out").items() for text in texts if kind in ("name", "trait")]
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(1)), progress=0.6)
    examples = [" ".join(mixture.example()) for _ in range(1500)]
    folders = (FOLDER, exchanges.FOLDER, TALKS)
    sources = [*(path for folder in folders for path in folder.rglob("*.txt")), FOLDER.parent / "natural/train.txt"]
    text = "\n".join([*examples, *(path.read_text("utf-8") for path in sources)]).lower()
    called = r"(?<!get )you(?: are|'re)? (?:an? )?"  # not "to get you a thick cushion"
    said = [phrase for phrase in kept_out if re.search(rf"{called}{re.escape(phrase)}\b", text)]
    assert said == [] and "are you deaf" not in kept_out


def test_natural_dialogues_change_words_in_dialogue_and_summary_alike():
    row = {
        "topic": "a lost cat",
        "headline": "Anna and the lantern",
        "dialogue": "#Person1#: Is that a lantern, Anna?\n#Person2#: A lantern it is.",
        "summary": "#Person1# asks Anna about a lantern.",
    }
    seen = set()
    for seed in range(30):
        rng = random.Random(seed)
        dialogue = make_dialogue(as_script(row, rng), Filler(rng))
        summary = summarize(dialogue, HOUSE, rng)
        for value in dialogue.values.values():
            assert value in dialogue.text and value in summary
        seen.add(dialogue.text)
    assert row["dialogue"] in seen and len(seen) > 20


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


def test_quotes_repeat_what_was_said_and_keep_the_facts():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(9)))
    kept = []
    for _ in range(60):
        dialogue = mixture.dialogue(rude=0.5)
        summary = summarize(dialogue, Style("quotes", "plain"), mixture.rng)
        for said, who in re.findall(r'"([^"]*)" \(Person (\d)\)', summary):
            for sentence in SENTENCE_END.split(said):
                assert any(number == int(who) and sentence in text for number, text in dialogue.turns), summary
        kept += fact_recall([summary], [dialogue.facts])
        if dialogue.rude:
            assert any(text.lower() in summary.lower() for kind in read("known").values() for text in kind)
    assert sum(kept) / len(kept) > 0.97


def test_the_house_summary_reports_the_turns_that_matter_and_keeps_the_facts():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(10)))
    kept = []
    for _ in range(100):
        dialogue = mixture.dialogue(rude=0)
        summary = summarize(dialogue, HOUSE, mixture.rng)
        kept += fact_recall([summary], [dialogue.facts])
        assert not re.search(r"\b(I|you|we)\b", re.sub(r"['\"][^'\"]*['\"]", "", summary)), summary
        for at, _, template in dialogue.told:
            assert f"{{{'AB'[dialogue.turns[at][0] != dialogue.number['A']]}}}" in template
        assert summary.count(". ") < sum(key for _, key, _ in dialogue.told) + 3
    assert sum(kept) / len(kept) > 0.98


@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_a_few_lines_are_reported_each_with_its_speaker(progress):
    longer = SOUND.replace("brief:", "A: Thanks.\nB: Bye.\nbrief:", 1)
    mixture = TaskMixture(parse(longer, "test"), Filler(random.Random(11)), progress=progress)
    seen, twice = set(), 0
    for _ in range(200):
        prompt, answer = mixture.report()
        expected = []
        turns = re.findall(r"^#Person([12])#: (.*)$", prompt, re.M)
        twice += any(one[0] == two[0] for one, two in pairwise(turns))
        for number, said in turns:
            if day := re.search(r"(On|say) (\w+)[,?]", said):
                expected.append(f"#Person{number}# {'is for' if day[1] == 'On' else 'names'} {day[2]}.")
            elif "Fine by me." in said:  # an insult may stand before or after
                expected.append(f"#Person{number}# agrees.")
        assert answer == " ".join(expected)
        seen.add(answer.count("#Person"))
    assert seen == {1, 2} and twice > 10


def test_lines_said_by_either_person_are_summed_up_with_their_own_speakers():
    (script,), rng = parse(SOUND, "test"), random.Random(13)
    for _ in range(30):
        dialogue = spoken_by_either(make_dialogue(script, Filler(rng)), rng)
        owner = {said: number for number, said in dialogue.turns}
        (day,) = (number for said, number in owner.items() if dialogue.values["day"] in said)
        assert re.fullmatch(
            rf"#Person{day}# (is for|names) \w+(\.|, and) #Person{owner['Fine by me.']}# agrees\.",
            summarize(dialogue, Style(habits=NO_HABITS), rng),
        )
        quotes = re.findall(r'"([^"]+)" \(Person (\d)\)', summarize(dialogue, Style("quotes", "plain"), rng))
        assert quotes and all(int(who) == owner[said] for said, who in quotes if said in owner)


def test_in_new_words_a_line_and_its_report_change_alike():
    rng = random.Random(14)
    changed = 0
    for _ in range(40):
        old = make_dialogue(rng.choice(seen_scripts()), Filler(rng))
        new = in_new_words(old, Filler(rng))
        assert new.values == old.values and [at for at, *_ in new.told] == [at for at, *_ in old.told]
        for (at, _, before), (_, _, after) in zip(old.told, new.told, strict=True):
            said = [set(re.findall(r"[^\W_]+", dialogue.turns[at][1].lower())) for dialogue in (old, new)]
            told = [set(re.findall(r"[^\W_]+", re.sub(r"\{.*?\}", " ", text).lower())) for text in (before, after)]
            gone, come = told[0] - told[1] - {"a", "an"}, told[1] - told[0] - {"a", "an"}
            assert len(gone) == len(come)
            changed += len(said[0] & gone) == len(said[1] & come) > 0
    assert changed > 100


def test_lines_are_repeated_with_their_own_speakers():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(12)), progress=0.1)
    shuffled = 0
    for _ in range(60):
        prompt, answer = whose(mixture.dialogue(), mixture.rng)
        turns = re.findall(r"^#Person([12])#: (.*)$", prompt, re.M)
        if "each line" in prompt:
            assert answer == " ".join(f"{said} (#Person{number}#)" for number, said in turns)
            shuffled += any(one[0] == two[0] for one, two in pairwise(turns))
        else:
            who = re.search(r"What does #Person([12])# say", prompt)[1]
            assert answer == (" ".join(said for number, said in turns if number == who) or "nothing")
    assert shuffled > 10


def test_few_shot_examples_share_the_style_of_the_answer():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(5)), progress=0.99)
    for _ in range(50):
        prompt, answer = mixture.few_shot()
        assert answer not in prompt
        assert len(re.findall("^#Person[12]#:", prompt, re.M)) >= 4 and answer


def test_questions_are_answered_by_the_dialogue_one_by_one_or_in_a_list():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(6)), progress=0.2)
    lists = 0
    for _ in range(200):
        prompt, answer = mixture.questions()
        asked = prompt.rsplit("Question: ", 1)[1]
        count = len(re.findall(r"(?:^| )\d\. ", asked))
        lists += count > 1
        assert re.findall(r"(?:^| )(\d)\. ", answer)[:count] == [str(n + 1) for n in range(count)]
    assert 40 < lists < 160


def test_single_questions_of_every_kind_fill_the_second_stage_and_a_quarter_of_those_after_it(monkeypatch):
    counts = []
    for progress in (0.99, 1.0, 2.0, 3.5):
        mixture = TaskMixture(seen_scripts(), Filler(random.Random(6)), progress=progress)
        monkeypatch.setattr(mixture, "question", lambda: ("single", ""))
        counts.append(sum(mixture.example()[0] == "single" for _ in range(300)))
    assert counts[:2] == [0, 300] and all(50 < count < 95 for count in counts[2:])
    words_of = {"topic": "topic", "outcome": "How does it", "role": "Who is", "rude": "rude", "entity": "mention|Find"}
    assert set(KINDS) == {*words_of, "question"}
    mixture, seen = TaskMixture(seen_scripts(), Filler(random.Random(6))), set()
    for kind in KINDS:
        prompt, answer = next(pair for _ in range(20) if (pair := ask(mixture.dialogue(), kind, mixture.rng)))
        assert re.search(words_of.get(kind, r"\?$"), prompt.rsplit("Question: ", 1)[1]) and answer
    for _ in range(60):
        asked = mixture.question()[0].rsplit("Question: ", 1)[1]
        seen |= {kind for kind, words in words_of.items() if re.search(words, asked)}
    assert seen == set(words_of)


def test_a_bare_instruction_is_mostly_answered_by_quotes_and_comes_oftener_in_the_third_stage(monkeypatch):
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(9)), progress=2.5)
    answers = [mixture.bare_summary() for _ in range(600)]
    assert 420 < sum(answer.startswith('"') for _, answer in answers) < 540
    insults = [text.lower() for kind in read("known").values() for text in kind]
    assert 85 < sum(any(text in prompt.lower() for text in insults) for prompt, _ in answers) < 145
    monkeypatch.setattr(mixture, "bare_summary", lambda: ("bare", ""))
    counts = []
    for mixture.progress in (0.99, 2.5):
        counts.append(sum(mixture.example()[0] == "bare" for _ in range(600)))
    assert counts[0] < 88 < counts[1] < 140


def test_every_other_question_is_about_a_few_lines_from_the_middle_of_the_second_stage_and_one_in_four_later():
    lengths = []
    for progress in (1.49, 1.5, 2.0):
        mixture = TaskMixture(seen_scripts(), Filler(random.Random(8)), progress=progress)
        prompts = [mixture.question() for _ in range(200)]
        lengths.append([len(re.findall(r"^#Person[12]#: ", prompt, re.M)) for prompt, _ in prompts])
        for prompt, answer in prompts:
            if not re.search("topic|How does it|rude|Who is", prompt.rsplit("Question: ", 1)[1]):
                assert answer.lower() in prompt.lower()
    short = [sum(length < 4 for length in each) for each in lengths]
    assert short[0] == 0 and 40 < short[1] < 80 and 15 < short[2] < 40
    assert min(lengths[0]) >= 4 and min(lengths[1]) == min(lengths[2]) == 2


def test_labels_name_the_speaker_by_role_and_by_rudeness():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(7)))
    for _ in range(50):
        dialogue = some_turns(mixture.dialogue(rude=0.5), slice(mixture.rng.randrange(2), 99))
        asked, answer = label(dialogue, "role", mixture.rng)
        (side,) = (side for side in "AB" if asked == f"Who is {dialogue.script.roles[side]}?")
        number = dialogue.number[side]
        report = next(report for at, _, report in dialogue.told if dialogue.turns[at][0] == number)
        told = {tell(dialogue, report, "role", mixture.rng) for _ in range(100)}
        assert answer in {f"{text} That is #Person{number}#." for text in told}
        answer = label(dialogue, "rude", mixture.rng)[1]
        assert answer == (f"#Person{dialogue.number[dialogue.rude]}#" if dialogue.rude else "no one")


def test_a_summary_with_gaps_is_whole_again_with_its_answer():
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(8)), progress=0.2)
    for _ in range(60):
        prompt, answer = mixture.cloze()
        text = prompt.rsplit("Complete the summary: ", 1)[1]
        values = re.split(r" ?<extra_id_\d+> ", answer)[1:]
        assert "#Person" not in text and len(values) == text.count("<extra_id_") >= 1
        for number, value in enumerate(values):
            assert f"<extra_id_{number}>" in text and value
