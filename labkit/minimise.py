"""The lowest minimum of a function that L-BFGS finds from many starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from labkit.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor


def minimise(
    objective: Callable[[Tensor], Tensor], starts: Sequence[Sequence[float]], description: str = ""
) -> list[float]:
    """Where the objective is lowest, of the minima that L-BFGS reaches from each of the starts, in float64.

    L-BFGS goes downhill to a minimum near its start (Liu and Nocedal 1989), so one start is not enough.

    Args:
        objective: a point, a vector in float64 → a scalar that torch can differentiate.
        starts: points to begin at, of the same length.
        description: what to say beside a progress bar; empty: no bar.

    Raises:
        LabError: no starts, or none from which the objective stays finite.
    """
    from tqdm.auto import tqdm

    bar = tqdm(starts, desc=description, disable=not description, leave=False)
    found = [_descend(objective, start) for start in bar]
    finite = [(value, point) for value, point in found if math.isfinite(value)]
    if not finite:
        raise LabError("No start leads to a finite minimum: give starts nearer to the data.")
    return min(finite)[1]


def _descend(objective: Callable[[Tensor], Tensor], start: Sequence[float]) -> tuple[float, list[float]]:
    """The value and the point that L-BFGS reaches."""
    import torch

    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [point], max_iter=400, tolerance_grad=1e-8, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = objective(point)
        value.backward()
        return value

    optimizer.step(closure)
    with torch.no_grad():
        return float(objective(point)), point.tolist()
