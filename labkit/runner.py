"""The strict notebook runner: papermill, with everything checked before work starts and nothing left after it ends.

A lab passes when it runs to its end without an error. Whether its records are as expected is told beside them, on the
page and by `labkit.expected.compare`, and does not change its status.

`--resume` skips a lab that passed with the same profile, parameters and notebook. Its entry then says 'skipped' and
keeps the records, time and memory of the run that passed.
"""

import hashlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.execution import execute
from labkit.expected import Expected, read_expected
from labkit.kernel import Interrupted, KernelProcesses
from labkit.labs import Lab, find_labs, fit_parameters, notebooks_folder
from labkit.outputs import INDEX, RESULTS, OutputFolder, open_output
from labkit.profile import EMBEDDED, Profile
from labkit.profile import profile as make_profile
from labkit.progress import RunProgress
from labkit.record import read_records
from labkit.report import failures, write_index, write_page

DEFAULT_OUT = Path("build")
PACKAGES = ("torch", "transformers", "datasets", "evaluate", "peft", "trl", "papermill", "labkit")


@dataclass(frozen=True)
class Plan:
    """A run whose every input was checked: the labs with the values that go into each, and where results go."""

    labs: Sequence[Lab]
    values: Mapping[str, dict[str, Any]]  # lab name -> the parameters that are passed to it
    profile: Profile
    output: OutputFolder
    expected: Mapping[str, Expected]  # lab number -> what its records must be


def run(
    labs: Sequence[str] = (),
    *,
    profile: str = EMBEDDED,
    out: Path = DEFAULT_OUT,
    parameters: Mapping[str, Any] | None = None,
    resume: bool = False,
    folder: Path | None = None,
    progress: RunProgress | None = None,
) -> list[dict[str, Any]]:
    """Run labs one after another (all when none is named), and return their entries of `results.json`.

    `parameters` go to each of the labs; texts are read as the type of the lab's default. `folder` holds the notebooks;
    without it, it is `notebooks/` of the current directory or of the course's checkout.

    Raises LabError before work starts for anything that is wrong with these, and for what `labkit.card.preflight`
    finds missing; a lab that fails raises nothing, its entry says so. Raises Interrupted after a signal.
    """
    plan = check(labs, profile=profile, out=out, parameters=parameters or {}, folder=folder or notebooks_folder())
    environment = describe_environment(plan.profile)
    entries = []
    with progress or RunProgress() as shown:
        for lab in plan.labs:
            try:
                entry = _skipped(plan, lab) if resume else None
                if entry is None:
                    entry = _run_lab(plan, lab, shown)
            except _InterruptedLab as stopped:
                _keep(plan, environment, stopped.entry)
                raise Interrupted(stopped.signum) from None
            _keep(plan, environment, entry)
            shown.lab_ended(entry)
            for sentence in failures(entry, plan.output, plan.expected.get(lab.number)).values():
                shown.say(f"  not as expected: {sentence}")
            entries.append(entry)
    return entries


def check(wanted: Sequence[str], *, profile: str, out: Path, parameters: Mapping[str, Any], folder: Path) -> Plan:
    """Everything that can be wrong with a run, before it starts; LabError says what, and then nothing was changed."""
    labs = find_labs(wanted, folder)
    if "profile" in parameters:
        raise LabError("The profile is chosen with --profile, not with -p profile=….")
    make_profile(profile)
    known = [field.name for field in fields(Profile)]
    values = {lab.name: fit_parameters(lab, {"profile": profile, **parameters}, known) for lab in labs}
    chosen = [make_profile(profile, **_overrides(lab, values[lab.name])) for lab in labs]
    expected = {
        path.stem: read_expected(path) for path in sorted((folder.parent / "tests" / "expected").glob("*.json"))
    }
    from labkit import card

    for each in dict.fromkeys(chosen):
        card.preflight(each)
    return Plan(labs, values, chosen[0], open_output(out, profile), expected)


def _overrides(lab: Lab, values: Mapping[str, Any]) -> dict[str, Any]:
    overrides: dict[str, Any] = values.get("overrides", lab.parameters.get("overrides", {}))
    return overrides


def describe_environment(profile: Profile) -> dict[str, Any]:
    """What the numbers of a run depend on: versions, cores that this process may use, and the device."""
    from labkit.models import choose_device

    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"versions": versions, "cores": cores(), "device": choose_device(profile).name}


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _InterruptedLab(BaseException):
    """A lab ended by a signal, with the entry that says so."""

    def __init__(self, entry: dict[str, Any], signum: int) -> None:
        super().__init__(entry, signum)
        self.entry, self.signum = entry, signum


def _keep(plan: Plan, environment: Mapping[str, Any], entry: dict[str, Any]) -> None:
    """Write the entry into `results.json`, and the page anew."""
    plan.output.claim([RESULTS, INDEX])
    plan.output.merge(plan.profile.name, environment, entry)
    write_index(plan.output, plan.expected)


def _skipped(plan: Plan, lab: Lab) -> dict[str, Any] | None:
    """The entry of a lab that need not run again, None for one that must."""
    entry = plan.output.entry(lab.name)
    same = plan.output.runs.get(lab.name) == _identity(plan, lab)
    complete = all((plan.output.path / f"{lab.name}{kind}").is_file() for kind in (".ipynb", ".html"))
    return {**entry, "status": "skipped"} if entry and same and complete else None


def _identity(plan: Plan, lab: Lab) -> dict[str, Any]:
    """What a result depends on; `changed` are the parameters with another value than the notebook's."""
    values = plan.values[lab.name]
    changed = {key: value for key, value in values.items() if key != "profile" and value != lab.parameters[key]}
    return {"notebook": hashlib.sha256(lab.path.read_bytes()).hexdigest(), "changed": changed, "passed": True}


def _run_lab(plan: Plan, lab: Lab, progress: RunProgress) -> dict[str, Any]:
    """Execute one lab; its notebook and page are written whether it passes or not."""
    output = plan.output
    executed, page = output.path / f"{lab.name}.ipynb", output.path / f"{lab.name}.html"
    output.drop(lab.name)
    for path in (executed, page):
        output.remove(path.name)
    output.claim([executed.name, page.name])
    identity = _identity(plan, lab)
    processes = KernelProcesses()
    started = time.monotonic()
    signum = None
    try:
        error = execute(
            lab, executed, plan.values[lab.name], profile=plan.profile, processes=processes, progress=progress
        )
    except Interrupted as interrupted:
        signum, error = interrupted.signum, interrupted.where
    seconds = time.monotonic() - started
    records, error = _records_of(executed, error)
    if executed.is_file() and signum is None:
        write_page(executed, page, images=lab.path.parent)
    entry = {
        "name": lab.name,
        "status": "failed" if error else "passed",
        "seconds": round(seconds, 2),
        "peak_memory_mb": round(processes.peak_memory / 1e6, 1),
        "records": records,
        "error": error,
    }
    if signum is not None:
        raise _InterruptedLab(entry, signum)
    output.runs[lab.name] = {**identity, "passed": not error}
    output.write_manifest()
    return entry


def _records_of(executed: Path, error: str | None) -> tuple[dict[str, Any], str | None]:
    try:
        return (dict(read_records(executed)) if executed.is_file() else {}), error
    except LabError as problem:
        return {}, error or str(problem)
