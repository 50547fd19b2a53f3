"""The meters, each on something whose bytes are known."""

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from labkit.distributed import launch
from labkit.meters import CollectiveBytes, bytes_by_device, live_storages, loopback_bytes, training_bytes

SIZE = 1000


def collectives(rank, ranks):
    values, whole = torch.ones(SIZE), torch.empty(SIZE * ranks)
    with CollectiveBytes() as counted:
        for _ in range(2):
            dist.all_reduce(values)
        dist.broadcast(values, 0)
        dist.all_gather_into_tensor(whole, values)
        dist.reduce_scatter_tensor(values, whole)
        dist.barrier()
    model = DistributedDataParallel(torch.nn.Linear(10, 10, bias=False))
    with CollectiveBytes() as of_library:
        model(torch.ones(1, 10)).sum().backward()
    try:
        with CollectiveBytes():
            dist.reduce(values, 0)
        error = ""
    except RuntimeError as unknown:
        error = str(unknown)
    return {
        "counted": [[name, group, size] for (name, group), size in counted.sizes.items()],
        "calls": counted.calls.total(),
        "all-reduced by DDP": of_library.sizes["all-reduce", ranks],
        "error": error,
    }


def test_collectives_are_counted_the_librarys_too():
    for found in launch(collectives, ranks=2):
        assert sorted(map(tuple, found["counted"])) == [
            ("all-gather", 2, 8 * SIZE),
            ("all-reduce", 2, 2 * 4 * SIZE),
            ("broadcast", 2, 4 * SIZE),
            ("reduce-scatter", 2, 8 * SIZE),
        ]
        assert found["calls"] == 5
        assert found["all-reduced by DDP"] == 400
        assert "reduce_ is not counted" in found["error"]


def test_what_lies_in_memory_is_parameters_gradients_and_states():
    older = torch.ones(1234)  # which does not count
    before = live_storages()
    model = torch.nn.Linear(100, 50)
    model.register_buffer("table", torch.ones(64))  # which nobody shards
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(2, 100)).sum().backward()
    optimizer.step()
    size, buffer = 4 * (100 * 50 + 50), 4 * 64
    steps = 2 * 4
    held = training_bytes(list(model.parameters()), optimizer, before)
    assert bytes_by_device(before) == {"cpu": sum(held.values())} and older.numel() == 1234
    assert held == {"parameters": size + buffer, "gradients": size, "optimizer": 2 * size + steps}
    copy = model.weight.detach().clone()  # a whole copy that a library keeps counts too
    again = training_bytes(list(model.parameters()), optimizer, before)
    assert again["parameters"] == size + buffer + 4 * copy.numel()


def test_storage_that_is_shared_counts_once():
    before = live_storages()
    one = torch.ones(1000)
    views = [one[:500], one.view(10, 100)]
    after = live_storages()
    assert sum(after[address] for address in after.keys() - before.keys()) == 4000 and len(views) == 2


def test_the_interface_counts_what_is_sent_to_itself():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        before = loopback_bytes()
        with socket.create_connection(server.getsockname()) as client, server.accept()[0] as other:
            for _ in range(100):
                client.sendall(bytes(10_000))
                received = 0
                while received < 10_000:
                    received += len(other.recv(10_000))
        sent = loopback_bytes() - before
    assert sent == pytest.approx(1e6, rel=0.2)
