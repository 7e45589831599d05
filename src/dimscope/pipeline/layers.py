"""All measures of one layer, from its points and its neighbour table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray, Points
from dimscope.config import MeasureConfig
from dimscope.dimensions import ESTIMATORS
from dimscope.dimensions.base import Estimator
from dimscope.estimates import Estimate, Status
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.knn.duplicates import row_norms, row_peaks
from dimscope.overlaps import overlap
from dimscope.overlaps.labels import label_measures
from dimscope.spectra import spectrum
from dimscope.uncertainty import bootstrap_draws, widened

Row = dict[str, float | int | str]
"""One line of profile.csv under construction."""


def readings(config: MeasureConfig, k: int) -> Mapping[str, Estimator]:
    """Column name -> estimator, for a table of k neighbours; the first one gives the profile."""
    found: dict[str, Estimator] = {}
    for name in config.estimators:
        found |= ESTIMATORS.load(name).readings(k)
    return found


def measure_points(points: Points, duplicates: Duplicates) -> Row:
    """Sizes, norms and spectrum of the distinct points."""
    rows = duplicates.first_rows
    linear = spectrum(points, rows=rows)
    peaks = row_peaks(points)
    norms = row_norms(points, peaks=peaks)
    peaks, norms, total = peaks[rows], norms[rows], linear.variances.sum()
    return {
        "n": len(points),
        "n_unique": duplicates.n_unique,
        "n_near": duplicates.n_near,
        "width": points.shape[1],
        "effective_rank": linear.effective_rank,
        "participation_ratio": linear.participation_ratio,
        "anisotropy": linear.anisotropy,
        "von_neumann_entropy": linear.von_neumann_entropy,
        "pca_99": linear.pca_99,
        "norm_median": float(np.median(norms)),
        # what one coordinate holds: of the squared norm (median over points of max_j x_j^2 / sum_j x_j^2), of the variance
        "top_coordinate": float(np.median((peaks / np.where(norms > 0, norms, 1.0)) ** 2)),
        "top_variance": float(linear.variances.max() / total) if total > 0 else float("nan"),
    }


def no_points(n: int) -> Row:
    """The columns of `measure_points` where only neighbour tables of n points are there: what they cannot tell is missing."""
    unknown = (
        "width", "effective_rank", "participation_ratio", "anisotropy", "von_neumann_entropy", "pca_99", "norm_median",
        "top_coordinate", "top_variance",
    )  # fmt: skip
    return {"n": n, "n_unique": n, "n_near": 0, **dict.fromkeys(unknown, float("nan"))}


def measure_table(
    table: Neighbors, config: MeasureConfig, labels: Sequence[str] | None, exclude: Sequence[str] | None = None
) -> Row:
    """Dimensions and label overlaps of one layer; `exclude` holds the groups whose members do not count."""
    row: Row = {"k": table.k, "r1_median": float(np.median(table.distances[:, 0]))}
    leading = _leading(config, table.k)
    if leading is None:  # fewer rows are distinct than the first estimator reads; another one must not take its place
        row |= no_table()
    for name, estimator in readings(config, table.k).items():
        estimate = estimator.estimate(table)
        row |= columns_of(name, estimate)
        if name == leading:
            row |= columns_of("dimension", estimate)
            row |= {"dimension_scale": estimate.scale[1], "dimension_status": estimate.status.value}
    if labels is not None and table.k >= config.overlap_k and len(set(labels)) > 1:
        for name, estimate in label_measures(table, labels, config.overlap_k, exclude=exclude).items():
            row |= columns_of(name, estimate)
    return row


def measure_step(here: Neighbors | None, following: Neighbors | None, k: int) -> Row:
    """Overlap of a layer's neighbourhoods with those of the next layer."""
    if here is None or following is None or min(here.k, following.k) < k:
        return {}
    estimate = overlap(here, following, k)
    return {**columns_of("overlap_next", estimate), "overlap_next_n": estimate.n_used}


def replicate_dimension(table: Neighbors | None, config: MeasureConfig, seed: int) -> FloatArray:
    """Bootstrap values of the dimension, shape (replicates,); NaN for a layer without a table."""
    leading = _leading(config, table.k) if table is not None else None
    if table is None or leading is None:
        return np.full(config.replicates, np.nan)
    chosen = readings(config, table.k)[leading]
    estimate = chosen.estimate(table)
    if not np.isfinite(estimate.value):
        return np.full(config.replicates, np.nan)
    return widened(chosen.replicate(table, bootstrap_draws(table, config.replicates, seed)), estimate.stderr)


def _leading(config: MeasureConfig, k: int) -> str | None:
    """The column of the first estimator that gives the profile, or None when k neighbours are too few for it."""
    return next(iter(ESTIMATORS.load(config.estimators[0]).readings(k)), None)


def no_table() -> Row:
    """The dimension of a layer with too few distinct rows."""
    return {"dimension": float("nan"), "dimension_err": float("nan"), "dimension_status": Status.TOO_FEW.value}


def fill_columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The lines as columns in the order of their first appearance; gaps are NaN, or an empty text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        is_text = any(isinstance(row.get(name), str) for row in rows)
        gap: float | str = "" if is_text else float("nan")
        columns[name] = [row.get(name, gap) for row in rows]
    return columns


def columns_of(name: str, estimate: Estimate) -> Row:
    """The value, its error and, where there is one, the chance level, as columns of that name."""
    columns: Row = {name: estimate.value, f"{name}_err": estimate.stderr}
    if np.isfinite(estimate.chance):
        columns[f"{name}_chance"] = estimate.chance
    return columns
