"""P005: neighbours know nothing of the labels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile


@dataclass(frozen=True)
class LabelsAtChance:
    """Speaks when no layer's label overlap is more than `errors` standard errors above chance."""

    errors: float = 3.0

    code: ClassVar[str] = "P005"
    title: ClassVar[str] = "Label overlap at chance"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "in no layer do neighbours share labels more often than chance"

    def look(self, profile: Profile) -> Finding | None:
        """Whether the best layer beats chance."""
        if not profile.has("label_overlap"):
            return None
        value, error = profile.values("label_overlap"), profile.values("label_overlap_err")
        above = value - profile.values("label_overlap_chance")
        measured = np.isfinite(above)  # an error of 0: every neighbourhood is pure, or no label is there twice
        if not measured.any() or (above > self.errors * np.nan_to_num(error))[measured].any():
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"The best label overlap is {np.nanmax(value):.3f} where chance gives "
            f"{np.nanmean(profile.values('label_overlap_chance')):.3f}.",
            "Check that the labels belong to the right rows; if they do, this model does not arrange the examples by them.",
        )
