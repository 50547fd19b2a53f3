"""How an exercise's outcome looks in a notebook, and as plain text. Text takes the theme's own colours."""

import html
import re
from collections.abc import Mapping

from labkit.exercises.checking import Exercise, Status, Verdict

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
_LEFT = "text-align:left;vertical-align:top;font-weight:normal"


def show_verdict(exercise: Exercise, verdict: Verdict) -> None:
    """Display what came out of an exercise."""
    mark, words, colour = _LOOKS[verdict.status]
    lines = [f"{mark} {exercise.name} ({exercise.title}): {words}", verdict.message]
    lines += [f"  {label + ':':<13}{value}" for label, value in verdict.case.items()]
    rows = "".join(
        f'<tr><th scope="row" style="{_LEFT};white-space:nowrap">{label}</th>'
        f'<td style="{_LEFT};overflow-wrap:anywhere"><code>{html.escape(value)}</code></td></tr>'
        for label, value in verdict.case.items()
    )
    table = f'<table style="margin:.3em 0"><tbody>{rows}</tbody></table>' if rows else ""
    page = (
        f'<div class="labkit-exercise" style="border-left:4px solid {colour};padding:.2em .9em;margin:.4em 0">'
        f"<div><b>{mark} {html.escape(exercise.title)}: {words}</b> (<code>{html.escape(exercise.name)}</code>)</div>"
        f"<div>{_with_code(verdict.message)}</div>{table}<div><i>{_NEXT[verdict.status]}</i></div></div>"
    )
    _display(page, "\n".join([*lines, _NEXT[verdict.status]]))


def show_status(verdicts: Mapping[Exercise, Status]) -> None:
    """Display the table of a lab's exercises."""
    counts = [sum(status is each for status in verdicts.values()) for each in Status]
    summary = ", ".join(f"{count} {each.value}" for count, each in zip(counts, Status, strict=True))
    width = max(len(exercise.name) for exercise in verdicts)
    lines, rows = [], ""
    for exercise, status in verdicts.items():
        mark, _, colour = _LOOKS[status]
        lines.append(f"{mark} {status.value:<6} {exercise.name:<{width}}  {exercise.title}")
        rows += (
            f'<tr><td style="{_LEFT};border-left:4px solid {colour}">{mark} {status.value}</td>'
            f'<th scope="row" style="{_LEFT}">{html.escape(exercise.title)}</th>'
            f'<td style="{_LEFT}"><code>{html.escape(exercise.name)}</code></td></tr>'
        )
    page = (
        f'<table class="labkit-exercises"><caption style="{_LEFT}">Your exercises: <b>{summary}</b></caption>'
        f"<tbody>{rows}</tbody></table>"
    )
    _display(page, "\n".join([f"Your exercises: {summary}", *lines]))


def _with_code(message: str) -> str:
    """The message as HTML, with what stands in backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(message))


def _display(page: str, text: str) -> None:
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:  # a plain script
        print(text)
        return
    display({"text/html": page, "text/plain": text}, raw=True)
