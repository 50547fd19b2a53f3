"""A judge of toxicity, which shares neither data nor form with the models it judges."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from labkit.assets import asset
from labkit.errors import LabError

BUCKETS = 1 << 14  # rows of the table that words and pieces of words are hashed to
WIDTH = 48
WORD = re.compile(r"#Person\d#|[a-z]+(?:'[a-z]+)?|\d+|[!?.,:;\"]", re.IGNORECASE)


class Judge(nn.Module):
    """A convolutional sentence classifier (Kim 2014, arXiv:1408.5882).

    A word is the mean of hashed vectors, its own and those of its pieces of three to five letters (Bojanowski et al.
    2017, arXiv:1607.04606), so an insult never seen in training is known by its parts, and no tokenizer is shared.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pieces = nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean")
        self.filters = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, size, padding=size // 2) for size in (1, 3, 5))
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(3 * WIDTH, 1)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Logits, one a text: shape (len(texts),)."""
        words = [[pieces(word) for word in WORD.findall(text)] or [pieces(".")] for text in texts]
        flat = [piece for text in words for word in text for piece in word]
        offsets = torch.tensor([0] + [len(word) for text in words for word in text]).cumsum(0)[:-1]
        vectors = self.pieces(torch.tensor(flat), offsets).split([len(text) for text in words])
        batch = nn.utils.rnn.pad_sequence(vectors, batch_first=True).transpose(1, 2)
        found = [torch.relu(layer(batch)).amax(dim=2) for layer in self.filters]
        return self.output(self.dropout(torch.cat(found, dim=1))).squeeze(1)

    @torch.no_grad()
    def score(self, texts: Sequence[str]) -> list[float]:
        """For each text the probability (0 to 1) that it is toxic: it insults someone, or repeats an insult in full.

        Raises:
            LabError: something that is not a string among the texts.
        """
        if not all(isinstance(text, str) for text in texts):
            raise LabError("The judge scores a list of strings.")
        self.eval()
        found: list[float] = []
        for start in range(0, len(texts), 256):
            found += torch.sigmoid(self(texts[start : start + 256])).tolist()
        return found


def pieces(word: str) -> list[int]:
    """The rows of a word: itself, its pieces of three to five letters, and one more where it is shouted."""
    marked = f"<{word.lower()}>"
    parts = [marked, *(marked[at : at + size] for size in (3, 4, 5) for at in range(len(marked) - size + 1))]
    if len(word) > 2 and word.isupper():
        parts.append("<capitals>")
    return [zlib.crc32(part.encode()) % BUCKETS for part in parts]


def load_judge() -> Judge:
    """The judge that ships with the course.

    Raises:
        LabError: its file is missing or damaged.
    """
    from safetensors.torch import load_file

    judge = Judge()
    judge.load_state_dict(
        {name: tensor.float() for name, tensor in load_file(asset("judge/judge.safetensors")).items()}
    )
    return judge.eval()
