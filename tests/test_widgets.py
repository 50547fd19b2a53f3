import re
import warnings

import pytest
from tiny import tiny_rows

from labkit.errors import LabError
from labkit.generation import generate
from labkit.metrics import rouge_scores
from labkit.widgets import MOST_SHOTS, prompt_workbench
from labkit.workbench import Workbench

BUDGET = 120


def make_prompt(shots, dialogue, instruction):
    examples = [f"Dialogue:\n\n{shot['dialogue']}\n\n{instruction}\n{shot['summary']}\n\n\n" for shot in shots]
    return "".join(examples) + f"Dialogue:\n\n{dialogue}\n\n{instruction}\n"


@pytest.fixture
def bench(tiny_model):
    return Workbench(*tiny_model, tiny_rows("test"), tiny_rows("train"), make_prompt, budget=BUDGET, max_new_tokens=8)


@pytest.fixture
def panel(tiny_model):
    rows = tiny_rows("test")
    rows[3] = {**rows[3], "topic": "hiring a <car>"}
    return prompt_workbench(*tiny_model, rows, tiny_rows("train"), make_prompt, budget=BUDGET, max_new_tokens=8)


def test_the_prompt_holds_the_chosen_shots_in_their_order_and_style(bench):
    dialogue = bench.dialogues[0]["dialogue"]
    assert bench.prompt(dialogue, "Go.") == f"Dialogue:\n\n{dialogue}\n\nGo.\n"
    prompt = bench.prompt(dialogue, "Go.", [2, 1])
    assert prompt == make_prompt([bench.shots[2], bench.shots[1]], dialogue, "Go.")
    assert "\nGo.\nbuying a lamp\n" in bench.prompt(dialogue, "Go.", [1], "headline")
    assert bench.shots[1]["summary"] != "buying a lamp"


def test_tokens_are_those_of_the_tokenizer_and_the_cut_is_what_its_truncation_cuts(bench):
    short = bench.tokens(bench.prompt(bench.dialogues[0]["dialogue"], "Go."))
    assert short.cut == "" and short.count < BUDGET
    prompt = bench.prompt(bench.dialogues[4]["dialogue"], "Go.", [0, 1, 2])
    tokens = bench.tokens(prompt)
    assert tokens.count == len(bench.tokenizer(prompt, verbose=False)["input_ids"]) > BUDGET
    assert tokens.kept + tokens.cut == prompt and tokens.cut.rstrip().endswith("Go.")
    truncated = bench.tokenizer(prompt, truncation=True, max_length=BUDGET)["input_ids"]
    bench.tokenizer("")
    assert bench.tokenizer(tokens.kept)["input_ids"] == truncated


def test_a_prompt_of_exactly_the_budget_loses_nothing(tiny_model, bench):
    prompt = bench.prompt(bench.dialogues[0]["dialogue"], "Go.")
    count = bench.tokens(prompt).count
    rows = tiny_rows("test")
    assert Workbench(*tiny_model, rows, [], make_prompt, budget=count).tokens(prompt).cut == ""
    over = Workbench(*tiny_model, rows, [], make_prompt, budget=count - 1).tokens(prompt)
    assert over.cut and over.count == count


def test_a_run_gives_what_generate_gives_and_its_scores(bench):
    prompt = bench.prompt(bench.dialogues[4]["dialogue"], "Go.", [0, 1])
    result = bench.run(prompt, "a reference with a lamp")
    assert result.output == generate(bench.model, bench.tokenizer, [prompt], max_new_tokens=8, batch_size=1)[0]
    expected = {name: values[0] for name, values in rouge_scores([result.output], ["a reference with a lamp"]).items()}
    assert result.scores == expected and result.seconds > 0
    assert 1 <= result.tokens <= 8 and (result.ended or result.tokens == 8)
    assert bench.run(prompt, " ").scores is None


@pytest.mark.parametrize(
    ("dialogue", "sentence"),
    [
        (" \n", "The dialogue is empty"),
        ("#Person1#: Hello.\n\nHi.", "Line 3 of the dialogue does not say who speaks"),
        ("Person1: Hello.", "Line 1 of the dialogue"),
    ],
)
def test_a_dialogue_without_text_or_speakers_is_refused(bench, dialogue, sentence):
    with pytest.raises(LabError, match=sentence):
        bench.prompt(dialogue, "Go.")


def test_the_slips_of_a_given_dialogue_are_not_the_learners(tiny_model):
    rows = [{**tiny_rows("test")[0], "dialogue": "#Person1#: Hello.\nHi."}]
    assert "Hi." in Workbench(*tiny_model, rows, [], make_prompt).prompt(rows[0]["dialogue"], "Go.")


def test_a_make_prompt_that_fails_is_told_so(tiny_model):
    def raises(shots, dialogue, instruction):
        raise NotImplementedError

    rows = tiny_rows("test")
    for function, sentence in (
        (raises, "stopped with NotImplementedError. Mend"),
        (lambda *_: None, "returned NoneType"),
    ):
        with pytest.raises(LabError, match=sentence):
            Workbench(*tiny_model, rows, [], function).prompt(rows[0]["dialogue"], "Go.")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dialogues": []}, "at least one dialogue"),
        ({"shots": [{"dialogue": "", "summary": "", "topic": ""}]}, "shots need the columns .* headline is missing"),
        ({"budget": "512"}, "budget must be a whole number"),
        ({"max_new_tokens": 0}, "max_new_tokens must be"),
        ({"make_prompt": None}, "make_prompt must be a function"),
    ],
)
def test_a_workbench_that_cannot_work_is_refused(tiny_model, change, sentence):
    values = {"dialogues": tiny_rows("test"), "shots": [], "make_prompt": make_prompt, "budget": 512}
    with pytest.raises(LabError, match=sentence):
        Workbench(*tiny_model, **{**values, **change})


def test_the_panel_starts_with_the_first_dialogue(panel, bench):
    row = bench.dialogues[0]
    assert (panel.dialogue.value, panel.reference.value) == (row["dialogue"], row["summary"])
    count = bench.tokens(bench.prompt(row["dialogue"], panel.instruction.value)).count
    assert f"{count} of {BUDGET} tokens" in panel.budget.value
    assert panel.result.value == panel.message.value == ""


def test_picking_a_dialogue_by_number_topic_or_none(panel, bench):
    panel.number.value = 2
    assert panel.dialogue.value == bench.dialogues[2]["dialogue"] in panel.prompt.value.replace("&#x27;", "'")
    panel.topic.value = "hiring a <car>"
    assert panel.number.options == (("3 · hiring a <car>", 3), ("your own", -1))
    assert panel.reference.value == bench.dialogues[3]["summary"]
    panel.number.value = -1
    assert panel.dialogue.value == panel.reference.value == ""
    assert "The dialogue is empty" in panel.message.value and panel.budget.value == panel.prompt.value == ""
    panel.dialogue.value = "#Person1#: Hello."
    assert panel.message.value == "" and "tokens" in panel.budget.value


def test_shots_fill_the_budget_and_what_would_be_cut_is_struck_out(panel):
    assert "<del" not in panel.prompt.value
    panel.instruction.value = "Sum <up> now."
    for box in panel.shots[:3]:
        box.value = True
    assert "too many" in panel.budget.value and "The instruction goes with it" in panel.budget.value
    assert re.search(r"<del[^>]*>[^<]*Sum &lt;up&gt; now\.\s*</del>", panel.prompt.value)
    panel.answers.value = "headline"
    assert "buying a lamp" in panel.prompt.value


def test_run_shows_output_scores_and_time_and_says_when_they_are_old(panel):
    panel.button.click()
    assert "ROUGE-1" in panel.result.value and "ROUGE-L" in panel.result.value and "Reference" in panel.result.value
    assert re.search(r"\d tokens? in \d+\.\d\d s", panel.result.value)
    assert (panel.button.disabled, panel.button.description) == (False, "Run")
    fresh, instruction = panel.result.value, panel.instruction.value
    panel.instruction.value = "Other."
    assert "run again" in panel.result.value and fresh in panel.result.value
    panel.instruction.value = instruction
    assert panel.result.value == fresh
    panel.reference.value = ""
    panel.button.click()
    assert "ROUGE" not in panel.result.value and "Without a reference" in panel.result.value


def test_an_output_the_model_is_unsure_of_is_marked(tiny_model):
    rows = tiny_rows("test")

    def result(usual):
        panel = prompt_workbench(*tiny_model, rows, [], make_prompt, max_new_tokens=8, usual=usual)
        panel.button.click()
        return panel.result.value

    assert "Check every word" in result(-0.001)
    assert "Check every word" not in result(-50.0) and "Check every word" not in result(None)


def test_run_answers_bad_input_with_a_sentence(panel, monkeypatch):
    panel.dialogue.value = "Hello <you>"
    panel.button.click()
    assert "Line 1 of the dialogue" in panel.message.value and panel.result.value == ""

    def out_of_memory(**_):
        raise RuntimeError("out of <memory>")

    panel.number.value = 1
    monkeypatch.setattr(panel.workbench.model, "generate", out_of_memory)
    panel.button.click()
    assert "The model stopped with RuntimeError: out of &lt;memory&gt;" in panel.message.value
    assert not panel.button.disabled


def test_a_dataset_will_do_and_twelve_shots_are_offered(tiny_model):
    from datasets import Dataset

    rows = Dataset.from_list(tiny_rows("train"))
    panel = prompt_workbench(*tiny_model, rows, Dataset.from_list(tiny_rows("train") * 3), make_prompt)
    assert len(panel.shots) == MOST_SHOTS and panel.shots[0].description == "0 · shopping"
    assert prompt_workbench(*tiny_model, rows, [], make_prompt).shots == []


def test_where_widgets_are_not_shown_a_line_of_text_stands(panel):
    data = panel._repr_mimebundle_()
    assert data["text/plain"] == repr(panel) and "\n" not in repr(panel) and len(repr(panel)) < 110
    assert "application/vnd.jupyter.widget-view+json" in data


def test_two_panels_share_nothing_and_nothing_warns(tiny_model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = tiny_rows("test")
        one, other = (prompt_workbench(*tiny_model, rows, rows, make_prompt, max_new_tokens=4) for _ in range(2))
        one.instruction.value = "Only here."
        one.button.click()
    assert "Only here." not in other.prompt.value and other.result.value == ""
