"""The layer whose nearest neighbours are nearest."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation
from dimscope.rules.extremes import Extreme, take_extreme

WANTED = Extreme(
    "nearest",
    "nearest distance over the norm",
    False,
    "A few large coordinates make the norm large and all distances small beside it; see check P012.",
)


@dataclass(frozen=True)
class Nearest:
    """The lowest ratio of the median nearest distance to the median norm between the ends."""

    summary: ClassVar[str] = "lowest nearest distance relative to the norm, between the ends"
    source: ClassVar[str] = "ours, after Schulte, Ruegamer 2026, arXiv 2604.20276, who explain the dimension by such distances"

    def recommend(self, profile: Profile) -> Recommendation:
        """The layer and its neighbours within 5 %, or no clear choice."""
        if not (profile.has("r1_median") and profile.has("norm_median")):
            return take_extreme(profile, None, WANTED)
        norm = profile.values("norm_median")
        ratio = np.divide(profile.values("r1_median"), norm, out=np.full(len(norm), np.nan), where=norm > 0)
        return take_extreme(profile, ratio, WANTED)
