"""The tree of a beam search as a figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from labkit.beams import ENDED, KEPT, LEFT, Node
from labkit.errors import LabError
from labkit.plots import BLUE, GREY, VERMILLION, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def beam_tree(nodes: Sequence[Node], token: Mapping[int, str], best: Sequence[int]) -> "Figure":
    """The tree of a beam search from left to right: thick what was kept, grey what was pruned, with scores.

    Args:
        nodes: as `labkit.beams.Search.nodes` gives them, the root first.
        token: the text of each token id.
        best: the tokens of the completion that was returned; its path is drawn in colour.

    Raises:
        LabError: no more than a root.
    """
    if len(nodes) < 2:
        raise LabError("beam_tree() needs at least one step of a search: there is only the root.")
    depth, heights = _layout(nodes)
    path = _path(nodes, best)
    last = max(depth)
    with styled(max(3.0, 0.21 * (max(heights) + 2))) as figure:
        axes = figure.subplots()
        for number, node in enumerate(nodes[1:], start=1):
            parent = nodes[number].parent or 0
            color = VERMILLION if number in path else BLUE if node.fate in (KEPT, ENDED, LEFT) else GREY
            width = 2.2 if number in path else 1.2 if node.fate != "pruned" else 0.5
            ends = [depth[parent] + (0.62 if parent else 0.1), depth[number]]
            axes.plot(ends, [heights[parent], heights[number]], color=color, linewidth=width, alpha=0.7)
            mark = " ■" if node.fate == ENDED else ""
            text = f"{token[node.token]} {node.score:.1f}{mark}"
            weight = "bold" if number in path else "normal"
            axes.text(
                depth[number] + 0.02,
                heights[number],
                text,
                va="center",
                fontsize=7,
                color=color,
                fontweight=weight,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5},  # lines pass behind a long token
            )
        axes.set_xlim(0, last + 0.75)
        axes.set_ylim(max(heights) + 1, -1)
        axes.set_xticks([step + 0.2 for step in range(1, last + 1)], list(map(str, range(1, last + 1))))
        axes.set_xlabel("step")
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
    return figure


def _layout(nodes: Sequence[Node]) -> tuple[list[int], list[float]]:
    """For each node its depth and its height: leaves on lines of their own, a parent amid its children."""
    depth = [0] * len(nodes)
    children: list[list[int]] = [[] for _ in nodes]
    for number, node in enumerate(nodes):
        if node.parent is not None:
            depth[number] = depth[node.parent] + 1
            children[node.parent].append(number)
    heights, line = [0.0] * len(nodes), 0

    def place(number: int) -> None:
        nonlocal line
        for child in children[number]:
            place(child)
        if children[number]:
            heights[number] = sum(heights[child] for child in children[number]) / len(children[number])
        else:
            heights[number], line = float(line), line + 1

    place(0)
    return depth, heights


def _path(nodes: Sequence[Node], tokens: Sequence[int]) -> set[int]:
    """The numbers of the nodes that these tokens lead through."""
    found, at = set(), 0
    for token in tokens:
        step = [number for number, node in enumerate(nodes) if node.parent == at and node.token == token]
        if not step:
            break
        at = step[0]
        found.add(at)
    return found
