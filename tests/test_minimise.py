import pytest
import torch

from labkit.errors import LabError
from labkit.minimise import minimise


def two_valleys(point):
    """Minima near -1 and 1; the one near 1 is lower."""
    x, y = point
    return (x**2 - 1) ** 2 - 0.1 * x + (y - 3) ** 2


def test_one_start_finds_the_minimum_near_it_and_many_the_lowest():
    near = minimise(two_valleys, [(-1.2, 0.0)])
    assert near[0] < -0.9 and near[1] == pytest.approx(3)
    lowest = minimise(two_valleys, [(-1.2, 0.0), (1.4, 0.0), (-0.7, 9.0)])
    assert lowest[0] > 0.9
    assert two_valleys(torch.tensor(lowest)) < two_valleys(torch.tensor(near))


def test_it_works_in_double_precision():
    found = minimise(lambda point: ((point - 1 / 3) ** 2).sum(), [[5.0]])
    assert abs(found[0] - 1 / 3) < 1e-9


def test_a_start_that_leads_nowhere_does_not_count():
    def broken_below_zero(point):
        return (point[0].sqrt() - 2) ** 2

    assert minimise(broken_below_zero, [[-1.0], [3.0]])[0] == pytest.approx(4)
    for starts in ([[-1.0]], []):
        with pytest.raises(LabError, match="No start leads to a finite minimum"):
            minimise(broken_below_zero, starts)


def test_a_description_brings_a_bar(capsys):
    minimise(lambda point: (point**2).sum(), [[1.0]])
    assert capsys.readouterr().err == ""
    minimise(lambda point: (point**2).sum(), [[1.0]], "searching")
    assert "searching" in capsys.readouterr().err
