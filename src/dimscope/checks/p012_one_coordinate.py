"""P012: one coordinate carries most of the length of the vectors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class OneCoordinate:
    """Speaks when in some layer the largest coordinate holds more than `share` of the squared norm of half of the points.

    Such massive activations [Sun et al. 2024, arXiv 2402.17762] belong mostly to the first token of an example and hardly
    differ between examples. Distances are of centred vectors, so a coordinate that is large and constant does not change them;
    where it also holds most of the variance (`top_variance`), the neighbours are those of one number.
    """

    share: float = 0.5
    variance: float = 0.5

    code: ClassVar[str] = "P012"
    title: ClassVar[str] = "One coordinate dominates"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "one coordinate holds most of the squared norm of the vectors (massive activations)"

    def look(self, profile: Profile) -> Finding | None:
        """The layers, and whether the variance is concerned."""
        if not profile.has("top_coordinate"):
            return None
        top, variance = profile.values("top_coordinate"), profile.values("top_variance")
        wide = profile.values("width") > 4 / self.share  # of 5 normal ones the largest holds 53 %, of 9 only 38 %
        concerned = np.flatnonzero((top > self.share) & wide)
        if not len(concerned):
            return None
        layers = [profile.layers[row].name for row in concerned]
        worst = concerned[np.argmax(variance[concerned])]
        if variance[worst] > self.variance:
            effect = (
                f"At {profile.layers[worst].name} it also holds {variance[worst]:.0%} of the variance: neighbours there are "
                "those of little more than one number."
            )
        else:
            effect = (
                f"It holds at most {variance[worst]:.0%} of the variance, so distances and dimension are those of the other "
                "coordinates too; cosines and norms are not."
            )
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"In {layer_list(layers)} one coordinate holds up to {top[concerned].max():.0%} of the squared norm (median over "
            f"points). {effect}",
            "It is often the first token alone, and then a mean over tokens tells little but the length of the example: leave "
            "it out with --skip-first 1, or compare --pool last. For cosines remove or standardise that coordinate first.",
            tuple(layers),
        )
