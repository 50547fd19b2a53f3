"""What Lab 04 says when it is given something that cannot work."""

from pathlib import Path

import pytest

from labkit.runner import run

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.mark.parametrize("batch_size", [10, 4])
def test_a_batch_that_the_ranks_cannot_share_is_one_sentence(batch_size, tmp_path):
    (entry,) = run(["04"], out=tmp_path / "build", folder=NOTEBOOKS, parameters={"batch_size": batch_size})
    assert f"batch_size is {batch_size}: take a multiple of 4 from 8 on" in entry["error"]
