import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from labkit.byte_model import (
    CONTEXT,
    LAYERS,
    VOCABULARY,
    ByteModel,
    next_symbol_loss,
    training_flops_per_token,
)
from labkit.errors import LabError


def shaken(width=16):
    """A model whose output layer is not zero any more."""
    model = ByteModel(width)
    with torch.no_grad():
        model.output.weight.normal_(generator=torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize("width", [4, 16, 40])
def test_its_size_is_that_of_the_formula(width):
    model = ByteModel(width)
    assert model.size() == 12 * LAYERS * width**2
    assert model.size(embeddings=True) == model.size() + (2 * VOCABULARY + CONTEXT) * width


def test_untrained_it_gives_every_symbol_the_same_probability():
    windows = torch.randint(VOCABULARY, (3, CONTEXT + 1), generator=torch.Generator().manual_seed(0))
    assert next_symbol_loss(ByteModel(8), windows).item() == pytest.approx(math.log(VOCABULARY))


def test_no_position_sees_the_future():
    model, symbols = shaken(), torch.arange(CONTEXT).remainder(VOCABULARY)[None]
    changed = symbols.clone()
    changed[0, 40] += 1
    with torch.no_grad():
        before, after = model(symbols)[0], model(changed)[0]
    assert torch.equal(before[:40], after[:40])
    assert not torch.allclose(before[40:], after[40:])


def test_attention_is_that_of_torch():
    block = shaken().blocks[0].attention
    x = torch.randn(2, 10, 16, generator=torch.Generator().manual_seed(0))
    q, k, v = block.qkv(x).view(2, 10, 3, 2, 8).permute(2, 0, 3, 1, 4)
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    theirs = block.out(theirs.transpose(1, 2).reshape(2, 10, 16))
    assert torch.allclose(block(x), theirs, atol=1e-6)


def test_the_backward_pass_costs_twice_the_forward_pass():
    windows = torch.zeros(1, CONTEXT + 1, dtype=torch.long)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        next_symbol_loss(ByteModel(16), windows)
    assert training_flops_per_token(16) == 3 * counter.get_total_flops() / CONTEXT


def test_the_counter_sees_attention():
    """torch 2.13 counts nothing for its fused kernel on a CPU, so the model must not use it."""
    wide = training_flops_per_token(64) - 3 * 2 * (12 * LAYERS * 64**2 + VOCABULARY * 64)
    assert wide == 3 * LAYERS * 4 * CONTEXT * 64


@pytest.mark.parametrize("width", [0, 3, 7, -2])
def test_a_width_that_cannot_be_is_one_sentence(width):
    with pytest.raises(LabError, match="cannot be made"):
        ByteModel(width)


def test_the_seed_decides():
    one, same, other = (ByteModel(8, seed).blocks[0].attention.out.weight for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)
