"""The decoding playground's panel: it binds controls to `labkit.playground` and shows what comes back."""

import html
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.latest import Latest
from labkit.playground import Playground, Written
from labkit.settings import check_settings
from labkit.widgets import error_sentence, text_area

_FULL = {"width": "auto"}
_OWN = -1
_OFF = {"do_sample": False, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "num_beams": 1, "length_penalty": 1.0}
_OFF |= {"repetition_penalty": 1.0, "no_repeat_ngram_size": 0}  # values that change nothing


def decoding_playground(
    model: Any,
    tokenizer: Any,
    dialogues: Iterable[Mapping[str, str]],
    make_prompt: Callable[[str], str],
    *,
    max_new_tokens: int = 64,
) -> "DecodingPlayground":
    """A panel to try decoding settings: text and distribution follow the sliders; the learner's own dialogue too.

    Raises:
        LabError: no dialogues, or no function.
    """
    return DecodingPlayground(Playground(model, tokenizer, list(dialogues), make_prompt), max_new_tokens)


class DecodingPlayground(ipywidgets.VBox):
    """The panel of `decoding_playground`. A wrong setting gets a sentence, and nothing runs."""

    def __init__(self, playground: Playground, max_new_tokens: int) -> None:
        self.playground = playground
        rows = playground.dialogues
        options = [*((f"{number} · {row['topic']}", number) for number, row in enumerate(rows)), ("your own", _OWN)]
        self.number = ipywidgets.Dropdown(options=options, description="Dialogue")
        self.dialogue = text_area("Text", rows[0]["dialogue"], 6, "#Person1#: Good morning.\n#Person2#: Hello, …")
        self.settings_controls: dict[str, Any] = {
            "do_sample": ipywidgets.Checkbox(value=True, description="do_sample", indent=False),
            "temperature": _float(1.0, 0.0, 3.0, 0.05),
            "top_k": ipywidgets.IntSlider(0, 0, 100),
            "top_p": _float(1.0, 0.05, 1.0, 0.05),
            "num_beams": ipywidgets.IntSlider(1, 1, 8),
            "length_penalty": _float(1.0, -2.0, 3.0, 0.5),
            "repetition_penalty": _float(1.0, 1.0, 2.0, 0.05),
            "no_repeat_ngram_size": ipywidgets.IntSlider(0, 0, 5),
            "max_new_tokens": ipywidgets.IntSlider(max_new_tokens, 1, 128),
        }
        self.seed = ipywidgets.IntSlider(0, 0, 99)
        self.step = ipywidgets.IntSlider(0, 0, 0, description="Token")
        self.message, self.text, self.bars = (ipywidgets.HTML(layout=_FULL) for _ in range(3))
        self.written: Written | None = None
        self._latest = Latest(self._write)
        self._good: dict[str, Any] = {}  # the last settings that can work: with them the distribution is drawn

        named = [*self.settings_controls.items(), ("seed", self.seed)]
        for name, control in named[1:]:
            control.description, control.style.description_width = name, "11em"
        grid = {"grid_template_columns": "repeat(auto-fill, minmax(22em, 1fr))"}
        sliders = ipywidgets.GridBox([control for _, control in named], layout=grid)
        super().__init__([self.number, self.dialogue, sliders, self.message, self.text, self.step, self.bars])
        self.number.observe(self._pick, "value")
        for control in (self.dialogue, self.seed, *self.settings_controls.values()):
            control.observe(self._changed, "value")
        self.step.observe(self._show, "value")
        self._good = self.settings()
        self._write(self._request(), lambda: False)

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Decoding playground: an interactive panel. Run this cell in JupyterLab to use it."

    def settings(self) -> dict[str, Any]:
        """The settings as the controls stand: those that differ from what changes nothing.

        With sampling on, top_k always is among them: left out it would be the library's default, 50.
        """
        values = {name: control.value for name, control in self.settings_controls.items()}
        needed = {"top_k"} if values["do_sample"] else set()
        return {name: value for name, value in values.items() if name in needed or value != _OFF.get(name)}

    def _request(self) -> tuple[str, dict[str, Any], int]:
        return self.dialogue.value, self.settings(), self.seed.value

    def _pick(self, change: Any) -> None:
        self.dialogue.value = "" if change["new"] == _OWN else self.playground.dialogues[change["new"]]["dialogue"]

    def _changed(self, _: Any) -> None:
        """A control has moved: the distribution follows at once, the text when the model has written it."""
        try:
            check_settings(settings := self.settings())
        except LabError as error:
            self.message.value = error_sentence(str(error))
            return
        self._good, self.message.value = settings, ""
        self._show()
        self._latest.ask(self._request())

    def _write(self, request: tuple[str, dict[str, Any], int], stale: Callable[[], bool]) -> None:
        dialogue, settings, seed = request
        try:
            written = self.playground.write(dialogue, settings, seed=seed, stale=stale)
        except LabError as error:
            if not stale():
                self.message.value = error_sentence(str(error))
            return
        if written is None or stale():
            return
        self.written = written
        self.step.max = len(written.tokens) - 1
        self._show()

    def _show(self, _: Any = None) -> None:
        if self.written is None:
            return
        step = min(self.step.value, len(self.written.tokens) - 1)
        self.text.value = text_html(self.written, step)
        self.bars.value = bars_html(self.playground.distribution(self.written, step, self._good))


def text_html(written: Written, step: int) -> str:
    """The text, each token the darker the less probable it was, with the alternatives on hover; one token framed."""
    parts = []
    for number, token in enumerate(written.tokens):
        others = ", ".join(f"{text.strip()} {chance:.2f}" for text, chance in token.others) or "nothing else"
        frame = "outline:2px solid currentColor;" if number == step else ""
        style = f"background:rgba(213,94,0,{0.75 * (1 - token.probability):.2f});{frame}white-space:pre-wrap"
        title = html.escape(f"{token.probability:.2f}; else {others}", quote=True)
        parts.append(f'<span style="{style}" title="{title}">{html.escape(token.text)}</span>')
    end = "" if written.ended else " …, cut off there by max_new_tokens"
    cost = f"{len(written.tokens)} tokens in {written.seconds:.2f} s{end}. The darker, the less probable."
    return f'<p style="line-height:1.7">{"".join(parts)}</p><p style="line-height:1.4">{cost}</p>'


def bars_html(rows: list[tuple[str, float, float]]) -> str:
    """The distribution at a step: for each token a bar, full for the settings, an outline for the model's own."""
    lines = []
    for text, before, after in rows:
        bar = (
            f'<div style="position:relative;width:16em;height:.9em"><div style="position:absolute;height:100%;'
            f'width:{100 * after:.1f}%;background:#0072B2"></div><div style="position:absolute;height:100%;'
            f'width:{100 * before:.1f}%;border:1px solid #D55E00;box-sizing:border-box"></div></div>'
        )
        cells = f"<td>{html.escape(text)}</td><td>{bar}</td><td>{after:.3f}</td><td>({before:.3f})</td>"
        lines.append(f"<tr>{cells}</tr>")
    head = "<tr><th>token</th><th></th><th>with these settings</th><th>the model's own</th></tr>"
    return f'<table style="line-height:1.3">{head}{"".join(lines)}</table>'


def _float(value: float, least: float, most: float, step: float) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(value=value, min=least, max=most, step=step)
