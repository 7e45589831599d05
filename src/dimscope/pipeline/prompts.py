"""The dimension of the token cloud of each prompt, averaged over the prompts."""

from collections.abc import Sequence

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.config import MeasureConfig, RunConfig
from dimscope.dimensions import ESTIMATORS
from dimscope.knn import search_distinct
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline.layers import Row
from dimscope.store.manifest import Manifest

FEWEST_TOKENS = 32
"""Distinct tokens of a prompt that counts. TwoNN of normal points is off by 10 % in 3 and in 8 dimensions with 32 points, by
14 % with 16 points, by 7 % with 64 (means of 100 clouds); a single estimate of 32 points varies by a quarter."""


def has_whole_prompts(config: RunConfig, manifest: Manifest) -> bool:
    """True where rows are tokens and all of them were read, not a sample."""
    n_tokens = manifest.content["data"].get("n_tokens")
    return n_tokens is not None and n_tokens < config.model.tokens


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
