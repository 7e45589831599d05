"""The overlap of all layers for pairs of runs."""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from dimscope.comparison.runs import ComparedRun
from dimscope.errors import DimscopeError
from dimscope.overlaps.runs import RunOverlap, run_overlap
from dimscope.reports.comparison import MapFigure

Pair = tuple[ComparedRun, ComparedRun]


def pairs_of(runs: Sequence[ComparedRun], *, ordered: bool) -> list[Pair]:
    """Every pair; of ordered runs each with the next, and the first with the last."""
    if not ordered:
        return list(combinations(runs, 2))
    steps = list(pairwise(runs))
    return steps if len(runs) == 2 else [*steps, (runs[0], runs[-1])]


def map_of(pair: Pair, k: int | None) -> MapFigure:
    """The map of a pair, or the reason why there is none.

    Args:
        pair: two runs.
        k: neighbours compared; default: the smallest `overlap_k` of the two.
    """
    names = (pair[0].name, pair[1].name)
    ranks = [run.profile.provenance.get("measure", {}).get("overlap_k") or 30 for run in pair]
    wanted = k or min(map(int, ranks))
    try:
        found = run_overlap(pair[0].folder.path, pair[1].folder.path, wanted)
    except DimscopeError as error:
        return MapFigure(names, None, str(error))
    if not np.isfinite(found.matrix.values).any():
        return MapFigure(names, None, _too_few(found, wanted))
    return MapFigure(names, found)


def _too_few(found: RunOverlap, k: int) -> str:
    return (
        f"of their examples {found.n_items} are the same, too few for {k} neighbours among them; ask for fewer (--k), or "
        "measure both runs on the same examples."
    )
