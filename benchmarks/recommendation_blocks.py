"""Would blocks of the layer-by-layer overlap find the layer? Tried on the cases of `recommendation.py`, and not made a rule.

A block is a run of consecutive layers that share more neighbours with each other than two layers of the model do on average.
The cut of the depth into blocks is the one with the largest sum, over all pairs of layers of one block, of what they share
beyond that average. A profile holds only the first side diagonal of this matrix (`overlap_next`): a rule would need the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.overlaps.runs import run_overlap
from dimscope.profile import Profile
from dimscope.rules.turn import Turn

Block = tuple[int, int]
"""Positions of its first and last layer."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of one case.

    Attributes:
        case: its name.
        layers: index of each layer that is compared, in order of depth.
        blocks: the cut of `layers`.
        percent: label overlap in percent of the best one, shape (layers,).
        turn: index of the layer that the rule `turn` takes; None for no clear choice.
    """

    case: str
    layers: tuple[int, ...]
    blocks: tuple[Block, ...]
    percent: FloatArray
    turn: int | None

    @property
    def takes(self) -> dict[str, int | None]:
        """Way to choose -> position in `layers`."""
        largest = max(self.blocks, key=lambda block: block[1] - block[0])
        wide = [block for block in self.blocks if block[1] > block[0]]
        return {
            "end of the largest block": largest[1],
            "end of the last block of several layers": wide[-1][1] if wide else None,
            "`turn`": None if self.turn is None else self.layers.index(self.turn),
            "`last`": len(self.layers) - 1,
        }


def find_blocks(matrix: FloatArray) -> tuple[Block, ...]:
    """The best cut of a symmetric matrix, shape (m, m), by dynamic programming in O(m^3)."""
    size = len(matrix)
    beyond = matrix - matrix[~np.eye(size, dtype=bool)].mean()
    np.fill_diagonal(beyond, 0)
    best, starts = np.zeros(size + 1), np.zeros(size + 1, dtype=int)
    for stop in range(1, size + 1):
        sums = [best[start] + beyond[start:stop, start:stop].sum() for start in range(stop)]
        starts[stop] = int(np.argmax(sums))
        best[stop] = sums[starts[stop]]
    blocks, stop = [], size
    while stop:
        blocks.append((int(starts[stop]), stop - 1))
        stop = int(starts[stop])
    return tuple(blocks[::-1])


def blocks_of(case: str, profile: Profile, folder: Path) -> Blocks:
    """The blocks of a finished run; the final norm, and layers of which nothing can be compared, take no part."""
    found = run_overlap(folder, folder, k=int(profile.provenance["measure"]["overlap_k"]))
    known = [name for name, row in zip(found.layers_a, found.matrix.values, strict=True) if np.isfinite(row).any()]
    rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm" and layer.name in known]
    places = [found.layers_a.index(profile.layers[row].name) for row in rows]
    labels = profile.values("label_overlap")[rows]
    best = Turn().recommend(profile).best
    turn = next((layer.index for layer in profile.layers if layer.name == best), None)
    return Blocks(
        case,
        tuple(profile.layers[row].index for row in rows),
        find_blocks(found.matrix.values[np.ix_(places, places)]),
        100 * labels / np.nanmax(labels),
        turn,
    )


def blocks_table(cases: Sequence[Blocks]) -> str:
    """A row per case: its blocks, and what each way to choose reaches; then the mean where `turn` chooses, and the worst."""
    ways = list(cases[0].takes) if cases else []
    lines = [f"| case | blocks | {' | '.join(ways)} |", "| --- " * (len(ways) + 2) + "|"]
    lines += [
        f"| {case.case} | {_spans(case)} | {' | '.join(_cell(case, case.takes[way]) for way in ways)} |" for case in cases
    ]
    chosen = [case for case in cases if case.turn is not None]
    for name, reduce, counted in (("mean where `turn` chooses", np.mean, chosen), ("worst where it chooses", np.min, cases)):
        cells = []
        for way in ways:
            reached = [case.percent[place] for case in counted if (place := case.takes[way]) is not None]
            cells.append(f"{reduce(reached):.1f}" if reached else "-")
        lines.append(f"| {name} | | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spans(case: Blocks) -> str:
    names = [(case.layers[first], case.layers[last]) for first, last in case.blocks]
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in names)


def _cell(case: Blocks, place: int | None) -> str:
    return "-" if place is None else f"{case.percent[place]:.0f} ({case.layers[place]})"
