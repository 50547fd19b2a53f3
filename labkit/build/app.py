"""`labkit build corpus`, `model`, `judge`, `sweep`: how the assets were made, to be run again; `bars`: what they do."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from labkit.errors import LabError
from labkit.processes import keep_freed_memory

app = typer.Typer(help="Rebuild the embedded corpus and models (needs: pip install -e .[build]).", no_args_is_help=True)
ASSETS = Path(__file__).parent.parent / "assets"


@app.callback()
def prepare() -> None:
    """Before each of these commands."""
    keep_freed_memory()


def need_packages() -> None:
    """Stop with a sentence when the packages for building are missing."""
    missing = [name for name in ("wordfreq", "lemminflect") if importlib.util.find_spec(name) is None]
    if missing:
        raise LabError(
            f"Building needs {' and '.join(missing)}: install them with 'pip install -e .[build]' and run this again."
        )


@app.command()
def corpus(out: Annotated[Path, typer.Option(help="folder for the parquet files")] = ASSETS / "corpus") -> None:
    """Generate the dialogues from the scripts, bit for bit as shipped."""
    need_packages()
    from labkit.build.corpus import build_corpus

    for name, rows in build_corpus(out).items():
        typer.echo(f"{name}: {rows} dialogues")


@app.command()
def model(
    out: Annotated[Path, typer.Option(help="folder for the finished checkpoint")] = ASSETS / "model",
    work: Annotated[Path, typer.Option(help="folder for checkpoints and log; a killed run goes on from here")] = Path(
        "build-model"
    ),
) -> None:
    """Train the embedded model from scratch (4 to 9 hours on two cores with bfloat16, else up to 20)."""
    need_packages()
    from labkit.build.corpus import evaluation_texts, seen_scripts
    from labkit.build.tokenizer import build_tokenizer
    from labkit.build.training import Recipe, train

    tokenizer = build_tokenizer(out)
    trained = train(work, tokenizer, seen_scripts(), evaluation_texts(), Recipe())
    trained.bfloat16().save_pretrained(out)
    typer.echo(f"The model is in {out}; write the checksums with 'labkit build checksums'.")


@app.command()
def judge(out: Annotated[Path, typer.Option(help="folder for judge/ and backbone/")] = ASSETS) -> None:
    """Train the judge of toxicity and the backbone of the reward model (ten minutes on two cores)."""
    need_packages()
    from safetensors.torch import save_file
    from transformers import AutoTokenizer

    from labkit.build import judge as recipe

    (out / "judge").mkdir(parents=True, exist_ok=True)
    trained = recipe.train_judge()
    save_file(
        {name: tensor.bfloat16() for name, tensor in trained.state_dict().items()}, out / "judge/judge.safetensors"
    )
    typer.echo(f"judge, accuracy on its own test: {recipe.judge_report(trained)}")
    tokenizer = AutoTokenizer.from_pretrained(ASSETS / "model")
    backbone = recipe.train_backbone(tokenizer)
    backbone.bfloat16().save_pretrained(out / "backbone")
    tokenizer.save_pretrained(out / "backbone")
    typer.echo(f"backbone, accuracy on turns: {recipe.backbone_report(backbone.float(), tokenizer)}")


@app.command()
def sweep(
    out: Annotated[Path, typer.Option(help="folder for the table of runs; a stopped sweep goes on there")] = ASSETS
    / "sweep",
    workers: Annotated[int, typer.Option(help="processes that train at once, with one thread each")] = 2,
) -> None:
    """Train the larger sweep of small models for the lab on scaling laws (an hour and three quarters on two cores)."""
    from labkit.build.sweep import Recipe, build_sweep, sweep_text

    table = build_sweep(out, sweep_text(), Recipe(), workers, typer.echo)
    typer.echo(f"The table is {table}; write the checksums with 'labkit build checksums'.")


@app.command("bars")
def print_bars(
    model: Annotated[Path, typer.Option(help="folder of the checkpoint to measure")] = ASSETS / "model",
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures and all outputs")] = None,
) -> None:
    """Measure the model on the corpus: the table of the model card (six minutes on two cores)."""
    need_packages()
    import json

    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from labkit.build.bars import measure

    loaded = AutoModelForSeq2SeqLM.from_pretrained(model, dtype="float32")
    found = measure(loaded, AutoTokenizer.from_pretrained(model), log=typer.echo)
    if out:
        out.write_text(json.dumps(found, indent=1), encoding="utf-8")


@app.command()
def checksums() -> None:
    """Write assets/SHA256SUMS, against which every shipped file is checked before it is used."""
    files = sorted(
        path
        for folder in ("corpus", "model", "judge", "backbone", "sweep")
        for path in (ASSETS / folder).iterdir()
        if path.suffix != ".md"
    )
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ASSETS).as_posix()}\n" for path in files
    ]
    (ASSETS / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    typer.echo(f"{len(files)} files")
