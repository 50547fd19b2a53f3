"""Load a profile's model in another number format, by the library that has the kernels for it, and weigh it."""

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.models import choose_device, model_folder
from labkit.profile import Profile
from labkit.quiet import quiet_libraries

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_in_format(profile: Profile, **settings: Any) -> "PreTrainedModel":
    """The profile's model, loaded with these settings of `from_pretrained`: dtype, quantization_config.

    All linear layers but the output layer are quantized. (Left to itself, transformers keeps the second matrix of T5's
    feed-forward layers out of it, because in FP16 its results overflow in the largest T5.)

    Raises:
        LabError: the format does not work here; the sentence has the library's own reason.
    """
    device = choose_device(profile).name
    try:
        with quiet_libraries(), _all_layers():
            from transformers import AutoModelForSeq2SeqLM

            model = AutoModelForSeq2SeqLM.from_pretrained(
                model_folder(profile), device_map=device, local_files_only=True, **settings
            )
    except LabError:
        raise
    except Exception as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LabError(f"This format does not run on this machine ({device}): {line}") from error
    return model.eval()


def torchao_quantization() -> Any:
    """The module torchao.quantization, imported without a word."""
    with quiet_libraries():
        return importlib.import_module("torchao.quantization")


def bytes_on_disk(model: "PreTrainedModel") -> int:
    """The bytes of the weights as `save_pretrained` writes them, all files together."""
    with tempfile.TemporaryDirectory() as folder, quiet_libraries():
        model.save_pretrained(folder)
        return sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))


@contextmanager
def _all_layers() -> Iterator[None]:
    """Take back, for the length of a block, what transformers' T5 classes leave out of quantization."""
    from transformers import T5PreTrainedModel

    kept = T5PreTrainedModel._keep_in_fp32_modules
    T5PreTrainedModel._keep_in_fp32_modules = None
    try:
        yield
    finally:
        T5PreTrainedModel._keep_in_fp32_modules = kept
