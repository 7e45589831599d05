"""The formulas of docs/measures.md, written out naively over all pairs, against the functions that the page describes."""

import re
from pathlib import Path

import numpy as np
import pytest

import dimscope
from dimscope.dimensions import ESTIMATORS
from dimscope.overlaps import MEASURES

TEXT = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
N = 150


def section(name):
    found = re.search(rf"^###? .*`{name}`.*?(?=^## |^### |\Z)", TEXT, flags=re.S | re.M)
    assert found is not None, f"{name} has no section in measures.md"
    return found.group()


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(11)
    return rng.normal(size=(N, 4)) @ rng.normal(size=(4, 9)) + 0.1 * rng.normal(size=(N, 9))


@pytest.fixture(scope="module")
def others(points):
    return np.tanh(points[:, :5]) + 0.3 * np.random.default_rng(12).normal(size=(N, 5))


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(13).choice(["a", "b", "c"], size=N, p=[0.5, 0.3, 0.2])


def all_distances(points):
    distances = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    return distances


def nearest(points):
    return np.argsort(all_distances(points), axis=1, kind="stable")


@pytest.fixture(scope="module")
def r(points):
    """r[:, j] is r_j; r[:, 0] is 0."""
    return np.hstack([np.zeros((N, 1)), np.sort(all_distances(points), axis=1)])


@pytest.mark.parametrize("name", [*ESTIMATORS, *MEASURES])
def test_every_measure_has_its_source_and_says_when_it_misleads(name):
    text = section(name)
    assert re.search(r"Sources?:", text), name
    assert "*When it lies*" in text, name


def value(points, name, **options):
    return dimscope.dimension(points, name, **options).value


def test_twonn(points, r):
    x = np.sort(np.log(r[:, 2] / r[:, 1]))
    n = int(0.9 * N)
    y = -np.log(1 - np.arange(1, n + 1) / N)
    assert value(points, "twonn") == pytest.approx((x[:n] * y).sum() / (x[:n] ** 2).sum(), rel=1e-12)
    observed = x[:n].sum() + (N - n) * x[n - 1]
    assert value(points, "twonn", method="ml") == pytest.approx((n - 1) / observed, rel=1e-12)
    assert value(points, "twonn", method="ml", fraction=1.0) == pytest.approx((N - 1) / x.sum(), rel=1e-12)
    expected = (3 + n) / (4 + observed)
    assert value(points, "twonn", method="bayes", prior=(3.0, 4.0)) == pytest.approx(expected, rel=1e-12)
    stderr = dimscope.dimension(points, "twonn", method="ml").stderr
    assert 1 - 1e-12 <= stderr / ((n - 1) / observed / np.sqrt(n - 2)) < 2  # points share neighbours


@pytest.mark.parametrize("m", [1, 2, 8])
def test_gride(points, r, m):
    ratios = r[:, 2 * m] / r[:, m]
    median, high = np.percentile(ratios, [50, 95])
    logs = np.log(ratios[ratios < median + 20 * (high - median)])
    d = value(points, "gride", ranks=2 * m)
    terms = ((len(logs) - 1) / d, (2 * m - m - 1) * (logs / (1 - np.exp(-d * logs))).sum(), -(2 * m - 1) * logs.sum())
    assert abs(sum(terms)) < 1e-9 * abs(terms[-1])


def test_mle(points, r):
    k = 20
    sums = np.log(r[:, k, None] / r[:, 1:k]).sum(axis=1)
    m, smaller = (k - 1) / sums, (k - 2) / sums
    assert value(points, "mle") == pytest.approx(1 / np.mean(1 / m), rel=1e-12)
    assert value(points, "mle", combine="mean") == pytest.approx(m.mean(), rel=1e-12)
    assert value(points, "mle", combine="median") == pytest.approx(np.median(m), rel=1e-12)
    assert value(points, "mle", combine="mean", unbiased=True) == pytest.approx(smaller.mean(), rel=1e-12)
    np.testing.assert_allclose(dimscope.dimension(points, "mle").local, m, rtol=1e-12)


def test_mom_mada_binomial(points, r):
    mean = r[:, 1:101].mean(axis=1)
    assert value(points, "mom") == pytest.approx((mean / (r[:, 100] - mean)).mean(), rel=1e-12)
    assert value(points, "mada") == pytest.approx((np.log(2) / np.log(r[:, 20] / r[:, 10])).mean(), rel=1e-12)
    inside = (r[:, 1:20] <= 0.5 * r[:, 20, None]).sum(axis=1).mean()
    assert value(points, "binomial") == pytest.approx(np.log(inside / 19) / np.log(0.5), rel=1e-12)


def test_correlation(points, r):
    near, far = np.median(r[:, 10]), np.median(r[:, 20])
    distances = all_distances(points)
    counts = [(distances < radius).sum() for radius in (near, far)]
    expected = np.log(counts[1] / counts[0]) / np.log(far / near)
    assert value(points, "correlation") == pytest.approx(expected, rel=1e-12)


def test_overlaps(points, others, labels):
    a, b = nearest(points)[:, :30], nearest(others)[:, :30]
    found = dimscope.overlap(points, others, k=30)
    shared = np.mean([len(set(a[row]) & set(b[row])) / 30 for row in range(N)])
    assert found.value == pytest.approx(shared, rel=1e-12)
    assert found.chance == pytest.approx(30 / (N - 1), rel=1e-12)
    own = (labels[a] == labels[:, None]).mean(axis=1)
    sizes = np.array([(labels == label).sum() for label in labels])
    plain, balanced = (dimscope.label_overlap(points, labels, k=30, balanced=choice) for choice in (False, True))
    assert plain.value == pytest.approx(own.mean(), rel=1e-12)
    assert plain.chance == pytest.approx(((sizes - 1) / (N - 1)).mean(), rel=1e-12)
    classes = [labels == label for label in np.unique(labels)]
    assert balanced.value == pytest.approx(np.mean([own[members].mean() for members in classes]), rel=1e-12)
    assert balanced.chance == pytest.approx(np.mean([(members.sum() - 1) / (N - 1) for members in classes]), rel=1e-12)


def test_knn_accuracy(points, labels):
    near = labels[nearest(points)[:, :6]]  # an even number, so that there are ties
    votes = []
    for row in near:
        counts = {label: (row == label).sum() for label in row}
        votes.append(next(label for label in row if counts[label] == max(counts.values())))
    found = dimscope.knn_accuracy(points, labels, k=6)
    assert found.value == pytest.approx((np.array(votes) == labels).mean(), rel=1e-12)
    assert found.chance == max((labels == label).mean() for label in labels)


def test_information_imbalance(points, others):
    ranks_b = np.argsort(nearest(others), axis=1) + 1
    a = nearest(points)
    for k in (1, 4):
        expected = 2 / N * np.take_along_axis(ranks_b, a[:, :k], axis=1).mean()
        assert dimscope.information_imbalance(points, others, k=k).value == pytest.approx(expected, rel=1e-12)


def test_cka(points, others):
    def hsic(k, m):
        k, m = (kernel - np.diag(np.diag(kernel)) for kernel in (k, m))
        last = k.sum() * m.sum() / ((N - 1) * (N - 2)) - 2 * (k @ m).sum() / (N - 2)
        return (np.trace(k @ m) + last) / (N * (N - 3))

    a, b = (array - array.mean(axis=0) for array in (points, others))
    ka, kb = a @ a.T, b @ b.T
    expected = hsic(ka, kb) / np.sqrt(hsic(ka, ka) * hsic(kb, kb))
    assert dimscope.cka(points, others).value == pytest.approx(expected, rel=1e-10)


def test_spectrum(points):
    e = np.linalg.eigvalsh(np.cov(points.T))[::-1]

    def entropy(shares):
        return -(shares * np.log(shares)).sum()

    found = dimscope.spectrum(points)
    assert found.participation_ratio == pytest.approx(e.sum() ** 2 / (e**2).sum(), rel=1e-10)
    assert found.effective_rank == pytest.approx(np.exp(entropy(np.sqrt(e) / np.sqrt(e).sum())), rel=1e-10)
    assert found.anisotropy == pytest.approx(e[0] / e.sum(), rel=1e-10)
    assert found.von_neumann_entropy == pytest.approx(entropy(e / e.sum()), rel=1e-10)
    assert found.pca_99 == 1 + (np.cumsum(e) / e.sum() < 0.99).sum()


def test_duplicates_are_merged_in_the_order_of_first_appearance(points):
    nb = dimscope.neighbors(np.vstack([points[:20], points[5:8], points[:2]]), k=3)
    assert nb.n == 20
    np.testing.assert_array_equal(nb.duplicates.multiplicity[:8], [2, 2, 1, 1, 1, 2, 2, 2])
    kept = dimscope.neighbors(np.vstack([points[:20], points[5:6]]), k=3, duplicates="keep")
    assert (kept.distances[5, 0], kept.indices[5, 0]) == (0, 20)
