import resource
import subprocess
import sys

import pytest

import labkit

HEAVY = ("torch", "transformers", "datasets", "evaluate", "matplotlib", "pandas", "numpy", "IPython", "huggingface_hub")


def cpu_seconds(code: str) -> float:
    """Processor time of a Python process that runs this code; clock time would measure what else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_import_takes_less_than_three_tenths_of_a_second():
    """Beyond the interpreter's own start; the best of five, since other programs can only make a start slower."""
    with_labkit, bare = ([cpu_seconds(code) for _ in range(5)] for code in ("import labkit", "pass"))
    assert min(with_labkit) - min(bare) < 0.3


def test_import_leaves_the_heavy_libraries_alone():
    code = f"import sys, labkit; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", labkit.__all__)
def test_public_names_are_callable(name):
    assert callable(getattr(labkit, name))


def test_profile_and_record_stay_functions_after_their_modules_are_imported():
    code = "import labkit.models, labkit.record, labkit; labkit.profile('small'); assert callable(labkit.record)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'profil'"):
        _ = labkit.profil
    assert set(labkit.__all__) <= set(dir(labkit))
