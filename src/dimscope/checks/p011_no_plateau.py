"""P011: the dimension changes with the scale wherever it is read."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity
from dimscope.dimensions.plateau import common_scale
from dimscope.errors import UsageError
from dimscope.profile import Profile


@dataclass(frozen=True)
class NoPlateau:
    """Speaks when a doubling of the rank changes the dimension by more than `most`, at every rank of Gride.

    The change is the median over layers of |log d(2r) - log d(r/2)| / 2, as in `measure.scale = auto`. Silent when no three
    ranks in a row were read.
    """

    most: float = 0.1

    code: ClassVar[str] = "P011"
    title: ClassVar[str] = "No scale at which the dimension settles"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "a doubling of the neighbour rank changes the dimension by more than 10 % at every rank"

    def look(self, profile: Profile) -> Finding | None:
        """The rank with the least change."""
        ranks = list(profile.numbered("gride_"))
        if len(ranks) < 3:
            return None
        rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"]
        values = np.stack([profile.values(f"gride_{rank}")[rows] for rank in ranks], axis=1)
        errors = np.stack([profile.values(f"gride_{rank}_err")[rows] for rank in ranks], axis=1)
        try:
            scale = common_scale(ranks, values, errors)
        except UsageError:
            return None
        least = float(scale.change[ranks.index(scale.rank)])
        if not least > self.most:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"The dimension changes by {least:.0%} or more per doubling of the rank; least between ranks {scale.rank // 2} and "
            f"{2 * scale.rank}.",
            "Compare layers at one scale only, and say which: values without it mean little. See the scale plot and --scale "
            "auto; more examples make neighbourhoods smaller.",
        )
