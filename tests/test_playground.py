"""The playground: what it writes, and its panel without a browser."""

import re

import pytest
from tiny import tiny_rows

from labkit.decoding import decode, read_prompts
from labkit.errors import LabError
from labkit.playground import Playground
from labkit.playground_panel import bars_html, decoding_playground, text_html

CAP = {"max_new_tokens": 8}
SAMPLE = {"do_sample": True, "top_k": 0}


def make_prompt(dialogue):
    return f"Summarize.\n\n{dialogue}\n"


@pytest.fixture
def playground(tiny_model):
    return Playground(*tiny_model, tiny_rows("test"), make_prompt)


@pytest.fixture
def panel(tiny_model):
    return decoding_playground(*tiny_model, tiny_rows("test"), make_prompt, max_new_tokens=8)


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {**SAMPLE, "temperature": 0.8}], ids=str)
def test_it_writes_what_decode_writes(playground, settings):
    dialogue = tiny_rows("test")[2]["dialogue"]
    written = playground.write(dialogue, {**CAP, **settings}, seed=3)
    read = read_prompts(playground.model, playground.tokenizer, [make_prompt(dialogue)])
    expected = decode(playground.model, playground.tokenizer, read, batch_size=4, seed=3, **CAP, **settings).ids[0][0]
    assert written.ids == expected and len(written.tokens) == len(expected)
    assert written.ended == (expected[-1] == playground.tokenizer.eos_token_id) and written.seconds > 0


def test_a_token_has_its_probability_and_the_likeliest_others(playground):
    settings = {**CAP, "do_sample": True, "temperature": 0.5, "top_k": 3}
    written = playground.write(tiny_rows("test")[0]["dialogue"], settings, seed=1)
    scaled = (written.logits / 0.5).topk(3)
    for token, number, values, kept in zip(written.tokens, written.ids, scaled.values, scaled.indices, strict=True):
        chances = dict(zip(kept.tolist(), values.softmax(-1).tolist(), strict=True))
        assert token.probability == pytest.approx(chances.pop(number), abs=1e-5)
        assert sorted(chance for _, chance in token.others) == pytest.approx(sorted(chances.values()), abs=1e-5)


def test_the_distribution_stands_beside_the_models_own(playground):
    written = playground.write(tiny_rows("test")[0]["dialogue"], CAP)
    rows = playground.distribution(written, 2, {"do_sample": True, "top_k": 2}, count=5)
    own = written.logits[2].softmax(-1).topk(5).values.tolist()
    assert [before for _, before, _ in rows] == pytest.approx(own)
    assert [after for _, _, after in rows] == pytest.approx([own[0] / sum(own[:2]), own[1] / sum(own[:2]), 0, 0, 0])


def test_a_stale_text_is_not_finished(playground):
    asked = []

    def stale():
        asked.append(1)
        return len(asked) > 2

    assert playground.write(tiny_rows("test")[0]["dialogue"], {"max_new_tokens": 100}, stale=stale) is None
    assert len(asked) < 10


@pytest.mark.parametrize(
    ("dialogue", "settings", "sentence"),
    [
        (" \n", {}, "The dialogue is empty"),
        ("#Person1#: Hello.", {"temperature": 0.5}, "do_sample"),
        ("#Person1#: Hello.", {"do_sample": True, "top_p": 90}, "write 0.9"),
    ],
)
def test_what_cannot_work_gets_a_sentence(playground, dialogue, settings, sentence, monkeypatch):
    monkeypatch.setattr(playground.model, "generate", lambda **_: pytest.fail("it ran"))
    with pytest.raises(LabError, match=sentence):
        playground.write(dialogue, {**CAP, **settings})


def test_a_model_that_fails_gets_a_sentence(playground, monkeypatch):
    def fails(**_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(playground.model, "generate", fails)
    with pytest.raises(LabError, match="The model stopped with RuntimeError: out of memory"):
        playground.write("#Person1#: Hello.", CAP)


def test_a_playground_without_dialogues_or_prompt_is_refused(tiny_model):
    with pytest.raises(LabError, match="at least one dialogue"):
        Playground(*tiny_model, [], make_prompt)
    with pytest.raises(LabError, match="make_prompt must be a function"):
        Playground(*tiny_model, tiny_rows("test"), None)


def wait(panel):
    assert panel._latest.idle.wait(60)


def test_the_panel_starts_with_a_text(panel):
    assert panel.written is not None and "8 tokens in" in panel.text.value and panel.message.value == ""
    assert panel.settings() == {**SAMPLE, **CAP}
    assert panel.step.max == len(panel.written.tokens) - 1


def test_the_settings_are_those_that_matter(panel):
    panel.settings_controls["do_sample"].value = False
    panel.settings_controls["num_beams"].value = 3
    assert panel.settings() == {**CAP, "num_beams": 3}
    panel.settings_controls["no_repeat_ngram_size"].value = 2
    assert panel.settings() == {**CAP, "num_beams": 3, "no_repeat_ngram_size": 2}
    wait(panel)


def test_a_slider_redraws_distribution_and_text(panel):
    text, bars = panel.text.value, panel.bars.value
    panel.settings_controls["temperature"].value = 3.0
    assert panel.bars.value != bars, "at once"
    wait(panel)
    expected = panel.playground.write(panel.dialogue.value, {**SAMPLE, **CAP, "temperature": 3.0})
    assert panel.written.ids == expected.ids and panel.text.value != text


def test_many_moves_write_one_text(panel, monkeypatch):
    calls = []
    write = panel.playground.write
    monkeypatch.setattr(panel.playground, "write", lambda *given, **more: calls.append(more) or write(*given, **more))
    for seed in range(1, 9):
        panel.seed.value = seed
    wait(panel)
    assert [call["seed"] for call in calls] == [8]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"temperature": 0.0}, "strictly positive"), ({"do_sample": False, "temperature": 0.5}, "sample-based")],
)
def test_a_wrong_setting_is_explained_and_nothing_runs(panel, changes, sentence, monkeypatch):
    wait(panel)
    text = panel.text.value
    asked: list = []
    monkeypatch.setattr(panel._latest, "ask", asked.append)
    for name, value in changes.items():
        panel.settings_controls[name].value = value
    assert sentence in panel.message.value and panel.text.value == text
    assert len(asked) == len(changes) - 1, "only the state before the last change, which was right"


def test_under_a_wrong_setting_the_last_good_distribution_stays(panel):
    panel.settings_controls["temperature"].value = 0.0
    panel.step.value = 1
    panel._write((panel.dialogue.value, {**SAMPLE, **CAP}, 0), lambda: False)  # a text that comes late
    expected = panel.playground.distribution(panel.written, 1, {**SAMPLE, **CAP})
    assert panel.bars.value == bars_html(expected) and "strictly positive" in panel.message.value


def test_the_learners_own_dialogue(panel):
    panel.number.value = -1
    wait(panel)
    assert panel.dialogue.value == "" and "The dialogue is empty" in panel.message.value
    panel.dialogue.value = "#Person1#: How much is <b>this</b> lamp?"
    wait(panel)
    assert panel.message.value == "" and panel.written is not None


def test_shading_alternatives_and_escapes(playground):
    written = playground.write(tiny_rows("test")[0]["dialogue"], {**CAP, **SAMPLE})
    page = text_html(written, 1)
    assert page.count("<span") == len(written.tokens) and page.count("outline") == 1
    alphas = [float(each) for each in re.findall(r"rgba\(213,94,0,([\d.]+)\)", page)]
    assert alphas == [round(0.75 * (1 - token.probability), 2) for token in written.tokens]
    assert f'title="{written.tokens[0].probability:.2f}; else ' in page
    table = bars_html([("<b>", 0.25, 0.5)])
    assert "&lt;b&gt;" in table and "width:50.0%" in table and "width:25.0%" in table


def test_where_widgets_are_not_shown_a_line_of_text_stands(panel):
    data = panel._repr_mimebundle_()
    assert data["text/plain"] == repr(panel) and "\n" not in repr(panel)
