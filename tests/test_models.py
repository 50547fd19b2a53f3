import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from labkit import load_model, profile
from labkit.errors import LabError
from labkit.models import choose_device, local_tokenizer
from labkit.quiet import quiet_libraries


@pytest.fixture
def gpu(monkeypatch):
    """Pretend that PyTorch finds a CUDA GPU."""
    with quiet_libraries():
        import bitsandbytes  # noqa: F401 (which looks for a GPU when it is imported, and would find the pretended one)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_the_embedded_model_is_stored_in_bfloat16_and_runs_in_float32_on_the_cpu(use_tiny_assets, gpu):
    model, tokenizer = load_model(profile())
    assert model.dtype == torch.float32 and model.device.type == "cpu" and not model.training
    assert tokenizer("Hello")["input_ids"][-1] == tokenizer.eos_token_id == 1


def test_loading_sets_the_seeds(use_tiny_assets):
    drawn = []
    for seed in (1, 1, 2):
        load_model(profile(seed=seed))
        drawn.append((torch.rand(1).item(), random.random(), np.random.rand()))
    assert drawn[0] == drawn[1] and not set(drawn[1]) & set(drawn[2])


def test_loading_says_nothing(tiny_assets):
    """In a process of its own, since libraries say some things only once."""
    code = (
        f"import pathlib, labkit, labkit.assets; labkit.assets.ROOT = pathlib.Path({str(tiny_assets)!r}); "
        "model, tokenizer = labkit.load_model(labkit.profile()); tokenizer('again and again ' * 300, verbose=False)"
    )
    result = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, timeout=600)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_folder_can_be_the_model(tiny_checkpoint, use_tiny_assets):
    model, _ = load_model(profile("embedded", model_id=str(tiny_checkpoint)))
    assert model.config.d_model == 32


def test_a_folder_without_a_model_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(LabError, match="No encoder-decoder model") as caught:
        load_model(profile("embedded", model_id=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_auto_takes_the_gpu_and_bfloat16(gpu):
    device = choose_device(profile("small"))
    assert (device.name, device.reason, device.dtype) == ("cuda", "Some GPU", "bfloat16")
    assert choose_device(profile("small", dtype="float32")).dtype == "float32"


def test_auto_without_a_gpu_is_the_cpu_in_float32(no_gpu):
    device = choose_device(profile("small"))
    assert (device.name, device.dtype) == ("cpu", "float32")
    assert "no GPU" in device.reason


def test_apple_gpus_run_in_float32(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    device = choose_device(profile("small"))
    assert (device.name, device.dtype) == ("mps", "float32")


def test_a_device_that_is_not_there_is_refused(no_gpu):
    with pytest.raises(LabError, match="'cuda'.*set device to 'auto' or 'cpu'"):
        choose_device(profile("small", device="cuda"))


def test_a_tokenizer_that_is_not_on_this_computer_is_none():
    assert local_tokenizer("google/flan-t5-small") is None
