"""P003: examples longer than the model reads."""

from dataclasses import dataclass
from typing import ClassVar

from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile


@dataclass(frozen=True)
class Truncated:
    """Speaks when any example was cut to the maximum number of tokens."""

    code: ClassVar[str] = "P003"
    title: ClassVar[str] = "Truncated examples"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "some examples were longer than the model reads and were cut"

    def look(self, profile: Profile) -> Finding | None:
        """How many were cut."""
        data = profile.provenance.get("data", {})
        cut, total = data.get("n_truncated", 0), data.get("n_examples", 0)
        if not cut:
            return None
        limit = profile.provenance.get("model", {}).get("max_tokens")
        read = f"{limit} tokens" if limit else "the model reads"
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"{cut} of {total} examples were longer than {read}; only their beginning was read.",
            "Split long examples, raise --max-tokens if the model allows, or accept it when beginnings are enough.",
        )
