"""Does the one constant of the rule `turn` hold for models that it was not set on?

`BREAK` says how few neighbours a step at the end must keep, compared with the typical one, to count as a break. Here it is set
anew without one family of models at a time, and tried on that family. The valley of the dimension takes no part: the last layer
before the break is compared with the last layer of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recommendation_published import published_profile, read_curves

from dimscope.arrays import FloatArray
from dimscope.profile import Profile
from dimscope.rules.turn import BREAK, find_end

GRID = np.round(np.arange(0.05, 1.0, 0.05), 2)
NEAR = 0.5
"""Constants whose means differ by less than half a percent are called equally good."""
FAMILIES = {"ESM-2 35M": "ESM-2", "ESM-2 650M": "ESM-2"}
"""Published models whose overlaps with the next layer can be read off."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One case, as far as the break at the end is concerned.

    Attributes:
        case: its name.
        family: models made by the same hands.
        steps: overlap with the next layer, shape (m - 1,).
        depths: shape (m,).
        percent: label overlap in percent of the best one, shape (m,).
    """

    case: str
    family: str
    steps: FloatArray
    depths: FloatArray
    percent: FloatArray

    def at(self, least: float) -> float:
        """What the last layer before the break reaches, in percent."""
        return float(self.percent[find_end(self.steps, self.depths, least=least)])

    @property
    def last_step(self) -> float:
        """What the last step keeps, as a share of the typical one."""
        return float(self.steps[-1] / np.median(self.steps[1:]))


def evidence(case: str, family: str, profile: Profile) -> Evidence:
    """What a profile with labels says; the final norm takes no part."""
    rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"]
    labels = profile.values("label_overlap")[rows]
    depths = np.array([profile.layers[row].depth for row in rows])
    return Evidence(case, family, profile.values("overlap_next")[rows][:-1], depths, 100 * labels / np.nanmax(labels))


def published_evidence() -> list[Evidence]:
    """The published models whose overlaps are known."""
    known = [model for model, quantity in read_curves() if quantity == "overlap_next"]
    return [evidence(f"{model}, published", FAMILIES[model], published_profile(model)) for model in known]


def fit(cases: Sequence[Evidence]) -> tuple[float, float]:
    """The least and the greatest constant of the grid that do best (within `NEAR`), every family counting the same."""
    families = sorted({case.family for case in cases})
    means = np.array([
        np.mean([np.mean([case.at(least) for case in cases if case.family == family]) for family in families]) for least in GRID
    ])  # fmt: skip
    best = GRID[means >= means.max() - NEAR]
    return float(best.min()), float(best.max())


def families_table(cases: Sequence[Evidence]) -> str:
    """A row per family: the constants that are best without it, and what the middle of them reaches on it."""
    lines = [
        f"| family left out | cases | last step / typical step | best constants without it | with their middle | with {BREAK} "
        "| last layer |",
        "| --- " * 7 + "|",
    ]
    for family in sorted({case.family for case in cases}):
        own = [case for case in cases if case.family == family]
        low, high = fit([case for case in cases if case.family != family])
        steps = sorted(case.last_step for case in own)
        reached = [np.mean([case.at(least) for case in own]) for least in ((low + high) / 2, BREAK, 0.0)]
        lines.append(
            f"| {family} | {len(own)} | {steps[0]:.2f} to {steps[-1]:.2f} | {low:.2f} to {high:.2f} | "
            f"{' | '.join(f'{value:.0f} %' for value in reached)} |"
        )
    return "\n".join(lines)
