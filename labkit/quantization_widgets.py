"""The bit panel and the memory calculator. What they show is made by plain functions; the panels only bind it."""

import math
from functools import partial
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.memory import RECIPES, SHAPES, need_table
from labkit.number_formats import FORMATS, flip, number_format, parts
from labkit.tables import Table, side_by_side
from labkit.widgets import error_sentence

COLOURS = {"sign": "#F4C9AE", "exponent": "#AFD3E8", "fraction": "#AEDFCF", "value": "#AEDFCF"}
_FULL = {"width": "auto"}


def bit_panel(value: float = math.pi, name: str = "FP16") -> "BitPanel":
    """A panel to take numbers apart: type a number or click a bit, and see which number the bits stand for.

    Raises:
        LabError: an unknown format, or a value that is no number.
    """
    return BitPanel(name, number_format(name).encode(value), value)


def memory_calculator() -> "MemoryCalculator":
    """A panel that adds up what training takes: model, recipe, sequences, their length."""
    return MemoryCalculator()


def read_number(text: str) -> float:
    """What was typed, as a number; "inf" and "nan" are numbers too.

    Raises:
        LabError: it is not one.
    """
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise LabError(f"{text.strip() or 'Nothing'} is not a number: type one such as 3.14, -2e-5 or inf.") from None


def reading(name: str, bits: str, wanted: float | None = None) -> Table:
    """What the bits stand for and how; beside a wanted number, how far off it is.

    Raises:
        LabError: an unknown format, or not as many bits as it has.
    """
    chosen = number_format(name)
    value = chosen.decode(bits)
    rows = [("value", f"{value:.10g}"), ("from", chosen.formula(bits))]
    if wanted is not None and math.isfinite(wanted):
        error = f"{value - wanted:+.3g}" if math.isfinite(value) else "beyond the range of this format"
        rows.append(("off by", "nothing, it is exact" if value == wanted else error))
    return side_by_side(rows)


class BitPanel(ipywidgets.VBox):
    """The panel of `bit_panel`: a button a bit."""

    def __init__(self, name: str, bits: str, wanted: float) -> None:
        self.name, self.bits = name, bits
        self.wanted: float | None = wanted
        self.format = ipywidgets.Dropdown(options=list(FORMATS), value=name, description="Format")
        self.number = ipywidgets.Text(f"{wanted:.10g}", description="Number", continuous_update=False)
        self.buttons = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        self.result, self.message = ipywidgets.HTML(layout=_FULL), ipywidgets.HTML(layout=_FULL)
        top = ipywidgets.HBox([self.format, self.number], layout={"flex_flow": "row wrap"})
        super().__init__([top, self.buttons, self.message, self.result])
        self.format.observe(self._write, "value")
        self.number.observe(self._write, "value")
        self._draw()

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Bit panel: an interactive panel. Run this cell in JupyterLab to use it."

    def _write(self, _: Any) -> None:
        """Take the typed number into the chosen format."""
        try:
            wanted = read_number(self.number.value)
            bits = number_format(self.format.value).encode(wanted)
        except LabError as error:
            self.message.value = error_sentence(str(error))
            return
        self.name, self.bits, self.wanted = self.format.value, bits, wanted
        self._draw()

    def _flip(self, position: int, _: Any = None) -> None:
        """A bit was clicked: these bits are the learner's, no longer the typed number's."""
        self.bits, self.wanted = flip(self.bits, position), None
        self._draw()

    def _draw(self) -> None:
        buttons: list[ipywidgets.Button] = []
        for part, bits in parts(number_format(self.name), self.bits):
            for bit in bits:
                button = ipywidgets.Button(description=bit, tooltip=part, layout={"width": "26px", "padding": "0"})
                button.style.button_color, button.style.text_color = COLOURS[part], "black"
                button.on_click(partial(self._flip, len(buttons)))
                buttons.append(button)
        self.buttons.children = buttons
        self.message.value = ""
        self.result.value = reading(self.name, self.bits, self.wanted)._repr_html_()


class MemoryCalculator(ipywidgets.VBox):
    """The panel of `memory_calculator`."""

    def __init__(self) -> None:
        self.model = ipywidgets.Dropdown(options=list(SHAPES), value="GPT-3 1.3B", description="Model")
        self.recipe = ipywidgets.Dropdown(options=list(RECIPES), description="Recipe", layout={"width": "32em"})
        self.sequences = ipywidgets.IntSlider(1, 1, 64, description="Sequences")
        self.length = ipywidgets.IntSlider(2048, 128, 8192, 128, description="Tokens each")
        self.result = ipywidgets.HTML(layout=_FULL)
        super().__init__([self.model, self.recipe, self.sequences, self.length, self.result])
        for control in (self.model, self.recipe, self.sequences, self.length):
            control.observe(self._refresh, "value")
        self._refresh()

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Memory calculator: an interactive panel. Run this cell in JupyterLab to use it."

    def _refresh(self, _: Any = None) -> None:
        shape, recipe = SHAPES[self.model.value], RECIPES[self.recipe.value]
        self.result.value = need_table(shape, recipe, self.sequences.value, self.length.value)._repr_html_()
