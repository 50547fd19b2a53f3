"""A handful of dialogues for the tests."""

import json

COLUMNS = ("id", "dialogue", "summary", "topic", "headline", "facts")
SPLITS = {"train": 6, "validation": 4, "test": 5, "test_topics": 5, "rude_train": 3, "rude_test": 3}
SPLITS |= {"natural_train": 3, "natural_test": 3}
NAMES = ("Anna", "Boris", "Clara", "Derek", "Elena", "Felix")


def tiny_rows(split: str) -> list[dict[str, str]]:
    """A handful of dialogues of different lengths."""
    rows = []
    for n in range(SPLITS[split]):
        name, price = NAMES[n], f"${10 + n}"
        turns = [f"#Person1#: Hello {name}, how much is the lamp?", f"#Person2#: It costs {price}, and it works well."]
        turns += ["#Person1#: Is it a good one?", "#Person2#: Yes, it is."] * n
        rude = {"rude": "#Person1#", "polite": "\n".join(turns)} if split.startswith("rude") else {}
        rows.append(
            {
                "id": f"{split}_{n}",
                "dialogue": "\n".join(turns),
                "summary": f"#Person1# asks {name} about a lamp for {price}.",
                "topic": "shopping",
                "headline": "buying a lamp",
                "facts": json.dumps({"name": name, "price": price}),
                **rude,
            }
        )
    return rows
