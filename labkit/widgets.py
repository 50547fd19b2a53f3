"""Interactive panels of the labs. They sit on top of something static: without a front end nothing is lost."""

import html
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.profile import Profile
from labkit.tables import side_by_side, table
from labkit.workbench import STYLES, Result, Tokens, Workbench

INSTRUCTION = "What was going on?"
MOST_SHOTS = 12
_OWN = -1
_FULL = {"width": "auto"}  # as wide as the panel, margins included
_TEXT = '<div style="line-height:1.4">'  # a widget's lines stand far apart, as its buttons do
_BLUE, _VERMILLION = "#0072B2", "#D55E00"


def prompt_workbench(
    model: Any,
    tokenizer: Any,
    dialogues: Iterable[Mapping[str, str]],
    shots: Iterable[Mapping[str, str]],
    make_prompt: Callable[[list[dict[str, str]], str, str], str],
    *,
    budget: int = 512,
    max_new_tokens: int = Profile.max_new_tokens,
    usual: float | None = None,
) -> "PromptWorkbench":
    """A panel to try prompts: pick or type a dialogue, edit the instruction, choose shots, run, see tokens and ROUGE.

    Args:
        dialogues: rows with dialogue, summary, topic and headline (a datasets.Dataset or a list of dicts).
        shots: such rows too; the first twelve are offered.
        make_prompt: (shots, dialogue, instruction) → prompt; each shot's answer is its "summary".
        budget: the context budget that prompts are held against, in tokens. Nothing is cut.
        max_new_tokens: a cap on the tokens of an output.
        usual: the mean log-probability of a token that nearly all outputs on familiar dialogues reach; the panel says
            where an output stays below.

    Raises:
        LabError: no dialogues, a column missing, a number below 2, or no function.
    """
    rows, examples = list(dialogues), [row for row, _ in zip(shots, range(MOST_SHOTS), strict=False)]
    return PromptWorkbench(Workbench(model, tokenizer, rows, examples, make_prompt, budget, max_new_tokens, usual))


class PromptWorkbench(ipywidgets.VBox):
    """The panel of `prompt_workbench`. Whatever the learner types, it answers with a sentence, never a traceback."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        first = workbench.dialogues[0]
        topics = list(dict.fromkeys(row["topic"] for row in workbench.dialogues))
        self.topic = ipywidgets.Dropdown(options=[("all topics", None), *((t, t) for t in topics)], description="Topic")
        self.number = ipywidgets.Dropdown(options=self._numbers(None), description="Dialogue")
        self.dialogue = text_area("Text", first["dialogue"], 8, "#Person1#: Good morning.\n#Person2#: Hello, …")
        self.reference = text_area("Reference", first["summary"], 3, "A summary to score against, if you have one")
        self.instruction = text_area("Instruction", INSTRUCTION, 2, "None: the model gets the dialogue alone")
        self.shots = [
            ipywidgets.Checkbox(description=f"{number} · {row['topic']}", indent=False, layout={"width": "auto"})
            for number, row in enumerate(workbench.shots)
        ]
        self.answers = ipywidgets.Dropdown(options=STYLES, description="Their style")
        self.button = ipywidgets.Button(description="Run", button_style="primary", icon="play")
        self.message, self.budget, self.prompt, self.result = (ipywidgets.HTML(layout=_FULL) for _ in range(4))
        self._shown: tuple[str, str, str] | None = None  # prompt, reference and HTML of the last run

        grid = ipywidgets.GridBox(
            self.shots, layout={"grid_template_columns": "repeat(auto-fill, minmax(14em, 1fr))", "flex": "1 1 0%"}
        )
        label = ipywidgets.Label(
            "Shots", layout={"width": "80px", "margin": "2px 8px 2px 2px", "justify_content": "flex-end"}
        )
        fold = ipywidgets.Accordion([self.prompt], titles=["The prompt"], layout=_FULL)
        super().__init__(
            [
                ipywidgets.HBox([self.topic, self.number], layout={"flex_flow": "row wrap"}),
                self.dialogue,
                self.reference,
                self.instruction,
                *([ipywidgets.HBox([label, grid], layout=_FULL), self.answers] if self.shots else []),
                self.message,
                self.budget,
                fold,
                self.button,
                self.result,
            ]
        )
        self.topic.observe(self._narrow, "value")
        self.number.observe(self._pick, "value")
        for control in (self.dialogue, self.reference, self.instruction, *self.shots, self.answers):
            control.observe(self._refresh, "value")
        self.button.on_click(self._run)
        self._refresh()

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Prompt workbench: an interactive panel. Run this cell in JupyterLab to use it."

    def _numbers(self, topic: str | None) -> list[tuple[str, int]]:
        """The entries of the dialogues' list: those of a topic, and one for the learner's own."""
        rows = [(n, row["topic"]) for n, row in enumerate(self.workbench.dialogues) if topic in (None, row["topic"])]
        return [*((f"{n} · {name}", n) for n, name in rows), ("your own", _OWN)]

    def _narrow(self, change: Any) -> None:
        self.number.options = self._numbers(change["new"])  # and takes the first

    def _pick(self, change: Any) -> None:
        row = {"dialogue": "", "summary": ""} if change["new"] == _OWN else self.workbench.dialogues[change["new"]]
        self.dialogue.value, self.reference.value = row["dialogue"], row["summary"]

    def _build(self) -> str:
        """The prompt as the controls stand; LabError where there is none."""
        chosen = [number for number, box in enumerate(self.shots) if box.value]
        return self.workbench.prompt(self.dialogue.value, self.instruction.value, chosen, self.answers.value)

    def _refresh(self, _: Any = None) -> None:
        """Bring the budget, the prompt and the note on the last result up to date."""
        prompt = None
        try:
            prompt = self._build()
        except LabError as error:
            self.message.value, self.budget.value, self.prompt.value = error_sentence(str(error)), "", ""
        else:
            tokens = self.workbench.tokens(prompt)
            self.message.value = ""
            self.budget.value = _budget_html(tokens, self.workbench.budget, self.instruction.value)
            self.prompt.value = _prompt_html(tokens)
        self._show_result(prompt)

    def _run(self, _: Any) -> None:
        self.button.disabled, self.button.description = True, "Running…"
        try:
            prompt, reference = self._build(), self.reference.value
            result = self.workbench.run(prompt, reference)
        except LabError as error:
            self.message.value = error_sentence(str(error))
        else:
            self.message.value = ""
            doubt = _doubt_html(result, self.workbench.usual)
            self._shown = (prompt, reference, doubt + _result_html(result, reference))
            self._show_result(prompt)
        finally:
            self.button.disabled, self.button.description = False, "Run"

    def _show_result(self, prompt: str | None) -> None:
        """The last run's result, marked as old once it is not that of the controls any more."""
        if self._shown is None:
            return
        *of, shown = self._shown
        if of == [prompt, self.reference.value]:
            self.result.value = shown
        else:
            old = '<p style="margin:0"><i>Of the last run, before your changes: run again.</i></p>'
            self.result.value = f'{old}<div style="opacity:.6">{shown}</div>'


def text_area(description: str, value: str, rows: int, placeholder: str) -> ipywidgets.Textarea:
    """A field for text of `rows` lines, as wide as the panel."""
    return ipywidgets.Textarea(value, description=description, rows=rows, placeholder=placeholder, layout=_FULL)


def error_sentence(text: str) -> str:
    """A sentence for the learner, marked by a bar at its left."""
    style = f"margin:0;padding-left:8px;border-left:4px solid {_VERMILLION};line-height:1.4"
    return f'<p role="alert" style="{style}">{html.escape(text)}</p>'


def _budget_html(tokens: Tokens, budget: int, instruction: str) -> str:
    """A bar whose whole length is the budget, or the prompt where that is longer, and a sentence."""
    over = max(tokens.count - budget, 0)
    whole = max(tokens.count, budget)
    parts = ((_BLUE, min(tokens.count, budget)), (_VERMILLION, over))
    bar = "".join(f'<div style="width:{100 * part / whole:.1f}%;background:{color}"></div>' for color, part in parts)
    text = f"<b>{tokens.count} of {budget} tokens</b>"
    if over:
        lost = " The instruction goes with it." if instruction.strip() and instruction.strip() in tokens.cut else ""
        text += (
            f", {over} too many: a tokenizer that truncates would cut the end of the prompt, struck out below.{lost} "
            "Run truncates nothing."
        )
    return (
        '<div aria-hidden="true" style="display:flex;height:12px;border:1px solid currentColor;border-radius:3px;'
        f'overflow:hidden">{bar}</div><p style="margin:2px 0 0;line-height:1.4">{text}</p>'
    )


def _prompt_html(tokens: Tokens) -> str:
    cut = f'<del style="color:inherit;background:{_VERMILLION}55">{html.escape(tokens.cut)}</del>' if tokens.cut else ""
    style = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;line-height:1.4;margin:0"
    return f'<pre style="{style};max-height:28em;overflow:auto">{html.escape(tokens.kept)}{cut}</pre>'


def _doubt_html(result: Result, usual: float | None) -> str:
    """A warning where the model was less sure of its text than it usually is."""
    if usual is None or result.certainty >= usual:
        return ""
    chance, least = math.exp(result.certainty), math.exp(usual)
    return error_sentence(
        f"Unlike anything this model knows well? It gave the tokens of its own text a probability of {chance:.2f} on "
        f"average; on nearly all dialogues of this lab it is {least:.2f} or more. Check every word of the output."
    )


def _result_html(result: Result, reference: str) -> str:
    texts = [("Output", result.output.strip() or "(nothing that can be read)")]
    cost = f"{result.tokens} token{'' if result.tokens == 1 else 's'} in {result.seconds:.2f} s"
    if not result.ended:
        cost += "; cut off there by max_new_tokens, not ended by the model"
    if result.scores is None:
        return f"{_TEXT}{side_by_side(texts)._repr_html_()}<p>{cost}. Without a reference there is no score.</p></div>"
    names = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
    scores = table(list(names.values()), [[result.scores[name] for name in names]])
    texts.append(("Reference", reference))
    return f"{_TEXT}{side_by_side(texts)._repr_html_()}{scores._repr_html_()}<p>{cost}.</p></div>"
