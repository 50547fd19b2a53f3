"""Pages to read results on: one for each executed notebook, and `index.html` over all of them.

Both open from a file, without a server and without a network; only a notebook with formulas asks a network for MathJax,
and shows their source when there is none.
"""

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.expected import Expected, compare, describe
from labkit.labs import lab_number
from labkit.outputs import INDEX, OutputFolder, write_text
from labkit.profile import EMBEDDED
from labkit.progress import duration
from labkit.record import flat, format_value

WIDGET = "application/vnd.jupyter.widget-view+json"
_FORMULA = re.compile(r"\$[^$\s]|\\\(|\\\[|\\begin\{")
_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% if nb.metadata.get('labkit_formulas') %}{{ super() }}{% endif %}{% endblock %}
"""

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --page: #fff; --line: #d0d7de; --soft: #57606a; --card: #f6f8fa;
        --good: #0b6e4f; --bad: #b3261e; --link: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --page: #0d1117; --line: #3d444d; --soft: #9da7b3; --card: #161b22;
          --good: #56d4a0; --bad: #ff8a80; --link: #79b8ff; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
       max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
a { color: var(--link); } h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; } code { font-size: .92em; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
pre { background: var(--card); border: 1px solid var(--line); padding: .8rem; overflow-x: auto; }
"""


def write_page(executed: Path, page: Path, images: Path) -> None:
    """Write an executed notebook as one HTML file; `images` is the folder that its pictures' paths start from."""
    import nbformat
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    notebook = nbformat.read(executed, as_version=4)
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    notebook.metadata["labkit_formulas"] = any(_FORMULA.search(text) for text in texts)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [shown for shown in map(_without_widget, cell.outputs) if shown is not None]
    exporter = HTMLExporter(
        extra_loaders=[DictLoader({"labkit.html.j2": _TEMPLATE})], template_file="labkit.html.j2", embed_images=True
    )
    text, _ = exporter.from_notebook_node(
        notebook, resources={"metadata": {"name": executed.stem, "path": str(images)}}
    )
    write_text(page, text)


def _without_widget(output: Any) -> Any:
    """A widget needs a running kernel: drop progress bars, and leave of anything else the text that came with it."""
    if WIDGET not in output.get("data", {}):
        return output
    text = output["data"].get("text/plain", "")
    if "%|" in text or "it/s" in text or "it [" in text:
        return None
    del output["data"][WIDGET]
    return output


def write_index(output: OutputFolder, expected: Mapping[str, Expected]) -> None:
    """Write `index.html` over all labs of the output folder; `expected` by lab number."""
    write_text(output.path / INDEX, index_page(output, expected))


def index_page(output: OutputFolder, expected: Mapping[str, Expected]) -> str:
    """The page's HTML: a table of labs, then for each its failure and its records beside what is expected."""
    results = output.results
    environment = results["environment"]
    versions = ", ".join(f"{name} {number}" for name, number in environment["versions"].items())
    parts = [_lab_section(entry, output, expected.get(lab_number(entry["name"]))) for entry in output.notebooks]
    rows = "".join(_lab_row(entry, output, expected.get(lab_number(entry["name"]))) for entry in output.notebooks)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lab results: {_text(results["profile"])}</title><style>{_STYLE}</style></head><body>
<h1>Lab results</h1>
<p>Profile <b>{_text(results["profile"])}</b> on {_text(environment["device"])},
{environment["cores"]} core{"" if environment["cores"] == 1 else "s"}. <span class="soft">{_text(versions)}</span></p>
<div class="wide"><table><thead><tr><th scope="col">Lab</th><th scope="col">Status</th><th scope="col">Time</th>
<th scope="col">Peak memory</th><th scope="col">Records</th></tr></thead><tbody>{rows}</tbody></table></div>
{"".join(parts)}
</body></html>
"""


def _not_compared(entry: Mapping[str, Any], output: OutputFolder) -> str:
    """Why this lab's records are shown beside the expectations without a verdict, '' when they are compared."""
    if output.results["profile"] != EMBEDDED:
        return f"Expectations hold for the profile '{EMBEDDED}'; these records are shown beside them, not compared."
    if changed := output.runs.get(entry["name"], {}).get("changed"):
        given = ", ".join(f"{name} = {value!r}" for name, value in changed.items())
        return f"Run with {given}; expectations hold for the notebook's own values, so nothing is compared."
    return ""


def failures(entry: Mapping[str, Any], output: OutputFolder, expected: Expected | None) -> dict[str, str]:
    """The lab's records that are not as expected, each with its sentence; empty where nothing is compared."""
    if expected is None or _not_compared(entry, output):
        return {}
    return compare(expected, entry["records"])


def _lab_row(entry: Mapping[str, Any], output: OutputFolder, expected: Expected | None) -> str:
    name = _text(entry["name"])
    wrong = len(failures(entry, output, expected))
    count = len(entry["records"])
    records = f"{count}" if expected is None or _not_compared(entry, output) else f"{count}, all as expected"
    if wrong:
        records = f'<span class="bad">{count}, {wrong} not as expected</span>'
    return (
        f'<tr><td><a href="#{name}">{name}</a></td><td>{_status(entry["status"])}</td>'
        f'<td class="number">{duration(entry["seconds"])}</td>'
        f'<td class="number">{entry["peak_memory_mb"]:.0f} MB</td><td>{records}</td></tr>'
    )


def _status(status: str) -> str:
    words = {"passed": "✓ passed", "failed": "✗ failed", "skipped": "✓ skipped, passed before"}
    return f'<span class="{"bad" if status == "failed" else "good"}">{words[status]}</span>'


def _lab_section(entry: Mapping[str, Any], output: OutputFolder, expected: Expected | None) -> str:
    name = _text(entry["name"])
    files = [
        f'<a href="{name}{kind}">{label}</a>'
        for kind, label in ((".html", "page"), (".ipynb", "notebook"))
        if (output.path / f"{entry['name']}{kind}").is_file()
    ]
    error = f"<pre>{_text(entry['error'])}</pre>" if entry["error"] else ""
    note = _not_compared(entry, output) if expected else "There are no expectations for this lab."
    rows = _record_rows(entry, output, expected)
    table = (
        '<div class="wide"><table><thead><tr><th scope="col">Record</th><th scope="col">Measured</th>'
        f'<th scope="col">Expected</th><th scope="col"></th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return (
        f'<h2 id="{name}">{name}</h2>'
        f"<p>{_status(entry['status'])} · executed {' and '.join(files) or 'files missing'}</p>"
        f'{error}<p class="soft">{_text(note)}</p>{table if rows else ""}'
    )


def _record_rows(entry: Mapping[str, Any], output: OutputFolder, expected: Expected | None) -> str:
    records = flat(entry["records"])
    wrong = failures(entry, output, expected)
    names = dict.fromkeys([*records, *(expected.records if expected else ())])
    free = expected.free if expected else {}
    names |= dict.fromkeys(name for name in free if name not in entry["records"])
    rows = []
    for name in names:
        measured = format_value(records[name]) if name in records else "—"
        target, verdict = "", ""
        if expected and name in expected.records:
            target = describe(expected.records[name])
            verdict = "" if _not_compared(entry, output) else '<span class="good">✓</span>'
        elif reason := free.get(name, free.get(name.partition("[")[0])):
            target = f"free: {reason}"
        if name in wrong:
            verdict = f'<span class="bad">✗ {_text(wrong[name])}</span>'
        rows.append(
            f'<tr><td><code>{_text(name)}</code></td><td class="number">{_text(measured)}</td>'
            f"<td>{_text(target)}</td><td>{verdict}</td></tr>"
        )
    return "".join(rows)


def _text(value: object) -> str:
    return html.escape(str(value))
