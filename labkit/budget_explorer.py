"""The budget explorer: what so many GPUs buy in so many days, by the published fits. The panel only binds functions."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from labkit.compute import FITS, GPUS, PETAFLOP_S_DAY, check_budget, compute_budget
from labkit.errors import LabError
from labkit.plots import picture_html
from labkit.scaling_plots import budget_figure
from labkit.tables import Table
from labkit.widgets import error_sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# (budget in FLOPs, A, B, alpha, beta of a fit) → parameters and tokens with the lowest expected loss
Optimum = Callable[[float, float, float, float, float], tuple[float, float]]
SMALLEST, LARGEST = 1e6, 1e14  # parameters that can be chosen
_FULL = {"width": "auto"}


def budget_explorer(optimum: Optimum) -> "BudgetExplorer":
    """A panel: GPUs, days and efficiency give a budget; a size gives its tokens and its loss, beside the best ones."""
    return BudgetExplorer(optimum)


def spend(budget: float, parameters: float, optimum: Optimum) -> Table:
    """What a budget buys: the best size by each fit and by 20 tokens a parameter, and the size that was chosen.

    Args:
        budget: FLOPs.
        parameters: the chosen size; 6ND says how many tokens are left for it.
        optimum: as `Optimum`.

    Raises:
        LabError: a budget or a size that is out of range.
    """
    check_budget(budget)
    _check_size(parameters)
    by_rule = (budget / 120) ** 0.5
    rows = [(f"best by {name}", *optimum(budget, fit.A, fit.B, fit.alpha, fit.beta)) for name, fit in FITS.items()]
    rows += [("20 tokens a parameter", by_rule, 20 * by_rule), ("yours", parameters, budget / 6 / parameters)]
    cells = [
        (name, f"{n:.3g}", f"{d:.3g}", f"{d / n:.3g}", *(f"{fit.loss(n, d):.3f}" for fit in FITS.values()))
        for name, n, d in rows
    ]
    columns = ("", "parameters", "tokens", "tokens a parameter", *(f"loss by {name}" for name in FITS))
    title = f"{budget:.3g} FLOPs = {budget / PETAFLOP_S_DAY:.3g} petaFLOP/s-days"
    return Table(columns, cells, title, right=range(1, len(columns)))


def budget_curve(budget: float, parameters: float) -> "Figure":
    """The loss that both fits expect of all sizes at this budget, with the chosen size on it.

    Raises:
        LabError: as `spend`.
    """
    import numpy as np

    check_budget(budget)
    _check_size(parameters)
    middle = (budget / 120) ** 0.5
    low, high = min(middle / 60, parameters), max(middle * 60, parameters)
    sizes = np.geomspace(low, high, 241).tolist()
    losses = {name: [fit.loss(size, budget / 6 / size) for size in sizes] for name, fit in FITS.items()}
    chosen = {name: fit.loss(parameters, budget / 6 / parameters) for name, fit in FITS.items()}
    return budget_figure(sizes, losses, parameters, chosen)


def _check_size(parameters: float) -> None:
    if not SMALLEST <= parameters <= LARGEST:
        raise LabError(
            f"A model of {parameters:.3g} parameters is out of range: choose {SMALLEST:.0e} to {LARGEST:.0e}."
        )


class BudgetExplorer(ipywidgets.VBox):
    """The panel of `budget_explorer`. Whatever is typed, it answers with a sentence, never a traceback."""

    def __init__(self, optimum: Optimum) -> None:
        self.optimum = optimum
        self.gpu = ipywidgets.Dropdown(options=list(GPUS), value="A100", description="GPU")
        self.count = ipywidgets.IntText(512, description="How many")
        self.days = ipywidgets.FloatText(30.0, description="Days")
        self.efficiency = ipywidgets.FloatSlider(0.4, min=0.05, max=1.0, step=0.05, description="Efficiency")
        self.size = ipywidgets.FloatLogSlider(1e10, base=10, min=6, max=14, step=0.05, description="Parameters")
        self.message, self.result, self.figure = (ipywidgets.HTML(layout=_FULL) for _ in range(3))
        controls = [self.gpu, self.count, self.days, self.efficiency, self.size]
        grid = ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"})
        super().__init__([grid, self.message, self.result, self.figure])
        for control in controls:
            control.observe(self._refresh, "value")
        self._refresh()

    def __repr__(self) -> str:
        """What stands in an executed notebook where widgets are not shown."""
        return "Budget explorer: an interactive panel. Run this cell in JupyterLab to use it."

    def _refresh(self, _: Any = None) -> None:
        try:
            budget = compute_budget(self.gpu.value, self.count.value, self.days.value, self.efficiency.value)
            bought = spend(budget, self.size.value, self.optimum)
            figure = budget_curve(budget, self.size.value)
        except LabError as error:
            self.message.value, self.result.value, self.figure.value = error_sentence(str(error)), "", ""
            return
        self.message.value, self.result.value = "", bought._repr_html_()
        self.figure.value = picture_html(figure, f"Expected loss of all sizes at {budget:.3g} FLOPs.")
