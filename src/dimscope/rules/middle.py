"""Baseline: the layer half-way."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, regret_of


@dataclass(frozen=True)
class Middle:
    """Always the layer whose depth is nearest to one half (the earlier of two)."""

    summary: ClassVar[str] = "the layer at half depth; a baseline, looks at nothing"
    source: ClassVar[str] = "common practice"

    def recommend(self, profile: Profile) -> Recommendation:
        """The layer at half depth."""
        # Depths such as 1/3 and 2/3 are equally far from one half, but for the last bit.
        name = min(profile.layers, key=lambda layer: (round(abs(layer.depth - 0.5), 9), layer.index)).name
        reasons = ("The layer at half depth is taken whatever the profile says.",)
        return Recommendation("middle", True, (name,), name, float("nan"), reasons, (), regret_of(profile, name))
