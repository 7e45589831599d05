"""The middle of the longest plateau of the dimension below its peak."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, curve_of, regret_of, unclear
from dimscope.rules.minimum import LATEST_KNEE, LEAST_STABILITY, PLATEAU_FACTOR, SHORTEST_PLATEAU


@dataclass(frozen=True)
class Plateau:
    """The longest stretch of layers, depth up to 0.85, whose dimensions stay within a factor 1.1 below the peak."""

    summary: ClassVar[str] = "middle of the longest stretch of nearly constant dimension below its peak"
    source: ClassVar[str] = "Valeriani et al. 2023, arXiv 2302.00294 (the plateau of protein models), made precise"

    def recommend(self, profile: Profile) -> Recommendation:
        """The stretch and its middle, with the share of the replicates whose middle is in it."""
        curve = curve_of(profile)
        depths = np.array([layer.depth for layer in curve.layers])
        found = find_plateau(curve.values, depths)
        if found is None:
            return unclear(profile, "plateau", "The dimension has no stretch of nearly constant values below its peak.")
        again = [find_plateau(values, depths) for values in curve.replicates if np.isfinite(values).all()]
        hits = [part is not None and found[0] <= sum(part) // 2 <= found[1] for part in again]
        stability = float(np.mean(hits)) if hits else float("nan")
        first, last = (curve.layers[place].name for place in found)
        part = curve.values[found[0] : found[1] + 1]
        reason = f"The dimension stays between {part.min():.1f} and {part.max():.1f} from {first} to {last}."
        if stability < LEAST_STABILITY:
            why = f"{reason} Only {stability:.0%} of the bootstrap replicates agree; {LEAST_STABILITY:.0%} are needed."
            return unclear(profile, "plateau", why, stability=stability)
        best = curve.layers[sum(found) // 2].name
        names = tuple(layer.name for layer in curve.layers[found[0] : found[1] + 1])
        return Recommendation("plateau", True, names, best, stability, (reason,), (), regret_of(profile, best))


def find_plateau(values: FloatArray, depths: FloatArray) -> tuple[int, int] | None:
    """First and last position of the longest plateau, the lowest of equally long ones; None when there is none.

    It has at least three layers and 15 % of the depth, and lies at least a factor 1.1 below the highest value after the input.
    """
    if len(values) < 5:
        return None
    ceiling = float(values[1:].max()) / PLATEAU_FACTOR
    allowed = {place for place in range(1, len(values)) if depths[place] <= LATEST_KNEE and values[place] <= ceiling}
    best: tuple[float, float, int, int] | None = None
    for first in sorted(allowed):
        last = first
        while last + 1 in allowed and np.ptp(np.log(values[first : last + 2])) <= np.log(PLATEAU_FACTOR):
            last += 1
        length = float(depths[last] - depths[first])
        candidate = (-length, float(values[first : last + 1].mean()), first, last)
        if last - first >= 2 and length >= SHORTEST_PLATEAU and (best is None or candidate < best):
            best = candidate
    return None if best is None else (best[2], best[3])
