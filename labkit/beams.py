"""Watch transformers' beam search: which hypotheses it had at each step, what became of every candidate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.generation import completion, decoder_input
from labkit.settings import check_settings

KEPT, ENDED, PRUNED, LEFT = "kept", "ended", "pruned", "left"  # what becomes of a candidate; left: when the search ends


@dataclass(frozen=True)
class Step:
    """One step: the hypotheses (tokens so far), the score of each, and their log-probabilities of every next token.

    A score is the sum of a hypothesis' log-probabilities. `log_probs` has shape (hypotheses, vocabulary).
    """

    hypotheses: list[tuple[int, ...]]
    scores: list[float]
    log_probs: np.ndarray


@dataclass(frozen=True)
class Node:
    """A candidate in the tree of a search: its last token, its score, what became of it, and its parent's number."""

    parent: int | None
    token: int
    score: float
    fate: str


@dataclass(frozen=True)
class Search:
    """A finished beam search: its steps, and the tokens of the completion it returned."""

    steps: list[Step]
    output: list[int]
    num_beams: int
    eos_token_id: int

    def nodes(self) -> list[Node]:
        """The candidates of every step as a tree, parents before children; the start token is the root, number 0.

        At each step the search looks at the 2 · num_beams best continuations of its hypotheses: so many that
        num_beams of them go on even if the others end.
        """
        found = [Node(None, -1, 0.0, KEPT)]
        numbers: dict[tuple[int, ...], int] = {(): 0}
        for position, step in enumerate(self.steps):
            later = self.steps[position + 1].hypotheses if position + 1 < len(self.steps) else None
            totals = np.asarray(step.scores)[:, None] + step.log_probs
            best = np.argsort(-totals, axis=None, kind="stable")[: 2 * self.num_beams]
            unfinished = 0
            for rank, index in enumerate(best):
                row, token = divmod(int(index), totals.shape[1])
                tokens = (*step.hypotheses[row], token)
                if token == self.eos_token_id:
                    fate = ENDED if rank < self.num_beams else PRUNED
                elif later is None:
                    fate = LEFT if unfinished < self.num_beams else PRUNED
                    unfinished += 1
                else:
                    fate = KEPT if tokens in later else PRUNED
                found.append(Node(numbers[step.hypotheses[row]], token, float(totals[row, token]), fate))
                numbers[tokens] = len(found) - 1
        return found

    def lost_at(self, ids: Sequence[int]) -> tuple[int, int, float] | None:
        """Where a completion fell out of the search: the step (from 0), its rank there (from 1), its score.

        None if it never did: each of its prefixes was among the hypotheses.
        """
        for position, step in enumerate(self.steps):
            prefix = tuple(ids[:position])
            if position >= len(ids):
                return None
            totals = np.asarray(step.scores)[:, None] + step.log_probs
            score = float(totals[step.hypotheses.index(prefix), ids[position]])
            rank = int((totals > score).sum()) + 1
            later = self.steps[position + 1].hypotheses if position + 1 < len(self.steps) else None
            ends = ids[position] == self.eos_token_id
            if (ends and rank > self.num_beams) or (not ends and later and (*prefix, ids[position]) not in later):
                return position, rank, score
        return None


def beam_search(
    model: Any, tokenizer: Any, state: Any, *, num_beams: int, max_new_tokens: int, **settings: Any
) -> Search:
    """Run transformers' beam search on one prompt and write down its steps.

    Args:
        state: the prompt as `labkit.decoding.read_prompts` gives it.
        settings: what `model.generate` takes beside these.

    Raises:
        LabError: a setting that cannot work.
    """
    import torch
    from transformers import LogitsProcessorList

    check_settings({"num_beams": num_beams, "max_new_tokens": max_new_tokens, **settings})
    steps: list[Step] = []

    def look(input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Called as a logits processor, with every hypothesis and its log-probabilities; changes nothing."""
        places: dict[tuple[int, ...], int] = {}
        for place, row in enumerate(input_ids.tolist()):
            places.setdefault(tuple(row[1:]), place)  # at the start all beams are the same
        hypotheses = list(places)
        log_probs = scores[list(places.values())].float().numpy(force=True)
        totals = [0.0]
        if steps:
            last = steps[-1]
            rows = {tokens: place for place, tokens in enumerate(last.hypotheses)}
            parents = [rows[tokens[:-1]] for tokens in hypotheses]
            totals = [
                float(last.scores[at] + last.log_probs[at, tokens[-1]])
                for at, tokens in zip(parents, hypotheses, strict=True)
            ]
        steps.append(Step(hypotheses, totals, log_probs))
        return scores

    with torch.inference_mode():
        row = model.generate(
            **decoder_input([state]),
            num_beams=num_beams,
            max_new_tokens=max_new_tokens,
            logits_processor=LogitsProcessorList([look]),
            **settings,
        )[0].tolist()
    return Search(steps, completion(row, tokenizer.eos_token_id), num_beams, tokenizer.eos_token_id)
