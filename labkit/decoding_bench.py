"""A part of `make bench`: decoding as the labs do it against the library's own loop and cache, on the same prompts."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from labkit.generation import completion, decoder_input, encode, encoder_states

ROWS = 96  # texts or hypotheses at once
WAYS: dict[str, tuple[int, dict[str, Any]]] = {  # samples of each prompt, settings
    "greedy": (1, {}),
    "4 beams": (1, {"num_beams": 4, "length_penalty": 0.0}),
    "4 samples of a prompt": (4, {"do_sample": True, "top_k": 0}),
}


def decoding_lines(model: Any, tokenizer: Any, prompts: Sequence[str], max_new_tokens: int) -> Iterator[str]:
    """For each way to decode, and for reading long prompts, how many times as long the library takes."""
    import torch

    from labkit.decoder_loop import generate_rows

    yield f"by the library's own loop and cache, {len(prompts)} dialogues: times as long as by the labs'"
    states = encoder_states(model, encode(tokenizer, prompts))
    for name, (samples, settings) in WAYS.items():
        some = states[: ROWS // max(samples, settings.get("num_beams", 1))]
        asked = {"max_new_tokens": max_new_tokens, **settings}
        seconds, ours = _timed(lambda: generate_rows(model, decoder_input(some), samples=samples, **asked))  # noqa: B023
        with torch.inference_mode():
            library_seconds, library = _timed(
                lambda: model.generate(**decoder_input(some), num_return_sequences=samples, **asked)  # noqa: B023
            )
        texts = [[completion(row, tokenizer.eos_token_id) for row in rows.tolist()] for rows in (ours, library)]
        outputs = "other draws" if samples > 1 else "equal" if texts[0] == texts[1] else "NOT EQUAL"
        yield f"{name:30} {library_seconds / seconds:8.2f}   (outputs: {outputs})"
    long = encode(tokenizer, ["\n\n".join(prompts[n : n + 4]) for n in range(12)])
    seconds, _ = _timed(lambda: encoder_states(model, long))
    with torch.inference_mode():
        library_seconds, _ = _timed(
            lambda: [model.get_encoder()(torch.tensor([ids], device=model.device))[0] for ids in long]
        )
    yield f"{'reading prompts four times as long':30} {library_seconds / seconds:4.2f}"


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that a second call takes, after one to warm up, and what it returns."""
    work()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
