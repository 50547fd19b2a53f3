"""What a language model needs to be stored and to be trained, term by term: the sums behind the calculator."""

import math
from dataclasses import dataclass

from labkit.errors import LabError
from labkit.tables import Table

VOCABULARY = 50_257  # pieces of GPT-3's tokenizer
GPU = 80e9  # bytes of a large GPU's memory, an A100's or H100's
LOGITS = 3  # versions of the logits at the end of the forward pass: themselves, their log-softmax, its gradient


@dataclass(frozen=True)
class Shape:
    """A decoder-only transformer: layers, width, attention heads. Those below are GPT-3's (Brown et al. 2020)."""

    name: str
    layers: int
    width: int
    heads: int

    @property
    def parameters(self) -> int:
        """12 width² a layer (4 of attention, 8 of the feed-forward layer) and the embeddings; biases left out."""
        return 12 * self.layers * self.width**2 + VOCABULARY * self.width


SHAPES: dict[str, Shape] = {
    each.name: each
    for each in (
        Shape("GPT-3 125M", 12, 768, 12),
        Shape("GPT-3 350M", 24, 1024, 16),
        Shape("GPT-3 760M", 24, 1536, 16),
        Shape("GPT-3 1.3B", 24, 2048, 24),
        Shape("GPT-3 2.7B", 32, 2560, 32),
        Shape("GPT-3 6.7B", 32, 4096, 32),
        Shape("GPT-3 13B", 40, 5120, 40),
        Shape("GPT-3 175B", 96, 12288, 96),
    )
}


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: bytes of each number.

    Attributes:
        weights, gradients, optimizer: for each parameter; the optimizer's two states, and with them a master copy of
            the weights where the recipe keeps one.
        activations: for each number that the forward pass keeps.
    """

    name: str
    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def per_parameter(self) -> float:
        """Bytes for each parameter without activations."""
        return self.weights + self.gradients + self.optimizer


RECIPES: dict[str, Recipe] = {
    each.name: each
    for each in (
        Recipe("FP32, AdamW", 4, 4, 8, 4),
        Recipe("BF16, AdamW and master weights in FP32", 2, 2, 12, 2),
        Recipe("BF16 throughout", 2, 2, 4, 2),
        Recipe("BF16, AdamW's states in 8 bits", 2, 2, 2, 2),
    )
}
STORAGE = {"FP32": 4.0, "BF16": 2.0, "INT8": 1.0, "4-bit": 0.5}  # bytes of a weight; scales come on top


@dataclass(frozen=True)
class Need:
    """Bytes that training takes, by what they hold; buffers are what is needed for a moment only."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    buffers: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.buffers


def training_need(shape: Shape, recipe: Recipe, batch_size: int, length: int) -> Need:
    """What training takes with `batch_size` sequences of `length` tokens at once.

    Raises:
        LabError: a number below 1.
    """
    for name, value in (("batch_size", batch_size), ("length", length)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LabError(f"{name} must be a whole number of 1 or more, not {value!r}.")
    count = shape.parameters
    return Need(
        weights=recipe.weights * count,
        gradients=recipe.gradients * count,
        optimizer=recipe.optimizer * count,
        activations=recipe.activations * batch_size * length * kept_per_token(shape, length),
        buffers=4.0 * LOGITS * batch_size * length * VOCABULARY,  # in FP32 whatever the recipe
    )


def kept_per_token(shape: Shape, length: int) -> int:
    """How many numbers the forward pass keeps for the backward pass, for each token of a sequence, without dropout.

    A layer keeps 16 times its width (the inputs of two norms, attention's input, queries, keys, values and result, and
    the feed-forward layer's input and its inner state of four widths before and after the activation function), and for
    each head the softmax of its scores over the whole sequence (after Korthikanti et al. 2022, arXiv:2205.05198).
    """
    return shape.layers * (16 * shape.width + shape.heads * length)


def sequences_at(shape: Shape, bytes_per_parameter: float, length: int) -> float:
    """How many sequences train at once in FP32 with AdamW when there are so many bytes for each parameter, in all."""
    recipe = RECIPES["FP32, AdamW"]
    left = (bytes_per_parameter - recipe.per_parameter) * shape.parameters
    one = training_need(shape, recipe, 1, length)
    return left / (one.activations + one.buffers)


def need_table(shape: Shape, recipe: Recipe, batch_size: int, length: int) -> Table:
    """What training takes, a row a term: bytes, bytes for each parameter, share; how many GPUs of 80 GB hold it.

    Raises:
        LabError: as `training_need`.
    """
    need = training_need(shape, recipe, batch_size, length)
    terms = {
        "weights": need.weights,
        "gradients": need.gradients,
        "optimizer": need.optimizer,
        "activations": need.activations,
        "temporary buffers": need.buffers,
        "all": need.total,
    }
    rows = [[name, in_words(size), size / shape.parameters, f"{size / need.total:.0%}"] for name, size in terms.items()]
    gpus = math.ceil(need.total / GPU)
    title = f"{shape.name}, {recipe.name}: {gpus} GPU{'s' if gpus > 1 else ''} of 80 GB if it could be split evenly"
    return Table(["to train", "bytes", "a parameter", "share"], rows, title, right=(1, 3))


def in_words(size: float) -> str:
    """Bytes as people say them: "4 GB", "38.1 MB" (of 10^9 and 10^6 bytes)."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= 0.9995 * factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"
