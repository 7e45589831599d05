"""A number, its error, and the verdict on it."""

from dataclasses import dataclass, field
from enum import Enum

from dimscope.arrays import FloatArray


class Status(Enum):
    """The verdict that travels with a number; the value is the sentence for the user, with the remedy."""

    OK = "ok"
    ZERO_DISTANCES = (
        "some points lie at distance 0 from a neighbour, which says nothing about the dimension; "
        "merge duplicates (duplicates='merge') instead"
    )
    TOO_FEW = "too few distinct points for this estimate; give more examples or a smaller k"
    NO_SPREAD = "distances that should differ are equal at some or all points; the data are a lattice or rounded too coarsely"
    SHORT_LISTS = "some points had fewer neighbours left than k after leaving out others, and were not used; compute a larger k"

    ALONE = "some points are the only ones of their label (outside their group): nothing can be found, and they were not used"
    RARE_LABELS = "labels with fewer examples than folds were left out; give more examples of them or ask for fewer folds"
    LISTS_END = (
        "some points have more neighbours within the radius than the table holds; give the points instead of the table, "
        "or compute it with a larger k"
    )

    @property
    def is_ok(self) -> bool:
        """True when nothing limits the estimate."""
        return self is Status.OK


@dataclass(frozen=True, eq=False)
class Estimate:
    """One number with its error and the circumstances under which it was found.

    Attributes:
        value: the estimate; NaN only together with a status that says why.
        stderr: standard error, same unit as `value`.
        scale: the neighbour ranks (r, s) whose distances were compared, or (k, k) for an overlap.
        n_used: points that entered.
        n_dropped: points that could not enter (the status says why); trimmed tails are not counted here.
        status: the verdict.
        radius: mean distance at which the estimate was read (unit of the points), NaN where it has no meaning.
        chance: the value expected without any structure, NaN where none is defined.
        local: one value per point, shape (n,), or None.
    """

    value: float
    stderr: float
    scale: tuple[int, int]
    n_used: int
    n_dropped: int = 0
    status: Status = Status.OK
    radius: float = float("nan")
    chance: float = float("nan")
    local: FloatArray | None = field(default=None, repr=False)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        note = "" if self.status.is_ok else f" ({self.status.value})"
        return f"{self.value:.4g} +- {self.stderr:.2g}{note}"


def no_estimate(scale: tuple[int, int], n_used: int, status: Status, n_dropped: int = 0) -> Estimate:
    """NaN with the reason."""
    return Estimate(float("nan"), float("nan"), scale, n_used, n_dropped, status)
