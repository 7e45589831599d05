"""P015: a control gives the same profile."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile

WORDS = {
    "untrained": "the same model with fresh weights",
    "shuffled": "the same texts with shuffled tokens",
    "gaussian": "normal points of the same covariance",
}


@dataclass(frozen=True)
class LikeItsNull:
    """Speaks when a control that was asked for has the dimension of the run in at least `most` of the layers.

    Two values count as equal when they differ by less than `errors` standard errors of the difference or by less than `share`
    of the value. Layer 0 does not count for shuffled tokens, nor the final norm for any.
    """

    most: float = 0.9
    errors: float = 3.0
    share: float = 0.05

    code: ClassVar[str] = "P015"
    title: ClassVar[str] = "The profile looks like its null"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "fresh weights, shuffled tokens or normal points give the same dimension in nearly all layers"

    def look(self, profile: Profile) -> Finding | None:
        """The controls that give the same profile."""
        alike = {}
        for name in WORDS:
            if profile.has(f"dimension_{name}"):
                equal = self._equal(profile, name)
                if len(equal) and equal.mean() >= self.most:
                    alike[name] = float(equal.mean())
        if not alike:
            return None
        names = " and ".join(f"{WORDS[name]} ({share:.0%} of the layers)" for name, share in alike.items())
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"The dimension of the run is that of {names}, within errors. Its curve says nothing about "
            + ("what the model learned." if "untrained" in alike else "more than what the control shares with the run."),
            "Do not read the profile as a property of the representation. More examples separate small differences; other "
            "data, another --pool or another --site may show more.",
        )

    def _equal(self, profile: Profile, name: str) -> FloatArray:
        first = 1 if name == "shuffled" else 0
        rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm" and layer.index >= first]
        here, null = (profile.values(quantity)[rows] for quantity in ("dimension", f"dimension_{name}"))
        noise = np.hypot(*(profile.values(f"{quantity}_err")[rows] for quantity in ("dimension", f"dimension_{name}")))
        known = np.isfinite(here) & np.isfinite(null)
        gap = np.abs(here - null)[known]
        return np.asarray((gap < self.errors * noise[known]) | (gap < self.share * here[known]), dtype=np.float64)
