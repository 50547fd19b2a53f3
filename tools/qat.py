"""Try settings of Lab 03's race on dialogues of `validation`, print a line for each, and name the best.

    TQDM_DISABLE=1 python tools/qat.py [seconds]

A setting is tried while fewer than `seconds` (420) have passed. One takes some 20 s on two cores, a new race 20 s more:
its roundings share the start and the model trained in full precision. A rounding that loses less than 0.05 ROUGE-1 when
it comes after training has nothing to win back, so that its other arm is left out. Columns:

    full, ptq, qat      mean ROUGE-1: trained in full precision, the same quantized after, quantization-aware
    loss, gain          full - ptq and qat - ptq, with the 95% interval, paired over dialogues
    share               gain / loss
    margin              lower end of the paired interval of gain - loss / 2; above 0: at least half, beyond chance
    s                   seconds of training, start and arms; the lab has 40 in all, some 15 of them for the summaries
"""

import copy
import sys
import time
from typing import Any

import numpy as np
import torch

import labkit
from labkit.metrics import bootstrap_interval, rouge_scores
from labkit.quantize import load_in_format, torchao_quantization
from labkit.tuning import fine_tune, training_batches

DIALOGUES = 100
RACES = [  # steps of the common start, steps of each arm, dialogues in a step, learning rate
    (20, 20, 8, 1e-3),
    (20, 20, 8, 2e-3),
    (40, 40, 4, 1e-3),
    (0, 30, 8, 1e-3),
    (20, 20, 8, 4e-3),
]
FEED_FORWARD = "DenseReluDense"
ROUNDINGS = [  # bits, weights that share a scale, part of the names of the layers that are quantized
    (3, 128, ""),
    (2, 32, FEED_FORWARD),
    (2, 16, ""),
    (3, 64, ""),
]
FLAN = "Dialogue:\n\n{dialogue}\n\nWhat was going on?\n"

began = time.perf_counter()
limit = float(sys.argv[1]) if len(sys.argv) > 1 else 420.0
run = labkit.profile()
_, tokenizer = labkit.load_model(run)
quantization = torchao_quantization()
from torchao.quantization.qat import IntxFakeQuantizeConfig, QATConfig  # noqa: E402 (imported without a word above)

dialogues = labkit.load_dialogues(run)
validation = dialogues["validation"].select(range(DIALOGUES))
prompts = [FLAN.format(dialogue=text) for text in validation["dialogue"]]
plain = load_in_format(run, dtype=torch.float32, attn_implementation="eager")
sizes = [len(text) for text in dialogues["train"]["dialogue"]]
short = [n for n, size in enumerate(sizes) if size <= np.median(sizes)]


def score(model: Any) -> tuple[np.ndarray, str]:
    """ROUGE-1 of what the model writes of each dialogue, and the first text."""
    size = {"max_new_tokens": run.max_new_tokens, "batch_size": 2 * run.batch_size}
    texts = labkit.generate(model, tokenizer, prompts, **size)
    return np.array(rouge_scores(texts, list(validation["summary"]), ["rouge1"])["rouge1"]), texts[0]


def batches_of(steps: int, batch_size: int) -> list[dict[str, Any]]:
    """As the lab draws them."""
    pool = dialogues["train"].select(np.random.default_rng(run.seed).choice(short, steps * batch_size, replace=False))
    pairs = [FLAN.format(dialogue=text) for text in pool["dialogue"]], list(pool["summary"])
    return training_batches(tokenizer, *pairs, batch_size=batch_size, steps=steps, seed=run.seed)


def trained(model: Any, batches: list[dict[str, Any]], rate: float) -> float:
    """Seconds of training the model in place."""
    clock = time.perf_counter()
    fine_tune(model, batches, learning_rate=rate)
    return time.perf_counter() - clock


def with_interval(values: np.ndarray) -> str:
    """Mean and interval, as text."""
    low, high = bootstrap_interval(values)
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def over() -> bool:
    """Whether no new setting may start."""
    return time.perf_counter() - began > limit


scores, text = score(plain)
print(f"before training {scores.mean():.3f}   {time.perf_counter() - began:.0f} s   {text[:160]!r}", flush=True)
print(
    "start steps batch rate    bits group layers          full  ptq   qat    loss, gain, share, margin, s", flush=True
)
found = []
for common, steps, batch_size, rate in RACES:
    if over():
        break
    batches = batches_of(common + steps, batch_size)
    start = copy.deepcopy(plain)
    seconds_start = trained(start, batches[:common], rate) if common else 0.0
    full = copy.deepcopy(start)
    seconds_full = trained(full, batches[common:], rate)
    best, text = score(full)
    print(
        f"{common:5} {steps:5} {batch_size:5} {rate:<7g} full precision {best.mean():.3f}   {text[:160]!r}", flush=True
    )
    for bits, group_size, part in ROUNDINGS:
        if over():
            break

        def chosen(module: Any, name: str, part: str = part) -> bool:
            """The layers that are quantized."""
            return isinstance(module, torch.nn.Linear) and "lm_head" not in name and part in name

        dtype = getattr(torch, f"int{bits}")
        rounding = quantization.IntxWeightOnlyConfig(weight_dtype=dtype, granularity=quantization.PerGroup(group_size))
        line = f"{common:5} {steps:5} {batch_size:5} {rate:<7g} {bits:4} {group_size:5} {part or 'all':14}"
        rounded = copy.deepcopy(full)
        quantization.quantize_(rounded, rounding, chosen)
        after, _ = score(rounded)
        line += f"  {best.mean():.3f} {after.mean():.3f}"
        if (best - after).mean() < 0.05:
            print(f"{line}         {with_interval(best - after)}: too little to win back", flush=True)
            continue
        aware = copy.deepcopy(start)
        fake = IntxFakeQuantizeConfig(dtype, group_size=group_size, is_symmetric=True)
        quantization.quantize_(aware, QATConfig(weight_config=fake, step="prepare"), chosen)
        seconds = seconds_start + seconds_full + trained(aware, batches[common:], rate)
        quantization.quantize_(aware, QATConfig(rounding, step="convert"), chosen)
        won, _ = score(aware)
        share = (won - after).mean() / (best - after).mean()
        margin = bootstrap_interval(won - (best + after) / 2)[0]
        line += f" {won.mean():.3f}  {with_interval(best - after)}  {with_interval(won - after)}"
        line += f"  {share:.0%}  {margin:+.3f}  {seconds:.0f}"
        print(line, flush=True)
        found.append((margin, line))
if found:
    print(f"best (margin {max(found)[0]:+.3f}):", max(found)[1], sep="\n")
print(f"{time.perf_counter() - began:.0f} s")
