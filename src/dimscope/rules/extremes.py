"""Rules that take the layer of the highest or lowest value of one column, among the blocks between the two ends."""

from dataclasses import dataclass

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Layer, Profile
from dimscope.rules.base import Recommendation, regret_of, spread, unclear

NEAR = 0.05
"""Neighbouring layers within this share of the extreme value belong to the range."""
FLAT = 0.02
"""A column whose values differ by less than this share of the largest has no extreme."""
FEWEST = 5


@dataclass(frozen=True)
class Extreme:
    """What `take_extreme` looks for.

    Attributes:
        rule: name of the rule.
        what: the column in words, as the subject of a sentence.
        is_high: the highest value, otherwise the lowest.
        caution: what limits the trust in any case.
    """

    rule: str
    what: str
    is_high: bool
    caution: str


def inner_layers(profile: Profile, values: FloatArray) -> tuple[list[Layer], FloatArray]:
    """Layers after the first and before the last block, with their values; rows without a number are left out."""
    last = max(layer.index for layer in profile.layers)
    kept = [
        row
        for row, layer in enumerate(profile.layers)
        if layer.site != "final_norm" and 0 < layer.index < last and np.isfinite(values[row])
    ]
    return [profile.layers[row] for row in kept], values[np.array(kept, dtype=np.int64)]


def take_extreme(profile: Profile, values: FloatArray | None, wanted: Extreme) -> Recommendation:
    """The layer of the extreme value and its neighbours, or no clear choice; no stability, since there are no replicates."""
    if values is None:
        return unclear(profile, wanted.rule, f"This profile holds no {wanted.what}.", wanted.caution)
    layers, inner = inner_layers(profile, values)
    if len(inner) < FEWEST:
        return unclear(profile, wanted.rule, f"{len(inner)} layers between the ends are too few.", wanted.caution)
    if np.ptp(inner) <= FLAT * np.abs(inner).max():
        return unclear(profile, wanted.rule, f"The {wanted.what} is the same in all layers.", wanted.caution)
    best = int(np.argmax(inner) if wanted.is_high else np.argmin(inner))
    first, last = spread(np.abs(inner - inner[best]) <= NEAR * abs(inner[best]), best)
    word = "highest" if wanted.is_high else "lowest"
    name = layers[best].name
    reason = f"The {wanted.what} is {word} at {name} ({inner[best]:.3g}), the two ends left out."
    names = tuple(layer.name for layer in layers[first : last + 1])
    return Recommendation(wanted.rule, True, names, name, float("nan"), (reason,), (wanted.caution,), regret_of(profile, name))
