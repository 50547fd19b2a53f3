"""What the prompt workbench does, without its panel: build a prompt, count its tokens, run the model on it."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.errors import LabError
from labkit.generation import completion, encode, token_log_probabilities
from labkit.metrics import rouge_scores
from labkit.profile import Profile

STYLES = ("summary", "headline")  # the columns that a shot's answer can come from
_COLUMNS = ("dialogue", "topic", *STYLES)
_TURN = re.compile(r"#Person\d+#:")


@dataclass(frozen=True)
class Tokens:
    """A prompt against the budget: `count` tokens in all; `kept` and `cut` are the text that truncation parts."""

    count: int
    kept: str
    cut: str


@dataclass(frozen=True)
class Result:
    """One run: what the model wrote and in how many tokens, ROUGE F measures (None without a reference), seconds.

    `ended` is False where the cap on new tokens ended the text and not the model; `certainty` is the mean natural
    logarithm of the probability of its tokens.
    """

    output: str
    tokens: int
    ended: bool
    scores: dict[str, float] | None
    seconds: float
    certainty: float


@dataclass(frozen=True)
class Workbench:
    """A model with the dialogues and shots to try prompts on.

    Attributes:
        dialogues, shots: rows with dialogue, summary, topic and headline.
        make_prompt: (shots, dialogue, instruction) → prompt; each shot's answer is its "summary".
        budget: the context budget, in tokens.
        max_new_tokens: a cap on the tokens of an output.
        usual: the certainty that nearly all outputs on dialogues like those the model knows reach, if it was measured.

    Raises:
        LabError: no dialogues, a column missing, a number below 1, or no function.
    """

    model: Any
    tokenizer: Any
    dialogues: Sequence[Mapping[str, str]]
    shots: Sequence[Mapping[str, str]]
    make_prompt: Callable[[list[dict[str, str]], str, str], str]
    budget: int = 512
    max_new_tokens: int = Profile.max_new_tokens
    usual: float | None = None

    def __post_init__(self) -> None:
        if not self.dialogues:
            raise LabError("The workbench needs at least one dialogue: dialogues is empty.")
        for what, rows in (("dialogues", self.dialogues), ("shots", self.shots)):
            for column in _COLUMNS:
                if not all(column in row for row in rows):
                    raise LabError(f"The {what} need the columns {', '.join(_COLUMNS)}: {column} is missing.")
        for name in ("budget", "max_new_tokens"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 2:
                raise LabError(f"{name} must be a whole number of 2 or more, not {value!r}.")
        if not callable(self.make_prompt):
            raise LabError("make_prompt must be a function of (shots, dialogue, instruction).")

    def prompt(self, dialogue: str, instruction: str, shots: Sequence[int] = (), style: str = "summary") -> str:
        """The prompt for a dialogue.

        Args:
            instruction: may be empty.
            shots: numbers of the shots, in the order in which they stand in the prompt.
            style: what the shots answer with, "summary" or "headline".

        Raises:
            LabError: a dialogue that is empty or has a line without a speaker; a make_prompt that fails on it.
        """
        self._check_dialogue(dialogue)
        examples = [{**self.shots[number], "summary": self.shots[number][style]} for number in shots]
        try:
            prompt = self.make_prompt(examples, dialogue, instruction)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            raise LabError(f"make_prompt stopped with {reason}. Mend it, then run both cells again.") from error
        if not isinstance(prompt, str):
            raise LabError(f"make_prompt returned {type(prompt).__name__}, not a string: does it end with return?")
        return prompt

    def tokens(self, prompt: str) -> Tokens:
        """How many tokens the prompt has, end of sequence included, and what truncation to the budget would cut."""
        encoded = self.tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        special = self.tokenizer.num_special_tokens_to_add()
        offsets = encoded["offset_mapping"]
        room = max(self.budget - special, 0)
        end = offsets[room][0] if len(offsets) > room else len(prompt)
        return Tokens(len(offsets) + special, prompt[:end], prompt[end:])

    def run(self, prompt: str, reference: str = "") -> Result:
        """The model's greedy answer to the whole prompt, scored if there is a reference.

        Raises:
            LabError: the model failed, for want of memory for example.
        """
        import torch

        start = time.perf_counter()
        try:
            ids = torch.tensor(encode(self.tokenizer, [prompt]), device=self.model.device)
            with torch.inference_mode():
                row = self.model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=self.max_new_tokens
                )[0].tolist()
        except Exception as error:
            raise LabError(f"The model stopped with {type(error).__name__}: {error}. Try a shorter prompt.") from error
        seconds = time.perf_counter() - start
        written = completion(row, self.tokenizer.eos_token_id)
        output = self.tokenizer.decode(written, skip_special_tokens=True)
        scores = None
        if reference.strip():
            scores = {name: float(values[0]) for name, values in rouge_scores([output], [reference]).items()}
        ended = written[-1:] == [self.tokenizer.eos_token_id]
        logs = token_log_probabilities(self.model, self.tokenizer, [prompt], [output], batch_size=1)[0]
        return Result(output, len(written), ended, scores, seconds, sum(logs) / len(logs))

    def _check_dialogue(self, dialogue: str) -> None:
        if not dialogue.strip():
            raise LabError("The dialogue is empty: pick one, or type lines such as '#Person1#: Good morning.'")
        if any(dialogue == row["dialogue"] for row in self.dialogues):
            return  # a published dialogue may have its slips
        for number, line in enumerate(dialogue.splitlines(), start=1):
            if line.strip() and not _TURN.match(line.strip()):
                raise LabError(
                    f"Line {number} of the dialogue does not say who speaks: each begins with one of the "
                    "speakers, as in '#Person1#: Good morning.'"
                )
