"""P013: the input of the first block is one of a few token vectors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.checks.base import Finding, Severity
from dimscope.profile import Profile

ONE_TOKEN = ("last", "cls", "position")


@dataclass(frozen=True)
class FewInputs:
    """Speaks when one token is read per example and less than `share` of the rows of layer 0 are distinct.

    Before the first block a token knows nothing of its text, so examples that end in the same token have the same vector. With
    positions in the embedding they differ by length only. P001 keeps silent on such a layer.
    """

    share: float = 0.5

    code: ClassVar[str] = "P013"
    title: ClassVar[str] = "Layer 0 shows tokens, not examples"
    severity: ClassVar[Severity] = "tip"
    summary: ClassVar[str] = "one token is read per example, and at layer 0 few of these tokens differ"

    def look(self, profile: Profile) -> Finding | None:
        """How many rows of the first layer are distinct."""
        rows = concerned_rows(profile, self.share)
        if not len(rows):
            return None
        first = int(rows[0])
        total, unique = (int(profile.values(name)[first]) for name in ("n", "n_unique"))
        pool = profile.provenance["model"]["pool"]
        return Finding(
            self.code,
            self.title,
            self.severity,
            f"With --pool {pool} the {total} examples have only {unique} distinct vectors at {profile.layers[first].name}: one "
            "per token (and position), whatever the example.",
            "Leave layer 0 out of any comparison (--layers 1:), or read --pool mean. Layers after the first block are not "
            "concerned.",
            (profile.layers[first].name,),
        )


def concerned_rows(profile: Profile, share: float) -> np.ndarray:
    """Rows of the profile that are the input of the first block, read at one token, with few distinct vectors."""
    if str(profile.provenance.get("model", {}).get("pool")).partition(":")[0] not in ONE_TOKEN:
        return np.empty(0, dtype=np.int64)
    is_input = np.array([layer.index == 0 for layer in profile.layers])
    return np.flatnonzero(is_input & (profile.values("n_unique") < share * profile.values("n")))
