import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import BitsAndBytesConfig, T5Config, T5ForConditionalGeneration, T5PreTrainedModel, TorchAoConfig

from labkit.allocation import linear_bytes, model_bytes
from labkit.errors import LabError
from labkit.format_bench import format_lines, formats
from labkit.generation import generate_ids
from labkit.profile import profile
from labkit.quantize import bytes_on_disk, load_in_format, torchao_quantization
from labkit.t5_memory import count_parameters

FOUR_BITS = {"load_in_4bit": True, "bnb_4bit_compute_dtype": torch.bfloat16}


@pytest.fixture(scope="module")
def tiny_wide(tiny_model, tmp_path_factory) -> str:
    """A checkpoint as wide as 4-bit kernels need: rows of 64 and 128."""
    folder = tmp_path_factory.mktemp("wide-t5")
    torch.manual_seed(0)
    size = {"d_model": 64, "d_kv": 16, "num_heads": 4, "d_ff": 128, "num_layers": 2, "vocab_size": len(tiny_model[1])}
    config = T5Config(**size, feed_forward_proj="gated-gelu", decoder_start_token_id=0)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tiny_model[1].save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def tiny(tiny_wide):
    return profile("embedded", model_id=tiny_wide)


def int8():
    return TorchAoConfig(torchao_quantization().Int8WeightOnlyConfig())


def int8_dynamic():
    return TorchAoConfig(torchao_quantization().Int8DynamicActivationInt8WeightConfig())


def linear_shapes(model):
    """Shapes of the linear layers' weights, the output layer left out."""
    return [m.weight.shape for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"]


@pytest.fixture(scope="module")
def plain(tiny):
    return load_in_format(tiny, dtype=torch.float32)


def test_bytes_of_the_unquantized_model_are_those_of_its_numbers(tiny, plain):
    count = count_parameters(plain.config)
    assert model_bytes(plain) == 4 * count
    assert linear_bytes(plain) == 4 * sum(shape.numel() for shape in linear_shapes(plain))
    half = load_in_format(tiny, dtype=torch.bfloat16)
    assert model_bytes(half) == 2 * count
    assert 2 * count <= bytes_on_disk(half) < 2 * count + 20_000 < 4 * count <= bytes_on_disk(plain)


@pytest.mark.parametrize("config", [int8, int8_dynamic])
def test_int8_takes_a_byte_a_weight_and_a_scale_a_row_in_all_layers(tiny, plain, config):
    model = load_in_format(tiny, dtype=torch.float32, quantization_config=config())
    shapes = linear_shapes(plain)
    stored = sum(shape.numel() for shape in shapes)
    scales = sum(shape[0] for shape in shapes)
    assert stored + 4 * scales <= linear_bytes(model) <= stored + 12 * scales  # zero points may be stored as well
    assert linear_bytes(plain) - linear_bytes(model) == model_bytes(plain) - model_bytes(model)
    assert bytes_on_disk(model) < bytes_on_disk(plain)


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_4_bits_take_half_a_byte_a_weight_and_a_scale_for_every_64_before_and_after_they_ran(tiny, plain, kind):
    config = BitsAndBytesConfig(**FOUR_BITS, bnb_4bit_quant_type=kind)
    model = load_in_format(tiny, dtype=torch.bfloat16, quantization_config=config)
    stored = sum(shape.numel() for shape in linear_shapes(plain))
    tables = 16 * 4 * len(linear_shapes(plain))  # the 16 values, each layer for itself unless they share the table
    assert stored / 2 <= linear_bytes(model) <= stored / 2 + 4 * stored / 64 + tables
    assert stored / 2 < bytes_on_disk(model) < bytes_on_disk(plain) / 2
    with torch.inference_mode():
        model(input_ids=torch.ones(1, 4, dtype=torch.long), labels=torch.ones(1, 2, dtype=torch.long))
    assert stored / 2 <= linear_bytes(model) <= stored / 2 + 4 * stored / 64 + tables


def test_a_quantized_model_computes_nearly_what_the_plain_one_does_and_writes(tiny, tiny_model, plain, caplog):
    model = load_in_format(tiny, dtype=torch.float32, quantization_config=int8())
    prompt = "#Person1#: Hello Anna, how much is the lamp?"
    settings = {"max_new_tokens": 8, "batch_size": 1}
    (ids,) = generate_ids(model, tiny_model[1], [prompt], **settings)
    assert 1 <= len(ids) <= 8
    with torch.inference_mode():
        ids, labels = torch.arange(3, 40)[None], torch.arange(3, 12)[None]
        exact = plain(input_ids=ids, labels=labels).logits
        error = (model(input_ids=ids, labels=labels).logits - exact).abs().max() / exact.abs().max()
    assert 0 < error < 0.1
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_a_4_bit_model_computes_nearly_what_the_plain_one_does_also_once_its_weights_are_packed(tiny, plain, kind):
    config = BitsAndBytesConfig(**FOUR_BITS, bnb_4bit_quant_type=kind)
    model = load_in_format(tiny, dtype=torch.bfloat16, quantization_config=config)
    with torch.inference_mode():
        ids, labels = torch.arange(3, 40)[None], torch.arange(3, 12)[None]
        exact = plain(input_ids=ids, labels=labels).logits
        for _ in range(2):  # the first pass may pack the weights for the processor
            error = (model(input_ids=ids, labels=labels).logits - exact).norm() / exact.norm()
            assert 0 < error < 0.3  # a 4-bit weight is off by a tenth; a layer whose input was lost, by more than all


def test_a_layer_that_transformers_would_leave_out_is_quantized_and_the_class_left_as_it_was(tiny):
    four_bits = BitsAndBytesConfig(**FOUR_BITS)
    for config in (int8(), four_bits):
        model = load_in_format(tiny, dtype=torch.bfloat16, quantization_config=config)
        assert type(model.encoder.block[0].layer[1].DenseReluDense.wo.weight) is not torch.nn.Parameter
    assert T5PreTrainedModel._keep_in_fp32_modules == ["wo"]


def test_what_does_not_run_is_said_with_the_librarys_reason(tiny):
    with pytest.raises(LabError, match="This format does not run on this machine"):
        load_in_format(tiny, dtype="no such type")


def test_nothing_is_printed_when_the_libraries_are_imported(tiny_wide):
    code = (
        "from labkit.profile import profile; from labkit.quantize import load_in_format, torchao_quantization; "
        "from labkit.models import load_model; import torch, sys; "
        "chosen = profile('embedded', model_id=sys.argv[1]); load_model(chosen); torchao_quantization(); "
        "import torchao.quantization.qat; from transformers import BitsAndBytesConfig as B; "
        "load_in_format(chosen, dtype=torch.bfloat16, quantization_config=B(load_in_4bit=True))"
    )
    done = subprocess.run([sys.executable, "-c", code, tiny_wide], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_benchmark_has_the_formats_of_the_lab():
    (path,) = (Path(__file__).resolve().parents[1] / "notebooks").glob("03_*.ipynb")
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    (cell,) = [source for source in sources if "formats = {" in source]
    namespace = {"torch": torch, "model": torch.empty(0)}  # of the model it asks for the device alone
    exec(cell, namespace)
    lab, bench = (
        {name: {key: repr(value) for key, value in settings.items()} for name, settings in each.items()}
        for each in (namespace["formats"], formats(torch.device("cpu")))
    )
    assert lab == bench


def test_the_benchmark_has_a_line_for_each_format_and_names_what_does_not_run(tiny, tiny_model, monkeypatch):
    missing = {"dtype": torch.float32, "quantization_config": object()}
    chosen = {
        name: settings
        for name, settings in formats(torch.device("cpu")).items()
        if name in ("fp32", "int8_weight_only")
    }
    monkeypatch.setattr("labkit.format_bench.formats", lambda _: {**chosen, "int3": missing})
    small = profile("embedded", model_id=tiny.model_id, max_new_tokens=4)
    title, *lines = format_lines(small, tiny_model[1], ["Hello Anna.", "Is it a good one?"])
    assert "2 dialogues" in title
    assert [line.split()[0] for line in lines] == ["fp32", "int8_weight_only", "int3"]
    assert "(1.00 of fp32)" in lines[0] and "of fp32)" in lines[1]
    assert "not run: This format does not run on this machine" in lines[2]
