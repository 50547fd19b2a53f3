"""Read and check the hand-written dialogue scripts in `scripts/*.txt` (their form: CONTRIBUTING.md)."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from pathlib import Path

from labkit.corpus.slots import TYPES
from labkit.errors import LabError

FOLDER = Path(__file__).parent / "scripts"
TALKS = Path(__file__).parent / "talks"  # read by talks.py; checked here with the scripts
FORMS = ("brief", "story", "headline", "minutes")  # the summaries written by hand for every script
PLOTS = ("agreed", "refused", "postponed", "changed_mind", "misunderstanding")
SLOT = re.compile(r"\{(?:(an?) )?(\w+)\}")
NOT_THIRD_PERSON = re.compile(r"\b(I|you|your|we|our|us|my|me)\b")
CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")


@dataclass(frozen=True)
class Turn:
    """One turn: its speaker ('A' or 'B'), its alternatives, and the optional group it belongs to, if any.

    `reports` says in the third person what each alternative says, where that is worth telling; `key` where a summary
    cannot do without it.
    """

    speaker: str
    alternatives: tuple[str, ...]
    group: str | None = None
    reports: tuple[str, ...] = ()
    key: bool = False


@dataclass
class Script:
    """One conversation written by hand, with its slots, its summaries and its questions."""

    id: str
    topic: str = ""
    plot: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    slots: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    turns: list[Turn] = field(default_factory=list)
    small_talk_at: int | None = None
    summaries: dict[str, list[str]] = field(default_factory=lambda: {form: [] for form in FORMS})
    questions: dict[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        """The optional groups, in order."""
        return list(dict.fromkeys(turn.group for turn in self.turns if turn.group))


def split_alternatives(text: str) -> tuple[str, ...]:
    """Split at the bars that stand outside parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return tuple(part.strip() for part in parts if part.strip())


def parse(text: str, source: str) -> list[Script]:
    """Parse one file of scripts. Raises LabError with file and line for a line it cannot read."""
    scripts: list[Script] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            if line.startswith("==="):
                scripts.append(Script(id=line[3:].strip()))
            else:
                parse_line(line.rstrip(), scripts[-1])
        except (ValueError, IndexError, KeyError) as error:
            raise LabError(f"{source}, line {number}: cannot read {line.strip()!r} ({error}).") from None
    return scripts


def parse_folder(folder: Path) -> list[Script]:
    """All scripts of a folder, by file name and place in the file. Raises LabError for a line it cannot read."""
    return [script for path in sorted(folder.glob("*.txt")) for script in parse(path.read_text("utf-8"), path.name)]


def parse_line(line: str, script: Script) -> None:
    """Add one line to the script."""
    if line.lstrip().startswith("|"):
        last = script.turns[-1]
        script.turns[-1] = replace(last, alternatives=last.alternatives + split_alternatives(line.lstrip()[1:]))
        return
    if line.startswith(">"):
        if not (reports := split_alternatives(line.lstrip("> "))):
            raise ValueError("a report without words")
        script.turns[-1] = replace(script.turns[-1], reports=reports, key=line.startswith(">>"))
        return
    if line.strip() == "~":
        script.small_talk_at = len(script.turns)
        return
    if turn := re.match(r"(?:\?(\w?)\s+)?([AB]):\s*(.+)", line):
        optional = line.startswith("?")
        group = (turn[1] or f"#{len(script.turns)}") if optional else None
        script.turns.append(Turn(turn[2], split_alternatives(turn[3]), group))
        return
    key, _, value = line.partition(":")
    key, value = key.strip(), value.strip()
    kind, _, name = key.partition(" ")
    if kind == "slot":
        script.slots[name] = value if "|" not in value else split_alternatives(value)
    elif kind == "ask":
        script.questions[name] = value
    elif key in FORMS:
        script.summaries[key].append(value)
    elif key == "roles":
        for part in value.split(", "):
            person, role = part.split(" = ")
            script.roles[person.strip()] = role.strip()
    elif key == "facts":
        script.facts = tuple(fact.strip() for fact in value.split(","))
    elif key in ("topic", "plot"):
        setattr(script, key, value)
    else:
        raise ValueError("unknown key")


def problems(script: Script) -> list[str]:
    """What is wrong with a script, in sentences; an empty list when it is sound."""
    found = talk_problems(script)
    for form in FORMS:
        if len(script.summaries[form]) < (1 if form == "minutes" else 2):
            found.append(f"too few {form} summaries")
    found += [f"no question asks {fact}" for fact in script.facts if fact not in script.questions]
    for story in script.summaries["story"]:
        found += [f"a story misses {fact}: {story!r}" for fact in script.facts if not mentions(story, fact)]
    return found


def talk_problems(script: Script) -> list[str]:
    """What is wrong with the turns, slots and reports of a script or a talk."""
    found = []
    if script.plot not in PLOTS:
        found.append(f"plot {script.plot!r} is none of {', '.join(PLOTS)}")
    if set(script.roles) != {"A", "B"}:
        found.append("roles must name A and B")
    for name, kind in script.slots.items():
        if isinstance(kind, str) and kind not in TYPES:
            found.append(f"slot {name}: unknown type {kind!r}")
    turn_texts = [text for turn in script.turns for text in turn.alternatives]
    reports = [text for turn in script.turns for text in turn.reports]
    summary_texts = [*(text for texts in script.summaries.values() for text in texts), *script.questions.values()]
    summary_texts += reports
    for text in turn_texts + summary_texts:
        allowed = set(script.slots) | ({"A", "B"} if text in summary_texts else set())
        found += [f"{{{m[2]}}} is not a slot in {text!r}" for m in SLOT.finditer(text) if m[2] not in allowed]
        bare = CHOICE.sub("", text)
        if bare.count("(") != bare.count(")") or "|" in bare or re.search(r"[{}]", SLOT.sub("", text)):
            found.append(f"unbalanced or nested parentheses or braces in {text!r}")
    keys = [turn for turn in script.turns if turn.key]
    if not 2 <= len(keys) <= 5:
        found.append(f"{len(keys)} turns are marked >>: 2 to 5")
    for turn in script.turns:
        if turn.reports and len(turn.reports) != len(turn.alternatives):
            found.append(f"{len(turn.reports)} reports for {len(turn.alternatives)} alternatives: {turn.reports[0]!r}")
        for text in turn.reports:
            if f"{{{turn.speaker}}}" not in text:
                found.append(f"a report does not name its speaker {turn.speaker}: {text!r}")
            if word := NOT_THIRD_PERSON.search(SLOT.sub("", text)):
                found.append(f"a report says {word[0]!r}, which is not the third person: {text!r}")
        if turn.key and turn.group:
            found.append(f"an optional turn is marked >>: {turn.reports[0]!r}")
    for fact in script.facts:
        if not any(all(mentions(text, fact) for text in turn.reports) for turn in keys):
            found.append(f"fact {fact} is not in every report of a turn marked >>")
        if fact not in script.slots:
            found.append(f"fact {fact} is not a slot")
        elif not any(
            not turn.group and all(mentions(text, fact) for text in turn.alternatives) for turn in script.turns
        ):
            found.append(f"fact {fact} is not said in every alternative of a turn that always stands")
    for kept in product((False, True), repeat=len(script.groups)):
        groups = {group for group, keep in zip(script.groups, kept, strict=True) if keep}
        speakers = [turn.speaker for turn in script.turns if turn.group is None or turn.group in groups]
        if any(one == two for one, two in pairwise(speakers)):
            found.append(f"two turns in a row by one speaker when the optional groups {sorted(groups)} stay")
            break
    if script.small_talk_at is not None:
        at = script.small_talk_at
        if at == 0 or at == len(script.turns):
            found.append("~ must stand between two turns")
        elif script.turns[at - 1].group or script.turns[at].group:
            found.append("~ must stand between two turns that are never dropped")
    return found


def mentions(text: str, slot: str) -> bool:
    """Whether the slot stands in the text whichever choices are taken."""
    without = CHOICE.sub(lambda m: m[0] if all(_has(p, slot) for p in m[1].split("|")) else "", text)
    return _has(without, slot)


def _has(text: str, slot: str) -> bool:
    return any(match[2] == slot for match in SLOT.finditer(text))


def load_scripts(folder: Path = FOLDER) -> list[Script]:
    """All scripts, by file name and place in the file. Raises LabError if one is unsound."""
    scripts = parse_folder(folder)
    for script in scripts:
        if found := problems(script):
            raise LabError(f"Script {script.id}: {found[0]}.")
    return scripts


if __name__ == "__main__":
    failed = False
    for folder, check in ((FOLDER, problems), (TALKS, talk_problems)):
        for path in sorted(folder.rglob("*.txt")):
            try:
                for script in parse(path.read_text("utf-8"), path.name):
                    for problem in check(script):
                        failed = True
                        print(f"{path.name} [{script.id}]: {problem}")
            except LabError as error:
                failed = True
                print(error)
    sys.exit(failed)
