"""Talks: short conversations on topics of their own, written one by one for training, each turn with its report.

A talk is written as a script is (scripts/README.md), with one wording for most turns and no summaries but the reports.
Those in `talks/validation` are on topics that no other talk or script is about; nothing is trained on them.
"""

from __future__ import annotations

import functools

from labkit.corpus.script import TALKS, Script, parse_folder


@functools.cache
def talks(validation: bool = False) -> list[Script]:
    """All talks for training, or those for validation. Raises LabError for a line that cannot be read."""
    return parse_folder(TALKS / "validation" if validation else TALKS)
