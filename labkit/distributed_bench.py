"""For `make bench`: steps a second of data-parallel training on 1, 2 and 4 ranks, of the same batch."""

from collections.abc import Iterator
from typing import Any

from labkit.distributed import launch

RANKS = (1, 2, 4)
ROWS = 32
STEPS = 10


def ddp_steps(rank: int, ranks: int, rows: int, steps: int) -> float:
    """Steps a second under DDP: a small T5, `rows` rows of 64 tokens in all, after a warm-up."""
    import time

    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(vocab_size=256, d_model=96, d_kv=24, num_heads=4, d_ff=256, num_layers=3)
    config.decoder_start_token_id = 0
    model: Any = DistributedDataParallel(T5ForConditionalGeneration(config))
    optimizer = torch.optim.AdamW(model.parameters())
    ids = torch.randint(2, 256, (rows, 64)).tensor_split(ranks)[rank]
    start = 0.0
    for step in range(steps + 2):
        if step == 2:
            dist.barrier()
            start = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    dist.barrier()
    return steps / (time.perf_counter() - start)


def distributed_lines() -> Iterator[str]:
    """A line for each number of ranks: steps a second.

    Raises:
        LabError: as `launch`.
    """
    yield f"data-parallel training, {ROWS} rows a step"
    for ranks in RANKS:
        rate = launch(ddp_steps, ranks=ranks, rows=ROWS, steps=STEPS)[0]
        yield f"{ranks} rank{'s' if ranks > 1 else ' '}                        {rate:8.2f} steps a second"
