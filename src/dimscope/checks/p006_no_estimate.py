"""P006: layers without a dimension."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class NoEstimate:
    """Speaks when the dimension of a layer could not be estimated."""

    code: ClassVar[str] = "P006"
    title: ClassVar[str] = "Layers without a dimension"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "a layer has too few distinct rows, or distances without spread"

    def look(self, profile: Profile) -> Finding | None:
        """The layers and the reason of the first."""
        missing = np.flatnonzero(~np.isfinite(profile.values("dimension")))
        if not len(missing):
            return None
        layers = [profile.layers[row].name for row in missing]
        unique = int(profile.values("n_unique")[missing].min())
        reason = str(profile.dataset["dimension_status"].values[missing[0]])
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"No dimension for {layer_list(layers)}: {reason} (distinct rows: {unique}).",
            "One vector per example that does not depend on the example carries no geometry: choose another --pool, or leave "
            "these layers out with --layers.",
            tuple(layers),
        )
