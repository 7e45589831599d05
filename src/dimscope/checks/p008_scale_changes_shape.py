"""P008: the dimension changes strongly with the scale at which it is read."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class ScaleChangesShape:
    """Speaks when Gride at ranks 8 and 16 tells another story than the profile: rank correlation over layers below `least`.

    A curve whose highest and lowest layer differ by less than `errors` standard errors has no order, and nothing is said.
    """

    least: float = 0.5
    errors: float = 3.0

    code: ClassVar[str] = "P008"
    title: ClassVar[str] = "The shape of the profile depends on the scale"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "the profile at a larger scale orders the layers differently"

    def look(self, profile: Profile) -> Finding | None:
        """Rank correlation between the profile and the profile at four times its scale."""
        if not profile.has("gride_16"):
            return None
        rows = np.array([row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"], dtype=np.int64)
        here, wide = profile.values("dimension")[rows], profile.values("gride_16")[rows]
        usable = np.isfinite(here) & np.isfinite(wide)
        if usable.sum() < 5:
            return None
        if not all(self._has_order(profile, name, rows[usable]) for name in ("dimension", "gride_16")):
            return None
        correlation = float(np.corrcoef(_ranks(here[usable]), _ranks(wide[usable]))[0, 1])
        if not correlation < self.least:
            return None
        names = [profile.layers[row].name for row in rows[usable]]
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"Over {layer_list(names)} the dimension and Gride at ranks 8 and 16 order the layers differently (rank "
            f"correlation {correlation:.2f}).",
            "Read the scale columns gride_2 to gride_64 before trusting peaks and minima; more examples may settle it.",
        )

    def _has_order(self, profile: Profile, name: str, rows: np.ndarray) -> bool:
        values, errors = profile.values(name)[rows], np.nan_to_num(profile.values(f"{name}_err")[rows])
        high, low = np.argmax(values), np.argmin(values)
        return bool(values[high] - values[low] > self.errors * np.hypot(errors[high], errors[low]))


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)
