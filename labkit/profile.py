"""What a lab runs on: model, data, sizes, device, number type, seed. One word changes the scale of every lab."""

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.processes import keep_freed_memory

EMBEDDED = "embedded"
DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Profile:
    """One scale at which every lab runs.

    A `model_id` or `dataset_id` is "embedded" (it ships in the package), a folder, or an id on the Hugging Face hub.
    A model folder holds a checkpoint with its tokenizer; a dataset folder holds train, validation and test as parquet
    files with the columns of `labkit.data.COLUMNS`. Revisions matter to hub ids only: a commit hash, a tag or a branch.

    Raises:
        LabError: a value of the wrong type or out of range.
    """

    name: str
    model_id: str
    model_revision: str
    dataset_id: str
    dataset_revision: str
    batch_size: int  # prompts of up to 512 tokens that are generated from at once; fewer where they are longer
    memory_gb: float  # free memory that a lab needs with this batch size, in 10^9 bytes
    test_size: int = 200  # dialogues that scores are measured on
    max_new_tokens: int = 128  # tokens a completion may have
    dtype: str = "auto"  # auto: bfloat16 on a CUDA GPU that has it, else float32
    device: str = "auto"  # auto: cuda, else mps, else cpu
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_value(field.name, field.type, getattr(self, field.name))
        for name in ("model_id", "dataset_id"):
            _check_source(name, getattr(self, name))

    @property
    def needs_hub(self) -> bool:
        """Whether the model or the dialogues come from the Hugging Face hub (or its cache)."""
        return is_hub_id(self.model_id) or is_hub_id(self.dataset_id)


# The commits of google/flan-t5-* are those that published code pins. None of knkarthick/dialogsum could be confirmed,
# so it is read at its main branch, and the run card shows which commit that was.
# memory_gb: the weights in float32, the libraries, and _MEMORY_PER_SAMPLE for each prompt of batch_size, for prompts of
# some 1,500 tokens (six shots). Measured with embedded and small; the rest scaled by heads, width and layers.
_DIALOGSUM = {"dataset_id": "knkarthick/dialogsum", "dataset_revision": "main"}
PROFILES: dict[str, dict[str, Any]] = {
    EMBEDDED: {
        "model_id": EMBEDDED,
        "model_revision": "",
        "dataset_id": EMBEDDED,
        "dataset_revision": "",
        "batch_size": 64,
        "memory_gb": 1.8,
        "dtype": "float32",
        "device": "cpu",
    },
    "small": {
        "model_id": "google/flan-t5-small",
        "model_revision": "0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab",
        **_DIALOGSUM,
        "batch_size": 32,
        "memory_gb": 2.5,
    },
    "base": {
        "model_id": "google/flan-t5-base",
        "model_revision": "7bcac572ce56db69c1ea7c8af255c5d7c9672fc2",
        **_DIALOGSUM,
        "batch_size": 16,
        "memory_gb": 4.0,
    },
    "large": {
        "model_id": "google/flan-t5-large",
        "model_revision": "0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a",
        **_DIALOGSUM,
        "batch_size": 16,
        "memory_gb": 7.5,
    },
    "xl": {
        "model_id": "google/flan-t5-xl",
        "model_revision": "7d6315df2c2fb742f0f5b556879d730926ca9001",
        **_DIALOGSUM,
        "batch_size": 8,
        "memory_gb": 16.0,
    },
}
_MEMORY_PER_SAMPLE = {EMBEDDED: 0.02, "small": 0.045, "base": 0.13, "large": 0.22, "xl": 0.45}  # in GB


def profile(name: str = EMBEDDED, /, **overrides: Any) -> Profile:
    """The profile of that name, with single values replaced: `profile("base", test_size=50)`.

    Another `model_id` or `dataset_id` is read at its main branch unless its revision is given too, and another
    `batch_size` changes `memory_gb` with it. The process is told to keep the memory that it frees, since it is about to
    work with models.

    Raises:
        LabError: an unknown profile or value (names the nearest, lists the known), or a value of the wrong type.
    """
    if not isinstance(name, str) or name not in PROFILES:
        raise LabError(f"There is no profile {name!r}{nearest(name, PROFILES)} Profiles: {', '.join(PROFILES)}.")
    known = [field.name for field in fields(Profile) if field.name != "name"]
    for key in overrides:
        if key == "name":
            raise LabError("A profile's name cannot be overridden: choose another one by its name, profile('small').")
        if key not in known:
            raise LabError(f"A profile has no value {key!r}{nearest(key, known)} Values: {', '.join(known)}.")
    values = {**PROFILES[name], **overrides}
    for source in ("model", "dataset"):
        if f"{source}_id" in overrides and f"{source}_revision" not in overrides:
            values[f"{source}_revision"] = "main"
    if "batch_size" in overrides and "memory_gb" not in overrides:
        _check_value("batch_size", int, values["batch_size"])
        values["memory_gb"] += _MEMORY_PER_SAMPLE[name] * (values["batch_size"] - PROFILES[name]["batch_size"])
        values["memory_gb"] = round(values["memory_gb"], 2)
    keep_freed_memory()
    return Profile(name=name, **values)


def is_hub_id(source: str) -> bool:
    """Whether a model_id or dataset_id names a repository on the hub: neither "embedded" nor a folder that exists."""
    return source != EMBEDDED and not Path(source).is_dir()


def nearest(word: object, known: Iterable[str]) -> str:
    """The middle of an error sentence: ": did you mean 'base'?" where a known word is close to this one, else "."."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f": did you mean {close[0]!r}?" if close else "."


def _check_value(name: str, expected: Any, value: object) -> None:
    """Refuse a value that a Profile cannot have, in one sentence that says what is allowed."""
    if expected is float and type(value) is int:
        value = float(value)
    if type(value) is not expected:
        words = {int: "a whole number", float: "a number", str: "a string"}
        raise LabError(f"The profile value {name} must be {words[expected]}, not {value!r} ({type(value).__name__}).")
    choices = {"device": DEVICES, "dtype": DTYPES}.get(name)
    if choices and value not in choices:
        raise LabError(f"The profile value {name} is one of {', '.join(choices)}, not {value!r}.")
    if isinstance(value, int) and not (0 if name == "seed" else 1) <= value < 2**32:
        raise LabError(f"The profile value {name} must be {0 if name == 'seed' else 1} or more, not {value}.")
    if isinstance(value, float) and not (0 < value < math.inf):
        raise LabError(f"The profile value {name} must be a number above 0, not {value}.")


def _check_source(name: str, source: str) -> None:
    if is_hub_id(source) and not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", source):
        raise LabError(
            f"The profile value {name} is 'embedded', a folder, or an id on the Hugging Face hub such as "
            f"'google/flan-t5-base'; {source!r} is none of these."
        )
