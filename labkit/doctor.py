"""`labkit doctor`: whether this machine can run the course, a line for each thing that it needs."""

import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

from labkit.errors import LabError
from labkit.runner import cores

PYTHONS = ((3, 11), (3, 13))  # first and last version that the course supports
INSTALL = "run 'pip install -e .' in the course's folder"


def examine() -> list[tuple[bool, str]]:
    """Look at Python, packages, cores, memory, shipped files and the kernel: (fine, line) for each."""
    return [_outcome(check) for check in (_python, _packages, _cores, _memory, _assets, _kernel)]


def _outcome(check: Callable[[], str]) -> tuple[bool, str]:
    """A check returns what it found, or raises LabError with what is wrong."""
    try:
        return True, check()
    except LabError as error:
        return False, str(error)


def _python() -> str:
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        first, last = (".".join(map(str, each)) for each in PYTHONS)
        raise LabError(f"Python {platform.python_version()}: the course needs {first} to {last}; install one of these.")
    return f"Python {platform.python_version()}"


def _packages() -> str:
    """Every package that labkit requires, in a version that it allows."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in requires("labkit") or []]
    except PackageNotFoundError:
        raise LabError(f"Packages: labkit itself is not installed; {INSTALL}.") from None
    found, wrong = [], []
    for requirement in wanted:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            number = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} is missing")
            continue
        found.append(f"{requirement.name} {number}")
        if not requirement.specifier.contains(number, prereleases=True):
            wrong.append(f"{requirement.name} {number} is not {requirement.specifier}")
    if wrong:
        raise LabError(f"Packages: {'; '.join(wrong)}; {INSTALL}.")
    return f"Packages: {', '.join(found)}"


def _cores() -> str:
    count = cores()
    return f"{count} CPU cores" if count > 1 else "1 CPU core: the labs take about twice the time that they say"


def _memory() -> str:
    from labkit.card import free_memory_gb
    from labkit.profile import profile

    free, needed = free_memory_gb(), profile().memory_gb
    if free < needed:
        raise LabError(f"Memory: {free:.1f} GB are free and the labs need {needed:g} GB; close other programs.")
    return f"Memory: {free:.1f} GB are free, the labs need {needed:g} GB"


def _assets() -> str:
    from labkit import assets

    sums = assets.ROOT / assets.SUMS
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
    names = [line.split()[-1].lstrip("*") for line in lines] or ["model"]  # asking for it tells what is missing
    for name in names:
        assets.asset(name)
    return f"Shipped files: {len(names)}, all as their checksums say"


def _kernel() -> str:
    from labkit.kernel import check_kernel

    try:
        seconds = check_kernel()
    except Exception as error:
        raise LabError(f"Kernel: it does not start ({type(error).__name__}: {error}); {INSTALL}.") from None
    return f"Kernel: answers after {seconds:.1f} s"
