"""P016: the interval of value and stated error is known not to hold the true dimension."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dimscope.arrays import FloatArray
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
    `errors` standard errors larger; layers where Gride at ranks up to `reach` times as far differs by more than `errors`
    standard errors of the difference, which shows that density or curvature change within such neighbourhoods.
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
        for rows, text in (self._too_narrow(profile), self._too_low(profile), self._changing(profile)):
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

    def _changing(self, profile: Profile) -> tuple[NDArray[np.bool_], str]:
        value, error = profile.values("dimension"), profile.values("dimension_err")
        ranks, wide, wide_error = _wider(profile, self.reach)
        difference, both = np.abs(wide - value), np.hypot(error, wide_error)
        rows = (both > 0) & (difference > self.errors * both)
        if not rows.any():
            return rows, ""
        worst = int(np.argmax(np.divide(difference, both, out=np.full(len(both), -np.inf), where=rows)))
        return rows, (
            f"Gride at rank {int(ranks[worst])} gives {wide[worst]:.3g} where {value[worst]:.3g} was read, more than "
            f"{self.errors:g} stated errors apart ({_named(profile, rows)}): density or curvature change within such "
            "neighbourhoods, and within those that were read."
        )


def _wider(profile: Profile, reach: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Per layer the farthest rank of Gride up to `reach` times the one that was read, its value and error; NaN without."""
    known = np.array(list(profile.numbered("gride_")))
    m = len(profile.layers)
    read = profile.values("dimension_scale") if profile.has("dimension_scale") else np.full(m, 2.0)
    ranks, values, errors = np.full((3, m), np.nan)
    for row in range(m):
        within = known[(known > read[row]) & (known <= reach * read[row])]
        if len(within):
            ranks[row] = within[-1]
            values[row] = profile.values(f"gride_{within[-1]}")[row]
            errors[row] = profile.values(f"gride_{within[-1]}_err")[row]
    return ranks, values, errors


def _named(profile: Profile, rows: NDArray[np.bool_]) -> str:
    return layer_list([layer.name for layer, row in zip(profile.layers, rows, strict=True) if row])
