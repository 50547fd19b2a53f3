import dataclasses
import platform
import subprocess
import sys

import pytest

import labkit
from labkit.profile import PROFILES, is_hub_id, profile


def test_embedded_is_the_default_and_needs_no_hub():
    default = profile()
    assert (default.name, default.test_size, default.seed, default.device, default.dtype) == (
        "embedded",
        200,
        0,
        "cpu",
        "float32",
    )
    assert not default.needs_hub


@pytest.mark.parametrize("name", ["small", "base", "large", "xl"])
def test_hub_profiles_pin_the_model_by_commit(name):
    chosen = profile(name)
    assert chosen.needs_hub
    assert chosen.model_id == f"google/flan-t5-{name}"
    assert len(chosen.model_revision) == 40 and set(chosen.model_revision) <= set("0123456789abcdef")
    assert chosen.dataset_id == "knkarthick/dialogsum"


def test_larger_profiles_need_more_memory():
    needs = [profile(name).memory_gb for name in PROFILES]
    assert needs == sorted(needs)


def test_overrides_replace_single_values():
    assert profile("base", test_size=50) == dataclasses.replace(profile("base"), test_size=50)
    assert profile("base", memory_gb=3).memory_gb == 3


def test_another_model_is_not_read_at_the_commit_of_the_profiles_own():
    assert profile("small", model_id="google/flan-t5-base").model_revision == "main"
    assert profile("small", model_id="google/flan-t5-base", model_revision="v1").model_revision == "v1"


def test_a_smaller_batch_needs_less_memory():
    needs = [profile("base", batch_size=size).memory_gb for size in (1, 16, 64)]
    assert needs == sorted(needs) and needs[1] == profile("base").memory_gb
    assert profile("base", batch_size=1, memory_gb=9.0).memory_gb == 9.0


def test_a_folder_is_no_hub_id(tmp_path):
    assert is_hub_id("google/flan-t5-small") and not is_hub_id(str(tmp_path)) and not is_hub_id("embedded")
    assert not profile("embedded", model_id=str(tmp_path)).needs_hub


@pytest.mark.parametrize(
    "arguments, overrides, words",
    [
        (("embeded",), {}, ["'embeded'", "did you mean 'embedded'?", "small, base, large, xl"]),
        ((3,), {}, ["3", "embedded"]),
        (("base",), {"test_sise": 5}, ["'test_sise'", "did you mean 'test_size'?", "batch_size"]),
        (("base",), {"name": "small"}, ["cannot be overridden", "profile('small')"]),
        (("base",), {"test_size": "50"}, ["test_size", "whole number", "'50'"]),
        (("base",), {"test_size": 2.5}, ["test_size", "whole number", "2.5"]),
        (("base",), {"test_size": True}, ["test_size", "whole number", "True"]),
        (("base",), {"test_size": 0}, ["test_size", "1 or more"]),
        (("base",), {"batch_size": -1}, ["batch_size", "1 or more"]),
        (("base",), {"batch_size": None}, ["batch_size", "whole number"]),
        (("base",), {"seed": -1}, ["seed", "0 or more"]),
        (("base",), {"memory_gb": float("nan")}, ["memory_gb", "above 0"]),
        (("base",), {"device": "gpu"}, ["device", "auto, cpu, cuda, mps"]),
        (("base",), {"dtype": "float16"}, ["dtype", "float32"]),
        (("base",), {"model_id": "no/such/folder"}, ["model_id", "a folder", "'no/such/folder'"]),
    ],
)
def test_bad_values_are_named_in_one_sentence(arguments, overrides, words):
    with pytest.raises(labkit.LabError) as caught:
        profile(*arguments, **overrides)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_profiles_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        profile().test_size = 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an option of glibc")
@pytest.mark.parametrize(("start", "kept"), [("labkit.profile('embedded')", True), ("", False)])
def test_a_profile_lets_the_process_keep_what_it_frees(start, kept):
    """Pages that the system must clear, over 20 large blocks in a row: nearly none, where without it all of them."""
    script = f"""
import resource, labkit
{start}
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
bytearray(2**26)
before = faults()
for _ in range(20):
    bytearray(2**26)
print((faults() - before) * resource.getpagesize() / (20 * 2**26))
"""
    share = float(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)
    assert share < 0.1 if kept else share > 0.5
