"""The larger sweep of small models: `labkit build sweep`.

Up to eight sizes at each of nine budgets, three seeds each, and at seven budgets in between; then size and data alone
with the other held fixed. Each finished run is a line of `runs.jsonl`; a sweep that was stopped goes on with what is
missing.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from labkit.byte_model import training_flops_per_token
from labkit.errors import LabError
from labkit.runs import Plan, plan_run, read_runs, widths_around, write_run
from labkit.source_text import Text, library_files, package_files, read_text
from labkit.sweep import EMBEDDING_RATE, finished_runs

# Installed dependencies whose sources are large: with the standard library and its tests about 150 MB.
PACKAGES = ("torch", "sympy", "pandas", "numpy", "matplotlib", "networkx")
RUNS, RECIPE = "runs.jsonl", "recipe.json"


@dataclass(frozen=True)
class Recipe:
    """What decides the result, beside the text."""

    budgets: Sequence[float] = (2e9, 5e9, 1.2e10, 3e10, 7e10, 1.6e11, 4e11, 9e11, 2e12)
    between: Sequence[float] = (2e11, 2.5e11, 3.2e11, 5e11, 6e11, 7.5e11, 1.3e12)  # more budgets, with one seed
    sizes: int = 8  # at each budget, fewer where widths would be the same
    fixed_tokens: float = 1e6  # for the runs in which the size alone varies
    widths: Sequence[int] = (6, 8, 12, 16, 24, 32, 48, 64)
    fixed_width: int = 48  # for the runs in which the data alone varies
    tokens: Sequence[float] = (6.25e4, 1.25e5, 2.5e5, 5e5, 1e6, 2e6, 4e6)
    validation_windows: int = 2048
    seeds: int = 3  # runs of the same plan but for their seed, at each of `budgets`


def plans(recipe: Recipe) -> list[Plan]:
    """All runs of the sweep.

    Raises:
        LabError: as `plan_run`.
    """
    found = []
    for budget in (*recipe.budgets, *recipe.between):
        for seed in range(recipe.seeds if budget in recipe.budgets else 1):
            found += [plan_run(budget, width, seed=seed) for width in widths_around(budget, recipe.sizes)]
    for width in recipe.widths:
        found.append(plan_run(recipe.fixed_tokens * training_flops_per_token(width), width, part="size"))
    per_token = training_flops_per_token(recipe.fixed_width)
    found += [plan_run(each * per_token, recipe.fixed_width, part="data") for each in recipe.tokens]
    return found


def sweep_text() -> Text:
    """The standard library with its tests, and the sources of some of the packages that the labs need anyway."""
    return read_text([*library_files(tests=True), *package_files(PACKAGES)], validation_share=0.01)


def build_sweep(folder: Path, text: Text, recipe: Recipe, workers: int, log: Callable[[str], None] = print) -> Path:
    """Train what is missing of the sweep in `folder`; returns the path of its table.

    Raises:
        LabError: the folder holds runs of another recipe or on another text, or as `finished_runs`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / RUNS
    _claim(folder, text, recipe)
    done = {run.plan for run in read_runs(table)} if _without_half_line(table) else set()
    wanted = plans(recipe)
    missing = [plan for plan in wanted if plan not in done]
    log(f"{len(wanted)} runs, {sum(plan.flops for plan in wanted):.3g} FLOPs; {len(done)} done before")
    for number, run in enumerate(finished_runs(missing, text, workers, recipe.validation_windows), start=1):
        write_run(table, run)
        log(
            f"{number}/{len(missing)}  {run.part} {run.budget:.3g} FLOPs, width {run.width}: loss {run.loss:.4f} "
            f"in {run.seconds:.0f} s"
        )
    return table


def _claim(folder: Path, text: Text, recipe: Recipe) -> None:
    """Note what the runs of this folder are made of, or compare with what was noted."""
    packages = {name: version(name) for name in PACKAGES}
    made_of = {
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "embedding_rate": EMBEDDING_RATE,
        "train_bytes": len(text.train),
        "validation_bytes": len(text.validation),
        "text_sha256": hashlib.sha256(text.train.tobytes() + text.validation.tobytes()).hexdigest(),
        "python": platform.python_version(),
        "packages": packages,
    }
    noted = folder / RECIPE
    if not noted.exists():
        noted.write_text(json.dumps(made_of, indent=1) + "\n", encoding="utf-8")
    elif json.loads(noted.read_text(encoding="utf-8")) != made_of:
        raise LabError(
            f"The folder {folder} holds a sweep of another recipe, or on the text of other versions (see {RECIPE}): "
            "give another folder with --out."
        )


def _without_half_line(table: Path) -> bool:
    """Drop a last line that a killed sweep left half written; whether whole ones are left."""
    if not table.exists():
        return False
    content = table.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        table.write_bytes(whole)
    return bool(whole)
