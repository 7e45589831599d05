"""P007: examples that were left out as incomplete, and labels that clash."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile


@dataclass(frozen=True)
class Incomplete:
    """Speaks when examples were dropped, or when equal examples carry different labels."""

    code: ClassVar[str] = "P007"
    title: ClassVar[str] = "Examples left out or labelled twice"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "examples without text or label were dropped, or equal examples have different labels"

    def look(self, profile: Profile) -> Finding | None:
        """How many of each."""
        data = profile.provenance.get("data", {})
        dropped, conflicts = data.get("n_dropped", 0), data.get("n_label_conflicts", 0)
        facts = []
        if dropped:
            facts.append(f"{dropped} rows without text or label were left out")
        if conflicts:
            facts.append(f"{conflicts} examples equal an earlier one but carry another label; the first label counts")
        if not facts:
            return None
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"{'; '.join(facts)}.".capitalize(),
            "Clean the data if this is unexpected.",
        )
