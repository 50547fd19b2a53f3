"""What memory a piece of code really took: the profiler's record of every allocation, and the bytes of a model."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def peak_allocated(function: Callable[[], Any], device: str = "cpu") -> int:
    """The most bytes that tensors made by `function` held at one time, beyond those that stood before it.

    On a CPU torch.profiler notes each allocation and release of torch's allocator with its size, and their running sum
    has this peak; on a CUDA GPU the allocator keeps count itself. Nothing is sampled. What a library takes from the
    system on its own (oneDNN's scratch space) is not in it.
    """
    import torch
    from torch.profiler import ProfilerActivity, profile

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        function()
        return torch.cuda.max_memory_allocated() - before

    recorded = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
    with _silent():
        recorded.start()
    try:
        function()
    finally:
        with _silent():
            recorded.stop()
    found: Any = recorded.profiler  # its type allows None, which a profile that ran is not
    events = [each for each in found.kineto_results.events() if each.name() == "[memory]"]
    held = peak = 0
    for each in sorted(events, key=lambda event: event.start_ns()):
        held += each.nbytes()
        peak = max(peak, held)
    return peak


def model_bytes(model: Any) -> int:
    """The bytes that the parameters and buffers of a model take in memory, what quantized ones are stored in included.

    Storage that is shared (tied embeddings) counts once.
    """
    return _stored_bytes(_tensors(model))


def linear_bytes(model: Any) -> int:
    """As `model_bytes`, of the weights of the linear layers that a quantizer takes: all but the output layer."""
    import torch  # the libraries' quantized layers are torch's Linear too

    layers = [each for name, each in model.named_modules() if isinstance(each, torch.nn.Linear) and name != "lm_head"]
    return _stored_bytes(tensor for layer in layers for tensor in _tensors(layer))


@contextmanager
def _silent() -> Iterator[None]:
    """Nothing goes to the process's stderr: the profiler's library writes there when it starts and stops."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _tensors(module: Any) -> Iterator[Any]:
    """Every plain tensor behind a module: quantized ones taken apart, their scales included."""
    for each in (*module.parameters(), *module.buffers()):
        yield from _plain(each)
        state = getattr(each, "quant_state", None)  # bitsandbytes, 4 bits: the scales and the table of 16 values
        if state is not None:
            yield from (part for part in (state.absmax, state.code) if part is not None)
        for name in ("CB", "SCB"):  # bitsandbytes, 8 bits: the integers and a scale a row, beside the parameter
            if getattr(each, name, None) is not None:
                yield getattr(each, name)
    for layer in module.modules():
        state = getattr(layer, "state", None)  # bitsandbytes moves CB and SCB here once the layer has run
        yield from (getattr(state, name) for name in ("CB", "SCB") if getattr(state, name, None) is not None)


def _plain(tensor: Any) -> Iterator[Any]:
    """The tensor itself, or those that a tensor subclass such as torchao's wraps."""
    if type(tensor).__name__ != "Parameter" and hasattr(tensor, "__tensor_flatten__"):
        for name in tensor.__tensor_flatten__()[0]:
            yield from _plain(getattr(tensor, name))
    else:
        yield tensor


def _stored_bytes(tensors: Any) -> int:
    storages = {}
    for tensor in tensors:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())
