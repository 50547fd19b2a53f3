"""The dialogues of a profile, with the same columns wherever they come from."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import hub
from labkit.assets import asset
from labkit.errors import LabError
from labkit.profile import EMBEDDED, Profile, is_hub_id

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

COLUMNS = ("id", "dialogue", "summary", "topic", "headline", "facts")
SPLITS = ("train", "validation", "test")
OWN_SPLITS = (*SPLITS, "test_topics", "rude_train", "rude_test")  # of the embedded corpus
NATURAL = ("natural_train", "natural_test")
MAX_SHOTS = 12  # examples in a prompt: some 2,500 tokens of DialogSum

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,:]\d+)*(?!\w)")
_NAME = re.compile(r"\b[A-Z][A-Za-z]+(?:[-'’][A-Z][a-z]+)*\b")
_NO_NAME = {"Mr", "Mrs", "Ms", "Miss", "Dr", "Sir", "Madam", "OK", "Ok", "Yes", "No"}


def load_dialogues(profile: Profile) -> "DatasetDict":
    """The profile's dialogues: splits train, validation, test, and from the package natural_train and natural_test.

    The natural splits are dialogues written one by one. The embedded profile has three splits more: test_topics, on
    topics that the embedded model has never seen, and rude_train and rude_test, in which one speaker is rude; these two
    have the columns rude (who: "#Person2#") and polite (the same dialogue without the insults).

    Columns of all, all strings: id, dialogue (turns on lines of their own), summary, topic, headline, and facts, a JSON
    object of what a good summary keeps: {"price": "$40"}. DialogSum has no headline or facts: its topic is the
    headline, and the facts are `facts_of` its summary. Of several summaries of one dialogue (DialogSum's test split has
    three) each is a row.

    Raises:
        LabError: an asset is missing or damaged, the hub cannot be reached, a file does not hold such dialogues, or
            test_size is more than the test split has.
    """
    from datasets import DatasetDict

    splits = {name: _from_parquet(asset(f"corpus/{name}.parquet")) for name in NATURAL}
    if profile.dataset_id == EMBEDDED:
        own = {name: _from_parquet(asset(f"corpus/{name}.parquet")) for name in OWN_SPLITS}
    elif is_hub_id(profile.dataset_id):
        folder = hub.fetch(hub.Repo("dataset", profile.dataset_id, profile.dataset_revision))
        own = {name: _from_csv(folder / f"{name}.csv") for name in SPLITS}
    else:
        own = {name: _from_parquet(Path(profile.dataset_id, f"{name}.parquet")) for name in SPLITS}
    available = min(own[name].num_rows for name in ("test", "test_topics") if name in own)
    if profile.test_size > available:
        raise LabError(
            f"The profile value test_size is {profile.test_size}, but the test split of {profile.dataset_id} has "
            f"{available} dialogues: lower test_size to {available} or less."
        )
    return DatasetDict({**own, **splits})


def pick(split: "Dataset", number: int) -> dict[str, str]:
    """One dialogue of a split: a dict with the columns above.

    Raises:
        LabError: the split has no dialogue of that number; they are counted from 0.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < split.num_rows:
        raise LabError(f"There is no dialogue {number!r}: choose a whole number from 0 to {split.num_rows - 1}.")
    return split[number]


def facts_of(summary: str, dialogue: str) -> dict[str, str]:
    """The names and numbers of a summary that stand in its dialogue: {"name_1": "Jimmy", "number_1": "3:30"}.

    A capitalised word counts as a name if it is seen inside a sentence at least once and never in small letters;
    words in a row that stand together in the dialogue are one name. A rule of thumb: it knows no language.
    """
    text = f"{summary}\n{dialogue}"
    small = set(re.findall(r"\b[a-z]+\b", text))
    inside = set(re.findall(r"(?<=[a-z0-9,;'] )[A-Z][A-Za-z]+", text))
    standing = re.sub(r"#\w+#", "#", summary)  # #Person1# is a speaker, not a name
    names: list[str] = []
    end = -1
    for match in _NAME.finditer(standing):
        word = match.group()
        if word in _NO_NAME or word.lower() in small or word not in inside or not _stands(word, dialogue):
            continue
        joined = f"{names[-1]} {word}" if names else ""
        if names and standing[end : match.start()] == " " and _stands(joined, dialogue):
            names[-1] = joined
        else:
            names.append(word)
        end = match.end()
    numbers = [number for number in _NUMBER.findall(standing) if number in _NUMBER.findall(dialogue)]
    found = {"name": dict.fromkeys(names), "number": dict.fromkeys(numbers)}
    return {f"{slot}_{n}": value for slot, values in found.items() for n, value in enumerate(values, 1)}


def _stands(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _from_parquet(path: Path) -> "Dataset":
    import pyarrow.parquet as parquet
    from datasets import Dataset

    try:
        table = parquet.read_table(path)  # not Dataset.from_parquet, which writes a copy into a cache
        more = ("rude", "polite") if path.name.startswith("rude") else ()
        return Dataset(table.select([*COLUMNS, *more]))
    except (OSError, KeyError, ValueError) as error:
        raise LabError(f"{path} does not hold dialogues with the columns {', '.join(COLUMNS)}: {error}") from error


def _from_csv(path: Path) -> "Dataset":
    """One split of DialogSum: id, dialogue, summary, topic."""
    import pandas
    from datasets import Dataset

    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False)[["id", "dialogue", "summary", "topic"]]
    except (OSError, KeyError, ValueError) as error:
        raise LabError(f"{path} does not hold the columns id, dialogue, summary, topic: {error}") from error
    pairs = zip(frame["summary"], frame["dialogue"], strict=True)
    frame["headline"] = frame["topic"]
    frame["facts"] = [json.dumps(facts_of(summary, dialogue)) for summary, dialogue in pairs]
    return Dataset.from_dict({column: frame[column].tolist() for column in COLUMNS})
