"""How an exercise's outcome looks in a notebook, and as plain text. Text takes the theme's own colours."""

import html
import re
from collections.abc import Mapping

from labkit.exercises.checking import Exercise, Status, Verdict
from labkit.tables import side_by_side, table

# A mark and words carry the meaning; the colours (Okabe and Ito's palette) only repeat it.
_LOOKS = {
    Status.RIGHT: ("✓", "right", "#009E73"),
    Status.WRONG: ("✗", "not right yet", "#D55E00"),
    Status.OPEN: ("○", "not attempted yet", "#808080"),
}
_NEXT = {
    Status.RIGHT: "The lab goes on with your function.",
    Status.WRONG: "The lab goes on with the reference. Change your function, then run its cell and this one again.",
    Status.OPEN: "The lab goes on with the reference. When you have written it, run its cell and this one again.",
}
_CODE = "font-family:monospace;overflow-wrap:anywhere"  # the table inherits both


def show_verdict(exercise: Exercise, verdict: Verdict) -> None:
    """Display what came out of an exercise."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    mark, words, colour = _LOOKS[verdict.status]
    case = [side_by_side(list(verdict.case.items()))] if verdict.case else []
    headline = f"{mark} {exercise.name} ({exercise.title}): {words}"
    text = "\n".join([headline, verdict.message, *map(repr, case), _NEXT[verdict.status]])
    if get_ipython() is None:  # a plain script
        print(text)
        return
    tables = "".join(f'<div style="{_CODE}">{each._repr_html_()}</div>' for each in case)
    page = (
        f'<div class="labkit-exercise" style="border-left:4px solid {colour};padding:.2em .9em;margin:.4em 0">'
        f"<div><b>{mark} {html.escape(exercise.title)}: {words}</b> (<code>{html.escape(exercise.name)}</code>)</div>"
        f"<div>{_with_code(verdict.message)}</div>{tables}<div><i>{_NEXT[verdict.status]}</i></div></div>"
    )
    display({"text/html": page, "text/plain": text}, raw=True)


def show_status(verdicts: Mapping[Exercise, Status]) -> None:
    """Display the table of a lab's exercises."""
    from IPython.display import display

    counts = [sum(status is each for status in verdicts.values()) for each in Status]
    summary = ", ".join(f"{count} {each.value}" for count, each in zip(counts, Status, strict=True))
    rows = [(each.name, f"{_LOOKS[status][0]} {status.value}", each.title) for each, status in verdicts.items()]
    display(table((), rows, title=f"Your exercises: {summary}"))


def _with_code(message: str) -> str:
    """The message as HTML, with what stands in backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(message))
