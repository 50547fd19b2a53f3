"""The command line: bad input is one sentence and exit status 2, before work starts."""

import json

import pytest
from small_labs import PARAMETERS, write_lab
from typer.testing import CliRunner

from labkit import card, doctor, labs
from labkit.cli import app
from labkit.errors import LabError


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with two tiny labs, as the current directory; nothing that ships is looked for."""
    write_lab(tmp_path / "notebooks", "01_first", "1 + 1")
    write_lab(tmp_path / "notebooks", "02_second", "2 + 2")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(card, "preflight", lambda *_, **__: None)
    return tmp_path


def refused(*arguments):
    """The sentence with which a command line is refused."""
    result = CliRunner().invoke(app, ["run", *arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    return sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["03"], "There is no lab '03'. The labs are: 01_first, 02_second."),
        (["02_secnod"], "did you mean '02_second'?"),
        (["--profile", "bse"], "'base'"),
        (["-p", "tset_size=3"], "Lab 01_first has no parameter 'tset_size' (did you mean 'test_size'?)"),
        (
            ["-p", "test_size=three"],
            "Parameter test_size of lab 01_first takes a whole number such as 200, not 'three'.",
        ),
        (["-p", "test_size=1.5"], "takes a whole number"),
        (["-p", "test_size=true"], "takes a whole number"),
        (["-p", "rate=fast"], "takes a number"),
        (["-p", 'shots=["a"]'], "item 0, takes a whole number"),
        (["-p", "overrides=5"], "takes a dictionary"),
        (["-p", 'overrides={"batch": 5}'], "'batch_size'"),
        (["-p", 'overrides={"batch_size": "x"}'], "batch_size must be a whole number"),
        (["-p", "batch_size=5"], "the profile has such a value: override it with -p overrides='{\"batch_size\": …}'"),
        (["-p", "profile=base"], "--profile"),
        (["-p", "test_size"], "is not name=value"),
        (["-p", "rate=1", "-p", "rate=2"], "given twice"),
        (["--out", "a_file"], "cannot be used"),
        (["--out", "a_file/below"], "cannot be used"),
        (["--out", "taken"], "holds 'notes.txt', which no labkit run wrote"),
        (["--out", "."], "which no labkit run wrote"),
    ],
)
def test_wrong_input_is_refused_before_work_starts(course, arguments, said):
    (course / "a_file").touch()
    (course / "taken").mkdir()
    (course / "taken" / "notes.txt").write_text("mine")
    before = sorted(course.rglob("*"))
    assert said in refused(*arguments)
    assert sorted(course.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "02_second.ipynb is not a notebook: it is not JSON"),
        ("[]", "it has no list of cells"),
        ('{"a": 1}', "no list"),
    ],
)
def test_a_damaged_notebook_is_told_before_the_others_run(course, text, said):
    (course / "notebooks" / "02_second.ipynb").write_text(text)
    assert said in refused()
    assert not (course / "build").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tags": ()}, "no code cell with the tag 'parameters'"),
        ({"parameters": PARAMETERS + "\nlate = print(1)"}, "has the line `late = print(1)` (line 7)"),
        ({"parameters": "test_size = 200"}, "Lab 02_second has no parameter 'profile'"),
        ({"parameters": "test_size = "}, "is not Python (line 1"),
    ],
)
def test_a_lab_without_proper_parameters_is_told(course, changes, said):
    write_lab(course / "notebooks", "02_second", "1", **changes)
    assert said in refused()


def test_labs_come_from_here_else_from_the_checkout(course, monkeypatch):
    monkeypatch.setattr(labs, "__file__", str(course / "labkit" / "labs.py"))
    assert labs.notebooks_folder() == course / "notebooks"
    monkeypatch.chdir(course.parent)
    assert labs.notebooks_folder() == course / "notebooks"
    monkeypatch.setattr(labs, "__file__", str(course / "x" / "labkit" / "labs.py"))
    assert "There is no folder notebooks/" in refused()


def test_a_number_that_two_labs_have_is_told(course):
    write_lab(course / "notebooks", "01_other", "1")
    assert refused("1") == "Lab '1' could be 01_first or 01_other: give the whole name."


def test_a_failed_preflight_is_one_sentence(course, monkeypatch):
    def missing(_profile):
        raise LabError("Something is missing.")

    monkeypatch.setattr(card, "preflight", missing)
    assert refused() == "Something is missing."
    assert not (course / "build").exists()


def test_a_hub_that_cannot_be_reached_is_one_sentence(course, monkeypatch):
    from huggingface_hub import constants

    from labkit import hub

    monkeypatch.undo()
    monkeypatch.chdir(course)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # as HF_ENDPOINT sets it: a closed port
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(card, "_assets", lambda _profile: [])
    monkeypatch.setattr(card, "free_memory_gb", lambda: 100.0)
    hub._listing.cache_clear()
    assert "The Hugging Face hub at http://127.0.0.1:9 cannot be reached" in refused("--profile", "small")
    assert not (course / "build").exists()


def test_labs_run_and_a_failed_one_is_exit_status_1(course):
    write_lab(course / "notebooks", "01_first", "x = 1\nx / 0")
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 1
    assert "cell 3 (In [3]), line 2: ZeroDivisionError: division by zero" in result.stdout
    assert "02_second: passed" in result.stdout and "Traceback" not in result.output
    assert "1 of 2 labs failed: 01_first." in result.stderr
    notebooks = json.loads((course / "build" / "results.json").read_text())["notebooks"]
    assert [entry["status"] for entry in notebooks] == ["failed", "passed"]


def test_help_names_the_commands():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0 and "run" in result.stdout and "doctor" in result.stdout


def test_doctor_says_ok_and_fail(monkeypatch):
    def missing():
        raise LabError("Shipped files: gone.")

    for name in ("_packages", "_memory"):
        monkeypatch.setattr(doctor, name, lambda: "fine")
    monkeypatch.setattr(doctor, "_assets", missing)
    result = CliRunner().invoke(app, ["doctor"])
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert [line for line in lines if line.startswith("[FAIL]")] == ["[FAIL] Shipped files: gone."]
    assert all(line.startswith(("[OK]", "[FAIL]")) for line in lines) and "Kernel: answers" in lines[-1]


def test_doctor_finds_what_a_machine_lacks(monkeypatch):
    monkeypatch.setattr(doctor, "requires", lambda _name: ["typer>=99", "no-such-package-at-all", "rich>=1"])
    with pytest.raises(LabError, match=r"typer .* is not >=99; no-such-package-at-all is missing; run 'pip install"):
        doctor._packages()
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1))
    with pytest.raises(LabError, match=r"needs 3.11 to 3.13"):
        doctor._python()
    monkeypatch.setattr(card, "free_memory_gb", lambda: 0.2)
    with pytest.raises(LabError, match=r"0.2 GB are free"):
        doctor._memory()
