"""Checks a learner's function against the reference, case by case; the first case it gets wrong gives the hint."""

import copy
import inspect
import linecache
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from labkit.errors import LabError
from labkit.exercises.answers import Kind, shown, unchanged
from labkit.exercises.limit import OutOfTime, within

TIME_LIMIT = 5.0  # seconds a call may take; the references need milliseconds


@dataclass(frozen=True, eq=False)
class Case:
    """Arguments that a function is called with, and what a wrong answer to them means.

    `slips` maps wrong answers to the hint for the mistake that gives them; `hint` is for any other wrong answer.
    """

    arguments: tuple[Any, ...]
    hint: str = ""
    slips: Mapping[Any, str] = field(default_factory=dict)


def plainly(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call the function with a case's arguments as they stand."""
    return function(*arguments)


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise's cases. Its expected values come from the reference in the notebook, which is the only copy.

    `diagnose(case, got, expected)` names the mistake behind a wrong answer where it recognises one. `got` is the plain
    value of that answer, or the Exception that the function raised. `call` hands a case's arguments to the function,
    where they need another form (a list that is to arrive as a tensor) or its answer has to be looked into.
    """

    name: str
    title: str
    kind: Kind
    cases: tuple[Case, ...]
    diagnose: Callable[[Case, Any, Any], str | None]
    call: Callable[[Callable[..., Any], tuple[Any, ...]], Any] = plainly


class Status(Enum):
    """How an exercise stands."""

    RIGHT = "right"
    WRONG = "wrong"
    OPEN = "open"


@dataclass(frozen=True)
class Verdict:
    """What came out of a check: the sentence for the learner and, for a wrong answer, the case that showed it."""

    status: Status
    message: str
    case: Mapping[str, str] = field(default_factory=dict)  # what is shown of it: the call, the answer, the expected one


@dataclass(frozen=True)
class _Attempt:
    """One call: a plain value, or a sentence without its subject that says why there is none."""

    value: Any = None
    sentence: str = ""
    error: BaseException | None = None
    hint_helps: bool = False  # whether the case's own hint may explain why there is no value


def check(exercise: Exercise, learner: Callable[..., Any], solution: Callable[..., Any]) -> Verdict:
    """Run both functions on copies of every case's arguments, up to the first case that the learner's gets wrong.

    Raises:
        LabError: the solution fails on a case, which is a mistake of the lab. KeyboardInterrupt passes.
    """
    if not callable(learner):
        kind = type(learner).__name__
        return Verdict(
            Status.WRONG,
            f"`learner=` is of type {kind}, not a function: hand over the function itself, without calling it.",
        )
    for case in exercise.cases:
        reference = _call(exercise, case, solution)
        if reference.sentence:
            raise LabError(
                f"The reference solution of exercise '{exercise.name}' {reference.sentence} "
                f"It was called as {_call_shown(solution, case)}. "
                "This is a mistake of the lab, not yours: please report it."
            ) from reference.error
        attempt = _call(exercise, case, learner)
        if isinstance(attempt.error, NotImplementedError) and case is exercise.cases[0]:
            return Verdict(Status.OPEN, "Write the function in place of `raise NotImplementedError`.")
        if attempt.sentence or not exercise.kind.same(attempt.value, reference.value):
            return _wrong(exercise, case, attempt, reference.value, _call_shown(learner, case))
    return Verdict(Status.RIGHT, f"All {len(exercise.cases)} cases agree with the reference.")


def _call(exercise: Exercise, case: Case, function: Callable[..., Any]) -> _Attempt:
    """Call the function on copies; whatever it does, except for KeyboardInterrupt and the like, ends as an attempt."""
    arguments = copy.deepcopy(case.arguments)

    def answer() -> tuple[type, Any]:
        returned = exercise.call(function, arguments)
        return type(returned), exercise.kind.read(returned)

    try:
        returned_type, value = within(TIME_LIMIT, answer)
    except OutOfTime:
        return _Attempt(
            sentence=f"was stopped after {TIME_LIMIT:g} s: look for a loop whose condition never becomes false."
        )
    except SystemExit as error:
        return _Attempt(sentence="ends the program (`exit` or `sys.exit`): return the answer instead.", error=error)
    except Exception as error:
        return _Attempt(sentence=f"raises {_error_shown(error, function)}.", error=error, hint_helps=True)
    if returned_type is type(None):
        return _Attempt(sentence="returns None: every path through it needs a `return`.", hint_helps=True)
    if value is None:
        return _Attempt(
            sentence=f"returns something of type {returned_type.__name__}, but {exercise.kind.noun} is wanted."
        )
    for number, (now, before) in enumerate(zip(arguments, case.arguments, strict=True), start=1):
        if not unchanged(now, before):
            return _Attempt(
                sentence=f"changes its input (argument {number}, of type {type(before).__name__}): "
                "the caller still needs that, so work on a copy."
            )
    return _Attempt(value)


def _wrong(exercise: Exercise, case: Case, attempt: _Attempt, expected: Any, call: str) -> Verdict:
    called = {"called as": call}
    if not attempt.sentence:
        rows = {**called, "your answer": shown(attempt.value), "expected": shown(expected)}
        hint = (
            next((hint for slip, hint in case.slips.items() if exercise.kind.same(attempt.value, slip)), None)
            or exercise.diagnose(case, attempt.value, expected)
            or case.hint
            or "The answer differs from the expected one."
        )
        return Verdict(Status.WRONG, hint, rows)
    hint = ""
    if attempt.hint_helps:
        hint = (exercise.diagnose(case, attempt.error, expected) if attempt.error else None) or case.hint
    return Verdict(
        Status.WRONG, f"Your function {attempt.sentence} {hint}".rstrip(), {**called, "expected": shown(expected)}
    )


def _call_shown(function: Callable[..., Any], case: Case) -> str:
    name = function.__name__ if inspect.isfunction(function) else "function"
    return f"{name}({', '.join(shown(argument, 80) for argument in case.arguments)})"


def _error_shown(error: Exception, function: Callable[..., Any]) -> str:
    """The error in one line, and the line of the learner's own code that it came from."""
    lines = traceback.format_exception_only(type(error), error)  # copes with a __str__ that fails
    text = " ".join(" ".join(lines).split()).encode("utf-8", "backslashreplace").decode()
    if len(text) > 200:
        text = f"{text[:200]} …"
    file = function.__code__.co_filename if inspect.isfunction(function) else None
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [place for place in frames if place[0] == file]
    source = linecache.getline(*own[-1]).strip() if own else ""
    return f"{text.rstrip('.')}, in the line `{source}`" if source else text.rstrip(".")
