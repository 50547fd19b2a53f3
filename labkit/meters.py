"""What a rank holds and what it hands to the network: live storages, and the bytes given to each collective."""

import gc
import time
from collections import Counter
from typing import Any

import torch
from torch.distributed import ProcessGroup
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode

COLLECTIVES = {  # PyTorch's names of the collectives of this course's strategies → the field's
    "allreduce_": "all-reduce",
    "broadcast_": "broadcast",
    "_allgather_base_": "all-gather",
    "_reduce_scatter_base_": "reduce-scatter",
}
_SILENT = ("barrier", "monitored_barrier_")
# gloo lets go of a collective's tensors only after the rank has gone on: on two busy cores, with four ranks, a third of
# them were still alive at once, none after a millisecond.
SETTLE_SECONDS = 0.05


class CollectiveBytes(TorchDispatchMode):
    """While it is active, adds up the bytes of every collective that this process takes part in, the library's too.

    `sizes` maps (name, ranks of the group) to bytes: of the whole tensor that is reduced, broadcast, gathered into or
    scattered from, which is what all of them have in common. `calls` maps it to how many there were.

    Raises:
        RuntimeError: a collective that `COLLECTIVES` does not list; it would go uncounted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sizes: Counter[tuple[str, int]] = Counter()
        self.calls: Counter[tuple[str, int]] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.namespace == "c10d":
            self._count(func._opname, args)
        return func(*args, **(kwargs or {}))

    def _count(self, operation: str, args: Any) -> None:
        if operation in _SILENT:
            return
        if operation not in COLLECTIVES:
            raise RuntimeError(f"the collective {operation} is not counted; counted are {', '.join(COLLECTIVES)}")
        group = next(ProcessGroup.unbox(each) for each in args if isinstance(each, torch.ScriptObject))
        tensors = [each for arg in args for each in (arg if isinstance(arg, list) else [arg])]
        whole = max(each.numel() * each.element_size() for each in tensors if isinstance(each, torch.Tensor))
        self.sizes[COLLECTIVES[operation], group.size()] += whole
        self.calls[COLLECTIVES[operation], group.size()] += 1


def live_storages() -> dict[int, int]:
    """The memory of every floating-point tensor that is alive in this process: address → bytes, shared memory once."""
    return _storages(_live_tensors())


def bytes_by_device(before: dict[int, int]) -> dict[str, int]:
    """Bytes of what is alive now and was not `before`, by the type of device it lies on ("cpu", "cuda")."""
    groups: dict[str, list[Any]] = {}
    for each in _live_tensors():
        groups.setdefault(each.device.type, []).append(each)
    storages = {device: _storages(tensors) for device, tensors in groups.items()}
    return {device: sum(found[each] for each in found.keys() - before.keys()) for device, found in storages.items()}


def training_bytes(parameters: list[Any], optimizer: Any, before: dict[int, int]) -> dict[str, int]:
    """Bytes of parameters, gradients and optimizer states that this process holds now.

    Gradients and states are those of these parameters and of this optimizer. As parameters counts everything else that
    is alive now and was not `before` the model was made: shards, and whole copies that a library keeps beside them. So
    call it when no activations are alive, between the backward pass and the optimizer's step.
    """
    gradients = _storages([each.grad for each in parameters if each.grad is not None])
    states = _storages(
        [value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)]
    )
    known = {*gradients, *states, *before}
    rest = {address: size for address, size in live_storages().items() if address not in known}
    parts = {"parameters": rest, "gradients": gradients, "optimizer": states}
    return {name: sum(sizes.values()) for name, sizes in parts.items()}


def loopback_bytes() -> int:
    """Bytes that the operating system has sent over its loopback interface since it started, those of all programs."""
    import psutil

    counters = psutil.net_io_counters(pernic=True)
    return sum(each.bytes_sent for name, each in counters.items() if name in ("lo", "lo0"))


def _live_tensors() -> list[Any]:
    time.sleep(SETTLE_SECONDS)
    gc.collect()
    return [each for each in gc.get_objects() if type(each) in (torch.Tensor, torch.nn.Parameter, DTensor)]


def _storages(tensors: list[Any]) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in tensors:
        local = each.to_local() if isinstance(each, DTensor) else each
        storage = local.untyped_storage()
        if local.is_floating_point() and storage.nbytes() and storage.data_ptr():  # 0: a shape without memory
            found[storage.data_ptr()] = storage.nbytes()
    return found
