"""The recipe of the embedded model: its fast forward pass, its batches, and that a killed run goes on."""

import itertools
import json
import math
import random

import pyarrow.parquet as parquet
import pytest
import torch

from labkit.assets import asset
from labkit.build import bars, forward, training, untrained
from labkit.build.corpus import build_corpus, seen_scripts
from labkit.build.guidance import ENCODED, POINTERS, guidance, line_numbers, lines_told
from labkit.build.recipe import Recipe, average, optimizers, orthogonalised, progress_of, rate
from labkit.corpus import words
from labkit.corpus.generator import make_dialogue, spoken_by_either
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, summarize, tell
from labkit.corpus.talks import talks
from labkit.corpus.tasks import TaskMixture

PYTORCHS_UPDATE = torch.optim._muon._zeropower_via_newtonschulz  # before a training may exchange it


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(asset("model/tokenizer.json").parent)


def test_the_shipped_corpus_is_rebuilt(tmp_path):
    for name in build_corpus(tmp_path):
        # row by row: the file itself also tells the version of pyarrow
        assert parquet.read_table(tmp_path / f"{name}.parquet").equals(
            parquet.read_table(asset(f"corpus/{name}.parquet"))
        )


def test_forward_is_that_of_transformers(tokenizer):
    model = untrained.new_model(tokenizer, seed=0).eval()
    source = tokenizer(["#Person1#: Hello, is it at 7:30?", "Yes."], padding=True, return_tensors="pt")
    labels = tokenizer(["They meet at 7:30.", "No."], padding=True, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = model(**source, labels=labels).logits
        each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        weights = (labels != 0) / (labels != 0).sum(1, keepdim=True).sqrt()
        theirs = (each * weights).sum() / weights.sum()
        ours = forward.loss(model, source.input_ids, labels)
        other = forward.loss(model, source.input_ids.flip(0), labels)
    assert abs(float(ours - theirs)) < 0.01 < abs(float(other - theirs))


def test_batches_hold_every_token_once(tokenizer):
    recipe = Recipe()
    drawn = list(training.batches(TaskMixture(seen_scripts(), Filler(random.Random(0))), tokenizer, recipe))
    mixture = TaskMixture(seen_scripts(), Filler(random.Random(0)))
    pairs = [mixture.example() for _ in range(training.POOL_SIZE)]
    encoded = [tokenizer(list(pair), verbose=False).input_ids for pair in pairs]
    expected = sum(len(source) + len(answer) for source, answer in encoded if len(source) <= recipe.max_prompt)
    assert sum(int((part != 0).sum()) for batch in drawn for part in batch[:2]) == expected
    assert all(source.numel() + labels.numel() <= recipe.tokens_per_step for source, labels, *_ in drawn)
    assert all(
        lines.shape == labels.shape and int(lines.max()) <= int(counts.max()) for _, labels, lines, counts in drawn
    )


@pytest.mark.parametrize("step", [3, 7, 17, 28])  # one in each stage
def test_a_killed_run_goes_on_where_it_stopped(tokenizer, tmp_path, monkeypatch, step):
    monkeypatch.setattr(training, "CHECKPOINT_POOLS", 1)
    monkeypatch.setattr(training, "CHECKS", 2)
    monkeypatch.setattr(training, "POOL_SIZE", 16)
    monkeypatch.setattr(training, "check", lambda *_: {})
    recipe = Recipe(tokens=6_000, questions=3_000, third_stage=9_000, finish=6_000, tokens_per_step=2_048)
    whole = training.train(tmp_path / "whole", tokenizer, seen_scripts(), frozenset(), recipe)

    class Killed(Exception):
        pass

    steps = iter(range(100))

    def dies(*arguments):
        if next(steps) == step:
            raise Killed
        return loss(*arguments)

    loss = forward.loss
    monkeypatch.setattr(forward, "loss", dies)
    with pytest.raises(Killed):
        training.train(tmp_path / "killed", tokenizer, seen_scripts(), frozenset(), recipe)
    monkeypatch.setattr(forward, "loss", loss)
    resumed = training.train(tmp_path / "killed", tokenizer, seen_scripts(), frozenset(), recipe)
    for one, two in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, two)
    assert checked(tmp_path / "whole") == checked(tmp_path / "killed") != set()


def checked(folder):
    """After how many tokens the bars were measured, of a run whose check says nothing."""
    lines = map(json.loads, (folder / "log.jsonl").read_text("utf-8").splitlines())
    return {line["tokens"] for line in lines if set(line) == {"tokens"}}


def test_the_log_tells_the_bars_on_known_topics_and_on_talks_kept_for_validation(tokenizer, monkeypatch):
    measured = []
    monkeypatch.setattr(bars, "runner", lambda *_: None)
    monkeypatch.setattr(bars, "climb", lambda run, dialogues, *_: measured.append(dialogues) or {"outputs": {}})
    monkeypatch.setattr(bars, "battery", lambda run, known, rude, size: (known, rude))
    found = training.check(None, tokenizer, seen_scripts(), size=30)
    known, new = ({dialogue.script.topic for dialogue in dialogues} for dialogues in measured)
    assert known <= {script.topic for script in seen_scripts()} and len(known) > 10
    assert new <= {talk.topic for talk in talks(validation=True)} and len(new) > 5
    assert found["tasks"][0] is measured[0] and all(dialogue.rude for dialogue in found["tasks"][1])


@pytest.mark.parametrize("shape", [(24, 24), (40, 16), (16, 40)])
def test_the_update_in_float32_is_that_of_pytorch(shape):
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    how = (3.4445, -4.775, 2.0315), 5, 1e-7
    ours, theirs = orthogonalised(gradient, *how), PYTORCHS_UPDATE(gradient, *how).float()
    assert (ours - theirs).norm() / theirs.norm() < 0.02 < (gradient - theirs).norm() / theirs.norm()


def test_an_answer_counts_by_the_person_it_ends_with_or_as_a_whole():
    assert bars.verdict("You're hopeless (#Person2#)") == bars.verdict("#Person2#") != bars.verdict("#Person1#")
    assert bars.verdict(" No one") == bars.verdict("no one") != bars.verdict("#Person1#")


def test_the_rate_warms_up_and_falls():
    assert rate(0) < 0.1 < 0.9 < rate(0.02) < 1.0
    assert rate(0.5) == pytest.approx(0.5) and rate(0.999) == pytest.approx(0.02)


def test_each_later_stage_begins_anew_with_its_optimizers_and_smaller_batches(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "POOL_SIZE", 32)
    monkeypatch.setattr(training, "check", lambda *_: {})
    rates, sizes, made, weights, averaged, loss = [], [], [], [], [], forward.loss

    def watched(model, source, labels, *rest):
        sizes.append(source.numel() + labels.numel())
        return loss(model, source, labels, *rest)

    monkeypatch.setattr(training, "rate", lambda done: rates.append(done) or rate(done))

    def begun(model, *args):
        weights.append({name: weight.detach().clone() for name, weight in model.named_parameters()})
        made.append(optimizers(model, *args))
        return made[-1]

    monkeypatch.setattr(training, "optimizers", begun)
    monkeypatch.setattr(training, "average", lambda _, first, share: averaged.append((len(rates), first, share)))
    monkeypatch.setattr(forward, "loss", watched)
    recipe = Recipe(tokens=9_000, questions=8_000, third_stage=20_000, finish=8_000, tokens_per_step=2_048)
    training.train(tmp_path, tokenizer, seen_scripts(), frozenset(), recipe)
    turns = [n for n, (one, two) in enumerate(itertools.pairwise(rates), 1) if two < one]
    assert len(turns) == 3 and all(0 <= done < 1 for done in rates) and all(rates[n] < 0.3 for n in turns)
    assert max(sizes[: turns[0]]) > 1_100 > 1_024 >= max(sizes[slice(*turns[:2])])  # a long prompt stands alone later
    assert [len(each) for each in made] == [2, 1, 1, 2]  # Muon with AdamW, AdamW alone twice, and as at first
    for one, two in zip(made[0], made[3], strict=True):
        base = [[group["base_lr"] for group in each.param_groups] for each in (one, two)]
        assert base[1] == pytest.approx([recipe.finish_share * lr for lr in base[0]]) and base[0] != base[1]
    (adamw,) = made[2]
    assert {group["base_lr"] for group in adamw.param_groups} == {recipe.later_lr, 0.35 * recipe.later_lr}
    places = [at for at, *_ in averaged]
    assert turns[1] < places[0] < places[-1] == turns[2]
    assert [share for *_, share in averaged] == [share for _, share in recipe.averages]
    for _, first, _ in averaged:  # the weights with which the second stage began, whatever came after
        assert all(torch.equal(weight, first[name]) for name, weight in weights[1].items())
        assert not torch.equal(weights[2]["shared.weight"], first["shared.weight"])


def test_an_average_moves_each_weight_once(tokenizer):
    model, other = (untrained.new_model(tokenizer, seed) for seed in (0, 1))
    one, two = ({name: w.detach().clone() for name, w in each.named_parameters()} for each in (model, other))
    average(model, two, 0.25)
    for name, weight in model.named_parameters():  # the shared weights, too, which have three names
        assert torch.allclose(weight, 0.75 * one[name] + 0.25 * two[name], atol=1e-6)
    assert not torch.equal(one["shared.weight"], two["shared.weight"])


def test_progress_runs_over_one_stage_after_the_other():
    recipe = Recipe(tokens=1_000, questions=200, third_stage=400, finish=100)
    found = [progress_of(tokens, recipe) for tokens in (0, 500, 1_000, 1_100, 1_200, 1_400, 1_600, 1_650, 1_700)]
    assert found == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def next_tokens_right(tokenizer, texts):
    """Of the tokens of texts to be repeated, the share that an untrained model gets right from those before."""
    model, right, count = untrained.new_model(tokenizer, seed=0), 0, 0
    for text in texts:
        source, labels = (torch.tensor([tokenizer(each).input_ids]) for each in (f"Repeat: {text}", text))
        with torch.no_grad():
            guessed = model(input_ids=source, labels=labels).logits.argmax(-1)
        right, count = right + int((guessed == labels).sum()), count + labels.numel()
    return right / count


def test_a_new_model_copies_before_it_has_learnt_anything(tokenizer, monkeypatch):
    rng = random.Random(0)
    texts = [" ".join(rng.choices(words.OBJECTS, k=8)) for _ in range(12)]
    assert next_tokens_right(tokenizer, texts) > 0.6
    monkeypatch.setattr(untrained, "start_copying", lambda model: None)
    assert next_tokens_right(tokenizer, texts) < 0.05


def test_words_that_come_again_do_not_lead_copying_astray(tokenizer, monkeypatch):
    rng = random.Random(0)
    texts = [make_dialogue(rng.choice(seen_scripts()), Filler(rng)).text for _ in range(6)]
    right = next_tokens_right(tokenizer, texts)
    monkeypatch.setattr(torch.linalg, "qr", lambda matrix: (torch.zeros_like(matrix),))  # no older token is kept
    assert next_tokens_right(tokenizer, texts) < right - 0.2


def test_training_leaves_the_copying_weights_as_they_are(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "POOL_SIZE", 16)
    monkeypatch.setattr(training, "check", lambda *_: {})
    recipe = Recipe(tokens=2_000, questions=500, third_stage=500, finish=500, tokens_per_step=2_048)
    before = untrained.new_model(tokenizer, recipe.seed)
    after = training.train(tmp_path, tokenizer, seen_scripts(), frozenset(), recipe)
    fixed = list(zip(untrained.kept(before), untrained.kept(after), strict=True))
    assert len(fixed) > 30 and all(torch.equal(one[place], two[place]) for (one, place), (two, _) in fixed)
    moved = [not torch.equal(one, two) for one, two in zip(before.parameters(), after.parameters(), strict=True)]
    assert sum(moved) > 0.9 * len(moved)


def tokens_named_right(tokenizer, texts):
    """Share of a prompt's tokens from the first line on that know their speaker before anything is learnt."""
    model, right = untrained.new_model(tokenizer, seed=0), []
    for text in texts:
        source = torch.tensor([tokenizer(text).input_ids])
        with torch.no_grad():
            states = model.encoder(input_ids=source).last_hidden_state[0]
        first, second = (states[:, place].mean(1) for place in untrained.SAID_BY)
        speaker = 0
        for token, one, two in zip(tokenizer.convert_ids_to_tokens(source[0]), first, second, strict=True):
            speaker = {"▁#Person1#:": 1, "▁#Person2#:": 2}.get(token, speaker)
            right.append(float((one > two) == (speaker == 1)))
    return sum(right) / len(right)


def test_every_token_of_a_new_model_knows_who_says_it(tokenizer, monkeypatch):
    rng = random.Random(0)
    texts = [spoken_by_either(make_dialogue(rng.choice(seen_scripts()), Filler(rng)), rng).text for _ in range(8)]
    assert tokens_named_right(tokenizer, texts) > 0.98
    monkeypatch.setattr(untrained, "start_naming", lambda *_: None)
    assert tokens_named_right(tokenizer, texts) < 0.8


def test_the_lines_that_an_answer_tells_are_found(tokenizer):
    rng = random.Random(0)
    dialogues = [make_dialogue(rng.choice(seen_scripts()), Filler(rng)) for _ in range(40)]
    found, wrong = [], []
    for dialogue, other in itertools.pairwise(dialogues):
        for at, _, template in dialogue.told:
            report = tell(dialogue, template, "person", rng)
            offsets = tokenizer(report, return_offsets_mapping=True).offset_mapping
            lines, count = lines_told(f"Dialogue:\n\n{dialogue.text}\n\nWhat was going on?", report, offsets)
            found.append(max(lines) == len(dialogue.turns) - at and count == len(dialogue.turns))
            wrong.append(lines_told(other.text, report, offsets)[1] > 0)
    assert sum(found) / len(found) > 0.9
    assert sum(wrong) / len(wrong) < 0.6


def test_guidance_asks_for_the_line_that_is_told():
    starts, picker = torch.tensor([8, 9]), torch.nn.Linear(2, 1)
    source = torch.tensor([[5, 8, 5, 9, 5, 8, 5, 0]])  # a word, then three lines of two tokens, and padding
    number = line_numbers(source, starts)
    assert number.tolist() == [[0, 3, 3, 2, 2, 1, 1, 0]]
    told, counts = torch.tensor([[2, 2, 0]]), torch.tensor([3])

    def loss(line, picked):
        attention = torch.zeros(1, 8, 3, 8)
        attention[:, :, :, number[0] == line] = 0.5
        with torch.no_grad():
            picker.weight.copy_(torch.tensor([[20.0, 0.0]]))
            picker.bias.fill_(-10)
        encoded = torch.zeros(1, 8, 2)
        encoded[0, number[0] == picked, 0] = 1.0
        seen = {name: attention for name, _ in POINTERS} | {ENCODED: encoded}
        return float(guidance(seen, picker, source, told, counts, starts).detach())

    assert loss(2, 2) < 0.01 and loss(1, 2) > 10 and loss(2, 3) > 5
    assert float(guidance({}, picker, source, torch.zeros_like(told), counts, starts)) == 0


def test_swapped_speakers_are_seen():
    rng = random.Random(0)
    dialogues = [make_dialogue(rng.choice(seen_scripts()), Filler(rng)) for _ in range(20)]
    outputs = [summarize(dialogue, HOUSE, rng) for dialogue in dialogues]
    swapped = [bars.PERSON.sub(lambda match: f"#Person{3 - int(match[1])}#", text) for text in outputs]
    right, wrong = bars.speakers(outputs, dialogues), bars.speakers(swapped, dialogues)
    assert all(sum(values) / len(values) > 0.9 for values in right)
    assert all(sum(values) == 0 for values in wrong)
    assert bars.speakers(["Nobody did."], dialogues[:1])[0] == [0.0]
    assert math.isnan(bars.share_in_place("#Person1# wants to go".split(), "#Person2# is gone".split()))
    assert math.isnan(bars.estimate([float("nan")])[0]) and bars.estimate([1.0, float("nan")])[0] == 1.0
