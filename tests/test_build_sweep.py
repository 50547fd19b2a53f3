"""`labkit build sweep` on a sweep of a second: it goes on where it was stopped, and keeps what it is made of."""

import json

import numpy as np
import pytest

from labkit.build import sweep
from labkit.errors import LabError
from labkit.runs import read_runs
from labkit.source_text import Text

TINY = sweep.Recipe(
    budgets=(1.2e8,),
    between=(2.4e8,),
    sizes=3,
    fixed_tokens=20_000,
    widths=(4, 8),
    fixed_width=4,
    tokens=(5_000, 10_000),
    validation_windows=16,
    seeds=2,
)


@pytest.fixture(scope="module")
def text():
    symbols = np.random.default_rng(0).integers(97, 101, size=300_000).astype(np.uint8)
    return Text(symbols[10_000:], symbols[:10_000], 1)


@pytest.fixture(scope="module")
def built(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    lines = []
    sweep.build_sweep(folder, text, TINY, workers=2, log=lines.append)
    return folder, lines


def test_every_planned_run_is_in_the_table(built):
    folder, lines = built
    runs = read_runs(folder / sweep.RUNS)
    assert {run.plan for run in runs} == set(sweep.plans(TINY)) and len(runs) == 13
    assert [sum(run.part == part for run in runs) for part in ("isoFLOP", "size", "data")] == [9, 2, 2]
    assert lines[0].startswith("13 runs") and len(lines) == 14


def test_held_fixed_is_held_fixed():
    found = sweep.plans(sweep.Recipe())
    size, data = ([plan for plan in found if plan.part == part] for part in ("size", "data"))
    assert max(plan.tokens for plan in size) < 1.02 * min(plan.tokens for plan in size)
    assert len({plan.width for plan in data}) == 1
    tokens = [plan.tokens for plan in data]
    assert tokens == sorted(tokens) and tokens[-1] > 50 * tokens[0]


def test_the_recipe_is_as_large_as_it_has_to_be():
    found = [plan for plan in sweep.plans(sweep.Recipe()) if plan.part == "isoFLOP"]
    budgets = {plan.budget for plan in found}
    widths = {budget: {plan.width for plan in found if plan.budget == budget} for budget in budgets}
    assert len(budgets) >= 6 and min(map(len, widths.values())) >= 7
    assert len(set(found)) == len(found)


def test_a_stopped_sweep_goes_on_with_what_is_missing(built, text, tmp_path):
    folder, _ = built
    whole = (folder / sweep.RUNS).read_text().splitlines(keepends=True)
    (tmp_path / sweep.RUNS).write_text("".join(whole[:7]) + whole[7][:40])  # killed while it wrote the eighth
    lines = []
    table = sweep.build_sweep(tmp_path, text, TINY, workers=1, log=lines.append)
    assert "7 done before" in lines[0] and len(lines) == 7
    one, other = ({run.plan: run.loss for run in read_runs(path)} for path in (folder / sweep.RUNS, table))
    assert one == pytest.approx(other)
    lines.clear()
    sweep.build_sweep(tmp_path, text, TINY, workers=1, log=lines.append)
    assert len(lines) == 1 and "13 done before" in lines[0]


def test_a_folder_of_another_sweep_is_refused(built, text):
    folder, _ = built
    with pytest.raises(LabError, match="a sweep of another recipe, or on the text of other versions"):
        sweep.build_sweep(folder, Text(text.train[1:], text.validation, 1), TINY, workers=1)
    with pytest.raises(LabError, match="give another folder"):
        sweep.build_sweep(folder, text, sweep.Recipe(), workers=1)


def test_what_it_is_made_of_is_noted(built, text):
    noted = json.loads((built[0] / sweep.RECIPE).read_text())
    assert noted["train_bytes"] == len(text.train) and set(noted["packages"]) == set(sweep.PACKAGES)
    assert noted["recipe"]["budgets"] == list(TINY.budgets)


def test_the_command_trains_with_the_recipe(monkeypatch, tmp_path, text):
    from typer.testing import CliRunner

    from labkit.cli import app

    monkeypatch.setattr(sweep, "sweep_text", lambda: text)
    monkeypatch.setattr(sweep, "Recipe", lambda: TINY)
    result = CliRunner().invoke(app, ["build", "sweep", "--out", str(tmp_path / "out"), "--workers", "2"])
    assert result.exit_code == 0, result.output
    assert "labkit build checksums" in result.output and len(read_runs(tmp_path / "out" / sweep.RUNS)) == 13


@pytest.mark.slow
def test_the_text_is_long_enough_for_every_run():
    from labkit.sweep import check_text

    text = sweep.sweep_text()
    for plan in sweep.plans(sweep.Recipe()):
        check_text(plan, text)
