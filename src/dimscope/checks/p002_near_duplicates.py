"""P002: points nearer than the stored precision can resolve."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.profile import Profile


@dataclass(frozen=True)
class NearDuplicates:
    """Speaks when more than `share` of the points have a neighbour within the rounding of the stored numbers."""

    share: float = 0.01

    code: ClassVar[str] = "P002"
    title: ClassVar[str] = "Near-duplicates at storage precision"
    severity: ClassVar[Severity] = "issue"
    summary: ClassVar[str] = "more than 1 % of the points differ from another one by rounding only"

    def look(self, profile: Profile) -> Finding | None:
        """The layers with many unresolved pairs."""
        near, unique = profile.values("n_near"), profile.values("n_unique")
        share = near / unique
        layers = [layer.name for layer, value in zip(profile.layers, share, strict=True) if value > self.share]
        if not layers:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"In {layer_list(layers)} up to {share.max():.1%} of the points have a nearest neighbour so near that the "
            "distance is rounding noise; ratios of such distances pull the dimension down.",
            "Remove near-identical examples, or extract in a wider dtype (--dtype float32).",
            tuple(layers),
        )
