import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from labkit import workspace
from labkit.errors import LabError
from labkit.workspace import VERSIONS, sync

NAME, NEW = "01_dialogue_summarization.ipynb", "01_dialogue_summarization.new.ipynb"


@pytest.fixture
def course(tmp_path) -> tuple[Path, Path]:
    """A folder of notebooks with one lab in its first version, and the place of work/, where nothing is yet."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / NAME).write_bytes(b"version 1\r\n")
    return notebooks, tmp_path / "work"


def contents(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in work.iterdir() if path.name != VERSIONS}


def test_labs_are_copied_when_absent(course):
    notebooks, work = course
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: b"version 1\r\n"}
    (notebooks / "02_more.ipynb").write_bytes(b"another lab")
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: b"version 1\r\n", "02_more.ipynb": b"another lab"}


def test_an_edited_copy_stays_and_is_no_news(course):
    notebooks, work = course
    sync(notebooks, work)
    (work / NAME).write_bytes(b"mine")
    (work / "notes.txt").write_bytes(b"mine too")
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: b"mine", "notes.txt": b"mine too"}


@pytest.mark.parametrize("mine", [b"mine", b"version 1\r\n"])
def test_a_new_version_is_put_beside_and_told_once(course, mine):
    notebooks, work = course
    sync(notebooks, work)
    (work / NAME).write_bytes(mine)
    (notebooks / NAME).write_bytes(b"version 2")
    [sentence] = sync(notebooks, work)
    assert "01_dialogue_summarization has changed" in sentence and NEW in sentence and "\n" not in sentence
    assert contents(work) == {NAME: mine, NEW: b"version 2"}
    assert sync(notebooks, work) == []
    (work / NEW).unlink()
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: mine}


def test_a_version_put_beside_may_have_been_edited_too(course):
    notebooks, work = course
    sync(notebooks, work)
    (work / NAME).write_bytes(b"mine")
    for number in (2, 3, 4):
        (notebooks / NAME).write_bytes(b"version %d" % number)
        assert len(sync(notebooks, work)) == 1
        if number == 2:
            (work / NEW).write_bytes(b"mine as well")
    numbered = {NEW.replace("new", "new2"): b"version 3", NEW.replace("new", "new3"): b"version 4"}
    assert contents(work) == {NAME: b"mine", NEW: b"mine as well", **numbered}


def test_taking_the_new_version_is_no_news(course):
    notebooks, work = course
    sync(notebooks, work)
    (work / NAME).write_bytes(b"mine")
    (notebooks / NAME).write_bytes(b"version 2")
    sync(notebooks, work)
    (work / NEW).replace(work / NAME)
    assert sync(notebooks, work) == []
    (work / NAME).unlink()
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: b"version 2"}


def test_a_copy_of_unknown_origin_stays(course):
    notebooks, work = course
    work.mkdir()
    (work / NAME).write_bytes(b"from somewhere")
    assert len(sync(notebooks, work)) == 1
    assert sync(notebooks, work) == []
    assert contents(work) == {NAME: b"from somewhere", NEW: b"version 1\r\n"}


def refusal(notebooks: Path, work: Path) -> str:
    with pytest.raises(LabError) as caught:
        sync(notebooks, work)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_in_the_place_of_work_is_refused(course):
    notebooks, work = course
    work.write_bytes(b"a file")
    assert "is not a folder" in refusal(notebooks, work)
    assert work.read_bytes() == b"a file"


def test_a_folder_in_the_place_of_a_copy_is_refused(course):
    notebooks, work = course
    (work / NAME).mkdir(parents=True)
    assert NAME in refusal(notebooks, work)


@pytest.mark.parametrize("text", ["{", "[]", '{"01": 1}', "\udce9"])
def test_a_damaged_file_of_versions_is_refused(course, text):
    notebooks, work = course
    sync(notebooks, work)
    (work / NAME).write_bytes(b"mine")
    (work / VERSIONS).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert f"{VERSIONS} is damaged" in refusal(notebooks, work)
    assert contents(work) == {NAME: b"mine"}
    (work / VERSIONS).unlink()
    assert len(sync(notebooks, work)) == 1
    assert contents(work) == {NAME: b"mine", NEW: b"version 1\r\n"}


def test_a_folder_that_cannot_be_written_is_refused(course, monkeypatch):
    notebooks, work = course

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert f"{work} cannot be used (Permission denied)" in refusal(notebooks, work)


def test_a_full_disk_leaves_no_half_notebook(course, monkeypatch):
    notebooks, work = course

    class FullDisk:
        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def write(self, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    real = Path.open

    def fake_open(path: Path, mode: str = "r", **options: str):
        if mode != "xb":
            return real(path, mode, **options)
        real(path, mode).close()
        return FullDisk()

    monkeypatch.setattr(Path, "open", fake_open)
    assert "No space left on device" in refusal(notebooks, work)
    assert contents(work) == {}


FAKE_JUPYTERLAB = """
import os, signal, sys, time
print(os.getcwd(), sys.argv[1:], flush=True)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: sys.exit(40 + number))
time.sleep(3 * ("--wait" in sys.argv) * 10)
sys.exit(7)
"""


def start(course: tuple[Path, Path], *arguments: str) -> subprocess.Popen[str]:
    """`labkit lab` in the course's folder, with a JupyterLab of ours that tells where it runs and how it ended."""
    root = course[0].parent
    (root / "jupyterlab.py").write_text(FAKE_JUPYTERLAB)
    code = "import sys; sys.path.append('.'); from labkit.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "lab", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{Path(workspace.__file__).parent.parent}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_command_opens_the_copies_in_jupyterlab(course):
    process = start(course, "--no-browser", "--ip=0.0.0.0")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 7
    assert f"{course[1]} ['--no-browser', '--ip=0.0.0.0']" in output
    assert contents(course[1]) == {NAME: b"version 1\r\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_left_to_jupyterlab(course, number):
    process = start(course, "--wait")
    assert "JupyterLab" in process.stdout.readline()
    assert "--wait" in process.stdout.readline()
    time.sleep(1)
    process.send_signal(number)
    if number == signal.SIGINT:  # from a keyboard it reaches both; sent to the command alone, it has no effect
        time.sleep(1)
        assert process.poll() is None
        process.terminate()
    assert process.wait(timeout=60) == 40 + signal.SIGTERM


def test_a_sentence_and_status_2_for_a_strange_work(course):
    course[1].write_bytes(b"a file")
    process = start(course)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 2 and output == ""


def test_versions_are_kept_in_a_file_that_people_can_read(course):
    notebooks, work = course
    sync(notebooks, work)
    assert list(json.loads((work / VERSIONS).read_text())) == [NAME]
