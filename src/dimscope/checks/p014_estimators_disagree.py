"""P014: estimators that were asked for tell different stories."""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import spearmanr

from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile


@dataclass(frozen=True)
class EstimatorsDisagree:
    """Speaks when another estimator of the run orders the layers differently than the profile: rank correlation below `least`.

    Heights may differ, since estimators read other scales and have other biases; then peaks and minima are at the same layers.
    Gride and TwoNN are left to P008 and P009. Of an estimator with several columns each is compared. A curve whose highest and
    lowest layer differ by less than `errors` standard errors has no order, and nothing is said.
    """

    least: float = 0.5
    errors: float = 3.0

    code: ClassVar[str] = "P014"
    title: ClassVar[str] = "Estimators order the layers differently"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "another estimator of the run puts high and low dimension at other layers"

    def look(self, profile: Profile) -> Finding | None:
        """The estimator whose order agrees least."""
        inner = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm" and layer.index > 0]
        if not self._has_order(profile, "dimension", inner):
            return None
        found = {}
        for name in _others(profile):
            here, other = profile.values("dimension")[inner], profile.values(name)[inner]
            usable = np.isfinite(here) & np.isfinite(other)
            if usable.sum() >= 5 and self._has_order(profile, name, inner):
                found[name] = float(spearmanr(here[usable], other[usable]).statistic)
        low = min(found, key=lambda name: found[name], default="")
        if not low or found[low] >= self.least:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"Over the layers the rank correlation of {low} with the profile is {found[low]:.2f}. At least one of them "
            "shows its own bias rather than the data.",
            "Trust neither peak nor minimum until it is clear why: compare the scales of both (dimension_scale, the scale "
            "plot), and docs/calibration.md for the bias of each at this number of points.",
        )

    def _has_order(self, profile: Profile, name: str, rows: list[int]) -> bool:
        values, errors = profile.values(name)[rows], profile.values(f"{name}_err")[rows]
        if np.isfinite(values).sum() < 2:
            return False
        high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
        return bool(values[high] - values[low] > self.errors * np.hypot(errors[high], errors[low]))


def _others(profile: Profile) -> list[str]:
    asked = profile.provenance.get("measure", {}).get("estimators") or []
    kept = [name for name in asked if name not in ("twonn", "gride")]
    return [
        quantity
        for quantity in profile.quantities
        if any(re.fullmatch(rf"{re.escape(name)}(_\w+)?", quantity) for name in kept)
        and not quantity.endswith(("_err", "_chance"))
        and profile.has(f"{quantity}_err")
    ]
