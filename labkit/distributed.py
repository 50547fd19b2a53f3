"""Run a notebook's function in several processes: started by torchrun, watched, and ended, whatever happens.

`launch` is all a lab needs. A rank that fails becomes one sentence (`RankFailed`), and when `launch` returns, by
whatever way, none of its processes is left. Should the notebook's own process be killed, its ranks end by themselves.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from labkit.card import free_memory_gb
from labkit.errors import LabError
from labkit.processes import end_processes, runs
from labkit.rank_failure import RankFailed, failure, lines_of
from labkit.ranks import DEVICE, FOLDER, OWNER
from labkit.scripts import script_of

GB_PER_RANK = 0.4  # PyTorch, transformers and a small model
LOOK_SECONDS = 0.2
LOOPBACK = "lo" if sys.platform.startswith("linux") else "lo0"


def launch(
    main: Callable[..., Any],
    *,
    ranks: int,
    nodes: int = 1,
    port: int = 0,
    device: str = "cpu",
    seconds: float = 300,
    stages: int = 0,
    **arguments: Any,
) -> list[Any]:
    """What `main(rank, ranks, **arguments)` returns on each rank, in the order of the ranks.

    Args:
        main: a function of the notebook; what it uses of the notebook goes with it (`labkit.scripts.script_of`).
        ranks: how many processes in all.
        nodes: how many torchruns share them, as on so many machines; here all of them run on this one.
        port: where the ranks meet, on this machine; 0 takes a free one.
        device: "cpu", or anything else for GPUs, over NCCL, where each rank finds one of its own. Several nodes on this
            one machine would share its GPUs, so they stay on the CPU.
        seconds: time limit for the whole.
        stages: how often `main` calls `labkit.ranks.stage`: the length of the progress bar.
        arguments: numbers, texts, tensors, and lists and dicts of these; results are of the same kinds.

    Raises:
        LabError: numbers that cannot work, too little memory, a port in use.
        RankFailed: a rank raised an error, died, or the time is up.
    """
    port = _check(ranks, nodes, port)
    script = script_of(main)
    import torch

    with tempfile.TemporaryDirectory(prefix="labkit-ranks-") as name:
        folder = Path(name)
        (folder / f"{main.__name__}.py").write_text(script, encoding="utf-8")
        torch.save(arguments, folder / "arguments.pt")
        agents: list[subprocess.Popen[bytes]] = []
        seen: set[psutil.Process] = set()
        try:
            for node in range(nodes):
                options = command(ranks, nodes, node, port=port)
                agents.append(_start(folder, main.__name__, node, device if nodes == 1 else "cpu", options))
            in_time = _wait(agents, seen, folder, seconds, stages, f"{main.__name__}, ranks: {ranks}")
        finally:
            _end(agents, seen)
        if not in_time:
            raise RankFailed(
                f"The ranks of {main.__name__} did not end within {seconds:g} s and were stopped: one may wait for "
                "a message that no other sends; see that all ranks call the same collectives in the same order."
            )
        if any(agent.returncode for agent in agents):
            raise failure(folder, main.__name__, ranks)
        return [torch.load(folder / f"result-{rank}.pt", weights_only=True) for rank in range(ranks)]


def command(ranks: int, nodes: int, node: int, *, address: str = "127.0.0.1", port: int = 29500) -> list[str]:
    """torchrun's arguments for one of the machines, without the script: what to type there."""
    return [
        f"--nnodes={nodes}",
        f"--node-rank={node}",
        f"--nproc-per-node={ranks // nodes}",
        f"--master-addr={address}",
        f"--master-port={port}",
    ]


def _check(ranks: int, nodes: int, port: int) -> int:
    """LabError unless this many processes can run here; the port to meet at."""
    for name, value, least in (("ranks", ranks, 1), ("nodes", nodes, 1), ("port", port, 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise LabError(f"{name} must be a whole number of {least} or more, not {value!r}.")
    if ranks % nodes:
        raise LabError(f"{ranks} ranks cannot be shared evenly by {nodes} nodes: take a multiple of {nodes}.")
    need, free = ranks * GB_PER_RANK, free_memory_gb()
    if need > free:
        raise LabError(
            f"{ranks} ranks need about {need:.3g} GB of memory and {free:.3g} GB are free: "
            f"take at most {max(int(free / GB_PER_RANK), 1)}, or close other programs."
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one in use is refused all the same
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise LabError(
                f"Port {port} is in use or not allowed here: take another one, or 0 for any that is free."
            ) from None
        return int(probe.getsockname()[1])


def _start(folder: Path, name: str, node: int, device: str, options: Sequence[str]) -> "subprocess.Popen[bytes]":
    """One torchrun, in a session of its own; what it and its ranks print goes to a file."""
    environment = {
        **os.environ,
        FOLDER: str(folder),
        OWNER: str(os.getpid()),
        DEVICE: device,
        "OMP_NUM_THREADS": "1",  # else each rank takes all cores
        "GLOO_SOCKET_IFNAME": LOOPBACK,  # by the host's name gloo might take an interface that is down
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    with (folder / f"log-{node}.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *options, str(folder / f"{name}.py")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _wait(
    agents: Sequence["subprocess.Popen[bytes]"],
    seen: set[psutil.Process],
    folder: Path,
    seconds: float,
    stages: int,
    description: str,
) -> bool:
    """Follow the ranks until all agents have ended, or one has failed; False when the time is up."""
    from tqdm.auto import tqdm

    deadline = time.monotonic() + seconds
    with tqdm(total=stages + 1, desc=description, leave=False) as bar:
        while any(agent.poll() is None for agent in agents):
            for agent in agents:
                with contextlib.suppress(psutil.Error):
                    seen.update(psutil.Process(agent.pid).children(recursive=True))
            if any(agent.returncode for agent in agents):
                return True  # the others would wait for those that have ended
            if time.monotonic() > deadline:
                return False
            names = lines_of(folder / "stages.txt")
            if names and bar.n != len(names):
                bar.set_postfix_str(names[-1], refresh=False)
                bar.update(len(names) - bar.n)
            time.sleep(LOOK_SECONDS)
        bar.update(bar.total - bar.n)
    return True


def _end(agents: Sequence["subprocess.Popen[bytes]"], seen: set[psutil.Process]) -> None:
    """Kill what is left of the agents and of everything they started."""
    seen.update(psutil.Process(agent.pid) for agent in agents if agent.poll() is None)

    def left() -> list[psutil.Process]:
        for process in list(seen):
            with contextlib.suppress(psutil.Error):
                seen.update(process.children(recursive=True))
        return [process for process in seen if runs(process)]

    end_processes(left)
    for agent in agents:
        agent.wait()
