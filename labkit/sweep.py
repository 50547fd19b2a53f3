"""Train many small models, several at a time, each in a process with one thread.

So a run's result does not depend on how many of them run at once.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.processes import keep_freed_memory
from labkit.runs import Plan, Run
from labkit.source_text import Text

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from torch import Tensor

    from labkit.byte_model import ByteModel

EMBEDDING_RATE = 0.2  # the same for every width
CURVE_POINTS = 24


def train(plan: Plan, text: Text, validation_windows: int = 512) -> Run:
    """Train one model on the first tokens of a random order of the text's windows, none of them seen twice.

    AdamW; the learning rate warms up over 5% of the steps and falls along a cosine to 5%. The order depends on the
    seed alone, and the windows of the validation text are the same for all runs: what differs is size and budget.

    Raises:
        LabError: a text that is too short, or a loss that is no number.
    """
    import numpy as np
    import torch

    from labkit.byte_model import CONTEXT, ByteModel, next_symbol_loss

    check_text(plan, text)
    started = time.perf_counter()
    windows = torch.from_numpy(text.train).unfold(0, CONTEXT + 1, CONTEXT)
    order = torch.from_numpy(np.random.default_rng(plan.seed).permutation(len(windows))[: plan.tokens // CONTEXT])
    model = ByteModel(plan.width, plan.seed)
    matrices = {"params": [*model.blocks.parameters(), *model.output.parameters()], "lr": plan.learning_rate}
    embeddings = {"params": [*model.token.parameters(), *model.position.parameters()], "lr": EMBEDDING_RATE}
    optimizer = torch.optim.AdamW([matrices, embeddings], betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    steps = len(order) // plan.batch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step / steps))
    held = torch.from_numpy(text.validation).unfold(0, CONTEXT + 1, CONTEXT)
    chosen = held[torch.linspace(0, len(held) - 1, min(validation_windows, len(held))).long()].long()
    measured_after = set(curve_steps(steps))
    curve: list[list[float]] = []
    for step, rows in enumerate(order.split(plan.batch), start=1):
        loss = next_symbol_loss(model, windows[rows].long())
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step in measured_after:
            curve.append([step * plan.batch * CONTEXT, _mean_loss(model, chosen[::8])])
    tested = _mean_loss(model, chosen)
    if not math.isfinite(tested):
        raise LabError(f"The run of width {plan.width} and {plan.budget:.3g} FLOPs diverged: lower its learning rate.")
    return Run(**asdict(plan), parameters=model.size(), loss=tested, seconds=time.perf_counter() - started, curve=curve)


def check_text(plan: Plan, text: Text) -> None:
    """LabError where the text has fewer tokens than the plan needs: every token is seen once."""
    if plan.tokens >= len(text.train):
        raise LabError(
            f"A budget of {plan.budget:.3g} FLOPs is too large: with width {plan.width} it takes {plan.tokens:.3g} "
            f"tokens, and the text has {len(text.train):.3g}, each to be seen once. Lower the budget."
        )


def rate(progress: float) -> float:
    """The share of the learning rate at this share of the run."""
    if progress < 0.05:
        return 0.05 + 19 * progress
    return 0.05 + 0.95 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95)) / 2


def curve_steps(steps: int) -> list[int]:
    """After which steps of a run its curve is measured: from a 32nd of them to the last, evenly in the logarithm."""
    return sorted({max(1, round(steps * 32 ** (point / CURVE_POINTS - 1))) for point in range(CURVE_POINTS + 1)})


def _mean_loss(model: ByteModel, windows: Tensor) -> float:
    """The mean loss in nats a symbol over windows (number, positions + 1), without gradients."""
    import torch

    from labkit.byte_model import next_symbol_loss

    with torch.inference_mode():
        return sum(float(next_symbol_loss(model, part)) * len(part) for part in windows.split(128)) / len(windows)


def finished_runs(plans: Sequence[Plan], text: Text, workers: int, validation_windows: int = 512) -> Iterator[Run]:
    """Train all plans in `workers` processes; the runs come as they end. However the loop ends, no process stays.

    Raises:
        LabError: no workers, a text too short for one of the plans, or a process that was ended from outside.
    """
    if workers < 1:
        raise LabError(f"{workers} training processes do no work: give 1 or more.")
    for plan in plans:
        check_text(plan, text)
    context = multiprocessing.get_context("spawn")
    far_end, our_end = context.Pipe(duplex=False)
    given = far_end, text, validation_windows
    pool = ProcessPoolExecutor(min(workers, len(plans) or 1), context, _start_worker, given)
    try:
        longest_first = sorted(plans, key=lambda plan: (-plan.budget, -plan.tokens))
        for future in as_completed([pool.submit(_work, plan) for plan in longest_first]):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise LabError(
            "A training process was ended from outside, mostly for want of memory: close other programs, or train "
            "with fewer workers."
        ) from None
    finally:
        our_end.close()
        pool.shutdown(cancel_futures=True)
        far_end.close()


def train_sweep(plans: Sequence[Plan], text: Text, workers: int, description: str = "training") -> list[Run]:
    """The runs of all plans, in their order, with a progress bar counted in FLOPs.

    Raises:
        LabError: as `finished_runs`.
    """
    from tqdm.auto import tqdm

    runs: dict[Plan, Run] = {}
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}"
    with tqdm(total=sum(plan.flops for plan in plans), desc=description, bar_format=bar_format, leave=False) as bar:
        for run in finished_runs(plans, text, workers):
            runs[run.plan] = run
            bar.update(run.flops)
    return [runs[plan] for plan in plans]


_given: dict[str, Any] = {}  # what a worker process works with


def _start_worker(parent: Connection, text: Text, validation_windows: int) -> None:
    """Set a new process up: one thread for its sums, another that ends it when its parent lets go of it or is gone."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and lets go
    torch.set_num_threads(1)
    keep_freed_memory()
    _given.update(text=text, validation_windows=validation_windows)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    """Nothing is ever sent: reading returns when the other end is closed, by the parent or because it is gone."""
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(0)


def _work(plan: Plan) -> Run:
    return train(plan, **_given)
