"""The layer of the highest dimension."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, curve_of, regret_of, spread, unclear
from dimscope.rules.minimum import PLATEAU_FACTOR, NotFoundError, find_peak

CAUTION = "For protein and image models the labels are read badly at the peak (arXiv 2302.00294)."


@dataclass(frozen=True)
class Peak:
    """The main peak of the dimension after the first layer, when it stands out; the range are layers within a factor 1.1."""

    summary: ClassVar[str] = "main peak of the dimension; where linguistic abstraction begins in causal language models"
    source: ClassVar[str] = "Cheng et al. 2025, arXiv 2405.15471"

    def recommend(self, profile: Profile) -> Recommendation:
        """The peak and its neighbours, with the share of the replicates whose peak is among them."""
        curve = curve_of(profile)
        try:
            peak = find_peak(curve.values, np.nan_to_num(curve.errors))
        except NotFoundError as error:
            return unclear(profile, "peak", error.sentence, CAUTION)
        first, last = spread(curve.values >= curve.values[peak] / PLATEAU_FACTOR, peak)
        first = max(first, 1)
        tops = [1 + int(np.argmax(values[1:])) for values in curve.replicates if np.isfinite(values).all()]
        stability = float(np.mean([first <= top <= last for top in tops])) if tops else float("nan")
        best = curve.layers[peak].name
        names = tuple(layer.name for layer in curve.layers[first : last + 1])
        reason = f"The dimension has its main peak of {curve.values[peak]:.1f} at {best}."
        return Recommendation("peak", True, names, best, stability, (reason,), (CAUTION,), regret_of(profile, best))
