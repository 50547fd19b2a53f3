"""Load the model and tokenizer of a profile, on the device and in the number type that it asks for."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit import hub
from labkit.assets import asset
from labkit.errors import LabError
from labkit.profile import EMBEDDED, PROFILES, Profile, is_hub_id
from labkit.quiet import quiet_libraries

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Device:
    """Where a profile runs ("cpu", "cuda", "mps") and in which number type ("float32"), with the reason for each."""

    name: str
    reason: str
    dtype: str
    dtype_reason: str


def choose_device(profile: Profile) -> Device:
    """The device and number type of a profile, "auto" resolved to what this machine has.

    Raises:
        LabError: the profile asks for a device that PyTorch does not find here.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if profile.device != "auto" and not present[profile.device]:
        raise LabError(
            f"The profile asks for the device {profile.device!r}, which PyTorch {torch.__version__} does not find "
            f"here: set device to 'auto' or 'cpu'."
        )
    name = next(device for device in present if present[device]) if profile.device == "auto" else profile.device
    if profile.device != "auto":
        reason = "the embedded profile runs there, so that numbers agree" if _by_default(profile) else "asked for"
    elif name == "cpu":
        reason = "PyTorch finds no GPU"
    else:
        reason = torch.cuda.get_device_name() if name == "cuda" else "Apple GPU"
    dtype, dtype_reason = profile.dtype, "set by the profile"
    if dtype == "auto":
        fast = name == "cuda" and multiplies_bfloat16(torch.device(name))
        dtype, dtype_reason = ("bfloat16", "the GPU has it") if fast else ("float32", f"exact, and safe on any {name}")
    return Device(name, reason, dtype, dtype_reason)


def multiplies_bfloat16(device: "torch.device") -> bool:
    """Whether the device has instructions for products in bfloat16; without them they take several times as long."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpu: Any = torch.cpu
    return device.type == "cpu" and (cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported())


def load_model(profile: Profile) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """The profile's model, ready for inference on its device, and its tokenizer; all random seeds are set.

    The weights are read from safetensors files; the embedded ones are stored in bfloat16 and run in float32.

    Raises:
        LabError: an asset is missing or damaged, the hub cannot be reached, the device is not there, or the folder
            does not hold an encoder-decoder model with its tokenizer.
    """
    import numpy as np
    import torch

    device = choose_device(profile)
    model, tokenizer = _load(model_folder(profile), getattr(torch, device.dtype), profile.model_id)
    for set_seed in (random.seed, np.random.seed, torch.manual_seed):  # transformers' own imports peft
        set_seed(profile.seed)
    return model.to(device.name).eval(), tokenizer


def model_folder(profile: Profile) -> Path:
    """The folder with the profile's checkpoint: shipped (checksums compared), given, or in the hub's cache.

    Raises:
        LabError: as `load_model`.
    """
    if profile.model_id == EMBEDDED:
        return asset("model")
    if is_hub_id(profile.model_id):
        return hub.fetch(hub.Repo("model", profile.model_id, profile.model_revision))
    return Path(profile.model_id)


def local_tokenizer(model_id: str) -> "PreTrainedTokenizerBase | None":
    """The tokenizer of a model on the hub if it is in the cache of this computer, else None; nothing is downloaded."""
    with quiet_libraries():
        from transformers import AutoTokenizer

    revisions = [values["model_revision"] for values in PROFILES.values() if values["model_id"] == model_id]
    for revision in (*revisions, "main"):
        folder = hub.cached_folder(hub.Repo("model", model_id, revision))
        if folder is not None and (folder / "tokenizer.json").is_file():
            with quiet_libraries():
                return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return None


def _load(folder: Path, dtype: "torch.dtype", model_id: str) -> tuple[Any, Any]:
    try:
        with quiet_libraries():
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

            model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LabError(
            f"No encoder-decoder model with its tokenizer could be loaded for model_id {model_id!r}: {line}"
        ) from error
    return model, tokenizer


def _by_default(profile: Profile) -> bool:
    return profile.name == EMBEDDED and profile.device == "cpu"
