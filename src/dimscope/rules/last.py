"""Baseline: the last layer, which most users take without asking."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.profile import Profile
from dimscope.rules.base import Recommendation, regret_of


@dataclass(frozen=True)
class Last:
    """Always the last layer of the profile."""

    summary: ClassVar[str] = "the last layer; a baseline, looks at nothing"
    source: ClassVar[str] = "common practice"

    def recommend(self, profile: Profile) -> Recommendation:
        """The last layer."""
        name = profile.layers[-1].name
        reasons = ("The last layer is taken whatever the profile says.",)
        return Recommendation("last", True, (name,), name, float("nan"), reasons, (), regret_of(profile, name))
