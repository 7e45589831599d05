"""The trial of the measures."""

import numpy as np
import pytest

from dimscope.config import config_from
from dimscope.pipeline import trial_measures as module
from dimscope.pipeline.trial_measures import TRIED, Sample, points_like, try_measures
from dimscope.progress import Silent

RNG = np.random.default_rng(3)
CONFIG = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 10, "measures": ("cka",)}})


def test_few_points_are_tried_at_full_size():
    sample = Sample(300, [16, 16], RNG.standard_normal((40, 16)).astype("f4"), ["a", "b"] * 150)
    trial = try_measures(CONFIG, sample, Silent())
    assert (trial.tried, trial.width) == ([300], 16)
    assert 0 < trial.neighbors < 60
    assert 0 < trial.measures < 60
    assert 0 < trial.extras < 60


def test_many_points_are_read_off_two_sizes_and_the_widths(monkeypatch):
    tried = []

    def invented(config, sample, size, times):
        tried.append(size)
        times.neighbors.append(2e-6 * size + 3e-9 * size**2)
        times.measures.append(0.1 + 1e-5 * size)
        times.extras.append(4e-9 * size**2)

    monkeypatch.setattr(module, "_try_size", invented)
    n = 1_000_000
    trial = try_measures(CONFIG, Sample(n, [8, 8, 16], np.ones((5, 8), "f4")), Silent())
    assert tried == trial.tried == list(TRIED)
    assert trial.neighbors == pytest.approx(4 * (2e-6 * n + 3e-9 * n**2), rel=1e-6)
    assert trial.measures == pytest.approx(4 * (0.1 + 1e-5 * n), rel=1e-6)
    assert trial.extras == pytest.approx(4 * 4e-9 * n**2, rel=1e-6)


def test_drawn_points_have_the_mean_and_covariance_of_the_given_ones():
    given = (RNG.standard_normal((60, 5)) @ RNG.standard_normal((5, 5)) + 7).astype("f4")
    drawn = points_like(given, 40_000, 0)
    assert drawn.dtype == given.dtype
    assert drawn.mean(axis=0) == pytest.approx(given.mean(axis=0), abs=0.1)
    assert np.cov(drawn.T, bias=True) == pytest.approx(np.cov(given.T, bias=True), abs=0.05 * np.cov(given.T).max())
    assert np.array_equal(drawn, points_like(given, 40_000, 0))


def test_enough_points_are_taken_as_they_are():
    given = RNG.standard_normal((60, 5))
    assert np.array_equal(points_like(given, 50, 0), given[:50])


@pytest.mark.parametrize("given", [np.ones((1, 4)), np.ones((9, 4))])
def test_points_without_a_spread_are_replaced_by_normal_ones(given):
    drawn = points_like(given, 5000, 0)
    assert drawn.std(axis=0) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("scale", ["first", "auto", "paper"])
def test_a_measure_that_the_points_do_not_allow_is_left_out(scale):
    config = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 5, "scale": scale,
                                      "measures": ("linear_probe", "density_peaks"), "exclude_group": True}})  # fmt: skip
    labels = [f"l{row}" for row in range(200)]  # no label has two points: the probe refuses
    trial = try_measures(config, Sample(200, [4], RNG.standard_normal((200, 4)), labels, labels), Silent())
    assert trial.extras > 0
