import pytest

from labkit.errors import LabError
from labkit.planner import OFFLOAD, plan_table, planner, plans

MODELS = {"small": 1e9, "large": 11.3e9}


def formula(parameters, gpus, stage):
    return parameters * sum(part / (gpus if stage > place else 1) for place, part in enumerate((12, 2, 2)))


def test_a_plan_says_what_lies_on_a_gpu_whether_it_fits_and_what_is_sent():
    found = {each.strategy: each for each in plans(formula, 8e9, 8, 80)}
    assert list(found) == ["DDP", "ZeRO-1", "ZeRO-2", "ZeRO-3 / FSDP", OFFLOAD]
    assert [each.held / 8e9 for each in found.values()][:4] == [16, 5.5, 3.75, 2]
    assert [each.fits for each in found.values()] == [False, True, True, True, True]
    assert found["DDP"].sent == found["ZeRO-2"].sent == 2 * 2 * 8e9 * 7 / 8
    assert found["ZeRO-3 / FSDP"].sent == 1.5 * found["DDP"].sent
    assert found[OFFLOAD].held < found["ZeRO-3 / FSDP"].held and found[OFFLOAD].over_bus == 6e9
    assert all(each.over_bus == 0 for name, each in found.items() if name != OFFLOAD)


def test_one_gpu_sends_nothing():
    assert [each.sent for each in plans(formula, 1e9, 1, 80)] == [0] * 5


def test_the_table_reads_in_a_terminal():
    text = repr(plan_table(formula, 11.3e9, gpus=8, memory_gb=80))
    assert "11.3 billion parameters on 8 GPUs of 80 GB" in text and "180.8" in text
    assert text.count("too large") == 1 and text.count("fits") == 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"parameters": 0}, "parameters must be a number from above 0 to 1e[+]15, not 0"),
        ({"parameters": 1e40}, "parameters must be"),
        ({"parameters": float("nan")}, "parameters must be"),
        ({"gpus": 0}, "gpus must be"),
        ({"gpus": 2.5}, "gpus must be"),
        ({"memory_gb": -1}, "memory_gb must be"),
        ({"memory_gb": "80"}, "memory_gb must be"),
    ],
)
def test_bad_input_is_one_sentence(change, sentence):
    with pytest.raises(LabError, match=sentence):
        plans(formula, **{"parameters": 1e9, "gpus": 8, "memory_gb": 80, **change})


def test_the_panel_follows_its_controls():
    panel = planner(formula, MODELS)
    assert panel.size.value == 1 and "1 billion parameters on 8 GPUs of 80 GB" in panel.result.value
    panel.model.value = 11.3e9
    assert "11.3 billion" in panel.result.value and "too large" in panel.result.value
    panel.gpus.value = 64
    panel.memory.value = 200
    assert "on 64 GPUs of 200 GB" in panel.result.value and "too large" not in panel.result.value
    panel.size.value = 0
    assert 'role="alert"' in panel.result.value and "parameters must be" in panel.result.value
    panel.size.value = 7.5
    assert "7.5 billion" in panel.result.value
    assert repr(panel).startswith("Planner: an interactive panel")


def test_a_planner_without_models_is_refused():
    with pytest.raises(LabError, match="at least one model"):
        planner(formula, {})
