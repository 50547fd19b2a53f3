"""Every exercise: its reference as it stands in the notebook, and the answers that the module of its lab lists."""

import answers_lab01
import answers_lab02
import answers_lab03
import answers_lab04
import answers_lab05
import pytest
import torch
from solutions import NotebookExercise, notebook_exercises

from labkit.byte_model import CONTEXT, LAYERS, VOCABULARY, training_flops_per_token
from labkit.exercises import EXERCISES
from labkit.exercises.checking import Status, check

MODULES = {
    "01": answers_lab01,
    "02": answers_lab02,
    "03": answers_lab03,
    "04": answers_lab04,
    "05": answers_lab05,
}
WRONG = {name: answers for module in MODULES.values() for name, answers in module.WRONG.items()}
RIGHT = {name: answers for module in MODULES.values() for name, answers in module.RIGHT.items()}


@pytest.fixture(scope="module")
def notebooks() -> dict[str, NotebookExercise]:
    """The exercises of all notebooks by their names."""
    return {name: each for lab in MODULES for name, each in notebook_exercises(lab).items()}


def test_the_notebooks_have_these_exercises_and_no_others(notebooks: dict[str, NotebookExercise]) -> None:
    assert list(notebooks) == list(EXERCISES)
    assert set(WRONG) == set(RIGHT) == set(EXERCISES)


@pytest.mark.parametrize(("name", "mistake"), [(name, mistake) for name in WRONG for mistake in WRONG[name]])
def test_wrong_answer_gets_its_own_hint(
    name: str, mistake: str, notebooks: dict[str, NotebookExercise], monkeypatch: pytest.MonkeyPatch
) -> None:
    if mistake == "stands still":
        monkeypatch.setattr("labkit.exercises.checking.TIME_LIMIT", 0.3)
    learner, hint = WRONG[name][mistake]
    verdict = check(EXERCISES[name], learner, notebooks[name].solution)
    assert verdict.status is Status.WRONG
    assert hint in verdict.message
    others = {other for _, other in WRONG[name].values()} - {hint}
    assert not [other for other in others if other in verdict.message], "the hint of another mistake"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_check_has_wrong_answers(name: str) -> None:
    assert len({hint for _, hint in WRONG[name].values()}) >= 2


@pytest.mark.parametrize("name", EXERCISES)
def test_reference_is_right_and_stub_is_open(name: str, notebooks: dict[str, NotebookExercise]) -> None:
    one = notebooks[name]
    assert check(EXERCISES[name], one.solution, one.solution).status is Status.RIGHT
    assert check(EXERCISES[name], one.stub, one.solution).status is Status.OPEN


@pytest.mark.parametrize("name", EXERCISES)
def test_cells_of_the_notebook(name: str, notebooks: dict[str, NotebookExercise]) -> None:
    one = notebooks[name]
    stub, reference = one.cells
    assert one.neighbours, "the reference stands right after its stub, the check after both"
    assert "exercise" in stub["metadata"]["tags"] and "solution" in reference["metadata"]["tags"]
    assert reference["metadata"]["jupyter"]["source_hidden"] is True
    assert one.answer not in (one.stub.__name__, one.solution.__name__), "run twice, the cell would check the reference"
    assert one.stub.__annotations__ == one.solution.__annotations__ and one.stub.__doc__


@pytest.mark.parametrize("name", EXERCISES)
def test_no_slip_is_the_right_answer(name: str, notebooks: dict[str, NotebookExercise]) -> None:
    one = EXERCISES[name]
    for case in (each for each in one.cases if each.slips):
        expected = one.kind.read(notebooks[name].solution(*case.arguments))
        assert not any(one.kind.same(slip, expected) for slip in case.slips)


@pytest.mark.parametrize("name", EXERCISES)
def test_other_right_answers_are_right(name: str, notebooks: dict[str, NotebookExercise]) -> None:
    for learner in RIGHT[name]:
        verdict = check(EXERCISES[name], learner, notebooks[name].solution)
        assert verdict.status is Status.RIGHT, verdict


def test_the_fake_quantizer_of_the_notebook_is_torchaos(notebooks: dict[str, NotebookExercise]) -> None:
    from torchao.quantization.qat import IntxFakeQuantizeConfig
    from torchao.quantization.qat.fake_quantizer import IntxFakeQuantizer

    torch.manual_seed(0)
    weight = torch.randn(64, 96)
    for bits in (2, 3, 4):
        library = IntxFakeQuantizer(
            IntxFakeQuantizeConfig(getattr(torch, f"int{bits}"), group_size=32, is_symmetric=True)
        )
        found = []
        for quantizer in (library, lambda w, bits=bits: notebooks["03.fake_quantize"].solution(w, bits, 32)):
            leaf = weight.clone().requires_grad_()
            result = quantizer(leaf)
            result.backward(torch.linspace(-1, 1, leaf.numel()).reshape(leaf.shape))
            found.append((result.detach(), leaf.grad))
        assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("width", [8, 32])
def test_the_formula_of_the_notebook_is_what_torch_counts(width: int, notebooks: dict[str, NotebookExercise]) -> None:
    by_hand = notebooks["05.flops_per_token"].solution(width, LAYERS, CONTEXT, VOCABULARY)
    assert by_hand == training_flops_per_token(width)


def test_the_optimum_of_the_notebook_is_lowest(notebooks: dict[str, NotebookExercise]) -> None:
    from labkit.compute import FITS

    for fit in FITS.values():
        n, d = notebooks["05.compute_optimal"].solution(1e24, fit.A, fit.B, fit.alpha, fit.beta)
        assert 6 * n * d == pytest.approx(1e24)
        assert all(fit.loss(n * step, d / step) > fit.loss(n, d) for step in (0.99, 1.01))
