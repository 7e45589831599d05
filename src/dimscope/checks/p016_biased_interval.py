"""P016: the interval of value and stated error is known not to hold the true dimension."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dimscope.arrays import FloatArray, IntArray
from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.checks.p010_ceiling import normal_dimension
from dimscope.profile import Profile

ALWAYS: Mapping[str, str] = {
    "mada": "MADA is 7.7 % too high at its default k",
    "mom": "the method of moments is 2 to 3 % too high at its default k",
    "abide": "ABIDE chooses its neighbourhoods from the data that it reads, which costs about 0.3 %",
}
"""Estimator -> its bias where the density is constant and nothing is curved (`python benchmarks/calibration.py`)."""


@dataclass(frozen=True)
class BiasedInterval:
    """Speaks where docs/calibration.md found intervals that cover less than they state, short of what P010 says.

    Four cases: an estimator that is biased everywhere; layers of dimension below `line`, where points share distances
    beyond the ranks that they read; layers where normal points that give the same value have a dimension more than
    `errors` standard errors larger; layers where Gride drifts with the scale.

    Gride reads disjoint shells of neighbours at ranks 2, 4, 8, ..., whose values are independent, and equal where density and
    tangent space are constant. Where they are not, the bias grows with the radius: in proportion to it at a boundary, and to
    its square inside. So the values at ranks up to `reach` times the one that was read are fitted by d0 + c rank^(1/d),
    weighted by their errors; radii are as rank^(1/d). The check speaks when c differs from 0 by more than `errors` of its
    standard errors, and the bias c rank^(1/d) at the rank that was read is more than `errors` stated errors of the dimension.
    (docs/calibration.md has how often it speaks where it should and where not.)

    Attributes:
        line: dimension below which errors are known to be too small.
        errors: standard errors beyond which something is told.
        reach: how many times as far as what was read Gride is followed.
    """

    line: float = 1.5
    errors: float = 2.0
    reach: float = 16.0

    code: ClassVar[str] = "P016"
    title: ClassVar[str] = "The stated errors do not cover a known bias"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "the dimension is biased by more than its stated error, or its error is too small"

    def look(self, profile: Profile) -> Finding | None:
        """What is known about the estimator and about the layers, in one text."""
        asked = profile.provenance.get("measure", {}).get("estimators") or ["twonn"]
        facts, concerned = [], np.zeros(len(profile.layers), dtype=bool)
        if asked[0] in ALWAYS:
            facts.append(f"{ALWAYS[asked[0]]}, also where all its assumptions hold.")
        for rows, text in (self._too_narrow(profile), self._too_low(profile), self._drifting(profile)):
            if rows.any():
                concerned |= rows
                facts.append(text)
        if not facts:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            " ".join(fact[0].upper() + fact[1:] for fact in facts),
            "Read the errors as what another draw of the examples would change, not as the distance from the truth. "
            "Differences between layers at the same scale keep their sign; docs/calibration.md has the bias of each estimator.",
            tuple(layer.name for layer, row in zip(profile.layers, concerned, strict=True) if row),
        )

    def _too_narrow(self, profile: Profile) -> tuple[NDArray[np.bool_], str]:
        rows = profile.values("dimension") < self.line
        return rows, f"Near dimension 1 ({_named(profile, rows)}) the errors are too small by up to a third."

    def _too_low(self, profile: Profile) -> tuple[NDArray[np.bool_], str]:
        value, points = profile.values("dimension"), profile.values("n_unique")
        error = profile.values("dimension_err")
        behind = np.array([normal_dimension(here, n) for here, n in zip(value, points, strict=True)])
        rows = (error > 0) & (behind - value > self.errors * error)
        if not rows.any():
            return rows, ""
        worst = int(np.argmax(np.divide(behind - value, error, out=np.full(len(error), -np.inf), where=rows)))
        return rows, (
            f"{int(points[worst])} normal points of dimension {behind[worst]:.3g} would on average be read as "
            f"{value[worst]:.3g}, more than {self.errors:g} stated errors of {error[worst]:.2g} below "
            f"({_named(profile, rows)})."
        )

    def _drifting(self, profile: Profile) -> tuple[NDArray[np.bool_], str]:
        error, drifts = profile.values("dimension_err"), _drifts(profile, self.reach)
        bias, doubt = np.abs([drift.bias for drift in drifts]), np.array([drift.error for drift in drifts])
        rows = (error > 0) & (bias > self.errors * np.maximum(doubt, error))
        if not rows.any():
            return rows, ""
        worst = int(np.argmax(np.divide(bias, error, out=np.full(len(error), -np.inf), where=rows)))
        near, far = drifts[worst].ranks
        ends = [profile.values(f"gride_{rank}")[worst] for rank in (near, far)]
        return rows, (
            f"in {profile.layers[worst].name} Gride drifts from {ends[0]:.3g} at rank {near} to {ends[1]:.3g} at rank {far}, "
            f"which makes more than {self.errors:g} stated errors of {error[worst]:.2g} at the scale that was read "
            f"({_named(profile, rows)}): density or curvature change within the neighbourhoods, or noise or a boundary is "
            "in them."
        )


class Drift(NamedTuple):
    """The bias at the rank that was read by the fit over ranks, its standard error, the nearest and the farthest rank."""

    bias: float
    error: float
    ranks: tuple[int, int]


def _drifts(profile: Profile, reach: float) -> list[Drift]:
    """That of each layer, with the ranks up to `reach` times the one that was read there."""
    value = profile.values("dimension")
    read = profile.values("dimension_scale") if profile.has("dimension_scale") else np.full(len(value), 2.0)
    known = np.array(list(profile.numbered("gride_")), dtype=np.int64)
    curves = np.reshape([profile.values(f"gride_{rank}") for rank in known], (len(known), len(value)))
    errors = np.reshape([profile.values(f"gride_{rank}_err") for rank in known], (len(known), len(value)))
    found = []
    for row in range(len(value)):
        within = known <= reach * read[row]
        found.append(drift_of(value[row], read[row], known[within], curves[within, row], errors[within, row]))
    return found


def drift_of(dimension: float, read: float, ranks: IntArray, values: FloatArray, errors: FloatArray) -> Drift:
    """The weighted fit of the values at these ranks by d0 + c rank^(1/dimension); NaN with fewer than two values."""
    usable = np.isfinite(values) & (errors > 0)
    if usable.sum() < 2 or not dimension > 0:
        return Drift(np.nan, np.nan, (0, 0))
    ranks, values, weights = ranks[usable], values[usable], errors[usable] ** -2.0
    radii = (ranks / read) ** (1 / dimension)  # in units of the one that was read
    spread = radii - weights @ radii / weights.sum()
    information = float(weights @ spread**2)
    return Drift(float(weights @ (spread * values)) / information, information**-0.5, (int(ranks[0]), int(ranks[-1])))


def _named(profile: Profile, rows: NDArray[np.bool_]) -> str:
    return layer_list([layer.name for layer, row in zip(profile.layers, rows, strict=True) if row])
