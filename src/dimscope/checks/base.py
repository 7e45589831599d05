"""What a health check is and what it finds."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from dimscope.profile import Profile

Severity: TypeAlias = Literal["issue", "tip"]
"""`issue`: numbers are limited or wrong; `tip`: worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One thing a check has to say about a profile.

    Attributes:
        code: stable code, `P001` and on.
        title: a few words.
        severity: `issue` or `tip`.
        text: what was seen, with numbers.
        remedy: what to do.
        layers: the layers that are concerned; empty when the whole run is.
    """

    code: str
    title: str
    severity: Severity
    text: str
    remedy: str
    layers: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for findings.json."""
        return asdict(self)


class Check(Protocol):
    """A frozen dataclass whose fields are its thresholds."""

    code: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Severity]
    summary: ClassVar[str]

    def look(self, profile: Profile) -> Finding | None:
        """The finding, or None when all is well or the check does not apply."""
        ...


def layer_list(names: list[str], most: int = 4) -> str:
    """The names as prose, shortened in the middle of long lists."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]} ({len(names)} layers)"
