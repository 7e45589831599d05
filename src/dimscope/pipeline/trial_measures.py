"""How long the measures of the layers take: tried on fewer points like those of a layer, read off for all."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from dimscope.arrays import Points
from dimscope.config import RunConfig
from dimscope.errors import InputError
from dimscope.knn import FEW_POINTS, search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline import layers as measures
from dimscope.pipeline import scale as scales
from dimscope.pipeline.costs import fit_costs, time_of
from dimscope.pipeline.requested import Place, requests
from dimscope.pipeline.searching import search_device
from dimscope.progress import Progress

TRIED = (FEW_POINTS + 512, 2 * FEW_POINTS + 1024)
"""Points of the two trials of a large layer: with more than `FEW_POINTS` the neighbours come from the backend for many."""


@dataclass(frozen=True, eq=False)
class Sample:
    """What the measures will be given.

    Attributes:
        n: distinct points of a layer.
        widths: features of each layer.
        points: some points of one layer, shape (some, d).
        labels, groups: one per point of all, or None.
    """

    n: int
    widths: Sequence[int]
    points: Points
    labels: Sequence[str] | None = None
    groups: Sequence[str] | None = None


@dataclass
class MeasureTrial:
    """What the trial found.

    Attributes:
        neighbors: seconds of the searches in all layers.
        measures: seconds of the measures of every run, without neighbours.
        extras: seconds of the measures asked for.
        tried: points of each trial.
        width: features of the layer that was tried.
    """

    neighbors: float
    measures: float
    extras: float
    tried: list[int]
    width: int


@dataclass
class _Times:
    neighbors: list[float] = field(default_factory=list)
    measures: list[float] = field(default_factory=list)
    extras: list[float] = field(default_factory=list)


def try_measures(config: RunConfig, sample: Sample, progress: Progress) -> MeasureTrial:
    """Search and measures of one layer, timed on at most `TRIED` points.

    Up to that number they run at full size. Beyond it a search is taken to cost a n + b n^2 seconds and the measures of every
    run c + e n, fitted to two sizes; measures asked for are like a search. Layers of other widths take their share by width.
    """
    sizes = sorted({min(size, sample.n) for size in TRIED})
    sizes = sizes[-1:] if sizes[-1] == sample.n else sizes
    progress.message(f"trying neighbours and measures on {' and '.join(map(str, sizes))} of {sample.n} points")
    times = _Times()
    for size in sizes:
        _try_size(config, sample, size, times)
    share = sum(sample.widths) / sample.points.shape[1]
    squares = [[size, size**2] for size in sizes]
    lines = [[1, size] for size in sizes] if len(sizes) > 1 else [[0, sizes[0]]]
    total = {
        "neighbors": fit_costs(squares, times.neighbors) @ [sample.n, sample.n**2],
        "measures": fit_costs(lines, times.measures) @ [1, sample.n],
        "extras": fit_costs(squares, times.extras) @ [sample.n, sample.n**2] if requests(config.measure) else 0.0,
    }
    return MeasureTrial(
        **{name: float(seconds * share) for name, seconds in total.items()}, tried=sizes, width=sample.points.shape[1]
    )


def points_like(points: Points, n: int, seed: int) -> Points:
    """The points themselves where they are n or more, otherwise n normal points of their mean and covariance, same dtype."""
    if len(points) >= n:
        return np.ascontiguousarray(points[:n])
    rng = np.random.default_rng(seed)
    centred = points - points.mean(axis=0, dtype=np.float64)
    if len(points) < 3 or not centred.any():
        return rng.standard_normal((n, points.shape[1])).astype(points.dtype)
    drawn = rng.standard_normal((n, len(points))) @ centred / np.sqrt(len(points))
    drawn += 1e-3 * drawn.std() * rng.standard_normal(drawn.shape)  # few points span few directions
    return np.asarray(drawn + points.mean(axis=0, dtype=np.float64), dtype=points.dtype)


def _try_size(config: RunConfig, sample: Sample, size: int, times: _Times) -> None:
    options = config.measure
    points = points_like(sample.points, size, config.data.seed)
    duplicates = find_duplicates(points, "keep" if options.duplicates == "keep" else "merge")
    device = search_device(config.model.device)
    tables: list[Neighbors] = []
    k = min(options.k, len(duplicates.rows) - 1)
    times.neighbors.append(time_of(lambda: tables.append(search_distinct(points, k, duplicates, device=device))))
    labels, groups = (_spread(column, size) for column in (sample.labels, sample.groups if options.exclude_group else None))
    times.measures.append(time_of(lambda: _measure(config, points, tables[0], labels, groups)))
    if requests(options):
        times.extras.append(time_of(lambda: _measure_extras(config, points, tables[0], labels, groups), warm=False))


def _spread(column: Sequence[str] | None, size: int) -> list[str] | None:
    """Entries from everywhere in the column."""
    return None if column is None else [column[row * len(column) // size] for row in range(size)]


def _measure(
    config: RunConfig, points: Points, table: Neighbors, labels: Sequence[str] | None, groups: Sequence[str] | None
) -> None:
    """What `dimscope.pipeline.measure` computes of each layer."""
    options, seed = config.measure, config.data.seed
    measures.measure_points(points, table.duplicates)
    measures.measure_table(table, options, labels, groups)
    measures.measure_step(table, table, options.overlap_k)
    if options.scale == "paper":
        scales.read_as_paper(points, table.duplicates, options.replicates, seed)
        return
    for _ in range(2 if options.scale == "auto" else 1):
        measures.replicate_dimension(table, options, seed)


def _measure_extras(
    config: RunConfig, points: Points, table: Neighbors, labels: Sequence[str] | None, groups: Sequence[str] | None
) -> None:
    """What `dimscope.pipeline.extras` computes of a layer and the step to the next."""
    here, following = (Place(table, points, labels, groups, config.measure.overlap_k, config.data.seed) for _ in range(2))
    for request in requests(config.measure).values():
        with suppress(InputError):  # a measure that the layer does not allow leaves a gap in a run
            if request.of_layer is not None:
                request.of_layer(here)
            if request.of_step is not None:
                request.of_step(here, following)
