"""Running tiny labs for real: results, failures, time limits, signals, and what stays behind (nothing)."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid

import nbformat
import psutil
import pytest
from small_labs import write_lab

from labkit import card, execution
from labkit.errors import LabError
from labkit.record import read_records
from labkit.runner import run

RECORD = "from labkit import record\nrecord(size=test_size, rate=rate, shots=shots)"


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """The folder for a test's notebooks; results go to `build` beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(card, "preflight", lambda *_, **__: None)
    return tmp_path / "notebooks"


def results(labs):
    return json.loads((labs.parent / "build" / "results.json").read_text())


def sleeping(argument):
    """Processes that sleep for so many seconds, of which a test chose a number that nobody else uses."""
    return [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", argument]]


def test_a_lab_leaves_notebook_page_and_entry(labs):
    write_lab(labs, "01_lab", RECORD)
    (entry,) = run(parameters={"test_size": "3", "rate": "1", "shots": "[0, 2]"})
    assert entry["records"] == {"size": 3, "rate": 1.0, "shots": [0, 2]}
    found = results(labs)
    assert set(found) == {"profile", "environment", "notebooks"} and found["notebooks"] == [entry]
    assert set(found["environment"]) == {"versions", "cores", "device"}
    assert set(entry) == {"name", "status", "seconds", "peak_memory_mb", "records", "error"}
    assert entry["name"] == "01_lab" and entry["status"] == "passed" and entry["error"] is None
    assert 0 < entry["seconds"] < 60 and 20 < entry["peak_memory_mb"] < 2000
    files = {path.name for path in (labs.parent / "build").iterdir()}
    assert files == {"01_lab.ipynb", "01_lab.html", "results.json", "index.html", ".labkit-run.json"}
    assert read_records(labs.parent / "build" / "01_lab.ipynb") == entry["records"]


def test_plain_papermill_gives_the_same_records(labs):
    path = write_lab(labs, "01_lab", RECORD)
    (entry,) = run()
    command = [sys.executable, "-m", "papermill", str(path), "out.ipynb", "-p", "profile", "embedded"]
    subprocess.run(command, check=True, capture_output=True)
    assert read_records("out.ipynb") == entry["records"]


def test_results_are_merged_lab_by_lab(labs):
    write_lab(labs, "01_lab", "1")
    write_lab(labs, "02_lab", "2")
    run(["2"])
    (kept,) = results(labs)["notebooks"]
    run(["01"])
    assert [entry["name"] for entry in results(labs)["notebooks"]] == ["01_lab", "02_lab"]
    assert results(labs)["notebooks"][1] == kept


def test_resume_runs_what_failed_or_changed(labs):
    write_lab(labs, "01_lab", RECORD)
    write_lab(labs, "02_lab", "1 / 0")
    first, failed = run()
    assert (first["status"], failed["status"]) == ("passed", "failed")
    write_lab(labs, "02_lab", "1 / 1")
    again, mended = run(resume=True)
    assert again == {**first, "status": "skipped"} and mended["status"] == "passed"
    assert [entry["status"] for entry in run(resume=True)] == ["skipped", "skipped"]
    assert [entry["status"] for entry in run(["1"], resume=True, parameters={"rate": 0.7})] == ["passed"]
    assert [entry["status"] for entry in run(["1"], resume=True)] == ["passed"]


def test_the_folder_is_not_shared_with_others_or_another_profile(labs, monkeypatch):
    write_lab(labs, "01_lab", "1")
    run()
    with pytest.raises(LabError, match="holds results of profile 'embedded', not 'small'.*--out build-small"):
        run(profile="small")
    (labs.parent / "build" / "notes.txt").write_text("mine")
    with pytest.raises(LabError, match="'notes.txt', which no labkit run wrote"):
        run()
    (labs.parent / "build" / "notes.txt").unlink()
    (labs.parent / "build" / "results.json").write_text("{")
    with pytest.raises(LabError, match="damaged"):
        run()
    assert (labs.parent / "build" / "results.json").read_text() == "{"


def test_what_a_kernel_is_given(labs, monkeypatch):
    """Our interpreter, whatever is registered as python3; offline; a folder with braces in its name."""
    kernels = labs.parent / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(json.dumps({"argv": ["/nowhere"], "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(labs.parent / "jupyter"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    code = "import os, sys\nfrom labkit import record\nrecord(python=sys.executable, off=os.environ['HF_HUB_OFFLINE'])"
    write_lab(labs, "01_lab", code)
    (entry,) = run(out=labs.parent / "{out}")
    assert entry["records"] == {"python": sys.executable, "off": "1"}


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            ["x = 1", "y = 2\n\nz = x / 0"],
            ["cell 4 (In [4]), line 3: ZeroDivisionError: division by zero", "    z = x / 0"],
        ),
        (
            ["import json\njson.loads('{')"],
            ["cell 3 (In [3]), line 2: JSONDecodeError", "    json.loads('{')", "raised in json/decoder.py, line"],
        ),
        (["x = 1\nfor in"], ["cell 3 (In [3]), line 2: SyntaxError", "    for in"]),
        (
            ["# why\nfrom labkit import LabError; raise LabError('A sentence.')"],
            ["LabError: A sentence.", "    from lab"],
        ),
        (["raise ValueError('\\n'.join('abcdefgh'))"], ["ValueError: a", "    c", "    …"]),
        (["raise SystemExit(0)", "1"], ["cell 3: SystemExit: the cell ended the notebook", "    raise SystemExit(0)"]),
        (["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"], ["cell 3: DeadKernelError", "by signal 9"]),
        ([RECORD, RECORD], ["'rate' is recorded twice, in cell 4 and in cell 5"]),
    ],
)
def test_a_failure_is_told_in_a_few_lines(labs, cells, said):
    write_lab(labs, "01_lab", *cells)
    (entry,) = run()
    assert entry["status"] == "failed" and len(entry["error"].splitlines()) <= 7
    for text in said:
        assert text in entry["error"]
    assert (labs.parent / "build" / "01_lab.html").is_file()


def test_a_failed_lab_keeps_what_it_recorded(labs):
    write_lab(labs, "01_lab", RECORD, "1 / 0")
    (entry,) = run()
    assert entry["records"]["size"] == 200
    outputs = [output for cell in nbformat.read("build/01_lab.ipynb", 4).cells for output in cell.get("outputs", [])]
    assert any(output.output_type == "error" for output in outputs)


def test_the_time_limit_of_a_cell(labs, monkeypatch):
    monkeypatch.setattr(execution, "CELL_SECONDS", 1)
    write_lab(labs, "01_lab", "import time\ntime.sleep(100)")
    write_lab(labs, "02_lab", "1")
    started = time.monotonic()
    slow, quick = run()
    assert "cell 3: TimeoutError: the cell ran for more than 1 seconds" in slow["error"]
    assert quick["status"] == "passed" and time.monotonic() - started < 95
    assert "TimeoutError" in (labs.parent / "build" / "01_lab.html").read_text()


def seconds_to_sleep():
    return str(100_000 + uuid.uuid4().int % 900_000)


@pytest.mark.skipif(sys.platform == "win32", reason="sleep is a command of Unix")
def test_children_end_with_the_run_wherever_they_went(labs):
    child, orphan = seconds_to_sleep(), seconds_to_sleep()
    code = f"""
    import os, subprocess
    subprocess.Popen(['sleep', '{child}'], start_new_session=True)
    if os.fork() == 0:  # a daemon: no parent that we know, a session of its own
        os.setsid()
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', '{orphan}'])
        os._exit(0)
    """
    write_lab(labs, "01_lab", textwrap.dedent(code))
    (entry,) = run()
    assert entry["status"] == "passed"
    assert not sleeping(child) and not sleeping(orphan)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_kernel_and_children(labs, name):
    child = seconds_to_sleep()
    write_lab(labs, "01_lab", "1")
    write_lab(labs, "02_lab", f"import subprocess, time\nsubprocess.run(['sleep', '{child}'])")
    program = "from labkit import card\ncard.preflight = lambda *_: None\nfrom labkit.cli import app\napp(['run'])"
    command = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 300  # a busy machine starts kernels slowly
        while not sleeping(child) and time.monotonic() < deadline:
            time.sleep(0.1)
        kernel = psutil.Process(command.pid).children()
        os.kill(command.pid, getattr(signal, name))
        _, said = command.communicate(timeout=120)
    finally:
        command.kill()
    assert command.returncode == 128 + getattr(signal, name)
    assert said.startswith("Stopped.") and len(said.splitlines()) == 1
    assert kernel and not sleeping(child) and not any(each.is_running() for each in kernel)
    passed, stopped = results(labs)["notebooks"]
    assert passed["status"] == "passed" and "cell 3: KeyboardInterrupt" in stopped["error"]


def test_peak_memory_counts_children(labs):
    child = "import time; x = b'1' * 150_000_000; time.sleep(1)"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    write_lab(labs, "01_lab", code)
    (entry,) = run()
    assert entry["peak_memory_mb"] > 190


def test_records_out_of_expectation_are_said_and_do_not_fail_the_lab(labs, capsys):
    write_lab(labs, "01_lab", RECORD)
    entry = {"at_least": 0.8, "value": 0.9, "no_effect": 0.1, "reason": "a claim"}
    folder = labs.parent / "tests" / "expected"
    folder.mkdir(parents=True)
    free = {"size": "a parameter", "shots": "a parameter"}
    (folder / "01.json").write_text(json.dumps({"records": {"rate": entry}, "free": free}))
    (lab,) = run()
    assert lab["status"] == "passed"
    assert "not as expected: rate is 0.5: expected at least 0.8 (without the effect: 0.1)" in capsys.readouterr().out
    assert "1 not as expected" in (labs.parent / "build" / "index.html").read_text()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not tell which pages are shared")
def test_peak_memory_counts_what_processes_share_once(labs):
    code = "import os, time\nx = b'1' * 150_000_000\nif not os.fork():\n    time.sleep(1)\n    os._exit(0)\nos.wait()"
    write_lab(labs, "01_lab", code)
    (entry,) = run()
    assert 190 < entry["peak_memory_mb"] < 300
