"""A function of a notebook as a script of its own, with all that it uses: what torchrun starts in every process."""

import dis
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

from labkit.errors import LabError

HEAD = '''"""{name}: written from a notebook of the course; torchrun starts it once a rank."""

from __future__ import annotations

from labkit.ranks import end_with_owner, run_rank

end_with_owner()
'''
FOOT = """

if __name__ == "__main__":
    run_rank({name})
"""


def script_of(main: Callable[..., Any]) -> str:
    """The source of a script that runs `main` as a rank: its imports, the notebook's functions and constants it uses.

    Raises:
        LabError: the function uses something that cannot be written down (an object, a class of the notebook).
    """
    imports: dict[str, str] = {}
    definitions: dict[str, str] = {}
    _collect(main, imports, definitions)
    parts = [HEAD.format(name=main.__name__), *sorted(imports.values()), "", *definitions.values()]
    return "\n".join(parts) + FOOT.format(name=main.__name__)


def _collect(function: Callable[..., Any], imports: dict[str, str], definitions: dict[str, str]) -> None:
    """Add the function, after everything that its code refers to."""
    if not inspect.isfunction(function) or function.__closure__:
        raise LabError(
            f"{function!r} cannot run in another process: it must be a function defined in a cell by itself."
        )
    definitions.setdefault(function.__name__, "")  # so that a function that calls itself ends
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            _add(name, function.__globals__, imports, definitions, user=function.__name__)
    del definitions[function.__name__]
    definitions[function.__name__] = "\n" + textwrap.dedent(_source(function))


def _add(
    name: str, space: Mapping[str, Any], imports: dict[str, str], definitions: dict[str, str], *, user: str
) -> None:
    """Add what one global name stands for."""
    value = space[name]
    if name in imports or name in definitions:
        return
    if isinstance(value, ModuleType):
        imports[name] = f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}"
    elif (inspect.isroutine(value) and value.__module__ != space["__name__"]) or inspect.isclass(value):
        known = value.__name__
        imports[name] = f"from {value.__module__} import {known}" + (f" as {name}" if known != name else "")
    elif inspect.isfunction(value):
        if value.__name__ not in definitions:
            _collect(value, imports, definitions)
        if value.__name__ != name:  # the notebook goes on with the learner's function or with the reference
            definitions[name] = f"\n{name} = {value.__name__}\n"
    elif _is_literal(value):
        definitions[name] = f"\n{name} = {value!r}\n"
    else:
        raise LabError(
            f"{user} uses {name}, of type {type(value).__name__}, which other processes do not have: hand it over as "
            "an argument."
        )


def _names(code: CodeType) -> set[str]:
    """The names that a function's code looks up, those of functions inside it included."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    own = {each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL"}
    return own.union(*inner)


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except OSError:
        raise LabError(f"The source of {function.__name__} is not known here: define it in a cell.") from None


def _is_literal(value: Any) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_literal, value))
    if isinstance(value, dict):
        return all(_is_literal(each) for pair in value.items() for each in pair)
    return value is None or isinstance(value, bool | int | float | str | bytes)
