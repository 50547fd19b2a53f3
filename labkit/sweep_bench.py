"""A part of `make bench`: the FLOP/s of the sweep's runs, against what matrix products alone reach on one core."""

import time
from collections.abc import Iterator

from labkit.runs import plan_run
from labkit.source_text import library_files, read_text
from labkit.sweep import train

BUDGET = 2e10  # FLOPs: enough steps for the widest
WIDTHS = (8, 16, 32, 64, 128)


def matmul_peak(seconds: float = 1.0, size: int = 1024) -> float:
    """FLOP/s of a large matrix product in float32, the best of those done in so many seconds."""
    import torch

    left, right = torch.randn(size, size), torch.randn(size, size)
    end, best = time.perf_counter() + seconds, float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def sweep_lines() -> Iterator[str]:
    """A line for each width: FLOP/s of a training run, and their share of the peak."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the sweep
    try:
        peak, text = matmul_peak(), read_text(library_files())
        yield f"training runs of {BUDGET:.0e} FLOPs on one core; a matrix product alone does {peak / 1e9:.1f} GFLOP/s"
        for width in WIDTHS:
            run = train(plan_run(BUDGET, width), text, validation_windows=1)
            speed = run.flops / run.seconds
            yield f"width {width:<24} {speed / 1e9:8.1f} GFLOP/s   ({speed / peak:.0%})"
    finally:
        torch.set_num_threads(threads)
