"""The layers between the change points of the consecutive overlap."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, regret_of, unclear

SETTLED = 0.9
"""A step counts as quiet when it keeps at least this share of the neighbours that the quietest step keeps."""
FEWEST_STEPS = 3
DRAWS = 200


@dataclass(frozen=True)
class Overlap:
    """The longest run of quiet steps: neighbourhoods are rearranged before it and after it, and hardly within it."""

    summary: ClassVar[str] = "middle of the longest run of layers that keep their neighbours"
    source: ClassVar[str] = "Valeriani et al. 2023, arXiv 2302.00294 (overlap of consecutive layers), made precise"

    def recommend(self, profile: Profile) -> Recommendation:
        """The run and its middle; stability from 200 draws of the overlaps within their stated errors."""
        if not profile.has("overlap_next"):
            return unclear(profile, "overlap", "This profile holds no overlap with the next layer.")
        rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"]
        steps = profile.values("overlap_next")[rows][:-1]  # the last one leads to the final norm, or nowhere
        found = find_quiet(steps)
        if found is None:
            return unclear(profile, "overlap", "There is no run of three steps or more that keep the neighbours.")
        layers = [profile.layers[row] for row in rows[found[0] : found[1] + 1]]
        best = layers[(len(layers) - 1) // 2].name
        low = float(steps[found[0] : found[1]].min())
        reason = (
            f"From {layers[0].name} to {layers[-1].name} each layer keeps at least {low:.0%} of its predecessor's neighbours; "
            "steps outside keep fewer."
        )
        names = tuple(layer.name for layer in layers)
        stability = _stability(profile, rows, steps, found)
        return Recommendation("overlap", True, names, best, stability, (reason,), (), regret_of(profile, best))


def _stability(profile: Profile, rows: list[int], steps: FloatArray, found: tuple[int, int]) -> float:
    if not profile.has("overlap_next_err"):
        return float("nan")
    errors = np.nan_to_num(profile.values("overlap_next_err")[rows][:-1])
    draws = steps + errors * np.random.default_rng(0).standard_normal((DRAWS, len(steps)))
    again = [find_quiet(values) for values in draws]
    return float(np.mean([part is not None and found[0] <= sum(part) // 2 <= found[1] for part in again]))


def find_quiet(steps: FloatArray) -> tuple[int, int] | None:
    """First and last layer of the longest run of quiet steps, the quietest of equally long ones; None when there is none.

    Args:
        steps: steps[l] is the overlap of layers l and l + 1; NaN breaks a run. The first step leaves the input and is left out.
    """
    known = steps[1:][np.isfinite(steps[1:])]
    if not len(known):
        return None
    quiet = np.nan_to_num(steps) >= SETTLED * known.max()
    quiet[0] = False
    edges = np.flatnonzero(np.diff(np.r_[0, quiet.astype(int), 0]))  # starts and ends of the runs, in turn
    runs = [(int(start), int(end)) for start, end in edges.reshape(-1, 2) if end - start >= FEWEST_STEPS]
    return min(runs, key=lambda run: (run[0] - run[1], -steps[run[0] : run[1]].mean()), default=None)
