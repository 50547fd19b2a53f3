"""A part of `make bench`: how many tokens a second the model writes in each format, against fp32."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.errors import LabError
from labkit.generation import generate_ids
from labkit.models import choose_device, multiplies_bfloat16
from labkit.profile import Profile
from labkit.quantize import load_in_format, torchao_quantization


def formats(device: Any) -> dict[str, dict[str, Any]]:
    """The formats of Lab 03: name → what `from_pretrained` is given."""
    import torch
    from transformers import BitsAndBytesConfig, TorchAoConfig

    torchao = torchao_quantization()
    compute = torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    four_bits = {"load_in_4bit": True, "bnb_4bit_compute_dtype": compute}
    quantized = {
        "int8_weight_only": (torch.float32, TorchAoConfig(torchao.Int8WeightOnlyConfig())),
        "int8_dynamic": (torch.float32, TorchAoConfig(torchao.Int8DynamicActivationInt8WeightConfig())),
        "nf4": (torch.bfloat16, BitsAndBytesConfig(**four_bits, bnb_4bit_quant_type="nf4")),
        "fp4": (torch.bfloat16, BitsAndBytesConfig(**four_bits, bnb_4bit_quant_type="fp4")),
    }
    return {
        "fp32": {"dtype": torch.float32},
        "bf16": {"dtype": torch.bfloat16},
        **{name: {"dtype": dtype, "quantization_config": config} for name, (dtype, config) in quantized.items()},
    }


def format_lines(profile: Profile, tokenizer: Any, prompts: Sequence[str]) -> Iterator[str]:
    """A line for each format: tokens a second, and their ratio to fp32's; or that it does not run here, and why."""
    yield f"tokens a second in each format, {len(prompts)} dialogues, greedy, batches of {profile.batch_size}"
    reference = 0.0
    import torch

    for name, settings in formats(torch.device(choose_device(profile).name)).items():
        try:
            speed = tokens_per_second(load_in_format(profile, **settings), tokenizer, prompts, profile)
        except LabError as error:
            yield f"{name:30} not run: {error}"
            continue
        reference = reference or speed  # fp32 comes first
        yield f"{name:30} {speed:8.0f}   ({speed / reference:.2f} of fp32)"


def tokens_per_second(model: Any, tokenizer: Any, prompts: Sequence[str], profile: Profile) -> float:
    """Tokens written for all prompts over the seconds that took, after a warm-up."""
    settings: dict[str, Any] = {"max_new_tokens": profile.max_new_tokens, "batch_size": profile.batch_size}
    generate_ids(model, tokenizer, prompts[:2], **settings)
    start = time.perf_counter()
    ids = generate_ids(model, tokenizer, prompts, **settings)
    return sum(map(len, ids)) / (time.perf_counter() - start)
