"""Training runs of small models as data: how one is planned, what is kept of it, and the table they stand in."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from labkit.errors import LabError

MATRIX_RATE = 0.01  # learning rate of the matrices at a width of 32; it falls as 1 / width
STEPS_A_WINDOW = 200  # a run has so many steps for each window of its batch: both grow as the root of its length
LEAST_BATCH = 2  # windows of 64 tokens
LEAST_STEPS = 20
MOST = 1e16  # FLOPs; more is not for models this small


@dataclass(frozen=True)
class Plan:
    """A run before it happens. `budget` is in FLOPs, forward and backward; `batch` in windows of 64 tokens."""

    part: str  # what the run is for: "isoFLOP", or "size" or "data" where the other is held fixed
    budget: float
    width: int
    flops_per_token: float
    tokens: int
    batch: int
    learning_rate: float  # of the matrices
    seed: int

    @property
    def flops(self) -> float:
        """What the run really takes: the budget, less a part of a step."""
        return self.tokens * self.flops_per_token


@dataclass(frozen=True)
class Run(Plan):
    """A finished run: `loss` is on validation text, in nats a symbol.

    `curve` has (tokens seen, loss on an eighth of that text), from a 32nd of the run to its end.
    """

    parameters: int  # without embeddings
    loss: float
    seconds: float
    curve: list[list[float]]

    @property
    def plan(self) -> Plan:
        """What was planned."""
        return Plan(**{field.name: getattr(self, field.name) for field in fields(Plan)})


def plan_run(budget: float, width: int, *, seed: int = 0, part: str = "isoFLOP") -> Plan:
    """A run of this width that spends the budget, given in FLOPs.

    The batch, 2 windows of 64 tokens or more, grows as the root of the run's length, and so does the number of steps:
    about 200 for each window of the batch. The learning rate of the matrices falls as 1 / width (Yang et al. 2022,
    arXiv:2203.03466).

    Raises:
        LabError: a budget that is no number from above 0 to 1e16, or too small for 20 steps of this width.
    """
    from labkit.byte_model import CONTEXT, training_flops_per_token

    _check_budget(budget)
    per_token = training_flops_per_token(width)
    windows = budget / per_token / CONTEXT
    batch = max(LEAST_BATCH, round((windows / STEPS_A_WINDOW) ** 0.5))
    steps = int(windows // batch)
    if steps < LEAST_STEPS:
        least = LEAST_STEPS * LEAST_BATCH * CONTEXT * per_token
        raise LabError(
            f"A budget of {budget:.3g} FLOPs buys a model of width {width} only {steps} steps: give at least "
            f"{least:.2g}, or a smaller width."
        )
    return Plan(part, float(budget), width, per_token, steps * batch * CONTEXT, batch, MATRIX_RATE * 32 / width, seed)


def widths_around(budget: float, count: int) -> list[int]:
    """Up to `count` even widths, evenly spaced in their logarithm, about the one that we expect to be the best.

    They go from 1/2.5 to 2.5 times that, and none is below 4. The expectation, a parameter count that grows as the root
    of the compute, comes from a few runs made beforehand. It only says where to look: whether the best size lies inside
    is then measured.

    Raises:
        LabError: fewer than two widths, or a budget that is no number from above 0 to 1e16.
    """
    if count < 2:
        raise LabError(f"{count} sizes a budget say nothing about the best one: give 2 or more.")
    _check_budget(budget)
    centre = 22 * (budget / 1e11) ** 0.25
    low = max(4.0, centre / 2.5)
    high = max(2.5 * centre, 2 * low)
    return sorted({2 * round(low * (high / low) ** (place / (count - 1)) / 2) for place in range(count)})


def _check_budget(budget: float) -> None:
    if not isinstance(budget, int | float) or not 0 < budget < math.inf:
        raise LabError(f"A budget of {budget} FLOPs buys no training: give a number of FLOPs above 0, such as 1e10.")
    if budget > MOST:
        raise LabError(f"A budget of {budget:.3g} FLOPs is out of range for small models: give at most {MOST:.0e}.")


def write_run(path: Path, run: Run) -> None:
    """Add a run to a table of runs: one JSON object a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")


def read_runs(path: Path) -> list[Run]:
    """A table of runs.

    Raises:
        LabError: a file that is missing, has no runs, or a line that is none (named by its number).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LabError(
            f"The table of runs {path.name} cannot be read ({error.strerror}): make one with 'labkit build sweep', "
            "or give the path of another one."
        ) from None
    runs = []
    for number, line in enumerate(lines, start=1):
        try:
            runs.append(Run(**json.loads(line)))
        except (ValueError, TypeError):
            raise LabError(f"Line {number} of {path.name} is no run: restore the file or drop the line.") from None
    if not runs:
        raise LabError(f"The table {path.name} has no runs: make them with 'labkit build sweep'.")
    return runs
