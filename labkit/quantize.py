"""Load a profile's model in another number format, by the library that has the kernels for it, and weigh it."""

import importlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MethodType
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
    feed-forward layers out of it, because in FP16 its results overflow in the largest T5. Where that matrix is stored
    as bytes, T5 would also round its input to bytes: see `_without_cast`.)

    Raises:
        LabError: the format does not work here; the sentence has the library's own reason.
    """
    device = choose_device(profile).name
    try:
        with quiet_libraries(), _all_layers():
            from transformers import AutoModelForSeq2SeqLM
            from transformers.models.t5.modeling_t5 import T5DenseGatedActDense

            model = AutoModelForSeq2SeqLM.from_pretrained(
                model_folder(profile), device_map=device, local_files_only=True, **settings
            )
    except LabError:
        raise
    except Exception as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LabError(f"This format does not run on this machine ({device}): {line}") from error
    feed_forward: list[Any] = [each for each in model.modules() if isinstance(each, T5DenseGatedActDense)]
    for layer in feed_forward:
        if not layer.wo.weight.is_floating_point():
            layer.forward = MethodType(_without_cast, layer)
    return model.eval()


def torchao_quantization() -> Any:
    """The module torchao.quantization, imported without a word."""
    with quiet_libraries():
        return importlib.import_module("torchao.quantization")


def bytes_on_disk(model: "PreTrainedModel") -> int:
    """The bytes of the weights as `save_pretrained` writes them, all files together.

    Save a 4-bit model before it runs: bitsandbytes then packs the weights for the processor, and saving unpacks them.
    """
    with tempfile.TemporaryDirectory() as folder, quiet_libraries():
        model.save_pretrained(folder)
        return sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))


def _without_cast(self: Any, hidden_states: Any) -> Any:
    """The forward pass of T5's gated feed-forward layer, less a cast of what goes into the second matrix.

    transformers casts that to the type in which the matrix is stored. For packed 4-bit weights this is uint8, and
    nothing sensible is left of the numbers.
    """
    gated = self.act(self.wi_0(hidden_states)) * self.wi_1(hidden_states)
    return self.wo(self.dropout(gated))


@contextmanager
def _all_layers() -> Iterator[None]:
    """Take back, for the length of a block, what transformers' T5 classes leave out of quantization."""
    from transformers import T5PreTrainedModel

    kept = T5PreTrainedModel._keep_in_fp32_modules
    T5PreTrainedModel._keep_in_fp32_modules = []
    try:
        yield
    finally:
        T5PreTrainedModel._keep_in_fp32_modules = kept
