"""The run card at the top of a lab, and the preflight that stops it before work starts."""

import json
import os
import shutil
import struct
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from labkit import hub
from labkit.assets import asset
from labkit.data import NATURAL, OWN_SPLITS
from labkit.errors import LabError
from labkit.models import Device, choose_device
from labkit.profile import EMBEDDED, PROFILES, Profile, is_hub_id
from labkit.tables import side_by_side

LIBRARIES = ("torch", "transformers", "datasets", "evaluate", "peft", "trl", "torchao", "bitsandbytes")
# Parameters of the real models (arXiv:2210.11416 rounds them to 80M, 250M, 780M, 3B), for before they are downloaded.
_PARAMETERS = {
    "google/flan-t5-small": 76_961_152,
    "google/flan-t5-base": 247_577_856,
    "google/flan-t5-large": 783_150_080,
    "google/flan-t5-xl": 2_849_757_184,
}


def preflight(profile: Profile, memory_gb: float = 0.0) -> None:
    """Stop before work starts if something is missing: a device, a shipped file, memory, the hub, room on the disk.

    `memory_gb` is what the lab itself needs with the embedded profile; the larger of it and the profile's own counts.

    Raises:
        LabError: what is missing, and which value to change.
    """
    device = choose_device(profile)
    for name in _assets(profile):
        asset(name)
    _check_memory(profile, device, max(profile.memory_gb, memory_gb))
    missing = sum(hub.bytes_missing(repo) for repo in hub.repos(profile))
    if missing:
        _check_disk(profile, missing)


def run_card(profile: Profile, *, minutes: float, memory_gb: float) -> None:
    """Check that the lab can run (`preflight`), then show what it runs on and what it is expected to cost.

    `minutes` and `memory_gb` are the lab's own, measured with the embedded profile on two CPU cores.

    Raises:
        LabError: as `preflight`.
    """
    from IPython.display import display

    preflight(profile, memory_gb)
    display(side_by_side(list(card_rows(profile, minutes, memory_gb).items()), title="Run card"))


def card_rows(profile: Profile, minutes: float, memory_gb: float) -> dict[str, str]:
    """The lines of the run card: name to text."""
    import torch

    device = choose_device(profile)
    cost = f"about {minutes:g} min and {memory_gb:.3g} GB on 2 CPU cores"
    if profile.name != EMBEDDED or profile.needs_hub:
        need = max(profile.memory_gb, memory_gb)
        cost = f"{need:.3g} GB; {minutes:g} min is the embedded profile's time, this one takes longer on a CPU"
    rows = {
        "profile": f"{profile.name} ({profile.test_size} test dialogues, batches of {profile.batch_size})",
        "model": f"{_source(profile, 'model')}, {_parameters(profile)}",
        "dialogues": _source(profile, "dataset"),
        "device": f"{device.name}: {device.reason}",
        "dtype": f"{device.dtype}: {device.dtype_reason}",
        "seed": str(profile.seed),
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} cores",
        "versions": ", ".join(_versions()),
        "expected": cost,
    }
    if EMBEDDED in (profile.model_id, profile.dataset_id):
        rows["note"] = "The embedded model and corpus are synthetic and this project's own, not published ones."
    return rows


def free_memory_gb() -> float:
    """Memory that a process can still get, in 10^9 bytes; in a container (cgroup v2) no more than its limit leaves."""
    import psutil

    free = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(stat["inactive_file"])  # which is given back on demand
        free = min(free, limit - used)
    except (OSError, ValueError, KeyError):
        pass  # no container, or one without a limit ("max")
    return free / 1e9


def _check_memory(profile: Profile, device: Device, need: float) -> None:
    free, where = free_memory_gb(), "memory"
    if device.name == "cuda":
        import torch

        free, where = torch.cuda.mem_get_info()[0] / 1e9, "memory of the GPU"
    if need <= free:
        return
    smaller = list(PROFILES)[: list(PROFILES).index(profile.name)]
    instead = f", or take a smaller profile ({', '.join(reversed(smaller))})" if smaller else ""
    raise LabError(
        f"The profile {profile.name} needs {need:.3g} GB of free {where}, and {max(free, 0):.3g} GB are free: close "
        f"other programs, lower batch_size (now {profile.batch_size}){instead}."
    )


def _check_disk(profile: Profile, missing: int) -> None:
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise LabError(
            f"The profile {profile.name} downloads {missing / 1e9:.3g} GB, and the disk of the cache ({folder}) has "
            f"{free / 1e9:.3g} GB free: set HF_HOME to a folder on a larger disk, or take a smaller profile."
        )


def _assets(profile: Profile) -> list[str]:
    names = [f"corpus/{split}.parquet" for split in NATURAL]
    if profile.dataset_id == EMBEDDED:
        names += [f"corpus/{split}.parquet" for split in OWN_SPLITS]
    return names + (["model"] if profile.model_id == EMBEDDED else [])


def _source(profile: Profile, kind: str) -> str:
    source = getattr(profile, f"{kind}_id")
    if source == EMBEDDED:
        return "embedded (in the package)"
    if not is_hub_id(source):
        return f"folder {Path(source).name}"
    revision = getattr(profile, f"{kind}_revision")
    sha = hub.commit(hub.Repo(kind, source, revision))
    return f"{source} at {sha[:12]}" + (f" ({revision} today, not pinned)" if sha != revision else "")


def _parameters(profile: Profile) -> str:
    if is_hub_id(profile.model_id):
        count = _PARAMETERS.get(profile.model_id, 0)
    else:
        folder = asset("model") if profile.model_id == EMBEDDED else Path(profile.model_id)
        count = sum(count_parameters(file) for file in folder.glob("*.safetensors"))
    return f"{count:,} parameters" if count else "parameters are counted after loading"


def count_parameters(file: Path) -> int:
    """How many numbers a safetensors file holds, from its header: 8 bytes of length, then JSON with the shapes."""
    with file.open("rb") as stream:
        header = json.loads(stream.read(struct.unpack("<Q", stream.read(8))[0]))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            size = 1
            for length in tensor["shape"]:
                size *= length
            total += size
    return total


def _versions() -> list[str]:
    import platform

    found = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
