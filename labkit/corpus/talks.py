"""Talks: short conversations on topics of their own, written one by one for training, each turn with its report.

A talk is written as a script is (scripts/README.md), with one wording for most turns and no summaries but the reports.
Those in `validation.txt` are on topics that no other talk or script is about; nothing is trained on them.
"""

from __future__ import annotations

import functools
from pathlib import Path

from labkit.corpus.script import Script, parse

FOLDER = Path(__file__).parent / "talks"


@functools.cache
def talks(validation: bool = False) -> list[Script]:
    """All talks for training, or those for validation. Raises LabError for a line that cannot be read."""
    paths = [path for path in sorted(FOLDER.glob("*.txt")) if (path.name == "validation.txt") == validation]
    return [talk for path in paths for talk in parse(path.read_text("utf-8"), path.name)]
