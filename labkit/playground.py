"""What the decoding playground does, without its panel: write a text under some settings, with what each token cost."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.decoding import read_prompts, step_logits
from labkit.errors import LabError
from labkit.generation import completion, decoder_input
from labkit.settings import check_settings, logits_processors


@dataclass(frozen=True)
class Token:
    """A token as it was written: its text, its probability under the settings, the likeliest others with theirs."""

    text: str
    probability: float
    others: list[tuple[str, float]]


@dataclass(frozen=True)
class Written:
    """A text: its tokens, and the model's own logits at each step, shape (tokens, vocabulary).

    `ended` is False where the cap on new tokens ended the text and not the model.
    """

    ids: list[int]
    tokens: list[Token]
    logits: Any
    ended: bool
    seconds: float


@dataclass
class Playground:
    """A model with dialogues to decode from.

    Attributes:
        dialogues: rows with dialogue and topic.
        make_prompt: dialogue → prompt.

    Raises:
        LabError: no dialogues, or no function.
    """

    model: Any
    tokenizer: Any
    dialogues: Sequence[Mapping[str, str]]
    make_prompt: Callable[[str], str]
    _read: dict[str, Any] = field(default_factory=dict)  # the encoder's states of the last prompt

    def __post_init__(self) -> None:
        if not self.dialogues:
            raise LabError("The playground needs at least one dialogue: dialogues is empty.")
        if not callable(self.make_prompt):
            raise LabError("make_prompt must be a function of the dialogue.")

    def write(
        self,
        dialogue: str,
        settings: Mapping[str, Any],
        *,
        seed: int = 0,
        stale: Callable[[], bool] = lambda: False,
    ) -> Written | None:
        """A text under these settings; None if `stale()` became True on the way.

        Args:
            settings: what `model.generate` takes, max_new_tokens among them.
            seed: of the draws, where there are any.

        Raises:
            LabError: an empty dialogue, a setting that cannot work, or a model that failed.
        """
        import torch
        from transformers import StoppingCriteriaList

        from labkit.decoder_loop import generate_rows

        if not dialogue.strip():
            raise LabError("The dialogue is empty: pick one, or type lines such as '#Person1#: Good morning.'")
        check_settings(settings)
        start = time.perf_counter()

        def stop(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            return torch.full((len(input_ids),), stale(), dtype=torch.bool, device=input_ids.device)

        torch.manual_seed(seed)
        try:
            state = self._state(dialogue)
            criteria = StoppingCriteriaList([stop])
            rows = generate_rows(self.model, decoder_input([state]), stopping_criteria=criteria, **settings)
            if stale():
                return None
            ids = completion(rows[0].tolist(), self.tokenizer.eos_token_id)
            logits = step_logits(self.model, state, ids)
        except LabError:
            raise
        except Exception as error:
            raise LabError(f"The model stopped with {type(error).__name__}: {error}. Try other settings.") from error
        ended = ids[-1:] == [self.tokenizer.eos_token_id]
        tokens = [self._token(ids, step, logits, settings) for step in range(len(ids))]
        return Written(ids, tokens, logits, ended, time.perf_counter() - start)

    def distribution(
        self, written: Written, step: int, settings: Mapping[str, Any], count: int = 12
    ) -> list[tuple[str, float, float]]:
        """The likeliest tokens at a step of a text: (token, the model's own probability, that under the settings)."""
        before = written.logits[step].softmax(-1)
        after = _processed(self.model, written.ids, step, written.logits, settings)
        best = before.topk(count).indices.tolist()
        return [(self._text(number), float(before[number]), float(after[number])) for number in best]

    def _state(self, dialogue: str) -> Any:
        prompt = self.make_prompt(dialogue)
        if prompt not in self._read:
            self._read.clear()
            self._read[prompt] = read_prompts(self.model, self.tokenizer, [prompt])[0]
        return self._read[prompt]

    def _token(self, ids: Sequence[int], step: int, logits: Any, settings: Mapping[str, Any]) -> Token:
        probabilities = _processed(self.model, ids, step, logits, settings)
        best = [number for number in probabilities.topk(4).indices.tolist() if number != ids[step]][:3]
        others = [(self._text(number), float(probabilities[number])) for number in best if probabilities[number] > 0]
        return Token(self._text(ids[step]), float(probabilities[ids[step]]), others)

    def _text(self, number: int) -> str:
        return self.tokenizer.convert_ids_to_tokens(number).replace("▁", " ")


def _processed(model: Any, ids: Sequence[int], step: int, logits: Any, settings: Mapping[str, Any]) -> Any:
    """The probabilities from which `generate` takes the token of a step, shape (vocabulary,)."""
    import torch

    before = torch.tensor([[model.config.decoder_start_token_id, *ids[:step]]], device=logits.device)
    scores = logits[step : step + 1]
    if settings.get("num_beams", 1) > 1:
        scores = scores.log_softmax(-1)  # on which beam search lets the processors work
    return logits_processors(settings)(before, scores)[0].softmax(-1)  # type: ignore[arg-type]
