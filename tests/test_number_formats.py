import math
import random

import pytest
import torch

from labkit.errors import LabError
from labkit.number_formats import FORMATS, FloatFormat, flip, number_format, parts

FLOATS = {name: each for name, each in FORMATS.items() if isinstance(each, FloatFormat)}
WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


def torch_bits(value: float, dtype: torch.dtype) -> str:
    stored = torch.tensor(value, dtype=torch.float32).to(dtype)
    size = stored.element_size()
    return f"{stored.view(WHOLE[size]).item() % 2 ** (8 * size):0{8 * size}b}"


@pytest.mark.parametrize("name", FLOATS)
def test_layout_gives_what_torch_says(name):
    chosen, facts = FLOATS[name], torch.finfo(getattr(torch, FLOATS[name].dtype))
    assert (chosen.bits, chosen.largest, -chosen.largest) == (facts.bits, facts.max, facts.min)
    assert (chosen.smallest_normal, chosen.step) == (facts.smallest_normal, facts.eps)


@pytest.mark.parametrize("name", FLOATS)
def test_bits_are_those_that_torch_stores(name):
    chosen, draw = FLOATS[name], random.Random(0)
    dtype = getattr(torch, chosen.dtype)
    values = [draw.choice((-1, 1)) * 2 ** draw.uniform(-30, 15) for _ in range(300)]
    values += [
        0.0,
        -0.0,
        1.0,
        math.pi,
        65504.0,
        65520.0,
        448.0,
        465.0,
        1e30,
        -math.inf,
        chosen.smallest_subnormal,
        chosen.largest,
    ]
    for value in values:
        value = torch.tensor(value).item()  # a float32, as torch_bits starts from one
        assert chosen.encode(value) == torch_bits(value, dtype), value
        stored = torch.tensor(value).to(dtype).item()
        assert chosen.decode(chosen.encode(value)) == stored


@pytest.mark.parametrize("name", ["FP8 E4M3", "FP8 E5M2", "FP16", "BF16"])
def test_every_code_is_read_as_torch_reads_it(name):
    chosen, dtype = FLOATS[name], getattr(torch, FLOATS[name].dtype)
    codes = range(0, 2**chosen.bits, 1 if chosen.bits == 8 else 37)
    whole = torch.uint8 if chosen.bits == 8 else torch.int16
    for code in codes:
        signed = code - 2**chosen.bits if chosen.bits > 8 and code >= 2 ** (chosen.bits - 1) else code
        expected = torch.tensor(signed, dtype=whole).view(dtype).item()
        got = chosen.decode(f"{code:0{chosen.bits}b}")
        assert got == expected or (math.isnan(got) and math.isnan(expected)), code


def test_whole_numbers_are_twos_complement_and_keep_to_their_range():
    int4 = FORMATS["INT4"]
    assert [int4.decode(f"{code:04b}") for code in range(16)] == [*range(8), *range(-8, 0)]
    assert [int4.encode(value) for value in (-100, -8, -1, 2.6, 7, math.inf)] == [
        "1000",
        "1000",
        "1111",
        "0011",
        "0111",
        "0111",
    ]
    assert (FORMATS["INT8"].smallest, FORMATS["INT8"].largest) == (torch.iinfo(torch.int8).min, 127)
    with pytest.raises(LabError, match="INT4 has no bits for nan"):
        int4.encode(math.nan)


@pytest.mark.parametrize(
    ("name", "bits", "formula"),
    [
        ("BF16", "0100000001001001", "(-1)^0 × 2^(128 - 127) × (1 + 73/128)"),
        ("FP8 E5M2", "10000001", "(-1)^1 × 2^(1 - 15) × (0 + 1/4), exponent 0: a subnormal number"),
        ("FP16", "0111110000000000", "exponent all ones, fraction 0: infinity"),
        ("FP16", "0111110000000001", "exponent all ones and a fraction: not a number"),
        ("FP8 E4M3", "01111111", "all ones: not a number"),
        ("FP8 E4M3", "01111110", "(-1)^0 × 2^(15 - 7) × (1 + 6/8)"),
        ("INT8", "10000011", "-1 × 128 + 3"),
    ],
)
def test_the_formula_says_how_a_value_comes_about(name, bits, formula):
    assert FORMATS[name].formula(bits) == formula


def test_parts_and_flipped_bits():
    assert parts(FORMATS["FP8 E4M3"], "01000101") == [("sign", "0"), ("exponent", "1000"), ("fraction", "101")]
    assert parts(FORMATS["INT4"], "1010") == [("sign", "1"), ("value", "010")]
    assert flip("0100", 0) == "1100" and flip("0100", 1) == "0000"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: number_format("BF61"), "no number format 'BF61': did you mean 'BF16'"),
        (lambda: FORMATS["FP16"].decode("01"), "FP16 has 16 bits"),
        (lambda: FORMATS["INT4"].decode("01x1"), "INT4 has 4 bits"),
        (lambda: FORMATS["FP16"].encode("1"), "Only a number can be written in bits"),
        (lambda: flip("0100", 4), "There is no bit 4: choose one from 0 to 3"),
        (lambda: flip("0100", True), "There is no bit True"),
    ],
)
def test_bad_input_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence):
        make()
