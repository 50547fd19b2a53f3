"""Processes started by torchrun: what comes back, what is said when a rank fails, and that nothing is left running."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest
import torch
import torch.distributed as dist

from labkit.distributed import RankFailed, command, launch
from labkit.distributed_bench import ddp_steps
from labkit.errors import LabError
from labkit.ranks import stage
from labkit.scripts import script_of

FACTOR = 3


def doubled(value):
    return 2 * value


alias = doubled


def sums(rank, ranks, values):
    stage("sum")
    total = values * alias(rank) * FACTOR
    dist.all_reduce(total)
    return {"rank": rank, "ranks": ranks, "total": total, "mean": float(np.mean([rank, ranks]))}


def fails(rank, ranks):
    if rank == 1:
        raise ValueError(f"rank {rank} has\nno data")
    time.sleep(600)  # torchrun has to end it


def killed(rank, ranks):
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def leaves(rank, ranks):
    if rank == 0:
        os._exit(3)
    dist.barrier()


def waits(rank, ranks):
    if rank == 1:
        time.sleep(600)
    dist.barrier()


def uses_an_object(rank, ranks):
    return PANEL.name


PANEL = RankFailed("an object")


def left_running():
    """Processes of torchrun or of its scripts that this test started."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        with contextlib.suppress(psutil.Error):  # it may end while we look
            if "labkit-ranks-" in line and process.status() != psutil.STATUS_ZOMBIE:
                found.append(line)
    return found


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert left_running() == []


@pytest.mark.parametrize("nodes", [1, 2])
def test_every_rank_runs_with_the_rest_and_its_result_comes_back(nodes):
    found = launch(sums, ranks=2, nodes=nodes, stages=1, values=torch.ones(3))
    assert [each["rank"] for each in found] == [0, 1] and found[0]["ranks"] == 2
    assert all(torch.equal(each["total"], torch.full((3,), 6.0)) for each in found)
    assert found[1]["mean"] == 1.5


@pytest.mark.parametrize(
    ("main", "rank", "sentence"),
    [
        (fails, 1, "Rank 1 of fails stopped with ValueError: rank 1 has no data; the other rank was ended."),
        (killed, 1, "Rank 1 of killed was killed by SIGKILL; the other rank was ended."),
        (leaves, 0, "Rank 0 of leaves ended with status 3; the other rank was ended."),
    ],
)
def test_a_rank_that_fails_is_one_sentence(main, rank, sentence):
    start = time.monotonic()
    with pytest.raises(RankFailed) as failed:
        launch(main, ranks=2)
    assert str(failed.value) == sentence and failed.value.rank == rank
    assert time.monotonic() - start < 60


def test_ranks_that_wait_for_ever_are_stopped():
    with pytest.raises(RankFailed, match=r"The ranks of waits did not end within 25 s and were stopped"):
        launch(waits, ranks=2, seconds=25)


def test_ranks_end_when_the_process_that_started_them_is_killed(tmp_path):
    code = f"""
        import sys
        sys.path.insert(0, {str(os.path.dirname(__file__))!r})
        from test_distributed import launch, waits
        launch(waits, ranks=2, seconds=100)
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while sum("waits.py" in line for line in left_running()) < 3:  # torchrun and two ranks
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(3)  # until they are past their imports, or in the middle of them
    owner.kill()
    owner.wait()
    while left_running() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left_running() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ranks": 0}, "ranks must be a whole number of 1 or more, not 0"),
        ({"ranks": 2.0}, "ranks must be a whole number"),
        ({"ranks": 10**6}, "1000000 ranks need about 4e[+]05 GB of memory and .* take at most"),
        ({"ranks": 3, "nodes": 2}, "3 ranks cannot be shared evenly by 2 nodes"),
        ({"ranks": 2, "port": 70_000}, "Port 70000 is in use or not allowed"),
        ({"ranks": 2, "port": -1}, "port must be"),
    ],
)
def test_numbers_that_cannot_work_are_refused_before_anything_starts(change, sentence):
    with pytest.raises(LabError, match=sentence):
        launch(sums, values=torch.ones(1), **change)


def test_a_port_in_use_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"Port {port} is in use"):
            launch(sums, ranks=2, port=port, values=torch.ones(1))


def test_the_script_holds_what_the_function_uses_and_no_more():
    script = script_of(sums)
    assert "FACTOR = 3" in script and "def doubled(value):" in script and "alias = doubled" in script
    assert "import torch.distributed as dist" in script and "import numpy as np" in script
    assert "from labkit.ranks import stage" in script
    assert "killed" not in script and "subprocess" not in script
    compile(script, "script", "exec")


def test_the_benchmark_trains_on_every_rank():
    assert all(rate > 0 for rate in launch(ddp_steps, ranks=2, rows=4, steps=1))


def test_a_function_that_cannot_be_written_down_is_refused():
    with pytest.raises(LabError, match="uses_an_object uses PANEL, of type RankFailed, which other processes do not"):
        script_of(uses_an_object)
    with pytest.raises(LabError, match="must be a function defined in a cell by itself"):
        script_of(print)
    local = 1
    with pytest.raises(LabError, match="must be a function defined in a cell by itself"):
        script_of(lambda rank, ranks: local)


def test_the_command_for_another_machine():
    assert " ".join(command(4, 2, 1, address="10.0.0.1")) == (
        "--nnodes=2 --node-rank=1 --nproc-per-node=2 --master-addr=10.0.0.1 --master-port=29500"
    )
