"""The layer of the highest effective rank."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation
from dimscope.rules.extremes import Extreme, take_extreme

WANTED = Extreme(
    "rank",
    "effective rank",
    True,
    "Effective rank counts linear directions, noise included, and depends on the number of examples.",
)


@dataclass(frozen=True)
class Rank:
    """The highest effective rank between the ends: the layer that uses most directions."""

    summary: ClassVar[str] = "highest effective rank between the ends"
    source: ClassVar[str] = "Garrido et al. 2023, arXiv 2210.02885 (RankMe), there to compare models"

    def recommend(self, profile: Profile) -> Recommendation:
        """The layer and its neighbours within 5 %, or no clear choice."""
        has = profile.has("effective_rank")
        return take_extreme(profile, profile.values("effective_rank") if has else None, WANTED)
