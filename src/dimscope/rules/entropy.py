"""The entropy valley: the layer of the lowest von Neumann entropy."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation
from dimscope.rules.extremes import Extreme, take_extreme

WANTED = Extreme(
    "entropy",
    "von Neumann entropy",
    False,
    "One token of huge norm makes such a valley by itself (arXiv 2510.06477); see check P012.",
)


@dataclass(frozen=True)
class Entropy:
    """The lowest entropy of the covariance between the ends: where the examples are compressed most."""

    summary: ClassVar[str] = "lowest von Neumann entropy between the ends (compression valley)"
    source: ClassVar[str] = "Skean et al. 2025, arXiv 2502.02013, where middle layers of decoders have such a valley"

    def recommend(self, profile: Profile) -> Recommendation:
        """The layer and its neighbours within 5 %, or no clear choice."""
        has = profile.has("von_neumann_entropy")
        return take_extreme(profile, profile.values("von_neumann_entropy") if has else None, WANTED)
