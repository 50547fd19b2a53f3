"""`make bench`: how much faster batched generation is than one sample at a time, with equal outputs.

One side is `labkit.generate`: prompts of similar length share a batch. The other is the way of the original labs: each
prompt padded to 512 tokens and generated from on its own. Both run greedily, in float32, on the same prompts, with the
same settings, each after a warm-up. The original labs passed no attention mask, so that their model read the padding;
here that side gets its mask, since without it the outputs would differ. The mask costs it nothing that can be measured.
After that come decoding against the library's own loop (`labkit.decoding_bench`), the speed of each number format
(`labkit.format_bench`), of small training runs (`labkit.sweep_bench`) and of training on several ranks
(`labkit.distributed_bench`), which are shown and not judged.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labkit.data import load_dialogues
from labkit.decoding_bench import decoding_lines
from labkit.distributed_bench import distributed_lines
from labkit.errors import LabError
from labkit.format_bench import format_lines
from labkit.generation import completion, generate_ids
from labkit.models import load_model
from labkit.profile import profile
from labkit.sweep_bench import sweep_lines

DIALOGUES = 96  # three full batches
MAX_LENGTH = 512
LEAST_RATIO = 5.0


@dataclass(frozen=True)
class Comparison:
    """Seconds of each way for all prompts, the tokens it wrote, and how many prompts' tokens differ."""

    batched_s: float
    one_by_one_s: float
    prompts: int
    tokens: int
    differing: int

    @property
    def ratio(self) -> float:
        """How many times as long one at a time takes."""
        return self.one_by_one_s / self.batched_s

    @property
    def passed(self) -> bool:
        """Whether all outputs are equal and the ratio is large enough."""
        return not self.differing and self.ratio >= LEAST_RATIO

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.prompts} dialogues, {self.tokens} tokens generated, greedy, float32",
                f"one at a time, padded to {MAX_LENGTH}  {self.one_by_one_s:8.2f} s",
                f"batched by length              {self.batched_s:8.2f} s",
                f"ratio                          {self.ratio:8.1f}   (at least {LEAST_RATIO:g})",
                f"outputs, token by token        {'equal' if not self.differing else f'{self.differing} differ'}",
            ]
        )


def one_by_one_ids(model: Any, tokenizer: Any, prompts: Sequence[str], max_new_tokens: int) -> list[list[int]]:
    """The completions of the prompts as token ids, one prompt at a time, each padded to 512 tokens (with its mask)."""
    import torch

    completions = []
    for prompt in prompts:
        inputs = tokenizer(prompt, padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            output = model.generate(
                input_ids=inputs["input_ids"].to(model.device),
                attention_mask=inputs["attention_mask"].to(model.device),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                num_beams=1,
            )
        completions.append(completion(output[0].tolist(), tokenizer.eos_token_id))
    tokenizer("")  # a call without padding switches it off again in the tokenizer's backend
    return completions


def compare(model: Any, tokenizer: Any, prompts: Sequence[str], *, max_new_tokens: int, batch_size: int) -> Comparison:
    """Time both ways on the same prompts, each after a warm-up of its own, and compare every token."""
    settings: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
        "max_length": MAX_LENGTH,
        "do_sample": False,
        "num_beams": 1,
    }
    generate_ids(model, tokenizer, prompts[:batch_size], **settings)
    start = time.perf_counter()
    batched = generate_ids(model, tokenizer, prompts, **settings)
    batched_s = time.perf_counter() - start
    one_by_one_ids(model, tokenizer, prompts[:2], max_new_tokens)
    start = time.perf_counter()
    single = one_by_one_ids(model, tokenizer, prompts, max_new_tokens)
    one_by_one_s = time.perf_counter() - start
    differing = sum(one != other for one, other in zip(batched, single, strict=True))
    return Comparison(batched_s, one_by_one_s, len(prompts), sum(map(len, batched)), differing)


def main() -> int:
    """Print the comparisons for the embedded model; 0: outputs equal and the ratio 5 or more; else 1; 2: error."""
    try:
        chosen = profile("embedded", test_size=DIALOGUES)
        dialogues = load_dialogues(chosen)["test"][:DIALOGUES]["dialogue"]
        model, tokenizer = load_model(chosen)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    prompts = [f"Summarize the following conversation.\n\n{dialogue}\n\nSummary: " for dialogue in dialogues]
    result = compare(model, tokenizer, prompts, max_new_tokens=chosen.max_new_tokens, batch_size=chosen.batch_size)
    print(result, "", sep="\n")
    try:
        decoding = decoding_lines(model, tokenizer, prompts, chosen.max_new_tokens)
        for lines in (decoding, format_lines(chosen, tokenizer, prompts), sweep_lines(), distributed_lines()):
            for line in lines:
                print(line, flush=True)
            print()
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if result.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
