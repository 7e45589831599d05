"""The scale at which a profile is read: where the dimension depends least on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import UsageError
from dimscope.estimates import Estimate

PLATEAU_CHANGE = 0.1
"""A doubling of the rank that changes the dimension by more than a tenth is no plateau: the published profiles differ by that
much between neighbouring layers around their minima (iGPT-L: 21.1, 22.8, 22.1)."""


@dataclass(frozen=True, eq=False)
class Scale:
    """One rank for all layers, and how much depends on it.

    Attributes:
        rank: the farther rank of Gride.
        is_plateau: whether a doubling of the rank around it changes the dimension by at most a tenth.
        ranks: all ranks that were compared.
        change: per rank, the median over layers of |log d(2 rank) - log d(rank / 2)| / 2, the relative change per doubling; NaN
            where one of the two is missing.
        noise: per rank, the median over layers of the standard error of that change.
        like_half: rank correlation over layers of the profile with that at half the rank, NaN for fewer than 3 layers.
        like_twice: the same with that at twice the rank.
    """

    rank: int
    is_plateau: bool
    ranks: tuple[int, ...]
    change: FloatArray
    noise: FloatArray
    like_half: float
    like_twice: float

    def __str__(self) -> str:
        change = self.change[self.ranks.index(self.rank)]
        kind = "plateau" if self.is_plateau else "no plateau; least change"
        return (
            f"ranks {self.rank // 2} and {self.rank} ({kind}: {change:.1%} per doubling; order of layers like at half "
            f"{self.like_half:.2f}, at twice {self.like_twice:.2f})"
        )


def choose_scale(layers: Sequence[Sequence[Estimate]]) -> Scale:
    """The common scale of several layers, from `dimension_scaling(table, "gride")` of each; one layer alone gives its own.

    The smallest rank whose change is within one noise of the smallest change. A rank is a candidate when half and twice of it
    were read too. A smaller rank is preferred because larger ones read larger neighbourhoods, where curvature and changes
    of density enter. Layers without an estimate at one of the ranks do not count there.

    Raises:
        UsageError: no layer, layers with different ranks, or no rank with half and twice of it (k below 8).

    Examples:
        >>> import numpy as np
        >>> from dimscope import dimension_scaling
        >>> plane = np.random.default_rng(0).random((3000, 2))
        >>> found = choose_scale([dimension_scaling(plane, max_rank=16)])
        >>> found.rank in (4, 8), found.is_plateau
        (True, True)
    """
    if not layers:
        raise UsageError("no layer was given; a scale is chosen from at least one.")
    ranks = tuple(found.scale[1] for found in layers[0])
    for layer in layers:
        if tuple(found.scale[1] for found in layer) != ranks:
            raise UsageError("the layers were read at different ranks; a common scale needs the same ranks in all.")
    values = np.array([[found.value for found in layer] for layer in layers])
    errors = np.array([[found.stderr for found in layer] for layer in layers])
    return common_scale(ranks, values, errors)


def common_scale(ranks: Sequence[int], values: FloatArray, errors: FloatArray) -> Scale:
    """`choose_scale` on arrays of shape (layers, ranks).

    Raises:
        UsageError: no rank with half and twice of it among `ranks`, or no layer with values at all three.
    """
    change, noise = np.full(len(ranks), np.nan), np.full(len(ranks), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs, relative = np.log(values), errors / values
    for place, rank in enumerate(ranks):
        if not {rank // 2, 2 * rank} <= set(ranks):
            continue
        half, twice = list(ranks).index(rank // 2), list(ranks).index(2 * rank)
        steps = np.abs(logs[:, twice] - logs[:, half]) / 2
        usable = np.isfinite(steps) & np.isfinite(logs[:, place])
        if usable.any():
            change[place] = np.median(steps[usable])
            noise[place] = np.median(np.hypot(relative[usable, half], relative[usable, twice]) / 2)
    if not np.isfinite(change).any():
        raise UsageError(
            f"ranks {', '.join(map(str, ranks))} were read; a scale needs one with half and twice of it (k of at least 8)."
        )
    least = int(np.nanargmin(change))
    best = int(np.flatnonzero(change <= change[least] + noise[least])[0])
    half, twice = list(ranks).index(ranks[best] // 2), list(ranks).index(2 * ranks[best])
    return Scale(
        ranks[best],
        bool(change[best] <= PLATEAU_CHANGE),
        tuple(ranks),
        change,
        noise,
        _likeness(values[:, best], values[:, half]),
        _likeness(values[:, best], values[:, twice]),
    )


def _likeness(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation over the layers that both have."""
    usable = np.isfinite(one) & np.isfinite(other)
    if usable.sum() < 3 or np.ptp(one[usable]) == 0 or np.ptp(other[usable]) == 0:
        return float("nan")
    places = [np.argsort(np.argsort(values[usable], kind="stable"), kind="stable").astype(float) for values in (one, other)]
    return float(np.corrcoef(places[0], places[1])[0, 1])
