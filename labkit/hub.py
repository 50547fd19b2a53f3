"""Repositories on the Hugging Face hub: found out about before work starts, downloaded once, errors in one sentence.

`HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to huggingface_hub; with the last one set,
only its cache is used. The clients retry a hub that is down for more than a minute, so it is asked for a sign of life
first, with a short time limit.
"""

import fnmatch
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.profile import Profile, is_hub_id
from labkit.quiet import quiet

TIMEOUT_S = 6.0
_FILES = {
    "model": ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json", "*token*.json"),
    "dataset": ("train.csv", "validation.csv", "test.csv"),
}
_INSTEAD = "or take the profile 'embedded', which needs no network"


@dataclass(frozen=True)
class Repo:
    """A repository at a revision; `kind` is "model" or "dataset"."""

    kind: str
    id: str
    revision: str

    def wants(self, file: str) -> bool:
        """Whether the labs use that file: the safetensors weights, say, and not the same weights in other formats."""
        return "/" not in file and any(fnmatch.fnmatch(file, pattern) for pattern in _FILES[self.kind])

    def __str__(self) -> str:
        return f"{self.kind} {self.id} (revision {self.revision})"


def repos(profile: Profile) -> list[Repo]:
    """The hub repositories that a profile needs: none for embedded."""
    wanted = [
        Repo("model", profile.model_id, profile.model_revision),
        Repo("dataset", profile.dataset_id, profile.dataset_revision),
    ]
    return [repo for repo in wanted if is_hub_id(repo.id)]


def commit(repo: Repo) -> str:
    """The commit hash that the revision stands for, from the hub or, offline, from the cache.

    Raises:
        LabError: as `fetch`.
    """
    return _offline_folder(repo).name if _offline() else _listing(repo)[0]


def bytes_missing(repo: Repo) -> int:
    """How many bytes of a repository are still to be downloaded; 0 offline, where the cache must do.

    Raises:
        LabError: as `fetch`.
    """
    from huggingface_hub import try_to_load_from_cache

    if _offline():
        _offline_folder(repo)
        return 0
    sha, sizes = _listing(repo)
    cached = [try_to_load_from_cache(repo.id, file, revision=sha, repo_type=repo.kind) for file in sizes]
    return sum(size for size, path in zip(sizes.values(), cached, strict=True) if not isinstance(path, str))


def fetch(repo: Repo) -> Path:
    """The folder of the cache that holds the repository's files, after downloading what is missing.

    Raises:
        LabError: the hub cannot be reached, it has no such repository or revision, a download failed, or (offline) the
            repository is not in the cache.
    """
    from huggingface_hub import hf_hub_download

    if _offline():
        return _offline_folder(repo)
    paths = []
    with quiet("huggingface_hub"):
        for file in _listing(repo)[1]:
            try:
                path = hf_hub_download(repo.id, file, revision=repo.revision, repo_type=repo.kind)
            except Exception as error:
                raise LabError(
                    f"The download of {file} of the {repo} failed ({_first_line(error)}): run again, it goes on where "
                    f"it stopped, {_INSTEAD}."
                ) from error
            paths.append(Path(path))
    return paths[0].parent


def cached_folder(repo: Repo) -> Path | None:
    """The folder of the cache that holds (some of) the repository's files, None if there is none; asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo.id, revision=repo.revision, repo_type=repo.kind, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


@cache
def _listing(repo: Repo) -> tuple[str, dict[str, int]]:
    """Commit hash, and the size in bytes of each file that the labs use, asked of the hub once a process."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    endpoint = _reachable_endpoint()
    try:
        info: Any = HfApi().repo_info(
            repo.id, revision=repo.revision, repo_type=repo.kind, files_metadata=True, timeout=TIMEOUT_S
        )
    except RevisionNotFoundError as error:
        raise LabError(f"The hub at {endpoint} has no revision {repo.revision!r} of {repo.kind} {repo.id}.") from error
    except RepositoryNotFoundError as error:
        raise LabError(
            f"The hub at {endpoint} has no {repo.kind} {repo.id}, or shows it only to those who log in (HF_TOKEN)."
        ) from error
    except Exception as error:
        raise LabError(
            f"The hub at {endpoint} did not say what the {repo} holds ({_first_line(error)}): try again, {_INSTEAD}."
        ) from error
    sizes = {file.rfilename: file.size or 0 for file in info.siblings if repo.wants(file.rfilename)}
    if not sizes:
        raise LabError(f"The {repo} at {endpoint} has none of the files {', '.join(_FILES[repo.kind])}.")
    return info.sha, sizes


def _offline() -> bool:
    from huggingface_hub import constants

    return constants.HF_HUB_OFFLINE


def _offline_folder(repo: Repo) -> Path:
    folder = cached_folder(repo)
    if folder is None:
        raise LabError(
            f"The {repo} is not in the cache, and HF_HUB_OFFLINE forbids to download it: unset that, {_INSTEAD}."
        )
    return folder


def _reachable_endpoint() -> str:
    """The hub's address, after it answered; a thread, since a name look-up without a network knows no time limit."""
    from huggingface_hub import constants, get_session

    answer: list[str] = []

    def ask() -> None:
        try:
            get_session().head(constants.ENDPOINT, timeout=TIMEOUT_S)  # any answer is a sign of life, an error too
            answer.append("")
        except Exception as error:
            answer.append(_first_line(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)
    trouble = answer[0] if answer else f"no answer within {TIMEOUT_S:.0f} s"
    if trouble:
        raise LabError(
            f"The Hugging Face hub at {constants.ENDPOINT} cannot be reached ({trouble}): check the network, set "
            f"HF_HUB_OFFLINE=1 if the files were downloaded before, {_INSTEAD}."
        )
    return constants.ENDPOINT


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
