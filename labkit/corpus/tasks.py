"""The instruction mixture the embedded model is trained on: (prompt, answer) pairs over scripts, talks and exchanges.

Examples are drawn without end from a seed. What a prompt can ask: go on with a talk (no instruction), summarize
(bare, in a named style, after examples), report a few lines in the third person, repeat them with their speakers,
answer a question, say the topic, the outcome, who plays which part, whether somebody is rude, find a street or a price,
copy, fill the gaps of a summary, and repair a corrupted text (T5's span corruption, Raffel et al. 2020, section 3.1.4).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.corpus.copying import copy, few_of, spans, whose, with_gaps
from labkit.corpus.exchanges import strung_together
from labkit.corpus.generator import (
    Dialogue,
    in_new_words,
    make_dialogue,
    make_rude,
    small_talk,
    some_turns,
    spoken_by_either,
)
from labkit.corpus.habits import CLOSINGS, Habits, random_habits
from labkit.corpus.natural import as_script, natural_dialogues
from labkit.corpus.questions import ASKED, ASKED_OF_FEW, LABELS, ask, fact_question, label, question_prompt, wrap
from labkit.corpus.script import PLOTS, Script
from labkit.corpus.slots import Filler
from labkit.corpus.summaries import Style, bare_style, random_style, summarize, tell, what_matters
from labkit.corpus.talks import talks

# Before and after the dialogue. Two of them are the instructions of the labs; FLAN's mixture had ten a task.
SUMMARY_PROMPTS = (
    ("Summarize the following conversation.", "Summary:"),
    ("Dialogue:", "What was going on?"),
    ("Dialogue:", "What happened in this dialogue?"),
    ("Dialogue:", "Briefly summarize that dialogue."),
    ("Here is a dialogue:", "Write a short summary!"),
    ("Dialogue:", "What is a summary of this dialogue?"),
    ("Summarize this dialogue:", "Summary:"),
    ("Read the conversation and say what it was about.", "Answer:"),
    ("Summarize the following dialogue in a few sentences.", "Summary:"),
    ("Conversation:", "Summary of the conversation:"),
    ("", "Summarize the conversation above."),
    ("Two people talk.", "What did they talk about?"),
    ("Please summarize.", ""),
    ("", "TL;DR:"),
)
NAMED_STYLES = {  # an instruction that names the form; several wordings each
    "story": (
        "Tell the story of this conversation.",
        "Give a long account of the conversation.",
        "Retell what happened.",
    ),
    "headline": (
        "Write a headline for this conversation.",
        "Give the conversation a title.",
        "Sum up the dialogue in a headline.",
    ),
    "minutes": (
        "Write the minutes of this conversation.",
        "Put the dialogue into minutes.",
        "Note down the conversation as minutes.",
    ),
    "house": (
        "Summarize in the present tense.",
        "Say briefly who wants what, what is said, and how it ends.",
        "Write a short summary with the speakers as #Person1# and #Person2#.",
    ),
    "brief": (
        "Summarize in one or two sentences.",
        "Say it all in a sentence or two.",
        "Give a very short summary.",
    ),
    "facts": (
        "List the key facts of this conversation.",
        "Which facts does the dialogue give?",
        "Write down the facts only.",
    ),
    "quotes": (
        "Quote the sentences that matter.",
        "What are the most important sentences of this conversation?",
        "Summarize the conversation in its own words.",
    ),
}
REPORT_PROMPTS = ("Report what they say.", "Say it in the third person.", "Who says what? Write a report.")
RUDE = 0.12  # share of the dialogues with a rude speaker
MADE_OF_TURNS = ("house", "quotes")  # forms for which turns and their reports are enough
POOLS = (0.4, 0.35, 0.25)  # scripts, talks and exchanges from the third stage on, where turns and reports are enough
CLOSERS = (Path(__file__).parent / "closers.txt").read_text("utf-8").splitlines()  # what goes on after a talk


@dataclass
class TaskMixture:
    """Draws (prompt, answer) pairs.

    `progress` runs from 0 to 1 over the first stage of the training: copying and who says what come first, on a few
    lines; then short prompts with long answers, and once those are faithful, few-shot prompts, which cost three times
    the tokens. From 1 to 2, in the second stage, all are single questions; from 2 on, in the third stage and the
    finish, a fifth or a quarter is, few-shot prompts and bare instructions come more often, and talks and exchanges
    join the scripts. In the finish, from 3 on, examples also show how a writer closes, and reports come twice as often.
    """

    scripts: list[Script]
    filler: Filler
    forbidden: frozenset[str] = frozenset()  # dialogues and summaries of the evaluation splits
    progress: float = 0.0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        while True:
            yield self.example()

    @property
    def rng(self) -> random.Random:
        """The generator's source of randomness."""
        return self.filler.rng

    @property
    def early(self) -> float:
        """1 at the start, 0 after the first 6% of the training."""
        return max(0.0, 1 - self.progress / 0.06)

    def dialogue(self, natural: float = 0.0, rude: float = RUDE, turns: bool = False, ended: bool = False) -> Dialogue:
        """A dialogue that stands in no evaluation split; with the share `natural`, a natural one with new words.

        Where `turns` and their reports are enough, most are talks or strung together from exchanges from the third
        stage on; only talks where they must have `ended` one way or another.
        """
        if self.rng.random() < natural:
            return make_dialogue(as_script(self.rng.choice(natural_dialogues("train")), self.rng), self.filler)
        pool = "scripts"
        if turns and self.progress >= 2:
            (pool,) = self.rng.choices(("scripts", "talks", "exchanges"), POOLS)
        if pool == "exchanges" and not ended:
            return make_dialogue(strung_together(self.rng), self.filler)
        scripts = self.scripts if pool == "scripts" else talks()
        while (dialogue := make_dialogue(self.rng.choice(scripts), self.filler)).text in self.forbidden:
            pass
        return make_rude(dialogue, self.rng) if self.rng.random() < rude else dialogue

    def harder(self, dialogue: Dialogue, form: str) -> Dialogue:
        """Some reports and quotes made harder: a quarter with random speakers, later a third in new words."""
        if form not in MADE_OF_TURNS or not dialogue.told or dialogue.rude:
            return dialogue
        if self.rng.random() < 0.25:
            dialogue = spoken_by_either(dialogue, self.rng)
        if self.progress > 0.55 and self.rng.random() < 0.33:
            dialogue = in_new_words(dialogue, self.filler)
        return dialogue

    def summary(self, dialogue: Dialogue, style: Style) -> str:
        """A summary that stands in no evaluation split, where that can be: headlines repeat by nature."""
        for _ in range(20):
            text = summarize(dialogue, style, self.rng)
            if text not in self.forbidden:
                break
        return text

    def example(self) -> tuple[str, str]:
        """One pair, its task drawn by the shares of the moment."""
        if 1 <= self.progress < 2:
            return self.question()
        early = self.early
        late = min(1.0, max(0.0, (self.progress - 0.15) / 0.2))  # 0 at first, 1 in the last two thirds
        later, finish = self.progress >= 2, self.progress >= 3
        shares = {
            lambda: copy(self.dialogue, self.filler): 0.05 + 0.3 * early,
            lambda: whose(self.dialogue(turns=True), self.rng): 0.05 + 0.15 * early - 0.02 * late,
            self.report: 0.28 - 0.16 * late + 0.14 * finish,
            lambda: spans(self.dialogue(turns=True), self.rng): 0.02,
            self.questions: 0.2 - 0.04 * late,
            self.next_turn: 0.05,
            self.cloze: 0.07 - 0.03 * late,
            self.named_style: 0.22 - 0.08 * late,
            self.bare_summary: 0.16 - 0.03 * late + 0.3 * later,
            self.few_shot: 0.36 * late + 0.5 * later,
            self.ending: 0.3 * finish,
            self.question: 0.7 * later,
        }
        return self.rng.choices(list(shares), list(shares.values()))[0]()

    def few_shot(self) -> tuple[str, str]:
        """Examples and target share one writer's style and one template; the style is to be read off the examples."""
        shots = self.rng.choices((1, 2, 3, 4, 6), (44, 14, 38, 2.5, 1.5))[0]
        style = Style(habits=random_habits(self.rng)) if self.rng.random() < 0.5 else random_style(self.rng)
        natural = 0.6 if style.form in ("house", "headline", "quotes") and self.rng.random() < 0.2 else 0.0
        turns, ended = style.form in MADE_OF_TURNS, self.rng.random() < 0.6
        dialogues = [self.dialogue(natural, turns=turns, ended=ended) for _ in range(shots + 1)]
        dialogues = [self.harder(dialogue, style.form) for dialogue in dialogues]
        return self.after_examples(dialogues, [self.summary(dialogue, style) for dialogue in dialogues])

    def after_examples(self, dialogues: list[Dialogue], answers: list[str]) -> tuple[str, str]:
        """All but the last dialogue with their answers, then the last without, in one template."""
        before, after = self.rng.choice(SUMMARY_PROMPTS)
        gap = self.rng.choice(("\n\n\n", "\n\n"))
        *shown, last = (wrap(before, dialogue.text, after) for dialogue in dialogues)
        examples = [f"{prompt}\n{answer}" for prompt, answer in zip(shown, answers, strict=False)]
        return gap.join([*examples, last]), answers[-1]

    def ending(self) -> tuple[str, str]:
        """Examples and target say no more than how it ended, by one writer's habits; half of them with the last report.

        Half of the prompts have nothing but the last lines of each dialogue.
        """
        shots = self.rng.choices((1, 2, 3, 4), (20, 25, 40, 15))[0]
        habits = Habits(random_habits(self.rng).second, tuple(self.rng.choice(CLOSINGS[plot]) for plot in PLOTS))
        dialogues = [self.dialogue(turns=True, ended=True) for _ in range(shots + 1)]
        answers = [habits.closings[PLOTS.index(dialogue.script.plot)] for dialogue in dialogues]
        if self.rng.random() < 0.5:
            last = [tell(d, what_matters(d, self.rng)[-1], "person", self.rng, habits) for d in dialogues]
            answers = [f"{report} {closing}" for report, closing in zip(last, answers, strict=True)]
        if self.rng.random() < 0.5:
            lines = self.rng.randint(2, 5)
            dialogues = [some_turns(d, slice(max(0, len(d.turns) - lines), len(d.turns))) for d in dialogues]
        return self.after_examples(dialogues, answers)

    def bare_summary(self) -> tuple[str, str]:
        """An instruction without an example: mostly a long account in other words than the house style's."""
        style = bare_style(self.rng)
        dialogue = self.dialogue(natural=0.1, rude=2 * RUDE, turns=style.form in MADE_OF_TURNS)
        if style.form != "quotes" and not dialogue.script.summaries["story"]:  # a natural one: no other forms
            style = Style("house", self.rng.choice(("ordinal", "plain")))
        dialogue = self.harder(dialogue, style.form)
        before, after = self.rng.choice(SUMMARY_PROMPTS)
        return wrap(before, dialogue.text, after), self.summary(dialogue, style)

    def named_style(self) -> tuple[str, str]:
        """The instruction names the form."""
        form = "house" if self.rng.random() < 0.5 else self.rng.choice(list(NAMED_STYLES))
        dialogue = self.harder(self.dialogue(turns=form in MADE_OF_TURNS), form)
        instruction = self.rng.choice(NAMED_STYLES[form])
        parts = (instruction, dialogue.text, "") if self.rng.random() < 0.5 else ("", dialogue.text, instruction)
        naming = {"story": "role", "quotes": "plain"}.get(form, "person")
        return wrap(*parts), self.summary(dialogue, Style(form, naming, habits=random_habits(self.rng)))

    def next_turn(self) -> tuple[str, str]:
        """No instruction: the talk goes on."""
        dialogue = self.dialogue(natural=0.2)
        if self.rng.random() < 0.5:
            cut = self.rng.randint(1, len(dialogue.lines) - 1)
            return "\n".join(dialogue.lines[:cut]), dialogue.lines[cut]
        other = 3 - dialogue.turns[-1][0]
        text = small_talk(self.filler)[0] if self.rng.random() < 0.4 else self.rng.choice(CLOSERS)
        return dialogue.text, f"#Person{other}#: {text}"

    def questions(self) -> tuple[str, str]:
        """One question on the dialogue, or a numbered list of several: facts, and the kinds of `label`."""
        kinds = self.rng.sample(LABELS, self.rng.choice((2, 3, 4)))
        dialogue = self.dialogue(rude=0.5 if "rude" in kinds else RUDE)
        asked = list(dialogue.script.questions)
        facts = self.rng.sample(asked, min(len(asked), self.rng.choice((0, 1, 1, 2))))
        pairs = [fact_question(dialogue, fact, self.rng) for fact in facts]
        pairs += [pair for kind in kinds if (pair := label(dialogue, kind, self.rng)) is not None]
        if not pairs:
            return self.questions()
        self.rng.shuffle(pairs)
        if self.rng.random() < 0.3:
            return question_prompt(dialogue, pairs[0][0], self.rng), pairs[0][1]
        asks = " ".join(f"{number}. {ask}" for number, (ask, _) in enumerate(pairs, 1))
        answers = " ".join(f"{number}. {answer}" for number, (_, answer) in enumerate(pairs, 1))
        return question_prompt(dialogue, asks, self.rng), answers

    def question(self) -> tuple[str, str]:
        """One question of any kind; from the middle of the second stage on, some are about a few lines.

        Every other one at first, one in four from the third stage on.
        """
        few = self.progress >= 1.5 and self.rng.random() < (0.5 if self.progress < 2 else 0.25)
        kind = self.rng.choice(ASKED_OF_FEW if few else ASKED)
        of_talks = kind not in ("topic", "question")  # talks have neither questions nor topics to be known
        dialogue = self.dialogue(rude=0.5 if kind == "rude" else RUDE, turns=of_talks, ended=of_talks)
        if few:
            dialogue = some_turns(dialogue, few_of(len(dialogue.turns), self.rng, most=6))
        pair = ask(dialogue, kind, self.rng)
        if pair is None or (kind == "question" and pair[1].lower() not in dialogue.text.lower()):
            return self.question()
        return pair

    def report(self) -> tuple[str, str]:
        """A dialogue or a few lines of it, to be told in the third person, turn by turn."""
        dialogue = self.harder(self.dialogue(turns=True), "house")
        if self.rng.random() >= 0.6 * (1 - self.early):
            dialogue = some_turns(dialogue, few_of(len(dialogue.turns), self.rng, most=4))
        if not dialogue.told:
            return self.report()
        answer = " ".join(tell(dialogue, template, "person", self.rng) for _, _, template in dialogue.told)
        return wrap("", dialogue.text, self.rng.choice(REPORT_PROMPTS)), answer

    def cloze(self) -> tuple[str, str]:
        """A summary with its facts and people behind sentinels, to be read from the dialogue."""
        dialogue = self.dialogue(natural=0.1)
        forms = [form for form, texts in dialogue.script.summaries.items() if texts]
        text = self.summary(dialogue, Style(self.rng.choice(forms), self.rng.choice(("person", "person", "plain"))))
        if (gaps := with_gaps(text, dialogue)) is None:
            return self.cloze()
        return wrap("", dialogue.text, f"Complete the summary: {gaps[0]}"), gaps[1]
