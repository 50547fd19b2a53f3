"""Self-checking exercises: `exercise(…)` under each stub of a lab, `exercise_status()` at its end.

The stub and the reference stand in the notebook. Here: how they are compared (`checking`, `answers`, `limit`), how the
outcome looks (`show`), and for each lab the cases and hints
(`lab01` to `lab05`, with `truncation`, `slips` and `whole_numbers`).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from labkit.errors import LabError
from labkit.exercises import lab01, lab02, lab03, lab04, lab05
from labkit.exercises.checking import Exercise, Status, check
from labkit.exercises.show import show_status, show_verdict
from labkit.profile import nearest

__all__ = ["EXERCISES", "exercise", "exercise_status"]

Function = TypeVar("Function", bound=Callable[..., Any])

EXERCISES: dict[str, Exercise] = {
    each.name: each for lab in (lab01, lab02, lab03, lab04, lab05) for each in lab.EXERCISES
}

_status: dict[str, Status] = {}  # of this session, by the exercise's name


def exercise(name: str, *, learner: Function, solution: Function) -> Function:
    """Check the learner's function, show what came out, and return the function that the lab goes on with.

    That is the learner's if it is right. If it is wrong (a hint says why) or not attempted (it raises
    NotImplementedError), it is the reference, `solution`. Both functions run on copies of the arguments.

    Raises:
        LabError: an unknown name (names the nearest), or a solution that fails, which is a mistake of the lab.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        raise LabError(f"There is no exercise {name!r}{nearest(name, EXERCISES)} Exercises: {', '.join(EXERCISES)}.")
    if not callable(solution):
        raise LabError(
            f"The solution of exercise '{name}' is not a function: run the folded cell of the reference first."
        )
    verdict = check(EXERCISES[name], learner, solution)
    _status[name] = verdict.status
    show_verdict(EXERCISES[name], verdict)
    return learner if verdict.status is Status.RIGHT else solution


def exercise_status() -> None:
    """Show a table of the lab's exercises: right, wrong, or open (also those whose cells were not run).

    Raises:
        LabError: no exercise was checked in this session, so the lab is not known.
    """
    labs = {name.partition(".")[0] for name in _status}
    if not labs:
        raise LabError("No exercise has been checked yet: run the cells with exercise(…) above, then this one.")
    listed = {
        each: _status.get(name, Status.OPEN) for name, each in EXERCISES.items() if name.partition(".")[0] in labs
    }
    show_status(listed)
