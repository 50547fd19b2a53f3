"""Decode with one configuration after the other from prompts that the encoder has read once."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.generation import completion, decoder_input, encode, encoder_states
from labkit.settings import check_settings


@dataclass(frozen=True)
class Decoded:
    """What came of one configuration: `ids[prompt][sample]` are a completion's tokens, end of sequence included.

    `seconds` is the time that the decoder took for all of them; the encoder's is not in it.
    """

    ids: list[list[list[int]]]
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens of the completions (of beam search: of the best one alone) for each second of decoding."""
        return sum(len(ids) for samples in self.ids for ids in samples) / self.seconds

    def texts(self, tokenizer: Any) -> list[list[str]]:
        """The completions as text, in the same order."""
        return [[tokenizer.decode(ids, skip_special_tokens=True) for ids in samples] for samples in self.ids]


def read_prompts(model: Any, tokenizer: Any, prompts: Sequence[str]) -> list[Any]:
    """The encoder's states of each prompt, to decode from as often as wanted: tensors of shape (tokens, width).

    Raises:
        LabError: prompts that are not a list of strings.
    """
    from tqdm.auto import tqdm

    if isinstance(prompts, str) or not all(isinstance(prompt, str) for prompt in prompts):
        raise LabError("The prompts must be a list of strings: [prompt] where there is only one.")
    inputs = encode(tokenizer, prompts)
    with tqdm(inputs, desc="encoder", leave=False) as bar:
        return [encoder_states(model, [ids])[0] for ids in bar]


def decode(
    model: Any,
    tokenizer: Any,
    states: Sequence[Any],
    *,
    max_new_tokens: int,
    batch_size: int,
    samples: int = 1,
    seed: int = 0,
    description: str = "",
    **settings: Any,
) -> Decoded:
    """Completions of each prompt under one configuration.

    Args:
        states: the prompts as `read_prompts` gives them.
        batch_size: the most prompts that are decoded at once, each with all its samples or hypotheses: these share
            what they read of the prompt, so they take little memory.
        samples: completions of each prompt; more than one needs `do_sample=True`.
        seed: of the random draws, so that a configuration does not depend on those before it.
        settings: what `model.generate` takes, checked before it runs.

    Raises:
        LabError: a setting that cannot work or would be ignored (see `labkit.settings`), or samples without sampling.
    """
    import torch
    from tqdm.auto import tqdm

    from labkit.decoder_loop import generate_rows

    check_settings({"max_new_tokens": max_new_tokens, **settings})
    if samples > 1 and not settings.get("do_sample"):
        raise LabError(f"Without do_sample=True all {samples} samples of a prompt would be the same: ask for one.")
    torch.manual_seed(seed)
    order = sorted(range(len(states)), key=lambda n: -len(states[n]))  # prompts of like length share a batch
    even = math.ceil(len(order) / math.ceil(len(order) / batch_size))  # prompts in a batch: a small last one is slow
    found: list[list[list[int]]] = [[] for _ in states]
    start = time.perf_counter()
    with torch.inference_mode(), tqdm(total=len(order), desc=description or None, leave=False) as bar:
        for first in range(0, len(order), even):
            batch = order[first : first + even]
            inputs = decoder_input([states[n] for n in batch])
            output = generate_rows(model, inputs, max_new_tokens=max_new_tokens, samples=samples, **settings)
            rows = [completion(row, tokenizer.eos_token_id) for row in output.tolist()]
            for place, n in enumerate(batch):
                found[n] = rows[place * samples : (place + 1) * samples]
            bar.update(len(batch))
    return Decoded(found, time.perf_counter() - start)


def step_logits(model: Any, state: Any, ids: Sequence[int]) -> Any:
    """The model's own logits at each step of a completion, shape (len(ids), vocabulary), float32; row t chose ids[t].

    The completion is read in one pass (teacher forcing): no setting of `generate` has touched these numbers.
    """
    import torch

    given = torch.tensor([[model.config.decoder_start_token_id, *ids[:-1]]], device=model.device)
    with torch.inference_mode():
        return model(**decoder_input([state]), decoder_input_ids=given).logits[0].float()
