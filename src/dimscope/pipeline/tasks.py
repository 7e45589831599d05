"""The measures of a run as tasks: one for each layer, one for each step from a layer to the next."""

from typing import NamedTuple

import numpy as np

from dimscope.arrays import DuplicatePolicy, FloatArray, Points
from dimscope.dimensions import Scale
from dimscope.knn import search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps import label_conflicts
from dimscope.pipeline import layers as measures
from dimscope.pipeline import scale as scales
from dimscope.pipeline.columns import Columns, Setting, columns_of
from dimscope.pipeline.prompts import measure_prompts
from dimscope.store.lending import LentPoints, LentTable, open_points, open_table

SECONDS_PER_PRODUCT = 1e-9
SECONDS_PER_NEIGHBOR = 3e-6
"""33 s and 6 s for 20 000 points of width 1280 and k = 100, where two processors took 0.33 s for the spectrum and 0.2 s for the
rest (benchmarks/measures.py): enough for one processor that is old, or that others use too."""


class SearchTask(NamedTuple):
    """The table of a layer of few points: k neighbours by a backend of this device."""

    place: int
    points: LentPoints
    k: int
    policy: DuplicatePolicy
    device: str


class LayerTask(NamedTuple):
    """All measures of the layer `place`; without points where only its table is there, without a table where it has none."""

    setting: Setting
    place: int
    points: LentPoints | None
    table: LentTable | None


class StepTask(NamedTuple):
    """The overlap of the layer `place` with the next one."""

    setting: Setting
    place: int
    here: LentTable
    following: LentTable


class ScaleTask(NamedTuple):
    """The dimension of the layer `place` at a scale that all layers share."""

    setting: Setting
    place: int
    table: LentTable
    scale: Scale


class Measured(NamedTuple):
    """What a task found.

    Attributes:
        row: columns of the layer.
        replicates: bootstrap values of its dimension, shape (replicates,); empty for a step.
        conflicts: merged rows whose labels differ.
    """

    row: measures.Row
    replicates: FloatArray
    conflicts: int = 0


def longest_task(n: int, d: int, k: int) -> float:
    """Seconds that the measures of n points with d features and k neighbours may take before a worker counts as stuck."""
    return SECONDS_PER_PRODUCT * n * d * d + SECONDS_PER_NEIGHBOR * n * k


def longest_extra(n: int, d: int, k: int) -> float:
    """The same of measures that are asked for, some of which search all pairs of points."""
    return longest_task(n, d, k) + SECONDS_PER_PRODUCT * n * n * d


def searched(task: SearchTask) -> Neighbors:
    """The neighbours of a layer."""
    points = open_points(task.points)
    return search_distinct(points, task.k, find_duplicates(points, task.policy), device=task.device)


def measured(task: LayerTask | StepTask | ScaleTask) -> Measured:
    """The measures of a layer, or of a step."""
    options, seed = task.setting.config.measure, task.setting.config.data.seed
    if isinstance(task, StepTask):
        here, following = open_table(task.here), open_table(task.following)
        return Measured(measures.measure_step(here, following, options.overlap_k), np.empty(0))
    if isinstance(task, ScaleTask):
        return Measured(*scales.read_common(open_table(task.table), task.scale, options.replicates, seed))
    return _measured_layer(task)


def _measured_layer(task: LayerTask) -> Measured:
    config, columns = task.setting.config, columns_of(task.setting)
    options, seed = config.measure, config.data.seed
    points = None if task.points is None else open_points(task.points)
    if task.table is None:
        assert points is not None
        row = measures.measure_points(points, find_duplicates(points, policy_of(options.duplicates)))
        return Measured({**row, **measures.no_table()}, measures.replicate_dimension(None, options, seed))
    table = open_table(task.table)
    row = _row(points, table, task.setting, columns)
    conflicts = 0 if columns.labels is None else label_conflicts(table, columns.labels)
    if options.scale != "paper" or points is None:
        return Measured(row, measures.replicate_dimension(table, options, seed), conflicts)
    read, replicates = scales.read_as_paper(points, table.duplicates, options.replicates, seed)
    return Measured({**row, **read}, replicates, conflicts)


def _row(points: Points | None, table: Neighbors, setting: Setting, columns: Columns) -> measures.Row:
    options = setting.config.measure
    if points is None:
        row = measures.no_points(table.n)
    else:
        row = measures.measure_points(points, table.duplicates)
        if columns.prompts is not None:
            row |= measure_prompts(points, columns.prompts, options)
    return row | measures.measure_table(table, options, columns.labels, columns.groups)


def policy_of(option: str) -> DuplicatePolicy:
    """The policy for equal rows that an option names."""
    return "keep" if option == "keep" else "merge"
