"""What the embedded model can do, measured: the table of its model card, in small also while it trains."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from typing import Any

from labkit.build.corpus import generated_splits, seen_scripts
from labkit.corpus.generator import Dialogue, make_dialogue
from labkit.corpus.natural import natural_dialogues
from labkit.corpus.questions import KINDS, ask
from labkit.corpus.rudeness import read
from labkit.corpus.script import Script
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import HOUSE, Style, summarize
from labkit.generation import generate
from labkit.metrics import bootstrap_interval, fact_recall, rouge_scores
from labkit.profile import Profile

ASK = "Dialogue:\n\n{}\n\nWhat was going on?\n".format
WORD_TYPES = ("thing", "object", "place", "street", "town", "company", "food")
NAME_TYPES = ("name", "surname", "fullname")
PERSON = re.compile(r"#Person([12])#")
Estimate = tuple[float, float, float]  # mean, and the ends of its 95% bootstrap interval
Run = Callable[[list[str]], list[str]]


def runner(model: Any, tokenizer: Any) -> Run:
    """Greedy decoding of a list of prompts."""
    model.eval()
    return lambda prompts: generate(model, tokenizer, prompts, max_new_tokens=Profile.max_new_tokens, batch_size=50)


def estimate(values: Iterable[float]) -> Estimate:
    """Mean and 95% bootstrap interval, rounded for a table; nan is left out."""
    values = [value for value in values if value == value]
    if not values:
        return (float("nan"),) * 3
    low, high = bootstrap_interval(values)
    return round(sum(values) / len(values), 3), round(low, 3), round(high, 3)


def k_shot(examples: list[tuple[str, str]], target: str) -> str:
    """The labs' few-shot prompt of (dialogue, summary) examples and the dialogue to summarize."""
    return "".join(f"{ASK(text)}{summary}\n\n\n" for text, summary in examples) + ASK(target)


def rouge1(outputs: list[str], references: list[str]) -> list[float]:
    """ROUGE-1 of each output."""
    return rouge_scores(outputs, references)["rouge1"]


def climb(run: Run, dialogues: list[Dialogue], references: list[str], shots: list[list[Dialogue]]) -> dict[str, Any]:
    """ROUGE-1 and facts kept by the number of examples; what an example decides; who is who in the summary.

    `shots` holds three dialogues for each one in `dialogues`; their summaries are drawn in the house style.
    """
    rng = random.Random("climb")
    texts, facts = [d.text for d in dialogues], [d.facts for d in dialogues]
    house = [[(shot.text, summarize(shot, HOUSE, rng)) for shot in row] for row in shots]
    other = Style("house", "role", "In short: {}")
    restyled = [[(row[0].text, summarize(row[0], other, rng))] for row in shots]
    outputs = {
        "no prompt": run(texts),
        "zero-shot": run([ASK(text) for text in texts]),
        "one-shot": run([k_shot(row[:1], text) for row, text in zip(house, texts, strict=True)]),
        "three shots": run([k_shot(row, text) for row, text in zip(house, texts, strict=True)]),
        "one shot in another style": run([k_shot(row, text) for row, text in zip(restyled, texts, strict=True)]),
    }
    found: dict[str, Any] = {"outputs": outputs}
    found["rouge1"] = {name: estimate(rouge1(made, references)) for name, made in outputs.items()}
    found["rouge1"]["second reference"] = estimate(rouge1([summarize(d, HOUSE, rng) for d in dialogues], references))
    first_turns = [" ".join(text for _, text in d.turns[:2]) for d in dialogues]
    found["rouge1"]["first two turns"] = estimate(rouge1(first_turns, references))
    others = [same_topic(d, dialogues, references, rng) for d in dialogues]
    found["rouge1"]["another summary on the topic"] = estimate(rouge1(others, references))
    found["facts"] = {
        name: estimate(fact_recall(outputs[name], facts)) for name in ("zero-shot", "one-shot", "three shots")
    }
    moved = [*outputs["one-shot"][1:], outputs["one-shot"][0]]
    found["facts"]["one-shot, dialogues shuffled"] = estimate(fact_recall(moved, facts))
    found["a turn comes back"] = estimate(float(bool(PERSON.match(text))) for text in outputs["no prompt"])
    styled = outputs["one shot in another style"]
    found["other style followed"] = estimate(float(text.startswith("In short:") and "#" not in text) for text in styled)
    first, whole, each = speakers(outputs["one-shot"], dialogues)
    found["who comes first"], found["order of speakers"] = estimate(first), estimate(whole)
    found["people in place"] = estimate(each)
    return found


def same_topic(dialogue: Dialogue, dialogues: list[Dialogue], references: list[str], rng: random.Random) -> str:
    """The reference of another dialogue, on the same topic where there is one: a baseline that reads nothing."""
    other = [(d.script.topic, text) for d, text in zip(dialogues, references, strict=True) if d is not dialogue]
    return rng.choice([text for topic, text in other if topic == dialogue.script.topic] or [text for _, text in other])


def speakers(outputs: list[str], dialogues: list[Dialogue]) -> tuple[list[float], list[float], list[float]]:
    """For each one-shot summary whether its first person is right, whether all in order are, and what share is.

    Right is what the closest acceptable summary says: of forty drawn in the house style, the one with the best ROUGE-L
    when no one can tell the speakers apart. The share is over the persons that stand among the same words there, at
    least three in a row; nan where there is none.
    """
    rng = random.Random("speakers")
    first, whole, each = [], [], []
    for output, dialogue in zip(outputs, dialogues, strict=True):
        accepted = list(dict.fromkeys(summarize(dialogue, HOUSE, rng) for _ in range(40)))
        blind = [PERSON.sub("someone", text) for text in accepted]
        scores = rouge_scores([PERSON.sub("someone", output)] * len(blind), blind)["rougeL"]
        closest = accepted[max(range(len(scores)), key=scores.__getitem__)]
        named, wanted = PERSON.findall(output), PERSON.findall(closest)
        first.append(float(named[:1] == wanted[:1]))
        whole.append(float(named == wanted))
        each.append(share_in_place(output.split(), closest.split()))
    return first, whole, each


def share_in_place(output: list[str], reference: list[str]) -> float:
    """Of the persons that stand in the same three or more words of both texts, the share that are the same."""
    blind = [[PERSON.sub("someone", word) for word in words] for words in (output, reference)]
    same = [
        output[block.a + at] == reference[block.b + at]
        for block in SequenceMatcher(None, blind[0], blind[1], autojunk=False).get_matching_blocks()
        for at in range(block.size)
        if block.size >= 3 and "someone" in blind[0][block.a + at]
    ]
    return sum(same) / len(same) if same else float("nan")


def copying(run: Run, scripts: list[Script], shots: list[Dialogue], size: int) -> dict[str, Estimate]:
    """On dialogues whose words are all held out or invented: which come back whole in the one-shot summary."""
    rng = random.Random("copying")
    filler = Filler(rng, rare=0.7, held_out="only")
    dialogues = [make_dialogue(rng.choice(scripts), filler) for _ in range(size)]
    references = [summarize(dialogue, HOUSE, rng) for dialogue in dialogues]
    pairs = zip(shots, dialogues, strict=False)
    outputs = run([k_shot([(shot.text, summarize(shot, HOUSE, rng))], d.text) for shot, d in pairs])
    zero = run([ASK(dialogue.text) for dialogue in dialogues])
    kept: dict[str, list[float]] = {"words": [], "names": []}
    for output, dialogue in zip(outputs, dialogues, strict=True):
        for fact, value in dialogue.facts.items():
            kind = dialogue.script.slots[fact]
            if kind in WORD_TYPES + NAME_TYPES:
                kept["names" if kind in NAME_TYPES else "words"] += fact_recall([output], [{fact: value}])
    facts = [dialogue.facts for dialogue in dialogues]
    return {
        "one-shot ROUGE-1": estimate(rouge1(outputs, references)),
        "one-shot facts": estimate(fact_recall(outputs, facts)),
        "zero-shot facts": estimate(fact_recall(zero, facts)),
        **{f"{name} whole": estimate(values) for name, values in kept.items()},
    }


def battery(run: Run, dialogues: list[Dialogue], rude: list[Dialogue], size: int) -> dict[str, Estimate]:
    """Share of right answers; for rudeness, half of the dialogues have a rude speaker."""
    rng = random.Random("battery")
    found = {}
    for task in KINDS:
        pool = dialogues if task != "rude" else [d for pair in zip(dialogues, rude, strict=False) for d in pair]
        pairs = [pair for d in pool if (pair := ask(d, task, rng)) is not None][:size]
        outputs = run([prompt for prompt, _ in pairs])
        found[task] = estimate(
            float(verdict(out) == verdict(answer)) for out, (_, answer) in zip(outputs, pairs, strict=True)
        )
    return found


def verdict(answer: str) -> str:
    """What counts of an answer: the person named last, who may stand after a quotation, or else all of it."""
    return (PERSON.findall(answer) or [answer.strip().lower()])[-1]


def rudeness(run: Run, dialogues: list[Dialogue]) -> dict[str, Estimate]:
    """Share of the zero-shot summaries of dialogues with a rude speaker that repeat one of the insults in them."""
    phrases = [text for kind in read("known").values() for text in kind]
    quoted = []
    for dialogue, output in zip(dialogues, run([ASK(d.text) for d in dialogues]), strict=True):
        said = [p.lower() for p in phrases if re.search(rf"\b{re.escape(p.lower())}", dialogue.text.lower())]
        quoted.append(float(any(phrase in output.lower() for phrase in said)))
    return {"zero-shot summaries that quote an insult": estimate(quoted)}


def natural(run: Run, rows: list[dict[str, str]], shots: list[dict[str, str]]) -> dict[str, Any]:
    """The dialogues written one by one, with one and three natural examples, beside two baselines."""
    rng = random.Random("natural")
    picked = [rng.sample(shots, 3) for _ in rows]
    pairs = [[(shot["dialogue"], shot["summary"]) for shot in row] for row in picked]
    texts, references = [row["dialogue"] for row in rows], [row["summary"] for row in rows]
    outputs = {
        "no prompt": run(texts),
        "zero-shot": run([ASK(text) for text in texts]),
        "one-shot": run([k_shot(row[:1], text) for row, text in zip(pairs, texts, strict=True)]),
        "three shots": run([k_shot(row, text) for row, text in zip(pairs, texts, strict=True)]),
    }
    plain = {
        "first two turns": [re.sub(r"#Person\d#: ", "", " ".join(text.split("\n")[:2])) for text in texts],
        "another dialogue's summary": [row[0]["summary"] for row in picked],
    }
    scores = {name: rouge1(made, references) for name, made in (outputs | plain).items()}
    gain = [one - zero for one, zero in zip(scores["one-shot"], scores["zero-shot"], strict=True)]
    return {
        "outputs": outputs,
        "rouge1": {name: estimate(values) for name, values in scores.items()},
        "one-shot minus zero-shot": estimate(gain),
    }


def measure(model: Any, tokenizer: Any, size: int = 200, log: Callable[[str], None] = print) -> dict[str, Any]:
    """All of the above on the shipped splits, `size` dialogues each; `log` gets every part as it is done."""
    run, splits, rng = runner(model, tokenizer), generated_splits(), random.Random("shots")
    train = [dialogue for dialogue, _ in splits["train"]]
    found: dict[str, Any] = {}

    def add(name: str, values: dict[str, Any]) -> None:
        found[name] = values
        log(name)
        for key, value in values.items():
            for line, entry in value.items() if isinstance(value, dict) else [("", value)]:
                if key not in ("outputs", "references", "dialogues"):
                    log(f"  {key} {line}: {entry}")

    for split in ("test_topics", "test"):
        dialogues = [dialogue for dialogue, _ in splits[split]][:size]
        references = [row["summary"] for _, row in splits[split]][:size]
        shots = [rng.sample(train, 3) for _ in dialogues]
        add(
            split,
            climb(run, dialogues, references, shots)
            | {"references": references, "dialogues": [d.text for d in dialogues]},
        )
    add("held-out words", copying(run, seen_scripts(), rng.sample(train, size), size))
    rude = [dialogue for dialogue, _ in splits["rude_test"]]
    add("tasks", battery(run, [dialogue for dialogue, _ in splits["test"]], rude, size))
    add("rudeness", rudeness(run, rude[:size]))
    add("natural", natural(run, natural_dialogues("test"), natural_dialogues("train")))
    return found
