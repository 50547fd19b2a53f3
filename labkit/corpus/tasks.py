"""The instruction mixture the embedded model is trained on: (prompt, answer) pairs over generated dialogues.

Examples are drawn without end from a seed. What a prompt can ask: go on with a talk (no instruction), summarize
(bare, in a named style, after examples), answer a question, say the topic, the outcome or who plays which part, copy,
and repair a corrupted text (T5's span corruption, Raffel et al. 2020, section 3.1.4).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.corpus import words
from labkit.corpus.generator import (
    HOUSE,
    Dialogue,
    Style,
    bare_style,
    fill,
    make_dialogue,
    random_style,
    small_talk,
    summarize,
)
from labkit.corpus.script import Script
from labkit.corpus.slots import Filler

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
    "facts": (
        "List the key facts of this conversation.",
        "Which facts does the dialogue give?",
        "Write down the facts only.",
    ),
}
CLOSERS = (
    "Anyway, how have you been otherwise?",
    "By the way, did you hear about the new bakery?",
    "Oh, before I forget, is the back door locked?",
    "So, are you busy at the weekend?",
    "One more thing, what was your name again?",
    "Right, I had better get going.",
    "Is there anything else I should know?",
    "Shall we have a cup of tea before you go?",
    "Sorry, could you say that last bit again?",
    "Actually, could I ask you one more question?",
    "That reminds me, I still have to ring my sister.",
    "Good. Then I'll see you soon.",
    "You won't forget, will you?",
    "Wait, I think that's my phone.",
    "Do you need me to write any of that down?",
    "Let me know if anything changes.",
)


@dataclass
class TaskMixture:
    """Draws (prompt, answer) pairs.

    `progress` runs from 0 to 1 over the training: copying and single facts come first, few-shot prompts later.
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

    def dialogue(self) -> Dialogue:
        """A dialogue that stands in no evaluation split."""
        while (dialogue := make_dialogue(self.rng.choice(self.scripts), self.filler)).text in self.forbidden:
            pass
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
        early = max(0.0, 1 - self.progress / 0.14)  # 1 at the start, 0 after a seventh of the training
        few_shot = 0.52 * min(1.0, max(0.0, (self.progress - 0.1) / 0.3))
        shares = {
            self.copy: 0.07 + 0.5 * early,
            self.spans: 0.06,
            self.question: 0.12 + 0.2 * early,
            self.label: 0.08,
            self.next_turn: 0.09,
            self.named_style: 0.08,
            self.bare_summary: 0.14,
            self.few_shot: few_shot,
        }
        return self.rng.choices(list(shares), list(shares.values()))[0]()

    def few_shot(self) -> tuple[str, str]:
        """Examples and target share one style and one template; the style is to be read off the examples."""
        shots = self.rng.choices((1, 2, 3, 4, 6), (70, 16, 9, 3, 2))[0]
        style = HOUSE if self.rng.random() < 0.12 else random_style(self.rng)
        before, after = self.rng.choice(SUMMARY_PROMPTS)
        gap = self.rng.choice(("\n\n\n", "\n\n"))
        blocks = []
        for _ in range(shots + 1):
            dialogue = self.dialogue()
            blocks.append((_wrap(before, dialogue.text, after), self.summary(dialogue, style)))
        prompt = gap.join(f"{prompt}\n{answer}" for prompt, answer in blocks[:-1])
        return f"{prompt}{gap}{blocks[-1][0]}", blocks[-1][1]

    def bare_summary(self) -> tuple[str, str]:
        """An instruction without an example: mostly a long account in other words than the house style's."""
        dialogue = self.dialogue()
        return _wrap(*_around(self.rng.choice(SUMMARY_PROMPTS), dialogue.text)), self.summary(
            dialogue, bare_style(self.rng)
        )

    def named_style(self) -> tuple[str, str]:
        """The instruction names the form."""
        dialogue, form = self.dialogue(), self.rng.choice(list(NAMED_STYLES))
        instruction = self.rng.choice(NAMED_STYLES[form])
        parts = (instruction, dialogue.text, "") if self.rng.random() < 0.5 else ("", dialogue.text, instruction)
        return _wrap(*parts), self.summary(dialogue, Style(form, "role" if form == "story" else "person"))

    def next_turn(self) -> tuple[str, str]:
        """No instruction: the talk goes on."""
        dialogue = self.dialogue()
        if self.rng.random() < 0.5:
            cut = self.rng.randint(1, len(dialogue.lines) - 1)
            return "\n".join(dialogue.lines[:cut]), dialogue.lines[cut]
        other = 3 - dialogue.turns[-1][0]
        text = small_talk(self.filler)[0] if self.rng.random() < 0.5 else self.rng.choice(CLOSERS)
        return dialogue.text, f"#Person{other}#: {text}"

    def question(self) -> tuple[str, str]:
        """A question that one value of the dialogue answers."""
        dialogue = self.dialogue()
        fact, question = self.rng.choice(list(dialogue.script.questions.items()))
        people = dialogue.people("person")
        asked = fill(question, dialogue.values | people, self.rng)
        return _wrap(
            *_around(
                (self.rng.choice(("Answer the question.", "Read and answer.", "")), f"Question: {asked}"), dialogue.text
            )
        ), dialogue.values[fact]

    def label(self) -> tuple[str, str]:
        """Topic, outcome, or who plays which part."""
        dialogue, kind = self.dialogue(), self.rng.choice(("topic", "outcome", "role", "role"))
        if kind == "topic":
            ask, answer = (
                self.rng.choice(("What is the topic of this conversation?", "Name the topic.")),
                dialogue.script.topic,
            )
        elif kind == "outcome":
            ask, answer = (
                "How does it end: agreed, refused, postponed, changed mind or misunderstanding?",
                dialogue.script.plot.replace("_", " "),
            )
        else:
            who = self.rng.choice("AB")
            ask, answer = f"Who is {dialogue.script.roles[who]}?", f"#Person{dialogue.number[who]}#"
        return _wrap("", dialogue.text, ask), answer

    def copy(self) -> tuple[str, str]:
        """Tasks that only attention to the prompt can solve."""
        kind = self.rng.choice(("words", "line", "last", "who", "masked", "pairs"))
        if kind == "words":
            text = " ".join(self.word() for _ in range(self.rng.randint(3, 14)))
            return f"Repeat: {text}", text
        if kind == "pairs":
            table = {self.word(): self.word() for _ in range(self.rng.randint(3, 8))}
            key = self.rng.choice(list(table))
            return " ".join(f"{left} = {right}." for left, right in table.items()) + f" What is {key}?", table[key]
        dialogue = self.dialogue()
        lines = dialogue.lines
        position = self.rng.randrange(len(lines))
        number, text = dialogue.turns[position]
        if kind == "last":
            return _wrap("", dialogue.text, "Repeat the last line."), lines[-1]
        if kind == "line":
            return _wrap("", dialogue.text, f"Repeat line {position + 1}."), lines[position]
        if kind == "who":
            return _wrap("", dialogue.text, f'Who says "{text}"?'), f"#Person{number}#"
        spoken = text.split()
        start = self.rng.randrange(len(spoken))
        stop = min(len(spoken), start + self.rng.randint(1, 4))
        gap = " ".join([*spoken[:start], "<extra_id_0>", *spoken[stop:]])
        return _wrap("", dialogue.text, f"Complete: {gap}"), " ".join(spoken[start:stop])

    def word(self) -> str:
        """Any word: a common or a rare real one, an invented one, a price, a name."""
        if self.rng.random() < 0.4:
            return self.filler.accept(lambda: self.rng.choice(words.wide_words()[self.rng.choice(("NOUN", "ADJ"))]))
        return self.filler.value(
            self.rng.choice(("name", "surname", "price", "time", "code", "object", "town", "weekday", "phone"))
        )

    def spans(self) -> tuple[str, str]:
        """Span corruption: 15% of the words, in spans of 3 on average, behind sentinels."""
        tokens = self.dialogue().text.split()
        count = max(1, round(len(tokens) * 0.15 / 3))
        source: list[str] = []
        target: list[str] = []
        at = number = 0
        for start in sorted(self.rng.sample(range(len(tokens)), count)):
            if start < at:
                continue
            stop = min(len(tokens), start + self.rng.randint(1, 5))
            source += [*tokens[at:start], f"<extra_id_{number}>"]
            target += [f"<extra_id_{number}>", *tokens[start:stop]]
            at, number = stop, number + 1
        return " ".join([*source, *tokens[at:]]), " ".join(target)


def _around(prompt: tuple[str, str], text: str) -> tuple[str, str, str]:
    return prompt[0], text, prompt[1]


def _wrap(before: str, text: str, after: str) -> str:
    return "\n\n".join(part for part in (before, text, after) if part)
