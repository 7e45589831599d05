"""P001: many rows of a layer are equal."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.checks.base import Finding, Severity, layer_list
from dimscope.checks.p013_few_inputs import FewInputs, concerned_rows
from dimscope.profile import Profile


@dataclass(frozen=True)
class Duplicates:
    """Speaks when more than `share` of the examples repeat another one in some layer."""

    share: float = 0.05

    code: ClassVar[str] = "P001"
    title: ClassVar[str] = "Many duplicates"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "more than 5 % of the examples have the same vector as another one"

    def look(self, profile: Profile) -> Finding | None:
        """The layers with many equal rows."""
        total, unique = profile.values("n"), profile.values("n_unique")
        repeated = (total - unique) / total
        repeated[concerned_rows(profile, FewInputs.share)] = 0  # P013 says more about these
        layers = [layer.name for layer, value in zip(profile.layers, repeated, strict=True) if value > self.share]
        if not layers:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"Up to {repeated.max():.1%} of the examples repeat another one in {layer_list(layers)}; each distinct vector "
            f"was counted once, so as few as {int(unique[repeated > self.share].min())} points remain.",
            "Remove repeated examples from the data. If only the first layer is concerned and one token is read per "
            "example, this is expected there: read mean vectors, or leave that layer out.",
            tuple(layers),
        )
