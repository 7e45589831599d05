"""P004: too few points for the dimension that was found."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class FewPoints:
    """Speaks when n < `base` ** (d / 2), the number of points below which a dimension of d cannot be told from less.

    The bound of Eckmann and Ruelle (1992, doi:10.1016/0167-2789(92)90023-G): an estimate from neighbour statistics cannot
    exceed 2 log10(n) / log10(1 / rho), with rho the ratio of the neighbour distance to the extent of the data; rho = 1/10
    gives d < 2 log10(n). Neighbour-ratio estimators reach further with a growing downward bias, so the factor is relaxed to
    `base` = 2: the finding means that the value is likely too low, not that it is useless.
    """

    base: float = 2.0

    code: ClassVar[str] = "P004"
    title: ClassVar[str] = "Few points for this dimension"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "the number of points is small for the dimension found; the value is likely too low"

    def look(self, profile: Profile) -> Finding | None:
        """The layers whose dimension is out of reach."""
        dimension, points = profile.values("dimension"), profile.values("n_unique")
        limit = 2 * np.log(points) / np.log(self.base)
        out_of_reach = np.flatnonzero(dimension > limit)
        if not len(out_of_reach):
            return None
        layers = [profile.layers[row].name for row in out_of_reach]
        most = out_of_reach[np.argmax(dimension[out_of_reach])]
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"A dimension of up to {dimension[most]:.0f} was read from {int(points[most])} points in "
            f"{layer_list(layers)}; above about {limit[most]:.0f} values are biased low, so heights of peaks are lower "
            "bounds while their places along the depth stay comparable.",
            "Give more examples, and compare layers of one run rather than values between runs of different size.",
            tuple(layers),
        )
