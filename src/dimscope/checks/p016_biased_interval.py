"""P016: the interval of value and stated error is known not to hold the true dimension."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

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

    Three cases: an estimator that is biased everywhere; layers of dimension below `line`, where points share distances
    beyond the ranks that they read; layers where normal points that give the same value have a dimension more than
    `errors` standard errors larger.
    """

    line: float = 1.5
    errors: float = 2.0

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
        for rows, text in (self._too_narrow(profile), self._too_low(profile)):
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


def _named(profile: Profile, rows: NDArray[np.bool_]) -> str:
    return layer_list([layer.name for layer, row in zip(profile.layers, rows, strict=True) if row])
