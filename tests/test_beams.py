import numpy as np
import pytest

from labkit.beams import ENDED, KEPT, LEFT, PRUNED, Search, Step, beam_search
from labkit.decoding import decode, read_prompts
from labkit.errors import LabError
from labkit.generation import id_log_probabilities

EOS = 1


@pytest.fixture(scope="module")
def state(tiny_model):
    return read_prompts(*tiny_model, ["#Person1#: Hello Anna, how much is the lamp?"])[0]


@pytest.fixture(scope="module")
def search(tiny_model, state):
    return beam_search(*tiny_model, state, num_beams=3, max_new_tokens=6, length_penalty=0.0)


def test_watching_changes_nothing(tiny_model, state, search):
    plain = decode(*tiny_model, [state], max_new_tokens=6, batch_size=3, num_beams=3, length_penalty=0.0)
    assert search.output == plain.ids[0][0]


def test_scores_are_sums_of_log_probabilities(tiny_model, state, search):
    assert search.steps[0].hypotheses == [()] and search.steps[0].scores == [0.0]
    for step in search.steps[1:]:
        assert len(step.hypotheses) == 3 == len(step.scores)
        logs = id_log_probabilities(tiny_model[0], [state] * 3, [list(ids) for ids in step.hypotheses], batch_size=3)
        assert step.scores == pytest.approx([sum(row) for row in logs], abs=1e-3)


def test_the_next_hypotheses_are_the_best_continuations(search):
    for now, later in zip(search.steps, search.steps[1:], strict=False):
        totals = np.array(now.scores)[:, None] + now.log_probs
        totals[:, EOS] = -np.inf
        best = [divmod(int(n), totals.shape[1]) for n in np.argsort(-totals, axis=None, kind="stable")[:3]]
        assert [(*now.hypotheses[row], token) for row, token in best] == later.hypotheses


def made_up() -> Search:
    """Two beams over the tokens 0, EOS, 2, 3: greedy takes 2, whose continuations are poor."""
    first = Step([()], [0.0], np.log([[0.05, 0.05, 0.5, 0.4]]))
    second = Step([(2,), (3,)], np.log([0.5, 0.4]).tolist(), np.log([[0.4, 0.2, 0.2, 0.2], [0.01, 0.9, 0.08, 0.01]]))
    third = Step([(2, 0), (2, 2)], np.log([0.2, 0.1]).tolist(), np.log([[0.1, 0.1, 0.7, 0.1], [0.1, 0.7, 0.1, 0.1]]))
    return Search([first, second, third], [3, EOS], num_beams=2, eos_token_id=EOS)


def test_the_tree_says_what_became_of_each_candidate():
    nodes = made_up().nodes()
    assert (nodes[0].parent, nodes[0].fate) == (None, KEPT)
    by_path = {}
    paths = {0: ()}
    for number, node in enumerate(nodes[1:], start=1):
        paths[number] = (*paths[node.parent], node.token)
        by_path[paths[number]] = node
    assert len(nodes) == 1 + 3 * 4, "at each step twice as many candidates as beams"
    assert by_path[(2,)].fate == KEPT and by_path[(0,)].fate == PRUNED
    assert by_path[(3, EOS)].fate == ENDED and by_path[(3, EOS)].score == pytest.approx(np.log(0.36))
    assert by_path[(2, EOS)].fate == PRUNED, "an end beyond the beams is not set aside"
    assert by_path[(2, 0, 2)].fate == by_path[(2, 0, 0)].fate == LEFT, "as many as would go on, ends not counted"
    assert by_path[(2, 2, EOS)].fate == ENDED


def test_where_a_text_was_lost():
    search = made_up()
    assert search.lost_at([3, EOS]) is None and search.lost_at([2, 0]) is None
    step, rank, score = search.lost_at([3, 2, EOS])
    assert (step, rank) == (1, 6) and score == pytest.approx(np.log(0.4 * 0.08))
    assert search.lost_at([0, EOS])[0] == 0
    assert search.lost_at([2, EOS])[:2] == (1, 3), "an end that is not among the best"


def test_wrong_settings_are_refused(tiny_model, state):
    with pytest.raises(LabError, match="num_beams must be a whole number"):
        beam_search(*tiny_model, state, num_beams=0, max_new_tokens=6)
