"""The exercises as they stand in a lab's notebook: stub and reference, run with no more than the imports they use."""

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@dataclass(frozen=True)
class NotebookExercise:
    """One exercise of a notebook: its two functions, and the cells they stand in."""

    stub: Callable[..., Any]
    solution: Callable[..., Any]
    answer: str  # the name that the function to go on with is given
    cells: tuple[dict[str, Any], dict[str, Any]]  # of the stub and of the reference
    neighbours: bool  # the reference's cell comes right after the stub's, and the check after both


def notebook_exercises(lab: str) -> dict[str, NotebookExercise]:
    """The exercises of a lab's notebook by their names, from its calls `answer = labkit.exercise("…", …)`.

    Only cells tagged `exercise` and `solution` are executed, after those import statements of the notebook whose names
    they use, so that nothing is loaded that the references do without.
    """
    (path,) = NOTEBOOKS.glob(f"{lab}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    trees = {index: _tree("".join(cell["source"])) for index, cell in enumerate(cells) if cell["cell_type"] == "code"}
    tagged = {index: tree for index, tree in trees.items() if _tags(cells[index]) & {"exercise", "solution"}}
    used = {node.id for tree in tagged.values() for node in ast.walk(tree) if isinstance(node, ast.Name)}
    namespace: dict[str, Any] = {}
    for tree in trees.values():
        imports = [
            _only(statement, used) for statement in tree.body if isinstance(statement, ast.Import | ast.ImportFrom)
        ]
        _run([each for each in imports if each.names], namespace)
    defined_in: dict[str, int] = {}
    for index, tree in tagged.items():
        _run([each for each in tree.body if not isinstance(each, ast.Import | ast.ImportFrom)], namespace)
        defined_in |= {each.name: index for each in tree.body if isinstance(each, ast.FunctionDef)}
    found = {}
    for index, tree in trees.items():
        for name, learner, solution, answer in _calls(tree):
            stub_at, solution_at = defined_in[learner], defined_in[solution]
            found[name] = NotebookExercise(
                namespace[learner],
                namespace[solution],
                answer,
                (cells[stub_at], cells[solution_at]),
                stub_at + 1 == solution_at < index,
            )
    return found


def _tree(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:  # a cell with a magic
        return ast.Module(body=[], type_ignores=[])


def _tags(cell: dict[str, Any]) -> set[str]:
    return set(cell["metadata"].get("tags", []))


def _only(statement: ast.Import | ast.ImportFrom, used: set[str]) -> ast.Import | ast.ImportFrom:
    """The import statement without the names that nobody uses."""
    statement.names = [each for each in statement.names if (each.asname or each.name.partition(".")[0]) in used]
    return statement


def _run(statements: list[Any], namespace: dict[str, Any]) -> None:
    exec(compile(ast.Module(body=statements, type_ignores=[]), "<notebook>", "exec"), namespace)


def _calls(tree: ast.Module) -> list[tuple[str, str, str, str]]:
    """Name, learner, solution and target of every `answer = labkit.exercise("…", learner=…, solution=…)` of a cell."""
    found = []
    for each in tree.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call):
            call = each.value
            if ast.unparse(call.func) in ("exercise", "labkit.exercise"):
                given = {
                    keyword.arg: keyword.value.id for keyword in call.keywords if isinstance(keyword.value, ast.Name)
                }
                found.append((call.args[0].value, given["learner"], given["solution"], each.targets[0].id))
    return found
