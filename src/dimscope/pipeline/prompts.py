"""The dimension of the token cloud of each prompt, averaged over the prompts."""

from collections.abc import Sequence

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.config import MeasureConfig, RunConfig
from dimscope.dimensions import ESTIMATORS
from dimscope.knn import search_distinct
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline.layers import Row
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest

FEWEST_TOKENS = 32
"""Distinct tokens of a prompt that counts. TwoNN of normal points is off by 10 % in 3 and in 8 dimensions with 32 points, by
14 % with 16 points, by 7 % with 64 (means of 100 clouds); a single estimate of 32 points varies by a quarter."""


def prompt_rows(config: RunConfig, folder: RunFolder) -> list[IntArray] | None:
    """The rows of each example's tokens, or None where rows are examples or only a sample of the tokens was read."""
    from pyarrow import parquet

    n_tokens = Manifest(folder.path).content["data"].get("n_tokens")
    if n_tokens is None or n_tokens >= config.model.tokens:
        return None
    examples = parquet.read_table(folder.points, columns=["example"])["example"].to_pylist()
    starts = [row for row, name in enumerate(examples) if row == 0 or name != examples[row - 1]]
    return [np.arange(start, stop) for start, stop in zip(starts, [*starts[1:], len(examples)], strict=True)]


def measure_prompts(points: Points, prompts: Sequence[IntArray], config: MeasureConfig) -> Row:
    """Mean and standard error over prompts of the dimension of each prompt's own tokens.

    The estimator is the first one of the configuration; neighbours are sought among the tokens of the prompt alone [Viswanathan
    et al. 2025, doi:10.48550/arXiv.2501.10573]. Equal tokens are one point whatever the policy for duplicates. The error is
    s / sqrt(m) with the standard deviation s over the m prompts; it does not cover the bias of few tokens.

    Args:
        points: one row per token, shape (tokens, width).
        prompts: the rows of each prompt.
        config: estimator and number of neighbours.

    Returns:
        `prompt_dimension`, `prompt_dimension_err` and `prompt_dimension_n`: m, the prompts with at least `FEWEST_TOKENS`
        distinct tokens and an estimate. NaN where m is 0; no error where it is 1.
    """
    found = np.array([_dimension(np.asarray(points[rows]), config) for rows in prompts])
    values = found[np.isfinite(found)]
    return {
        "prompt_dimension": float(values.mean()) if len(values) else float("nan"),
        "prompt_dimension_err": float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan"),
        "prompt_dimension_n": len(values),
    }


def _dimension(points: Points, config: MeasureConfig) -> float:
    if len(points) < FEWEST_TOKENS:
        return float("nan")
    duplicates = find_duplicates(points, "merge")
    if duplicates.n_unique < FEWEST_TOKENS:
        return float("nan")
    k = min(config.k, duplicates.n_unique - 1)
    readings = ESTIMATORS.load(config.estimators[0]).readings(k)
    if not readings:
        return float("nan")
    found = next(iter(readings.values())).estimate(search_distinct(points, k, duplicates, device="cpu"))
    return float(found.value)
