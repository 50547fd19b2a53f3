"""One notebook through papermill: a named kernel of ours, a time limit for each cell, failures in few lines."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.failure import cell_number, describe_failure, error_text, first_code_line
from labkit.kernel import Interrupted, KernelProcesses, ended_by_signals, kernel_manager_class
from labkit.labs import Lab
from labkit.profile import EMBEDDED, Profile
from labkit.progress import RunProgress

CELL_SECONDS = 600  # time limit of a cell with the embedded profile, whose labs take two to eight minutes as a whole
HUB_CELL_SECONDS = 4 * 3600  # with the others: a download and a large model on a CPU
KERNEL_SECONDS = 120  # until a kernel answers


def execute(
    lab: Lab,
    executed: Path,
    values: Mapping[str, Any],
    *,
    profile: Profile,
    processes: KernelProcesses,
    progress: RunProgress,
) -> str | None:
    """Run the lab's notebook with these parameters and write it to `executed`, also when it fails on the way.

    Returns None when it ran to its end, else the failure in a few lines. Raises Interrupted after a signal.
    The kernel works in the current directory, as with plain papermill, and is offline unless the profile needs the hub.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong, we say ourselves
    current = -1

    def cell_started(cell: Any, cell_index: int) -> None:
        nonlocal current
        current = cell_index
        if "injected-parameters" in cell.metadata.get("tags", []):
            return  # papermill's own cell, which the lab does not have
        code = first_code_line(cell.source) if cell.cell_type == "code" else ""
        progress.cell_started(cell_number(cell_index, lab.parameters_index), code)

    progress.lab_started(lab.name, len(nbformat.read(lab.path, as_version=4).cells))
    offline = {} if profile.needs_hub else {"HF_HUB_OFFLINE": "1"}
    limit = CELL_SECONDS if profile.name == EMBEDDED else HUB_CELL_SECONDS
    try:
        with ended_by_signals(processes):
            papermill.execute_notebook(
                _literal(lab.path),
                _literal(executed),
                dict(values),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                start_timeout=KERNEL_SECONDS,
                execution_timeout=limit,
                kernel_manager_class=kernel_manager_class(processes, offline),
                on_cell_start=cell_started,
            )
    except papermill.PapermillExecutionError as error:
        return describe_failure(error, cell_number(error.cell_index, lab.parameters_index))
    except Interrupted as stopped:
        stopped.where = _note_failure(executed, current, lab, "KeyboardInterrupt: the run was interrupted")
        raise
    except CellTimeoutError:
        reason = f"TimeoutError: the cell ran for more than {limit} seconds"
    except DeadKernelError:
        status = processes.exit_status
        how = f" by signal {-status}, which often means too little memory" if status and status < 0 else ""
        reason = f"DeadKernelError: the kernel's process ended{how}"
    except Exception as error:
        reason = error_text(type(error).__name__, str(error))
    else:
        ended_in = _stopped_early(executed)
        if ended_in is None:
            return None
        current, reason = ended_in, "SystemExit: the cell ended the notebook before its last cell"
    return _note_failure(executed, current, lab, reason)


def _literal(path: Path) -> str:
    """papermill formats its paths: braces in a folder's name must be doubled."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _stopped_early(executed: Path) -> int | None:
    """The cell that left with exit(0): papermill stops there and calls it a success."""
    import nbformat

    for index, cell in enumerate(nbformat.read(executed, as_version=4).cells):
        if cell.metadata.get("papermill", {}).get("exception"):
            return index
    return None


def _note_failure(executed: Path, index: int, lab: Lab, reason: str) -> str:
    """Write a failure that no cell shows into the cell where it happened, and tell it in a few lines."""
    import nbformat

    if index < 0 or not executed.is_file():
        return f"before the first cell: {reason}"
    notebook = nbformat.read(executed, as_version=4)
    cell = notebook.cells[index]
    name, _, message = reason.partition(": ")
    if cell.cell_type == "code":
        cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[reason]))
        nbformat.write(notebook, executed)
    return f"cell {cell_number(index, lab.parameters_index)}: {reason}\n    {first_code_line(cell.source)}"
