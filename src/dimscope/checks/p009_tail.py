"""P009: two estimators that read the same ratios disagree, because of their tail."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class Tail:
    """Speaks when TwoNN (lowest 90 % of the ratios r2 / r1) and Gride at rank 2 (nearly all of them) differ by `share`.

    Under the assumption that both share, a locally constant density, they agree within their errors; the difference must also
    exceed `errors` standard errors.
    """

    share: float = 0.1
    errors: float = 3.0

    code: ClassVar[str] = "P009"
    title: ClassVar[str] = "Estimators disagree at the finest scale"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "TwoNN and Gride read the same distance ratios and differ by more than 10 %"

    def look(self, profile: Profile) -> Finding | None:
        """The layers and the two values where they differ most."""
        if not (profile.has("twonn") and profile.has("gride_2")):
            return None
        trimmed, whole = profile.values("twonn"), profile.values("gride_2")
        gap = np.abs(trimmed - whole)
        noise = np.hypot(profile.values("twonn_err"), profile.values("gride_2_err"))
        apart = (gap > self.share * trimmed) & (gap > self.errors * noise)
        layers = [layer.name for layer, bad in zip(profile.layers, apart, strict=True) if bad]
        if not layers:
            return None
        most = int(np.nanargmax(np.where(apart, gap / trimmed, np.nan)))
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"In {layer_list(layers)} the two differ, most at {profile.layers[most].name}: {trimmed[most]:.1f} from the lowest "
            f"90 % of the ratios r2 / r1, {whole[most]:.1f} from nearly all. Some points have one neighbour much nearer than "
            "the law of a locally constant density allows.",
            "Look for near-identical examples (they make such pairs). The trimmed value is the one in the profile; compare its "
            "shape with gride_4 and gride_8 before trusting its height.",
            tuple(layers),
        )
