"""Compute in numbers: units, processors, published models, and the published fits of loss to size and data."""

import math
from dataclasses import dataclass

from labkit.errors import LabError

PETAFLOP_S_DAY = 1e15 * 24 * 3600  # FLOPs of a rate of one petaFLOP/s, held for a day
LEAST, MOST = 1e15, 1e30  # budgets in FLOPs that the published fits are asked about

# Peak FLOP/s in 16 bits with dense matrices, from NVIDIA's data sheets; structured sparsity doubles the last two.
GPUS = {"V100": 125e12, "A100": 312e12, "H100": 989e12}


@dataclass(frozen=True)
class Model:
    """A published model: parameters, training tokens, and FLOPs for each parameter and token."""

    parameters: float
    tokens: float
    source: str
    flops_each: float = 6.0

    @property
    def flops(self) -> float:
        """The training compute by 6ND."""
        return self.flops_each * self.parameters * self.tokens


_GPT3 = "Brown et al. 2020, table D.1"
MODELS = {
    "BERT-base": Model(109e6, 250e9, _GPT3),
    "T5-11B": Model(11e9, 1e12, f"{_GPT3}: a token passes half of the parameters", 3.0),
    "GPT-3": Model(175e9, 300e9, _GPT3),
    "OPT-175B": Model(175e9, 180e9, "Zhang et al. 2022, arXiv:2205.01068"),
    "BLOOM": Model(176e9, 350e9, "BigScience 2022, arXiv:2211.05100"),
    "Chinchilla": Model(70e9, 1.4e12, "Hoffmann et al. 2022, arXiv:2203.15556"),
    "LLaMA-65B": Model(65e9, 1.4e12, "Touvron et al. 2023, arXiv:2302.13971"),
    "BloombergGPT": Model(50e9, 569e9, "Wu et al. 2023, arXiv:2303.17564"),
}

# Compute-optimal training by approach 1: parameters, FLOPs, tokens (Hoffmann et al. 2022, table 3).
CHINCHILLA_TABLE = {
    "400M": (400e6, 1.92e19, 8.0e9),
    "1B": (1e9, 1.21e20, 20.2e9),
    "10B": (10e9, 1.23e22, 205.1e9),
    "67B": (67e9, 5.76e23, 1.5e12),
    "175B": (175e9, 3.85e24, 3.7e12),
    "1T": (1e12, 1.27e26, 21.2e12),
}


@dataclass(frozen=True)
class Fit:
    """A parametric fit of the loss in nats a token: L(N, D) = E + A / N^alpha + B / D^beta."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def loss(self, parameters: float, tokens: float) -> float:
        """The loss of a model of N parameters after D tokens."""
        return self.E + self.A / parameters**self.alpha + self.B / tokens**self.beta


FITS = {
    "Hoffmann et al. 2022": Fit(1.69, 406.4, 410.7, 0.34, 0.28),  # arXiv:2203.15556, equation 10
    "Besiroglu et al. 2024": Fit(1.8172, 482.01, 2085.43, 0.3478, 0.3658),  # arXiv:2404.10102
}


def check_budget(flops: float) -> float:
    """The budget, if it is one that published fits can be asked about.

    Raises:
        LabError: no number, or outside of 1e15 to 1e30 FLOPs.
    """
    good = isinstance(flops, int | float) and not isinstance(flops, bool) and math.isfinite(flops)
    if not good or not LEAST <= flops <= MOST:
        shown = f"{flops:.3g}" if good else str(flops)
        raise LabError(f"A budget of {shown} FLOPs is out of range: choose one from {LEAST:.0e} to {MOST:.0e}.")
    return float(flops)


def compute_budget(gpu: str, count: int, days: float, efficiency: float) -> float:
    """The FLOPs that so many GPUs do in so many days at a share of their peak.

    Raises:
        LabError: an unknown GPU, a count below 1, no days, a share outside of 0 to 1, or a budget out of range.
    """
    if gpu not in GPUS:
        raise LabError(f"There is no GPU {gpu!r} in the list: choose one of {', '.join(GPUS)}.")
    if count < 1 or not 0 < days < math.inf:
        raise LabError(f"{count} GPUs for {days:g} days do no work: give at least 1 GPU and more than 0 days.")
    if not 0 < efficiency <= 1:
        raise LabError(f"An efficiency of {efficiency:g} is impossible: give a share of the peak, above 0 and up to 1.")
    return check_budget(GPUS[gpu] * count * days * 24 * 3600 * efficiency)
