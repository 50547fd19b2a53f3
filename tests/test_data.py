import json

import pyarrow
import pyarrow.parquet
import pytest
from tiny import COLUMNS, SPLITS, tiny_rows

from labkit import load_dialogues, profile
from labkit.data import facts_of, pick
from labkit.errors import LabError


def test_embedded_splits_and_columns(use_tiny_assets, capfd):
    dialogues = load_dialogues(profile(test_size=5))
    assert {name: split.num_rows for name, split in dialogues.items()} == SPLITS
    for name, split in dialogues.items():
        assert tuple(split.column_names) == COLUMNS + (("rude", "polite") if name.startswith("rude") else ())
    assert dialogues["test"][0] == tiny_rows("test")[0]
    assert dialogues["test"].select(range(2))["id"][:] == ["test_0", "test_1"]
    assert capfd.readouterr().err == ""


def test_a_folder_can_be_the_dialogues(use_tiny_assets):
    dialogues = load_dialogues(profile(dataset_id=str(use_tiny_assets / "corpus"), test_size=5))
    assert list(dialogues) == ["train", "validation", "test", "natural_train", "natural_test"]


def test_more_test_dialogues_than_there_are(use_tiny_assets):
    with pytest.raises(LabError, match="test_size is 200, but the test split of embedded has 5 dialogues: lower"):
        load_dialogues(profile())


def test_a_folder_without_the_columns_is_refused(use_tiny_assets, tmp_path):
    with pytest.raises(LabError, match="train.parquet does not hold dialogues"):
        load_dialogues(profile(dataset_id=str(tmp_path)))
    for split in ("train", "validation", "test"):
        pyarrow.parquet.write_table(pyarrow.table({"id": ["1"]}), tmp_path / f"{split}.parquet")
    with pytest.raises(LabError, match="id, dialogue, summary, topic, headline, facts"):
        load_dialogues(profile(dataset_id=str(tmp_path)))


@pytest.mark.parametrize(
    "summary, dialogue, facts",
    [
        (
            "#Person1# invites Jimmy to meet at 3:30 on Friday.",
            "#Person1#: Hey Jimmy. How about 3:30?\n#Person2#: Fine. See you on Friday, Jimmy.",
            {"name_1": "Jimmy", "name_2": "Friday", "number_1": "3:30"},
        ),
        (
            "Mr. Smith flies to New York with 2 bags.",
            "#Person1#: Welcome, Mr. Smith.\n#Person2#: I fly to New York. My name is Smith. I have 2 bags, not 25.",
            {"name_1": "Smith", "name_2": "New York", "number_1": "2"},
        ),
        ("The man pays 5 dollars. They leave.", "#Person1#: The bill is 5.50.\n#Person2#: They said the man pays.", {}),
        ("#Person1# is tired.", "#Person1#: I am tired.", {}),
    ],
)
def test_facts_are_names_and_numbers_that_stand_in_the_dialogue(summary, dialogue, facts):
    assert facts_of(summary, dialogue) == facts
    assert json.loads(json.dumps(facts)) == facts


def test_picking_a_dialogue(use_tiny_assets):
    test = load_dialogues(profile(test_size=5))["test"]
    assert pick(test, 4) == tiny_rows("test")[4]
    for number in (5, -1, 1.0, True, "1"):
        with pytest.raises(LabError, match="whole number from 0 to 4"):
            pick(test, number)
