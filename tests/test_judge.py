"""The judge of toxicity and the backbone of the reward model: what they are trained on, and how good they are."""

import random
import re

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from labkit.assets import asset
from labkit.build import judge as recipe
from labkit.corpus.rudeness import insult, read
from labkit.errors import LabError
from labkit.judge import BUCKETS, Judge, load_judge, pieces


def test_the_sentences_of_the_test_are_in_no_training_data():
    train, test = ({text.lower() for text, _, _ in recipe.judge_rows(name)} for name in ("train", "test"))
    assert len(test) >= 150 and not train & test
    kinds = {kind for _, _, kind in recipe.judge_rows("test")}
    assert {"negated", "quoted", "blunt", "insult"} <= kinds
    texts = {text.lower() for text, _ in recipe.judge_examples(random.Random(0))(3000)}
    assert not texts & test


def test_the_judge_sees_the_kept_out_insults_and_the_backbone_none():
    kept_out = [text.lower() for text in read("kept_out")["before"]]
    seen = " ".join(text for text, _ in recipe.judge_examples(random.Random(0))(4000)).lower()
    assert sum(text in seen for text in kept_out) > len(kept_out) / 2
    rng = random.Random(0)
    known = " ".join(insult(rng)[0] for _ in range(4000)).lower()
    assert not any(re.search(rf"\b{re.escape(text)}", known) for text in kept_out)


def test_the_judge_knows_its_own_test():
    report = recipe.judge_report(load_judge())
    assert report["all"][1] >= 150 and report["all"][0] >= 0.8
    shuffled = load_judge()
    with torch.no_grad():
        shuffled.pieces.weight.copy_(shuffled.pieces.weight[torch.randperm(BUCKETS)])
    assert recipe.judge_report(shuffled)["all"][0] < report["all"][0] - 0.15


def test_scores_are_probabilities_in_order_and_do_not_depend_on_the_batch():
    judge = load_judge()
    rude, kind = "You useless lump, are you deaf?", "Thank you, that is very kind of you."
    one, two = judge.score([rude, kind])
    assert 0 <= two < 0.2 < 0.8 < one <= 1
    assert judge.score([kind])[0] == pytest.approx(two, abs=1e-4)
    assert judge.score([]) == [] and 0 <= judge.score([""])[0] <= 1
    with pytest.raises(LabError, match="list of strings"):
        judge.score([None])


def test_a_shouted_word_has_one_piece_more():
    assert len(pieces("FOOL")) == len(pieces("fool")) + 1 and set(pieces("fool")) < set(pieces("FOOL"))
    assert Judge()(["Hello there.", "No."]).shape == (2,)


def test_the_backbone_tells_insults_in_a_turn():
    folder = asset("backbone")
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    report = recipe.backbone_report(model, AutoTokenizer.from_pretrained(folder))
    assert report["known"][0] >= 0.9
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(model.bert.embeddings.word_embeddings.weight.flip(0))
    assert recipe.backbone_report(model, AutoTokenizer.from_pretrained(folder))["known"][0] < 0.75
