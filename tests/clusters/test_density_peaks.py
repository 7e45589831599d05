"""Density peaks against the published steps written out point by point, and on mixtures with known modes."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import chi2

from dimscope import adjusted_rand, density_peaks, neighbors
from dimscope.errors import InputError, UsageError


def mixture(centers, n, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    points = np.concatenate([center + spread * rng.standard_normal((n, len(center))) for center in centers])
    return points, np.repeat(np.arange(len(centers)), n)


def read_density(away, lists, d, k):
    """log density, its error and the size of the neighbourhood of each point."""
    limit = chi2.ppf(1 - 1e-6, 1)
    size = []
    for i in range(len(away)):
        accepted = 2
        for m in range(3, k):
            ratio = (away[i, lists[i][m - 1]] / away[lists[i][m], lists[lists[i][m]][m - 1]]) ** d
            if -2 * m * (np.log(ratio) - 2 * np.log(1 + ratio) + np.log(4)) >= limit:
                break
            accepted = m
        size.append(max(accepted, 3))
    log = np.array([np.log(m) - d * np.log(away[i, lists[i][m - 1]]) for i, m in enumerate(size)])
    return log, np.array([m**-0.5 for m in size]), size


def climb(away, lists, g, near):
    """The peak of each point."""
    points = range(len(g))
    tops = [i for i in points if all(g[i] > g[j] for j in near[i])]
    tops = [i for i in tops if not any(i in near[j] for j in points if g[j] > g[i])]
    cluster = {}
    for i in np.argsort(-g):
        higher = [j for j in lists[i] if g[j] > g[i]]
        if not higher:
            higher = sorted((j for j in points if g[j] > g[i] and i in near[j]), key=lambda j: away[j, i])
        cluster[i] = i if i in tops else cluster[higher[0]]
    return cluster, tops


def borders(lists, size, g, cluster, tops):
    """The border point of largest g of each pair of clusters."""
    saddles = {}
    for i, other in product(range(len(g)), tops):
        members = [j for j in lists[i][: size[i]] if cluster[j] == other] if other != cluster[i] else []
        if members and next((m for m in lists[members[0]] if cluster[m] == cluster[i]), None) == i:
            pair = frozenset((cluster[i], other))
            saddles[pair] = max(i, saddles.get(pair, i), key=lambda s: g[s])
    return saddles


def by_hand(points, d, z, k):
    """Peak of the cluster of each point, by loops over lists of neighbours."""
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(away, np.inf)
    lists = [np.argsort(row, kind="stable")[:k] for row in away]
    log, error, size = read_density(away, lists, d, k)
    g = log - error
    cluster, tops = climb(away, lists, g, [set(lists[i][:m]) for i, m in enumerate(size)])
    saddles = borders(lists, size, g, cluster, tops)
    while True:
        weak = [p for p, s in saddles.items() if any(log[c] - log[s] < z * (error[c] + error[s]) for c in p)]
        if not weak:
            return [cluster[i] for i in range(len(g))]
        drop, keep = sorted(max(weak, key=lambda p: g[saddles[p]]), key=lambda c: g[c])
        cluster = {i: keep if c == drop else c for i, c in cluster.items()}
        moved = {}
        for pair, s in saddles.items():
            renamed = frozenset(keep if c == drop else c for c in pair)
            if len(renamed) == 2:
                moved[renamed] = max(s, moved.get(renamed, s), key=lambda s: g[s])
        saddles = moved


@pytest.mark.parametrize(("seed", "z"), [(0, 1.6), (1, 0.5), (2, 0.0), (3, 3.0)])
def test_equals_the_steps_point_by_point(seed, z):
    points, _ = mixture([(0, 0, 0), (3, 0, 0), (0, 3.5, 1)], 60, seed)
    found = density_peaks(points, z, k=40, dimension_value=2.8)
    expected = by_hand(points, 2.8, z, 40)
    peaks = {peak: number for number, peak in enumerate(found.peaks)}
    assert [peaks[peak] for peak in expected] == found.labels.tolist()


@pytest.mark.parametrize("n_modes", [1, 2, 4])
def test_finds_the_modes_of_a_mixture(n_modes):
    centers = [(0, 0), (8, 0), (0, 9), (9, 9)][:n_modes]
    points, labels = mixture(centers, 250, 5)
    found = density_peaks(points)
    assert found.n_clusters == n_modes
    if n_modes > 1:
        assert adjusted_rand(found.labels, labels).value > 0.97
        assert (found.significance >= 1.6).all()


def test_uniform_points_are_one_cluster_at_a_strict_level():
    assert density_peaks(np.random.default_rng(0).random((800, 2)), 3.0).n_clusters == 1


def test_a_stricter_level_gives_no_more_clusters():
    points, _ = mixture([(0, 0), (2.5, 0), (0, 3)], 200, 7)
    numbers = [density_peaks(points, z).n_clusters for z in (0, 1, 2, 4)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > numbers[-1]


def test_order_shift_scale_and_repeats_do_not_matter():
    points, _ = mixture([(0, 0), (5, 0)], 150, 9)
    plain = density_peaks(points).labels
    order = np.random.default_rng(0).permutation(300)
    assert adjusted_rand(density_peaks(points[order] * 2.0**20 + 3.0).labels, plain[order]).value == 1.0
    repeated = density_peaks(np.r_[points, points[:30]])
    np.testing.assert_array_equal(repeated.labels[:300], plain)
    np.testing.assert_array_equal(repeated.labels[300:], plain[:30])


def test_the_halo_lies_below_the_saddle_and_the_peaks_in_the_core():
    points, _ = mixture([(0, 0), (4, 0)], 300, 2)
    found = density_peaks(points)
    assert found.n_clusters == 2
    saddle = found.saddles[0, 1]
    np.testing.assert_array_equal(found.core, found.log_density >= saddle)
    assert found.core[found.peaks].all()
    assert 0.3 < found.core_fraction < 1
    gap = (found.log_density[found.peaks] - saddle) / (2 * found.log_density_err[found.peaks])
    assert (found.significance > 0.5 * gap).all()


def test_the_density_is_that_of_the_law_within_its_error():
    points = np.random.default_rng(3).standard_normal((2000, 2))
    found = density_peaks(points, dimension_value=2.0)
    truth = -0.5 * (points**2).sum(axis=1)
    offset = found.log_density - truth
    inner = (points**2).sum(axis=1) < 2
    scatter = (offset[inner] - np.median(offset[inner])) / found.log_density_err[inner]
    assert 0.7 < scatter.std() < 1.5


def test_what_has_no_density_is_refused():
    points = np.random.default_rng(0).random((50, 2))
    with pytest.raises(UsageError, match="not negative"):
        density_peaks(points, -1.0, k=20)
    with pytest.raises(InputError, match="distance 0"):
        density_peaks(neighbors(np.r_[points, points[:2]], 20, duplicates="keep"))
    with pytest.raises(InputError, match="dimension_value"):
        density_peaks(np.eye(30), k=10)
    with pytest.raises(UsageError, match="holds 4"):
        density_peaks(neighbors(points, 4))
