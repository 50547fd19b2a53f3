"""The course's own tokenizer: byte-pair encoding with T5's special ids and T5's way with white space."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from labkit.build.corpus import seen_scripts
from labkit.corpus import words
from labkit.corpus.slots import Filler
from labkit.corpus.tasks import TaskMixture

VOCAB_SIZE = 4096
SENTINELS = [f"<extra_id_{number}>" for number in range(100)]


def text_stream(seed: int, examples: int = 30_000) -> Iterator[str]:
    """What the pieces are learnt from: examples of the mixture, and the wide words by (tempered) frequency."""
    import wordfreq

    rng = random.Random(seed)
    mixture = TaskMixture(seen_scripts(), Filler(rng), progress=0.3)
    for _ in range(examples):
        yield " ".join(mixture.example())
    for word in wordfreq.top_n_list("en", 20_000):
        if word.isascii() and word.isalpha() and not words.held_out(word):
            repeats = max(1, round(40 * wordfreq.word_frequency(word, "en") ** 0.35 * 10))
            yield f"{word} " * repeats


def build_tokenizer(folder: Path, seed: int = 0) -> PreTrainedTokenizerFast:
    """Train the tokenizer and save it as a checkpoint's: pad 0, eos 1, unk 2, the 100 sentinels last, as T5 has them.

    NFKC and collapsed white space (newlines too) as T5's; every digit one piece, to copy prices and times by,
    and so is each '#PersonN#'.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(prepend_scheme="always"),
            pre_tokenizers.Split(Regex(r"▁?#Person[12]#:?|\d|'(?:s|t|re|ve|ll|m|d)\b|[^\w▁]"), "isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    learnt = VOCAB_SIZE - len(SENTINELS)
    printable = [chr(code) for code in range(33, 127)] + list("£é€’“”–—…▁")
    trainer = trainers.BpeTrainer(
        vocab_size=learnt, special_tokens=["<pad>", "</s>", "<unk>"], initial_alphabet=printable, show_progress=False
    )
    tokenizer.train_from_iterator(text_stream(seed), trainer)
    tokenizer.add_special_tokens(SENTINELS[::-1])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=SENTINELS,
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    fast.save_pretrained(folder)
    return fast
