"""The default rule: the layers before the model turns to its output; the valley of the dimension where there is one."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Layer, Profile
from dimscope.rules.base import DOMINATED, Recommendation, curve_of, regret_of, unclear
from dimscope.rules.minimum import Minimum, NotFoundError, find_peak

BREAK = 0.75
"""A step is a break when it keeps less than this share of the neighbours that the typical (median) step keeps."""
EARLIEST = 2 / 3
"""Breaks are looked for in the last third of the depth only: what is rearranged earlier is not the turn to the output."""
FEWEST = 5
"""Layers that are needed to speak of a typical step; the rule `minimum` needs as many."""
DRAWS = 200
WEAK = (
    "The dimension does not decide here, and the answer rests on what was seen with few models: compare this layer with two or "
    "three others on a small labelled sample."
)

HIDDEN = (
    "The dimension of this causal model has a peak but no clear valley after it; models of images with such a peak read labels "
    "worst at their last layer, so that layer is not advised either."
)


@dataclass(frozen=True)
class Turn:
    """The clear valley of the dimension; without one, weakly, the last layer before the neighbours are rearranged at the end.

    Models that rebuild their input have a hill and a valley of dimension, and read labels worst at their last layer. Models
    without such a valley keep what they have found up to the end, but for a last layer that serves their training task: there
    the overlap of consecutive layers breaks.
    """

    summary: ClassVar[str] = (
        "clear valley of the dimension (`minimum`), otherwise, weakly, the last layer before the overlap breaks"
    )
    source: ClassVar[str] = "ours, after Valeriani et al. 2023, arXiv 2302.00294; docs/recommendation.md has the evidence"

    def recommend(self, profile: Profile) -> Recommendation:
        """A clear or a weak answer, or no clear choice, with reasons and stability."""
        valley = Minimum().recommend(profile)
        if valley.is_clear or not np.isnan(valley.stability):  # a valley in the wrong place is worse than none
            return replace(valley, rule="turn")
        rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"]
        if len(rows) < FEWEST:
            return replace(valley, rule="turn")
        why = valley.reasons[0]
        if _is_causal(profile) and _has_peak(profile):
            return unclear(profile, "turn", (why, HIDDEN), *valley.cautions)
        layers = [profile.layers[row] for row in rows]
        end, stability, reason = _end_of(profile, rows)
        best = layers[end].name
        if _is_dominated(profile, rows[end]):
            also = f"At {best}, the last layer before the turn, one coordinate holds most of the variance (check P012)."
            return unclear(profile, "turn", (why, also), *valley.cautions)
        cautions = (WEAK, *valley.cautions)
        return Recommendation(
            "turn", True, (best,), best, stability, (why, reason), cautions, regret_of(profile, best), is_weak=True
        )


def find_end(steps: FloatArray, depths: FloatArray, *, least: float = BREAK) -> int:
    """Position of the last layer before the breaks at the end; the last layer when the last step is none.

    Args:
        steps: steps[l] is the overlap of layers l and l + 1, shape (m - 1,); an unknown one (NaN) is no break. The first step
            leaves the input and does not count for the typical one.
        depths: of the m layers, from 0 to 1.
        least: a step that keeps less than this share of what the typical one keeps is a break.
    """
    end = len(steps)
    known = steps[1:][np.isfinite(steps[1:])]
    if not len(known):
        return end
    border = least * float(np.median(known))
    while end > 1 and depths[end - 1] >= EARLIEST and steps[end - 1] < border:
        end -= 1
    return end


def _end_of(profile: Profile, rows: list[int]) -> tuple[int, float, str]:
    """Position of the answer among `rows`, its stability by a parametric bootstrap of the overlaps, and the reason."""
    layers = [profile.layers[row] for row in rows]
    if not profile.has("overlap_next"):
        return len(rows) - 1, float("nan"), "The profile holds no overlap of consecutive layers, so the last layer is taken."
    steps = profile.values("overlap_next")[rows][:-1]  # the last one leads to the final norm, or nowhere
    depths = np.array([layer.depth for layer in layers])
    end = find_end(steps, depths)
    stability = float("nan")
    if profile.has("overlap_next_err"):
        errors = np.nan_to_num(profile.values("overlap_next_err")[rows][:-1])
        draws = steps + errors * np.random.default_rng(0).standard_normal((DRAWS, len(steps)))
        stability = float(np.mean([find_end(values, depths) == end for values in draws]))
    return end, stability, _reason(layers, steps, end)


def _reason(layers: list[Layer], steps: FloatArray, end: int) -> str:
    known = steps[1:][np.isfinite(steps[1:])]
    if not len(known):
        return "The overlap of consecutive layers is unknown, so the last layer is taken."
    typical = f"a typical step keeps {np.median(known):.0%} of the neighbours"
    if end == len(layers) - 1:
        if np.isnan(steps[-1]):
            return "The overlap of the last two layers is unknown, so the last layer is taken."
        border = f"less than {BREAK * np.median(known):.0%} would be a break"
        return f"The last step does not stand out ({typical}, the last {steps[-1]:.0%}; {border}): the last layer is taken."
    return (
        f"After {layers[end].name} the neighbours are rearranged: {typical}, the one to {layers[end + 1].name} only "
        f"{steps[end]:.0%}. Last layers of this kind serve the task that the model was trained on."
    )


def _is_causal(profile: Profile) -> bool:
    return bool(profile.provenance.get("model", {}).get("is_causal"))


def _has_peak(profile: Profile) -> bool:
    curve = curve_of(profile)
    try:
        find_peak(curve.values, np.nan_to_num(curve.errors))
    except NotFoundError:
        return False
    return True


def _is_dominated(profile: Profile, row: int) -> bool:
    return profile.has("top_variance") and bool(profile.values("top_variance")[row] > DOMINATED)
