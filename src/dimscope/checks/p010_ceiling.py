"""P010: the dimension is close to what can be read from so few points."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile

DIMENSIONS = (5, 10, 15, 20, 30, 50, 100, 200)
READ = {
    300: (5.0, 9.2, 13.0, 15.7, 20.6, 28.3, 43.9, 64.1),
    1000: (5.1, 9.6, 13.4, 16.7, 22.0, 30.7, 47.0, 70.2),
    3000: (5.0, 9.6, 13.8, 17.2, 23.1, 32.4, 50.6, 75.7),
    10000: (5.0, 10.0, 14.2, 17.8, 24.4, 34.6, 53.9, 80.7),
    30000: (5.1, 10.0, 14.5, 18.2, 25.0, 35.8, 56.2, 84.9),
}
"""Points -> what TwoNN reads on average from normal points of each dimension (`python benchmarks/ceiling.py`)."""


@dataclass(frozen=True)
class Ceiling:
    """Speaks when normal points that would give this value have a dimension more than `factor` times as large.

    Neighbour ratios saturate: in high dimension all distances from a point are nearly equal, and its neighbours are not near
    enough for the density to be constant between them. The table of normal points says by how much; other data differ, so
    the finding names the size of the bias and corrects nothing.
    """

    factor: float = 1.25

    code: ClassVar[str] = "P010"
    title: ClassVar[str] = "The dimension is close to the ceiling of its estimator"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "normal points of a much larger dimension would give the same value from as many points"

    def look(self, profile: Profile) -> Finding | None:
        """The layers whose value is much too low for normal points, and the worst of them in numbers."""
        dimension, points = profile.values("dimension"), profile.values("n_unique")
        behind = np.array([normal_dimension(value, n) for value, n in zip(dimension, points, strict=True)])
        with np.errstate(invalid="ignore"):
            concerned = np.flatnonzero(behind > self.factor * dimension)
        if not len(concerned):
            return None
        layers = [profile.layers[row].name for row in concerned]
        most = concerned[np.argmax(dimension[concerned])]
        size = f"about {behind[most]:.0f}" if behind[most] < DIMENSIONS[-1] else f"{DIMENSIONS[-1]} or more"
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"{int(points[most])} normal points of dimension {size} would also be read as {dimension[most]:.0f} "
            f"({layer_list(layers)}). The stated errors do not cover this bias.",
            "Read such values as lower bounds: differences between high layers are compressed, their order is kept. More "
            "points help slowly (docs/calibration.md); compare effective rank and participation ratio, whose bias is another.",
            tuple(layers),
        )


def normal_dimension(value: float, n: float) -> float:
    """The dimension of n normal points that TwoNN would read as `value`; interpolated in log n, at most 200."""
    if not np.isfinite(value):
        return float("nan")
    sizes = np.array(sorted(READ), dtype=float)
    curves = np.array([READ[int(size)] for size in sizes])
    place = np.clip(np.log(n), np.log(sizes[0]), np.log(sizes[-1]))
    curve: FloatArray = np.array([np.interp(place, np.log(sizes), column) for column in curves.T])
    return float(np.interp(value, np.r_[0.0, curve], np.r_[0.0, DIMENSIONS]))
