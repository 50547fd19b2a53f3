"""Decoding settings: what cannot work is explained before anything runs, what would be ignored in silence is refused.

transformers checks a part of them itself, some in `GenerationConfig`, some only in the middle of `generate`. Its checks
are called here, and its sentences passed on; what is added is what it lets through.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.profile import nearest
from labkit.quiet import quiet

if TYPE_CHECKING:
    from transformers import LogitsProcessorList

# Whole numbers and the least that each can be. transformers lets through: 2.5 new tokens, -2 as the size of an n-gram
# (and ignores it), 0 beams (and divides by it).
_LEAST = {"max_new_tokens": 1, "min_new_tokens": 0, "num_beams": 1, "no_repeat_ngram_size": 0, "top_k": 0}
_SWITCHES = ("do_sample",)
_NUMBERS = ("temperature", "top_p", "repetition_penalty", "length_penalty")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse decoding settings, named as in transformers' `GenerationConfig`, that cannot work or have no effect.

    Raises:
        LabError: an unknown name (names the nearest real one), a value out of range, or a setting that others switch
            off, such as a temperature without `do_sample=True`.
    """
    from transformers import GenerationConfig

    known = [name for name in vars(GenerationConfig()) if not name.startswith("_")]
    for name, value in settings.items():
        if name not in known:
            raise LabError(f"There is no decoding setting {name!r}{nearest(name, known)} GenerationConfig lists them.")
        _check_value(name, value)
    try:
        with quiet("transformers"):  # which would warn, too, of what is refused here
            GenerationConfig(**settings).validate(strict=True)
        logits_processors(settings)
    except (ValueError, TypeError) as error:
        raise LabError(_sentence(str(error))) from None
    if settings.get("min_new_tokens", 0) > settings.get("max_new_tokens", float("inf")):
        raise LabError("min_new_tokens is more than max_new_tokens: lower the one or raise the other.")


def logits_processors(settings: Mapping[str, Any]) -> "LogitsProcessorList":
    """What `generate` puts between the model's logits and the choice of a token, with these settings, in its order.

    A processor is called with the tokens so far, shape (rows, length), and logits of shape (rows, vocabulary).

    Raises:
        ValueError: a value that a processor refuses; the message is transformers' own.
    """
    from transformers.generation import logits_process as library

    found = library.LogitsProcessorList()
    if (penalty := settings.get("repetition_penalty", 1.0)) != 1.0:
        found.append(library.RepetitionPenaltyLogitsProcessor(penalty))
    if size := settings.get("no_repeat_ngram_size", 0):
        found.append(library.NoRepeatNGramLogitsProcessor(size))
    if settings.get("do_sample"):
        if (temperature := settings.get("temperature", 1.0)) != 1.0:
            found.append(library.TemperatureLogitsWarper(temperature))
        if top_k := settings.get("top_k", 50):  # which is the library's default, not 0
            found.append(library.TopKLogitsWarper(top_k))
        if (top_p := settings.get("top_p", 1.0)) < 1.0:
            found.append(library.TopPLogitsWarper(top_p))
    return found


def _check_value(name: str, value: Any) -> None:
    """What transformers does not look at."""
    if name in _SWITCHES and not isinstance(value, bool):
        raise LabError(f"{name} must be True or False, not {value!r}.")
    if name in _LEAST and (isinstance(value, bool) or not isinstance(value, int) or value < _LEAST[name]):
        off = " (0 switches it off)" if name in ("top_k", "no_repeat_ngram_size") else ""
        raise LabError(f"{name} must be a whole number of {_LEAST[name]} or more{off}, not {value!r}.")
    if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise LabError(f"{name} must be a number, not {value!r}.")
    if name == "top_p" and not 0 < value <= 1:
        instead = f": write {value / 100:g} for {value:g} percent" if 1 < value <= 100 else ""
        raise LabError(f"top_p is a probability above 0 and up to 1, not {value!r}{instead}.")


def _sentence(message: str) -> str:
    """A message of the library in one line: without the heading, the advice on files, the marks of a list."""
    lines = [line.strip().removeprefix("- ") for line in message.splitlines()]
    kept = [line for line in lines if not line.startswith(("GenerationConfig is invalid", "If you're using a"))]
    text = " ".join(kept).strip()
    name, _, rest = text.partition("`: ")
    return rest if name.startswith("`") and " " not in name else text
