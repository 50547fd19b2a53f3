"""Plans, runs and their table; a few very small models are trained."""

import itertools
import json
import math
import multiprocessing
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

from labkit.byte_model import CONTEXT, training_flops_per_token
from labkit.errors import LabError
from labkit.runs import LEAST_BATCH, LEAST_STEPS, STEPS_A_WINDOW, plan_run, read_runs, widths_around, write_run
from labkit.source_text import Text
from labkit.sweep import check_text, curve_steps, finished_runs, rate, train, train_sweep

SMALL = 5e8  # FLOPs

KILLED_PARENT = """
import numpy as np
from labkit.runs import plan_run
from labkit.source_text import Text
from labkit.sweep import finished_runs

if __name__ == "__main__":
    symbols = np.random.default_rng(0).integers(97, 101, 2_000_000).astype(np.uint8)
    plans = [plan_run(2e8, 8), plan_run(1e10, 4)]
    for _ in finished_runs(plans[::-1], Text(symbols[9_000:], symbols[:9_000], 1), workers=2):
        print("first run", flush=True)
"""


@pytest.fixture(scope="module")
def text():
    """Words in random order: something to learn in a few steps."""
    words = [b"alpha ", b"beta ", b"gamma ", b"delta\n"]
    chosen = np.random.default_rng(0).integers(len(words), size=60_000)
    symbols = np.frombuffer(b"".join(words[number] for number in chosen), np.uint8).copy()
    return Text(symbols[20_000:], symbols[:20_000], 1)


@pytest.fixture(scope="module")
def trained(text):
    return train(plan_run(SMALL, 8), text)


@pytest.mark.parametrize(("budget", "width"), [(1e9, 8), (1e11, 16), (1e13, 64)])
def test_a_plan_spends_its_budget_in_whole_steps(budget, width):
    plan = plan_run(budget, width)
    assert plan.tokens % (plan.batch * CONTEXT) == 0
    assert 0 <= budget - plan.flops < plan.batch * CONTEXT * plan.flops_per_token
    assert plan.flops_per_token == training_flops_per_token(width)


def test_batch_and_learning_rate_change_with_the_size():
    for budget, width in itertools.product((1e11, 1e12), (16, 48)):
        plan = plan_run(budget, width)
        steps = plan.tokens / CONTEXT / plan.batch
        assert steps / plan.batch == pytest.approx(STEPS_A_WINDOW, rel=0.2)
        four_times = plan_run(4 * budget, width)
        assert four_times.batch == pytest.approx(2 * plan.batch, rel=0.2)
    assert plan_run(3e9, 64).batch == LEAST_BATCH
    assert plan_run(1e11, 16).learning_rate == 2 * plan_run(1e11, 32).learning_rate


@pytest.mark.parametrize("budget", [0, -1.0, math.nan, math.inf, "1e9"])
def test_a_budget_of_nothing_is_one_sentence(budget):
    with pytest.raises(LabError, match="buys no training"):
        plan_run(budget, 8)


def test_a_budget_too_small_names_the_least():
    with pytest.raises(LabError, match=r"only \d+ steps: give at least") as caught:
        plan_run(1e6, 64)
    least = float(str(caught.value).split("at least ")[1].split(",")[0])
    assert plan_run(1.1 * least, 64).tokens >= LEAST_STEPS * CONTEXT


def test_a_budget_too_large_is_one_sentence_and_starts_nothing(text):
    for make in (plan_run, widths_around):
        with pytest.raises(LabError, match=r"1e\+40 FLOPs is out of range for small models: give at most 1e\+16"):
            make(1e40, 8)
    plan = plan_run(1e14, 8)
    with pytest.raises(LabError, match=r"1e\+14 FLOPs is too large: .* each to be seen once"):
        train_sweep([plan], text, workers=1)
    with pytest.raises(LabError, match="too large"):
        check_text(plan, text)
    assert multiprocessing.active_children() == []


def test_widths_surround_what_is_expected():
    for budget in (1.0, 1e9, 1e10, 1e11, 1e13, 1e16):
        found = widths_around(budget, 6)
        assert 3 <= len(found) <= 6 and found == sorted(set(found)) and found[0] >= 4
        assert all(width % 2 == 0 for width in found)
    assert widths_around(1e11, 3)[1] == 22 and len(widths_around(1e12, 7)) == 7
    assert widths_around(1e13, 6)[0] > widths_around(1e10, 6)[0]
    with pytest.raises(LabError, match="1 sizes a budget say nothing"):
        widths_around(1e10, 1)


def test_a_run_learns_and_reports_itself(trained, text):
    assert trained.plan == plan_run(SMALL, 8)
    assert trained.parameters == 12 * 2 * 64
    assert trained.loss < 3.5 < trained.curve[0][1] < math.log(128) + 0.1
    tokens = [point[0] for point in trained.curve]
    assert tokens == sorted(tokens) and tokens[0] < 0.05 * trained.tokens and tokens[-1] == trained.tokens
    assert trained.curve[-1][1] == pytest.approx(trained.loss, abs=0.2)


def test_a_run_is_repeated_exactly_and_the_seed_changes_it(trained, text):
    assert train(trained.plan, text).loss == trained.loss
    assert train(plan_run(SMALL, 8, seed=1), text).loss != trained.loss


def test_more_compute_is_better(trained, text):
    assert train(plan_run(3 * SMALL, 8), text).loss < trained.loss


@pytest.mark.parametrize("steps", [20, 500, 10_000])
def test_the_curve_is_dense_from_a_32nd_of_a_run_to_its_end(steps):
    found = curve_steps(steps)
    assert found == sorted(set(found)) and found[0] == max(1, round(steps / 32)) and found[-1] == steps
    assert all(later - step <= 1 + 0.2 * step for step, later in itertools.pairwise(found))


def test_the_rate_warms_up_and_falls():
    assert rate(0) == pytest.approx(0.05) and rate(0.05) == pytest.approx(1.0) and rate(1.0) == pytest.approx(0.05)
    assert rate(0.02) < rate(0.04) and rate(0.3) > rate(0.6)


def test_processes_give_the_same_runs_in_the_order_of_the_plans(text):
    plans = [plan_run(SMALL, 8), plan_run(SMALL, 4), plan_run(2 * SMALL, 8)]
    runs = train_sweep(plans, text, workers=2)
    assert [run.plan for run in runs] == plans
    assert runs[0].loss == pytest.approx(train(plans[0], text).loss, abs=0.02)
    assert multiprocessing.active_children() == []


def test_a_loop_that_is_left_early_leaves_no_process(text):
    plans = [plan_run(SMALL, 8), *(plan_run(1e9, 8, seed=seed) for seed in range(4))]
    started = time.monotonic()
    for _ in finished_runs(plans, text, workers=2):
        break
    assert multiprocessing.active_children() == [] and time.monotonic() - started < 60


def test_a_parent_that_is_killed_leaves_no_process(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(KILLED_PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline().startswith("first run")
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    assert children and not psutil.wait_procs(children, timeout=10)[1]


def test_no_workers_is_one_sentence(text):
    with pytest.raises(LabError, match="0 training processes do no work"):
        train_sweep([plan_run(SMALL, 8)], text, workers=0)


def test_a_table_of_runs_is_read_as_written(trained, tmp_path):
    table = tmp_path / "runs.jsonl"
    other = replace(trained, width=16, part="size")
    for run in (trained, other):
        write_run(table, run)
    assert read_runs(table) == [trained, other]
    assert read_runs(table)[0].plan == trained.plan


def test_a_damaged_table_names_the_line(trained, tmp_path):
    table = tmp_path / "runs.jsonl"
    write_run(table, trained)
    with table.open("a") as file:
        file.write(json.dumps({"part": "size"}) + "\n")
    with pytest.raises(LabError, match=r"Line 2 of runs\.jsonl is no run"):
        read_runs(table)
    table.write_text("")
    with pytest.raises(LabError, match="has no runs"):
        read_runs(table)
    with pytest.raises(LabError, match="cannot be read .*labkit build sweep"):
        read_runs(tmp_path / "none.jsonl")


def test_the_bench_says_what_share_of_the_peak_a_run_reaches(text, monkeypatch):
    from labkit import sweep_bench

    monkeypatch.setattr(sweep_bench, "BUDGET", SMALL)
    monkeypatch.setattr(sweep_bench, "WIDTHS", (8,))
    monkeypatch.setattr(sweep_bench, "matmul_peak", lambda: 1e12)
    monkeypatch.setattr(sweep_bench, "read_text", lambda files: text)
    first, line = sweep_bench.sweep_lines()
    assert "1000.0 GFLOP/s" in first and line.startswith("width 8") and line.endswith("%)")


def test_the_bench_buys_every_width_some_steps():
    from labkit import sweep_bench

    for width in sweep_bench.WIDTHS:
        assert plan_run(sweep_bench.BUDGET, width).width == width


def test_the_peak_is_a_rate():
    from labkit.sweep_bench import matmul_peak

    assert 1e8 < matmul_peak(seconds=0.05, size=256) < 1e14
