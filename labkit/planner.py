"""The planner: whether a model's training states fit some GPUs under each strategy, and what a step sends.

The memory formula is the lab's own: it is handed over. Bytes are of mixed-precision training with Adam: 2 for a
parameter, 2 for its gradient, 12 for the optimizer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets

from labkit.errors import LabError
from labkit.tables import Table
from labkit.widgets import error_sentence

Formula = Callable[[float, int, int], float]  # (parameters, GPUs, stage) → bytes on each
STRATEGIES = {"DDP": 0, "ZeRO-1": 1, "ZeRO-2": 2, "ZeRO-3 / FSDP": 3}
OFFLOAD = "FSDP with CPU offload"
BLOCKS = 48  # of an encoder-decoder with 24 + 24; with offload one is on the GPU, and the next is on its way
_FULL = {"width": "auto"}
_LARGEST = {"parameters": 1e15, "gpus": 1e6, "memory_gb": 1e4}


@dataclass(frozen=True)
class Plan:
    """One strategy: bytes of model states on each GPU, whether they fit, bytes that each sends a step (and to the CPU).

    `sent` is of a ring: 2 (n - 1)/n of the 2-byte gradients under DDP, ZeRO-1 and ZeRO-2, half as much again beyond.
    """

    strategy: str
    held: float
    fits: bool
    sent: float
    over_bus: float = 0.0


def plans(formula: Formula, parameters: float, gpus: int, memory_gb: float) -> list[Plan]:
    """A plan for each strategy, the one with CPU offload last.

    Raises:
        LabError: numbers that no cluster has, or a formula that fails.
    """
    for name, value in (("parameters", parameters), ("gpus", gpus), ("memory_gb", memory_gb)):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not 0 < value <= _LARGEST[name] or (name == "gpus" and value != int(value)):
            raise LabError(f"{name} must be a number from above 0 to {_LARGEST[name]:g}, not {value!r}.")
    ring = 2 * parameters * (gpus - 1) / gpus  # bytes that an all-gather of the parameters sends from each rank
    found = []
    for strategy, stage in STRATEGIES.items():
        held = float(formula(parameters, gpus, stage))
        found.append(Plan(strategy, held, held <= memory_gb * 1e9, (3 if stage == 3 else 2) * ring))
    on_gpu = 2 * (2 + 2) * parameters / BLOCKS
    bus = (2 + 1) * 2 * parameters / gpus  # of its share: parameters down for each of two passes, gradients up once
    return [*found, Plan(OFFLOAD, on_gpu, on_gpu <= memory_gb * 1e9, 3 * ring, bus)]


def plan_table(formula: Formula, parameters: float, *, gpus: int, memory_gb: float) -> Table:
    """The plans as a table.

    Raises:
        LabError: as `plans`.
    """
    rows = [
        [
            each.strategy,
            f"{each.held / 1e9:,.1f}",
            "fits" if each.fits else "too large",
            f"{each.sent / 1e9:,.1f}",
            f"{each.over_bus / 1e9:,.1f}" if each.over_bus else "",
        ]
        for each in plans(formula, parameters, gpus, memory_gb)
    ]
    title = f"{parameters / 1e9:g} billion parameters on {gpus} GPUs of {memory_gb:g} GB, without activations"
    columns = ["strategy", "GB on each GPU", "", "GB sent a step", "GB to and from the CPU"]
    return Table(columns, rows, title, right=(1, 3, 4))


def planner(formula: Formula, models: Mapping[str, float]) -> "Planner":
    """A panel that plans: model or size, number of GPUs, memory of each.

    Args:
        formula: (parameters, GPUs, stage 0 to 3) → bytes on each GPU.
        models: name → parameters, to choose from.

    Raises:
        LabError: no models.
    """
    if not models:
        raise LabError("planner() needs at least one model: name → parameters.")
    return Planner(formula, models)


class Planner(ipywidgets.VBox):
    """The panel of `planner`."""

    def __init__(self, formula: Formula, models: Mapping[str, float]) -> None:
        self.formula = formula
        self.model = ipywidgets.Dropdown(options=[(name, size) for name, size in models.items()], description="Model")
        self.size = ipywidgets.FloatText(self.model.value / 1e9, description="Billions")
        self.gpus = ipywidgets.BoundedIntText(8, 1, 1_000_000, description="GPUs")
        self.memory = ipywidgets.FloatText(80.0, description="GB each")
        self.result = ipywidgets.HTML(layout=_FULL)
        top = ipywidgets.HBox([self.model, self.size], layout={"flex_flow": "row wrap"})
        below = ipywidgets.HBox([self.gpus, self.memory], layout={"flex_flow": "row wrap"})
        super().__init__([top, below, self.result])
        self.model.observe(self._take, "value")
        for control in (self.size, self.gpus, self.memory):
            control.observe(self._refresh, "value")
        self._refresh()

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Planner: an interactive panel. Run this cell in JupyterLab to use it."

    def _take(self, change: Any) -> None:
        self.size.value = change["new"] / 1e9

    def _refresh(self, _: Any = None) -> None:
        try:
            shown = plan_table(
                self.formula, self.size.value * 1e9, gpus=self.gpus.value, memory_gb=self.memory.value
            )._repr_html_()
        except LabError as error:
            shown = error_sentence(str(error))
        self.result.value = shown
