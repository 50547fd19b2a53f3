"""The command line: `labkit run`, `labkit lab`, `labkit doctor`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from labkit.build.app import app as build_app
from labkit.errors import LabError
from labkit.profile import EMBEDDED, PROFILES


class SentenceGroup(TyperGroup):
    """A LabError anywhere below ends the command with its sentence on stderr and exit status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=SentenceGroup,
    name="labkit",
    help="Run the course's labs and look after them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    labs: Annotated[list[str] | None, typer.Argument(help="Numbers ('01', '1') or names; all labs when none.")] = None,
    profile: Annotated[str, typer.Option(help=f"What to run on: {', '.join(PROFILES)}.")] = EMBEDDED,
    out: Annotated[Path, typer.Option(help="Folder for notebooks, pages and results.json.")] = Path("build"),
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A lab's parameter; may be repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Skip labs that passed before and did not change.")] = False,
) -> None:
    """Run labs from end to end; exit status 1 when one failed, 2 when the input is wrong."""
    from labkit.kernel import Interrupted
    from labkit.runner import run as run_labs

    given = _pairs(parameter or [])
    try:
        entries = run_labs(labs or (), profile=profile, out=out, parameters=given, resume=resume)
    except Interrupted as stopped:
        typer.echo("Stopped. The labs that had finished are kept; --resume goes on after them.", err=True)
        raise typer.Exit(128 + stopped.signum) from None
    failed = [entry["name"] for entry in entries if entry["status"] == "failed"]
    typer.echo(f"Results: {out / 'index.html'}")
    if failed:
        typer.echo(f"{len(failed)} of {len(entries)} labs failed: {', '.join(failed)}.", err=True)
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open your own copy of the labs, in work/, in JupyterLab, which gets any further options."""
    from labkit.workspace import open_lab

    raise typer.Exit(open_lab(context.args))


@app.command()
def doctor() -> None:
    """Tell whether this machine can run the course: a line for each thing that it needs."""
    from labkit.doctor import examine

    found = examine()
    for fine, line in found:
        typer.echo(f"{'[OK]  ' if fine else '[FAIL]'} {line}")
    if not all(fine for fine, _ in found):
        raise typer.Exit(1)


def _pairs(texts: list[str]) -> dict[str, str]:
    """`name=value` texts as a dictionary."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise LabError(f"'-p {text}' is not name=value: write it as in -p max_shots=3.")
        if name.strip() in pairs:
            raise LabError(f"The parameter '{name.strip()}' is given twice: give each of them once.")
        pairs[name.strip()] = value
    return pairs


app.add_typer(build_app, name="build")


if __name__ == "__main__":
    app()
