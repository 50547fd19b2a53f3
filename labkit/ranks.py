"""Inside one process of a distributed run: join the group, run the function, leave the result, end with the owner.

`labkit.distributed.launch` writes a script that calls `run_rank`; torchrun starts it once a rank and tells it through
the environment who it is. The script can also be started by hand, by torchrun or by `accelerate launch`, on one machine
or several: without a folder to leave its result in, rank 0 prints it.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from labkit.processes import keep_freed_memory, runs

# Names in the environment: where results go, whose process we belong to, where to compute ("cpu", or GPUs if they are
# there).
FOLDER, OWNER, DEVICE = "LABKIT_FOLDER", "LABKIT_OWNER", "LABKIT_DEVICE"
PATIENCE = timedelta(minutes=5)  # that a rank waits for the others in a collective
LOOK_SECONDS = 0.5  # between two looks whether the owner is alive


def end_with_owner() -> None:
    """From now on, end this process when the notebook's process ends, or torchrun does: nothing may outlive the lab."""
    parent = os.getppid()

    def watch() -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            owner = psutil.Process(int(os.environ.get(OWNER, parent)))
            while os.getppid() == parent and runs(owner):
                time.sleep(LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_rank(main: Callable[..., Any]) -> None:
    """Join the process group, call `main(rank, ranks, **arguments)`, and leave what it returns for the notebook.

    NCCL where each process of this machine has a GPU of its own, unless the CPU was asked for; else gloo. A mistake
    ends the process with status 1; what it was goes, in one line, to the folder, or to the screen without one.
    """
    import torch
    import torch.distributed as dist

    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    local, locals_ = int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    folder = Path(os.environ[FOLDER]) if FOLDER in os.environ else None
    torch.set_num_threads(1)
    keep_freed_memory()
    gpus = os.environ.get(DEVICE) != "cpu" and torch.cuda.device_count() >= locals_
    if gpus:
        torch.cuda.set_device(local)
    try:
        _require_what_was_asked_for()
        arguments = torch.load(folder / "arguments.pt", weights_only=True) if folder else {}
        if "MASTER_ADDR" in os.environ:
            dist.init_process_group("nccl" if gpus else "gloo", timeout=PATIENCE)
        else:  # started as a plain script
            dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        result = main(rank, ranks, **arguments)
        if folder:
            torch.save(result, folder / f"result-{rank}.pt")
        elif rank == 0:
            print(result)
        dist.barrier()
        dist.destroy_process_group()
    except BaseException as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        if folder:
            (folder / f"error-{rank}.txt").write_text(f"{time.time()}\n{line}", encoding="utf-8")
        else:
            print(f"Rank {rank} stopped with {line}", file=sys.stderr)
        sys.stdout.flush()
        os._exit(1)  # without waiting for the others: they will not come


def stage(name: str) -> None:
    """Say what this rank is about to do: the notebook's progress bar shows it (of rank 0)."""
    if os.environ.get("RANK", "0") == "0" and FOLDER in os.environ:
        with (Path(os.environ[FOLDER]) / "stages.txt").open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


def _require_what_was_asked_for() -> None:
    """`accelerate launch` says through the environment that FSDP was asked for; this script shards by itself."""
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true":
        raise SystemExit(
            "the config asks for FSDP, and this script shards by itself: launch it without use_fsdp, or launch "
            "labkit.finetune, which takes its strategy from the config"
        )
