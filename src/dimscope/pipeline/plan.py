"""What a run would need and take, as plain numbers."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PlannedStage:
    """One stage of a run.

    Attributes:
        name: `read`, `neighbors`, `measures`, ...
        seconds: that it would take.
        basis: how that was found.
    """

    name: str
    seconds: float
    basis: str


@dataclass(frozen=True)
class PlannedLayer:
    """One layer: its name, its features, and the bytes of its states in one file."""

    name: str
    width: int
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What a run would need and take.

    Attributes:
        folder: where it would be written.
        model: plain facts; empty for arrays.
        examples: counts: `examples`, `distinct`, `rows`, and of texts their tokens.
        layers: in order of depth.
        disk: bytes: `states` (to the byte), `neighbors` (about), `free`.
        memory: bytes of this process at its peak: `reading`, `measuring`, and `mapped`, the pages of files that come on top in
            measuring and that the system can take back.
        operations: floating-point operations of `model` and `neighbors`; a multiplication and an addition count as two.
        workers: how many machines like this one share the work.
        stages: in order.
        notes: what is not in these numbers, and what stands against the run.
    """

    folder: str
    model: dict[str, Any]
    examples: dict[str, int]
    layers: list[PlannedLayer]
    disk: dict[str, int]
    memory: dict[str, int]
    operations: dict[str, float]
    workers: int
    stages: list[PlannedStage]
    notes: list[str]

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(stage.seconds for stage in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "seconds": self.seconds}


@dataclass(frozen=True)
class Scope:
    """What of a run is asked for.

    Attributes:
        on_existing: as in `dimscope.pipeline.run.run_stages`.
        measures: whether the measures follow the extraction.
        workers: machines like this one that share the work.
    """

    on_existing: str = "missing"
    measures: bool = True
    workers: int = 1
