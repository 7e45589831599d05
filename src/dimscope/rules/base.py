"""What a recommendation is, and the curve that rules read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.notebook import answer_html
from dimscope.profile import Layer, Profile

DOMINATED = 0.5
"""Share of the variance in one coordinate from which the neighbours are those of one number (check P012)."""


@dataclass(frozen=True)
class Regret:
    """What the choice costs, measured with the labels that the rule did not see.

    Attributes:
        quantity: the yardstick.
        best_layer: where it is highest.
        best: its value there.
        chosen: its value at the chosen layer.
        last: its value at the last layer, which most users would take; NaN when it has none.
    """

    quantity: str
    best_layer: str
    best: float
    chosen: float
    last: float

    @property
    def regret(self) -> float:
        """best - chosen, in units of the quantity; 0 is perfect."""
        return self.best - self.chosen


@dataclass(frozen=True)
class Recommendation:
    """Which layers to use, why, and how sure; or that there is no clear choice.

    Attributes:
        rule: name of the rule.
        is_clear: False means: no clear choice; then `layers` is empty.
        layers: names of the recommended range, in order of depth.
        best: the one layer to take if only one is wanted, or None.
        stability: share of the bootstrap replicates in which the rule chose a layer of the range (NaN without replicates).
        reasons: why, in plain words; never empty.
        cautions: what limits the trust.
        regret: with labels, the cost of the choice; otherwise None.
        others: what each other rule would take first, None where it sees no clear choice; baselines are left out.
        is_weak: the answer is a guess from weak evidence: a place to start a probe, and no more.
    """

    rule: str
    is_clear: bool
    layers: tuple[str, ...]
    best: str | None
    stability: float
    reasons: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    regret: Regret | None = None
    others: Mapping[str, str | None] = field(default_factory=dict)
    is_weak: bool = False

    def __str__(self) -> str:
        return self.headline

    def _repr_html_(self) -> str:
        return answer_html(self.headline, self.reasons, self.cautions)

    @property
    def headline(self) -> str:
        """The answer in one line."""
        if not self.is_clear:
            return "No clear choice of layer."
        span = self.layers[0] if len(self.layers) == 1 else f"{self.layers[0]} to {self.layers[-1]}, first {self.best}"
        sure = "" if np.isnan(self.stability) else f" ({self.stability:.0%} of the bootstrap replicates agree)"
        return f"{'Weak evidence: use' if self.is_weak else 'Use'} {span}{sure}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for recommendation.json; NaN becomes None."""
        content = asdict(self)
        content["headline"] = self.headline
        content["stability"] = None if np.isnan(self.stability) else self.stability
        if self.regret is not None:
            content["regret"]["regret"] = self.regret.regret
            content["regret"]["last"] = None if np.isnan(self.regret.last) else self.regret.last
        return content


@dataclass(frozen=True, eq=False)
class Curve:
    """The dimension along the residual stream, without the final norm.

    Attributes:
        layers: the rows of the profile that are read.
        values: shape (m,).
        errors: shape (m,).
        replicates: shape (replicates, m).
    """

    layers: list[Layer]
    values: FloatArray
    errors: FloatArray
    replicates: FloatArray


class Rule(Protocol):
    """A way to choose layers; sees the profile only."""

    summary: ClassVar[str]
    source: ClassVar[str]

    def recommend(self, profile: Profile) -> Recommendation:
        """The layers to use, or no clear choice."""
        ...


def curve_of(profile: Profile) -> Curve:
    """The part of the profile that rules read: every layer but the final norm, where the dimension is a number."""
    values = profile.values("dimension")
    keep = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm" and np.isfinite(values[row])]
    replicates = profile.dataset["dimension_replicates"].values if profile.has("dimension_replicates") else np.empty((0, 0))
    rows = np.array(keep, dtype=np.int64)
    return Curve(
        [profile.layers[row] for row in keep],
        values[rows],
        profile.values("dimension_err")[rows],
        replicates[rows].T if replicates.size else np.empty((0, len(rows))),
    )


def regret_of(profile: Profile, chosen: str | None) -> Regret | None:
    """The cost of a layer in label overlap; None without labels, without a choice, or where the choice has no overlap."""
    if chosen is None or not profile.has("label_overlap"):
        return None
    values = profile.values("label_overlap")
    names = [layer.name for layer in profile.layers]
    here = float(values[names.index(chosen)])
    if np.isnan(here):
        return None
    top = int(np.nanargmax(values))
    return Regret("label_overlap", names[top], float(values[top]), here, float(values[-1]))


def label_reason(profile: Profile) -> list[str]:
    """One sentence on where the labels see the most, when there are labels."""
    found = regret_of(profile, profile.layers[-1].name)
    if found is None:
        return []
    is_last = found.best_layer == profile.layers[-1].name
    rest = ", the last layer." if is_last else f"; the last layer has {found.last:.3f}."
    return [
        f"With the labels, which the rule does not use, the overlap is highest at {found.best_layer} ({found.best:.3f}){rest}"
    ]


def one_coordinate(profile: Profile, layers: tuple[str, ...]) -> list[str]:
    """A caution when in some of these layers one coordinate holds more than half of the variance (check P012)."""
    if not profile.has("top_variance"):
        return []
    shares = zip(profile.layers, profile.values("top_variance"), profile.values("width"), strict=True)
    held = {layer.name: share for layer, share, width in shares if layer.name in layers and share > DOMINATED and width > 4}
    if not held:
        return []
    worst = max(held, key=lambda name: held[name])
    return [
        f"At {worst} one coordinate holds {held[worst]:.0%} of the variance (P012): neighbours there are those of little more "
        "than one number; compare another --pool before using it."
    ]


def spread(near: np.ndarray, place: int) -> tuple[int, int]:
    """First and last position of the stretch of True around `place`."""
    first = last = place
    while first > 0 and near[first - 1]:
        first -= 1
    while last + 1 < len(near) and near[last + 1]:
        last += 1
    return first, last


def unclear(
    profile: Profile, rule: str, reason: str | tuple[str, ...], *cautions: str, stability: float = float("nan")
) -> Recommendation:
    """No clear choice, for one reason or several."""
    reasons = (reason,) if isinstance(reason, str) else reason
    return Recommendation(rule, False, (), None, stability, (*reasons, *label_reason(profile)), cautions)
