"""The mechanism: what an answer can do wrong, which function goes on, what is shown."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import labkit.exercises
from labkit import LabError, exercise, exercise_status
from labkit.exercises import checking
from labkit.exercises.answers import COUNT, NUMBER, PAIR, PAIRS, TEXT, VECTOR, Kind, shown
from labkit.exercises.checking import Case, Exercise, Status, check
from labkit.exercises.limit import OutOfTime, within


def total(numbers: list[int]) -> int:
    return sum(numbers)


def made_up(kind: Kind = COUNT, name: str = "99.total", *cases: Case) -> Exercise:
    cases = cases or (
        Case(([1, 2, 3],), slips={3: "This counts.", 5: "The first is left out."}),
        Case(([],), "Mind the empty list."),
    )
    return Exercise(name, "a sum", kind, cases, lambda case, got, expected: "Negative." if _negative(got) else None)


def _negative(got: Any) -> bool:
    return isinstance(got, int) and got < 0


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab 99 with two exercises beside the real ones, and nothing checked yet."""
    both = {"99.total": made_up(), "99.other": made_up(name="99.other")}
    monkeypatch.setattr(labkit.exercises, "EXERCISES", {**labkit.exercises.EXERCISES, **both})
    monkeypatch.setattr(labkit.exercises, "_status", {})


def hurry(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    """Little patience with a function that never ends; the others keep theirs, for machines that are busy."""
    if function in (loops, loops_and_catches):
        monkeypatch.setattr(checking, "TIME_LIMIT", 0.3)


def message(learner: Callable[..., Any], kind: Kind = COUNT, solution: Callable[..., Any] = total) -> str:
    """What a wrong answer is told."""
    verdict = check(made_up(kind), learner, solution)
    assert verdict.status is Status.WRONG
    return verdict.message


def test_right_answer_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def mine(numbers: list[int]) -> int:
        return sum(numbers)

    assert exercise("99.total", learner=mine, solution=total) is mine
    assert "✓ 99.total (a sum): right" in capsys.readouterr().out


def test_stub_is_open_and_the_reference_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def stub(numbers: list[int]) -> int:
        raise NotImplementedError

    assert exercise("99.total", learner=stub, solution=total) is total
    shown = capsys.readouterr().out
    assert "not attempted yet" in shown and "goes on with the reference" in shown


def test_wrong_answer_gets_its_hint_and_the_reference_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    def mine(numbers: list[int]) -> int:
        return len(numbers)

    assert exercise("99.total", learner=mine, solution=total) is total
    shown = capsys.readouterr().out
    assert "not right yet\nThis counts.\n" in shown
    assert "mine([1, 2, 3])" in shown and "your answer  3" in shown and "expected     6" in shown


def test_hints_come_from_slip_then_diagnosis_then_case() -> None:
    assert message(lambda numbers: sum(numbers[1:])) == "The first is left out."
    assert message(lambda numbers: -1) == "Negative."
    assert message(lambda numbers: sum(numbers) if numbers else 1) == "Mind the empty list."
    assert message(lambda numbers: 7) == "The answer differs from the expected one."


def raises(numbers: list[int]) -> int:
    return sum(numbers) // 0


def leaves(numbers: list[int]) -> int:
    raise SystemExit(3)


def loops(numbers: list[int]) -> int:
    while True:
        pass


def loops_and_catches(numbers: list[int]) -> int:
    while True:
        try:
            sum(numbers)
        except BaseException:
            continue


def changes(numbers: list[int]) -> int:
    result = sum(numbers)
    numbers.clear()
    return result


def smuggles(numbers: list[int]) -> int:
    result = sum(numbers)
    numbers[0] = Odd()  # type: ignore[call-overload]
    return result


def raises_late(numbers: list[int]) -> int:
    if not numbers:
        raise NotImplementedError
    return sum(numbers)


class Odd:
    """An object that fails at whatever it is asked."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def raises_oddly(numbers: list[int]) -> int:
    raise OddError


def shouts(numbers: list[int]) -> int:
    raise ValueError("\ud800" + "long " * 1000)


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        (
            raises,
            "by zero, in the line `return sum(numbers) // 0`.",
        ),
        (raises_late, "raises NotImplementedError, in the line `raise NotImplementedError`. Mind the empty list."),
        (raises_oddly, "raises tests_odd"),
        (shouts, "raises ValueError: \\ud800long long"),
        (lambda: 1, "takes 0 positional arguments but 1 was given"),
        (leaves, "ends the program (`exit` or `sys.exit`)"),
        (loops, "was stopped after 0.3 s"),
        (loops_and_catches, "was stopped after 0.3 s"),
        (lambda numbers: None, "returns None: every path through it needs a `return`."),
        (print, "returns None"),
        (changes, "changes its input (argument 1, of type list)"),
        (smuggles, "changes its input (argument 1, of type list)"),
        (lambda numbers: "6", "returns something of type str, but a whole number (an int) is wanted."),
        (lambda numbers: 6.0, "returns something of type float"),
        (lambda numbers: True, "returns something of type bool"),
        (lambda numbers: Odd(), "returns something of type Odd"),
        (lambda numbers: np.array([6, 6]), "returns something of type ndarray"),
        (lambda numbers: (number for number in numbers), "returns something of type generator"),
        (lambda numbers: lambda: 6, "returns something of type function"),
        (lambda numbers: 10**5000, "The answer differs"),
        (6, "`learner=` is of type int, not a function"),
        (None, "`learner=` is of type NoneType, not a function"),
    ],
)
def test_each_misbehaviour_is_met_with_a_sentence(learner: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, learner)
    expected = expected.replace("tests_odd", f"{__name__}.OddError: <exception str() failed>")
    found = message(learner)
    assert expected in found
    assert "\n" not in found and len(found) < 500


def test_kinds_read_what_numpy_returns() -> None:
    assert COUNT.read(np.int64(3)) == 3 and type(COUNT.read(np.int64(3))) is int
    assert NUMBER.read(np.float32(0.5)) == 0.5 and NUMBER.read(1) == 1.0
    assert PAIR.read(np.array([0.1, 0.2])) == (0.1, 0.2) == PAIR.read([0.1, 0.2])
    assert TEXT.read(" a\n\nb ") == "a b"
    for pair in ([1.0], (1, 2, 3), ("a", "b"), np.zeros((2, 2)), 1.0, Odd(), (Odd(), 1)):
        assert PAIR.read(pair) is None


def test_arguments_are_copied_for_every_call() -> None:
    kept = []

    def keeps(numbers: list[int]) -> int:
        kept.append(numbers)
        return sum(numbers)

    one = made_up()
    assert check(one, keeps, keeps).status is Status.RIGHT
    assert len({id(each) for each in kept}) == len(kept) == 4
    assert all(each is not case.arguments[0] for each in kept for case in one.cases)


def test_changed_array_is_noticed() -> None:
    def shifts(values: np.ndarray) -> float:
        values += 1
        return 3.0

    one = made_up(NUMBER, "99.sum", Case((np.array([1.0, 2.0]),)))
    assert "changes its input (argument 1, of type ndarray)" in check(one, shifts, lambda values: 3.0).message


@pytest.mark.parametrize("solution", [raises, leaves, loops, changes, lambda numbers: None, lambda numbers: "6"])
def test_failing_solution_is_a_mistake_of_the_lab(
    solution: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, solution)
    with pytest.raises(LabError, match=r"reference solution of exercise '99.total' .* mistake of the lab, not yours"):
        exercise("99.total", learner=total, solution=solution)


def test_solution_must_be_a_function() -> None:
    with pytest.raises(LabError, match="run the folded cell of the reference first"):
        exercise("99.total", learner=total, solution=None)  # type: ignore[type-var]


@pytest.mark.parametrize("name", ["99.totla", "99.Total"])
def test_unknown_name_names_the_nearest(name: str) -> None:
    with pytest.raises(LabError, match=r"did you mean '99.total'\?"):
        exercise(name, learner=total, solution=total)


@pytest.mark.parametrize("name", ["", 1, ["99.total"]])
def test_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(LabError, match=r"There is no exercise .* Exercises: 01\."):
        exercise(name, learner=total, solution=total)


def test_keyboard_interrupt_passes() -> None:
    def interrupted(numbers: list[int]) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercise("99.total", learner=interrupted, solution=total)


def test_status_lists_the_lab_with_the_latest_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError, match="No exercise has been checked yet"):
        exercise_status()
    exercise("99.total", learner=len, solution=total)
    capsys.readouterr()
    exercise_status()
    assert capsys.readouterr().out.splitlines() == [
        "Your exercises: 0 right, 1 wrong, 1 open",
        "99.total  ✗ wrong  a sum",
        "99.other  ○ open   a sum",
    ]
    exercise("99.total", learner=sum, solution=total)
    capsys.readouterr()
    exercise_status()
    assert "1 right, 0 wrong, 1 open" in capsys.readouterr().out


@pytest.fixture
def notebook_display(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be displayed, as if in a notebook."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw=False: shown.append(data))
    return shown


def test_html_is_escaped_and_has_a_plain_text_twin(notebook_display: list[Any]) -> None:
    def mine(numbers: list[int]) -> int:
        raise ValueError("<script>alert(1)</script>")

    exercise("99.total", learner=mine, solution=total)
    exercise_status()
    verdict, status = notebook_display
    assert set(verdict) == {"text/html", "text/plain"} and "<script>" not in verdict["text/html"]
    assert "&lt;script&gt;" in verdict["text/html"] and "<code>raise ValueError(" in verdict["text/html"]
    assert "mine([1, 2, 3])" in verdict["text/html"] and "mine([1, 2, 3])" in verdict["text/plain"]
    assert "99.total" in status._repr_html_() and "0 right, 1 wrong, 1 open" in status._repr_html_()


@pytest.fixture
def outer_alarm() -> Iterator[list[int]]:
    """An alarm that somebody else has set, as pytest-timeout does."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    timer = signal.setitimer(signal.ITIMER_REAL, 1)
    yield rung
    signal.setitimer(signal.ITIMER_REAL, *timer)
    signal.signal(signal.SIGALRM, before)


needs_alarm = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this platform has no SIGALRM")


@needs_alarm
def test_limit_gives_an_outer_alarm_back(outer_alarm: list[int]) -> None:
    with pytest.raises(OutOfTime):
        within(0.1, lambda: loops([]))
    assert not outer_alarm
    time.sleep(1.2)
    assert outer_alarm == [signal.SIGALRM]


@needs_alarm
def test_limit_lets_results_and_errors_through() -> None:
    assert within(1, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(1, lambda: {}["none"])
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0 or signal.getitimer(signal.ITIMER_REAL)[0] > 1


def test_without_a_main_thread_there_is_no_limit() -> None:
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(check(made_up(), total, total)))
    thread.start()
    thread.join()
    assert verdicts[0].status is Status.RIGHT


def test_vectors_of_numbers_are_read_and_compared() -> None:
    assert VECTOR.read(np.array([0.25, 0.75], dtype=np.float32)) == (0.25, 0.75)
    for wrong in (0.5, np.array(0.5), np.ones((1, 2)), [0.25, 0.75], np.array(["a"]), np.array([True])):
        assert VECTOR.read(wrong) is None
    assert VECTOR.same((0.5, 0.5), (0.5, 0.5000009)) and not VECTOR.same((0.5, 0.5), (0.5, 0.500002))
    assert not VECTOR.same((0.5,), (0.5, 0.5)) and not VECTOR.same((float("nan"),), (float("nan"),))


def test_pairs_of_whole_numbers_are_read() -> None:
    assert PAIRS.read([(0, 1), [np.int64(2), 3]]) == ((0, 1), (2, 3)) == PAIRS.read(np.array([[0, 1], [2, 3]]))
    for wrong in ([0, 1], [(0, 1, 2)], [(0, 0.5)], np.array([1, 2]), 3):
        assert PAIRS.read(wrong) is None


def test_small_arrays_are_shown_by_their_numbers() -> None:
    assert shown(np.array([0.5, 0.25], dtype=np.float32)) == "[0.5 , 0.25]"
    assert shown(np.zeros((40, 2))) == "<array of shape (40, 2)>"


def test_without_sigalrm_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGALRM", raising=False)
    assert check(made_up(), total, total).status is Status.RIGHT


@pytest.mark.parametrize("name", list(labkit.exercises.EXERCISES))
def test_every_exercise_is_well_formed(name: str) -> None:
    one = labkit.exercises.EXERCISES[name]
    assert one.name == name and one.title and len(one.cases) >= 2
    assert name.partition(".")[2].isidentifier()


def test_numbers_in_a_list_are_shown_to_six_digits():
    assert shown(([0.308571457862854, -0.0], [1.0])) == "([0.308571, 0], [1])"
