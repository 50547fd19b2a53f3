"""The files around the package: what is installed, how `make` installs it, and that the documents tell the truth."""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from labkit import doctor

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(text) for text in texts] for name, texts in PROJECT["optional-dependencies"].items()}
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "labkit/corpus/scripts/README.md")


def names(requirements: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


@pytest.mark.parametrize("requirement", [*DEPENDENCIES, *EXTRAS["test"], *EXTRAS["build"]], ids=str)
def test_every_version_has_a_lower_and_an_upper_bound(requirement):
    if requirement.name != "labkit":
        assert sorted(each.operator for each in requirement.specifier) == ["<", ">="]


def test_constraints_pin_required_packages_within_their_bounds():
    pins = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
    assert pins
    for pin in pins:
        [exact] = pin.specifier
        assert exact.operator == "=="
        [bounds] = [each.specifier for each in DEPENDENCIES if each.name == pin.name]
        assert bounds.contains(exact.version)


def test_conda_gets_its_versions_from_the_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    *packages, pip = environment["dependencies"]
    assert pip == {"pip": ["-e ."]}
    versions = dict(package.partition("=")[::2] for package in packages)
    assert versions.pop("python") in SpecifierSet(PROJECT["requires-python"])
    assert versions == {"pip": ""}


def test_python_versions_agree():
    first, last = doctor.PYTHONS
    after = (last[0], last[1] + 1)
    assert PROJECT["requires-python"] == f">={first[0]}.{first[1]},<{after[0]}.{after[1]}"
    assert f"not {first} <= sys.version_info[:2] <= {last}" in (ROOT / "Makefile").read_text()


def imported(folder: str) -> set[str]:
    """Packages that code of the folder imports, at its top or within functions, by the names they install under."""
    modules: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add((node.module or "").partition(".")[0])
    modules -= {"labkit", *sys.stdlib_module_names, *(path.stem for path in (ROOT / folder).glob("*.py"))}
    known = packages_distributions()
    return {canonicalize_name(known[module][0] if module in known else module) for module in modules}


def test_what_is_imported_is_required():
    assert imported("labkit") <= names([*DEPENDENCIES, *EXTRAS["build"]])
    assert imported("tests") <= names([*DEPENDENCIES, *EXTRAS["test"], *EXTRAS["build"]])


def test_the_command_is_there():
    module, _, attribute = PROJECT["scripts"]["labkit"].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_a_wheel_holds_the_package_with_its_data(tmp_path):
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "labkit", tmp_path / "labkit", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-CONTENT"):
        shutil.copy(ROOT / name, tmp_path)
    code = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, timeout=600)
    [wheel] = (tmp_path / "dist").glob("labkit-*-py3-none-any.whl")
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("labkit/")}
    wanted = [path for path in (tmp_path / "labkit").rglob("*") if path.is_file() and path.suffix != ".md"]
    wanted += (tmp_path / "labkit/assets").rglob("*.md")
    assert {path.relative_to(tmp_path).as_posix() for path in wanted if path.is_file()} <= inside
    assert not (tmp_path / "build").exists()  # `labkit run` would refuse to write there


def test_continuous_integration_runs_the_tests_and_nothing_else():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"@[A-Z]+@", text)  # numbers that are still to be filled in
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith(("https://", "#")):
            assert (ROOT / name).parent.joinpath(target.partition("#")[0]).exists(), target
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([\w-]+)", text, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    from labkit.cli import app

    commands = {each.name or each.callback.__name__ for each in app.registered_commands}
    commands |= {each.name for each in app.registered_groups}
    assert set(re.findall(r"(?:^|`|/|\\)labkit ([a-z]+)", text, flags=re.MULTILINE)) <= commands


def test_the_readme_lists_the_labs_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    labs = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(re.findall(r"notebooks/([\w.]+\.ipynb)", text)) == labs
    assert set(re.findall(r"\bLab (\d\d)\b", text)) <= {name[:2] for name in labs}


# `make`, with stand-ins for Python and pip that write down what is asked of them

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    "-c "*) exit {fits} ;;
    "-m venv"*) echo "$0 $*" >> log; mkdir -p .venv/bin; cp "$0" .venv/bin/python
        echo "command = $0 -m venv --clear $PWD/.venv" > .venv/pyvenv.cfg ;;
    "-m pip --version") ;;
    *) echo "$*" >> log; test ! -e broken ;;
esac
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder with the Makefile and, in bin/, a python3.12 that fits and a python3.13 that does not."""
    assert shutil.which("make"), "the Makefile's tests need make"
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1e9, 1e9))
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "rm", "mkdir", "cp", "touch", "test", "echo", "grep"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    for name, fits in (("python3.12", 0), ("python3.13", 1)):
        python = tmp_path / "bin" / name
        python.write_text(FAKE_PYTHON.format(fits=fits))
        python.chmod(0o755)
    return tmp_path


def make(checkout: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Exit status, the commands that ran, and what was written to stderr."""
    log = checkout / "log"
    log.unlink(missing_ok=True)
    environment = {"PATH": str(checkout / "bin"), "LC_ALL": "C"}
    result = subprocess.run(
        [shutil.which("make") or "", *arguments], cwd=checkout, env=environment, capture_output=True, text=True
    )
    return result.returncode, log.read_text().splitlines() if log.exists() else [], result.stderr


VENV = "bin/python3.12 -m venv --clear .venv"
INSTALL = "-m pip install -c constraints.txt -e .[test]"


def test_make_installs_once_and_again_when_the_requirements_changed(checkout):
    status, commands, _ = make(checkout, "bench")
    assert status == 0
    assert commands == [f"{checkout}/{VENV}", INSTALL, "-m labkit.bench"]
    assert make(checkout, "bench")[1] == ["-m labkit.bench"]
    for name in ("pyproject.toml", "constraints.txt"):
        (checkout / name).touch()
        os.utime(checkout / ".venv/installed", (1e9 + 1, 1e9 + 1))
        assert make(checkout, "bench")[1] == [INSTALL, "-m labkit.bench"]
        assert make(checkout, "bench")[1] == ["-m labkit.bench"]


def test_an_install_that_failed_is_tried_again(checkout):
    (checkout / "broken").touch()
    status, commands, _ = make(checkout, "test")
    assert status != 0 and commands == [f"{checkout}/{VENV}", INSTALL]
    assert make(checkout, "test")[1] == [INSTALL]
    (checkout / "broken").unlink()
    assert make(checkout, "test")[1] == [INSTALL, "-m pytest"]


def test_a_course_that_was_moved_gets_its_environment_anew(checkout, tmp_path_factory):
    make(checkout, "bench")
    moved = tmp_path_factory.mktemp("moved") / "a course"
    shutil.copytree(checkout, moved, symlinks=True)
    assert make(moved, "bench")[1] == [f"{moved}/{VENV}", INSTALL, "-m labkit.bench"]
    assert make(moved, "bench")[1] == make(checkout, "bench")[1] == ["-m labkit.bench"]


def test_a_python_that_does_not_fit_is_refused(checkout):
    status, commands, message = make(checkout, "run", "PYTHON=python3.13")
    assert status == 2 and commands == []
    assert "No Python 3.11 to 3.13 with venv among: python3.13." in message
    assert "make run PYTHON=" in message
    (checkout / "bin/python3.12").unlink()
    status, commands, message = make(checkout, "test")
    assert status == 2 and commands == []
    assert "among: python3.13 python3.12 python3.11 python3 python." in message
    assert not (checkout / ".venv").exists()


def test_make_hands_on_what_it_is_given(checkout):
    make(checkout, "bench")
    labkit = checkout / ".venv/bin/labkit"
    labkit.write_text('#!/bin/sh\necho "$*" >> log\n')
    labkit.chmod(0o755)
    assert make(checkout, "run")[1] == ["run"]
    assert make(checkout, "run", "LAB=01", "ARGS=--profile base")[1] == ["run 01 --profile base"]
    assert make(checkout, "lab", "ARGS=--no-browser")[1] == ["lab --no-browser"]
    assert make(checkout, "test-slow", "ARGS=-x")[1] == ["-m pytest -m slow -x"]
