"""What the tests share: no network, a tiny T5 with random weights and its tokenizer, and shipped files of that size."""

import os
import tempfile

# Before any Hugging Face library is imported: they read these once. The caches go to a folder of this run's own.
_CACHE = tempfile.TemporaryDirectory(prefix="labkit-tests-")
os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HOME=_CACHE.name,
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_UPDATE_DOWNLOAD_COUNTS="0",
    TOKENIZERS_PARALLELISM="false",
)

import hashlib  # noqa: E402
import shutil  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from tiny import SPLITS, tiny_rows  # noqa: E402


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder: T5 with 2 + 2 layers, width 32, random weights in bfloat16, a tokenizer of 174 pieces."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("tiny-t5")
    raw = Tokenizer(models.BPE(unk_token="<unk>"))
    raw.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Metaspace()
    texts = [row["dialogue"] + row["summary"] for split in SPLITS for row in tiny_rows(split)]
    special = ["<pad>", "</s>", "<unk>"]
    raw.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False))
    raw.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    )
    tokenizer.save_pretrained(folder)
    torch.set_num_threads(1)  # on matrices this small, threads only wait for each other
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    model = T5ForConditionalGeneration(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 2 and "shared" not in name:
                weight *= 4  # else the last token outweighs all else, and every output repeats one token
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_assets(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for labkit/assets: the tiny checkpoint, a few dialogues, checksums. Copy it before damaging it."""
    import pyarrow
    import pyarrow.parquet

    root = tmp_path_factory.mktemp("tiny") / "assets"
    shutil.copytree(tiny_checkpoint, root / "model")
    (root / "corpus").mkdir()
    for split in SPLITS:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(tiny_rows(split)), root / "corpus" / f"{split}.parquet")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}" for path in files]
    (root / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture
def use_tiny_assets(tiny_assets: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the embedded profile load the tiny checkpoint and dialogues."""
    monkeypatch.setattr("labkit.assets.ROOT", tiny_assets)
    return tiny_assets


@pytest.fixture(scope="session")
def tiny_model(tiny_checkpoint: Path):
    """(model, tokenizer) of the tiny checkpoint in float32."""
    from labkit.models import load_model
    from labkit.profile import profile

    return load_model(profile("embedded", model_id=str(tiny_checkpoint)))
