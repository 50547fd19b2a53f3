"""Helpers of the course's labs: what a lab teaches stands in its notebook, what would distract from it stands here.

`import labkit` is cheap: torch, transformers and datasets are imported by the functions that use them.
`profile` and `record` are imported at once because each is also the name of a module of this package: Python binds the
module to that name when it is first imported, and the function has to come after it to stay.
"""

from importlib import import_module
from typing import Any

from labkit.errors import LabError
from labkit.profile import profile
from labkit.record import record

__version__ = "0.1.0"
__all__ = [
    "LabError",
    "exercise",
    "exercise_status",
    "generate",
    "load_dialogues",
    "load_model",
    "profile",
    "record",
    "run_card",
]

_LAZY = {
    "exercise": "labkit.exercises",
    "exercise_status": "labkit.exercises",
    "generate": "labkit.generation",
    "load_dialogues": "labkit.data",
    "load_model": "labkit.models",
    "run_card": "labkit.card",
}


def __getattr__(name: str) -> Any:
    """Import the module behind a public name on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module 'labkit' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
