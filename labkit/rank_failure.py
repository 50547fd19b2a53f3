"""What is said of a distributed run in which a rank failed: which one, and how, in one sentence."""

import re
import signal
from pathlib import Path

from labkit.errors import LabError

_FAILURE = re.compile(r"rank\s*:\s*(\d+) \(local_rank: \d+\)\s+exitcode\s*:\s*(-?\d+)")  # in torchrun's report
_ERROR = re.compile(r"\w+Error: ")  # the last line of a traceback


class RankFailed(LabError):
    """A rank failed, and the others were ended; `rank` says which, None where torchrun itself could not start."""

    def __init__(self, sentence: str, rank: int | None = None) -> None:
        super().__init__(sentence)
        self.rank = rank


def failure(folder: Path, name: str, ranks: int) -> RankFailed:
    """Which rank failed first and how, from what it, its torchrun and the other ranks left in the folder.

    Args:
        folder: holds `log-N.txt`, what torchrun and its ranks printed on node N, and `error-R.txt` of a rank R that met
            an error: the time and what it was.
        name: of the function that the ranks ran.
        ranks: how many there were.
    """
    logs = [file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.glob("log-*.txt"))]
    ended: list[tuple[int, int]] = []
    for log in logs:
        found = [(int(rank), int(code)) for rank, code in _FAILURE.findall(log)]
        # What torchrun saw first stands last in its report; to the other ranks it sends SIGTERM itself.
        ended += found[-1:] + [each for each in found[:-1] if each[1] != -signal.SIGTERM]
    errors = {int(file.stem.partition("-")[2]): lines_of(file) for file in folder.glob("error-*.txt")}
    others = f"; the other {'rank was' if ranks == 2 else f'{ranks - 1} ranks were'} ended" if ranks > 1 else ""
    # What made the others fail comes first: who died without a word, then the earliest error.
    for rank, code in ended:
        if code < 0:
            return RankFailed(f"Rank {rank} of {name} was killed by {signal.Signals(-code).name}{others}.", rank)
        if rank not in errors:
            said = next((f" ({line.strip()})" for log in logs for line in log.splitlines() if _ERROR.match(line)), "")
            return RankFailed(f"Rank {rank} of {name} ended with status {code}{said}{others}.", rank)
    if errors:
        rank = min(errors, key=lambda each: float(errors[each][0]))
        return RankFailed(f"Rank {rank} of {name} stopped with {errors[rank][1].rstrip('.')}{others}.", rank)
    last = next((line for log in logs for line in reversed(log.splitlines()) if line.strip()), "no message")
    return RankFailed(f"torchrun could not start {name}: {last.strip()}")


def lines_of(file: Path) -> list[str]:
    """The lines of a text file; none where it does not exist."""
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
