"""Stated errors against the scatter over repeated data sets, on a flat torus (no boundary, constant density)."""

import numpy as np
import pytest

from dimscope import dimension, label_overlap, neighbors, overlap

SEEDS = 60


def torus(n, d, rng):
    angles = rng.random((n, d))
    return angles, np.hstack([np.cos(2 * np.pi * angles), np.sin(2 * np.pi * angles)])


@pytest.fixture(scope="module")
def repeated():
    """Values and stated errors of several measures on 60 data sets of 800 points on a 3-dimensional torus."""
    rng = np.random.default_rng(7)
    found = {name: [] for name in ("twonn", "mle", "binomial", "mada", "label_overlap", "balanced", "overlap", "naive")}
    for _ in range(SEEDS):
        angles, points = torus(800, 3, rng)
        table = neighbors(points, 20)
        for name in ("twonn", "mle", "binomial", "mada"):
            found[name].append(dimension(table, name))
        labels = (angles[:, 0] > 0.4) ^ (rng.random(800) < 0.1)
        found["label_overlap"].append(label_overlap(table, labels, k=20))
        found["balanced"].append(label_overlap(table, labels, k=20, balanced=True))
        moved = neighbors(points + 0.1 * rng.standard_normal(points.shape), 20)
        found["overlap"].append(overlap(table, moved, k=20))
    return found


@pytest.mark.parametrize("name", ["twonn", "mle", "binomial", "mada", "label_overlap", "balanced", "overlap"])
def test_stated_error_is_the_scatter(repeated, name):
    values = np.array([estimate.value for estimate in repeated[name]])
    stated = np.mean([estimate.stderr for estimate in repeated[name]])
    # A standard deviation from 60 values is itself uncertain by 9 %; three of those and 10 % of model error are allowed.
    assert stated == pytest.approx(values.std(ddof=1), rel=0.37)


def test_independent_points_would_state_half_of_the_error_of_a_label_overlap(repeated):
    estimates = repeated["label_overlap"]
    scatter = np.std([estimate.value for estimate in estimates], ddof=1)
    naive = np.mean([estimate.local.std(ddof=1) / np.sqrt(len(estimate.local)) for estimate in estimates])
    assert naive < 0.7 * scatter
