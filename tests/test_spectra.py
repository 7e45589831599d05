"""Effective rank, participation ratio and anisotropy against a singular value decomposition and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import dimscope.spectra
from dimscope import spectrum
from dimscope.errors import InputError


def by_svd(points):
    """(effective rank, participation ratio, anisotropy) from the singular values of the centred points."""
    s = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    share = s / s.sum()
    share = share[share > 0]
    e = s**2
    return np.exp(-(share * np.log(share)).sum()), e.sum() ** 2 / (e**2).sum(), e[0] / e.sum()


def numbers(found):
    return found.effective_rank, found.participation_ratio, found.anisotropy


@pytest.mark.parametrize("name", ["A", "C"])
def test_participation_ratio_equals_scikit_dimension(recipes, oracles, name):
    expected = oracles["skdim"][f"{name}.lPCA(ver='participation_ratio')"]
    assert spectrum(recipes[name]).participation_ratio == pytest.approx(expected, rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 60), d=st.integers(1, 40))
def test_equals_singular_values(seed, n, d):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, d)) * rng.random(d) + rng.random(d)
    np.testing.assert_allclose(numbers(spectrum(points)), by_svd(points), rtol=1e-6)
    s = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    expected = np.zeros(min(n, d))
    expected[: len(s)] = s**2 / n
    np.testing.assert_allclose(spectrum(points).eigenvalues, expected, atol=1e-13 * expected[0], rtol=1e-9)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_equal_variances_fill_all_directions(d):
    cross = np.vstack([np.eye(d), -np.eye(d)])
    found = spectrum(cross)
    np.testing.assert_allclose(numbers(found), [d, d, 1 / d], rtol=1e-12)
    np.testing.assert_allclose(found.eigenvalues, np.full(d, 1 / d), rtol=1e-12)


def test_known_variances_give_the_closed_forms():
    points = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(numbers(spectrum(points)), [np.exp(entropy), 100 / 82, 0.9], rtol=1e-12)


def test_a_line_has_one_direction_however_it_lies():
    line = np.linspace(0, 1, 50)[:, None] * np.array([[3.0, -4.0, 12.0]]) + 100
    found = spectrum(line)
    np.testing.assert_allclose(numbers(found), [1, 1, 1], rtol=1e-9)
    assert (found.eigenvalues[1:] == 0).all()


@pytest.mark.parametrize("points", [np.ones((5, 3)), np.full((40, 3), 0.1), np.full((3, 5), 1e6 + 0.1), np.zeros((1, 4))])
def test_points_that_do_not_vary_have_no_spectrum(points):
    assert np.isnan(numbers(spectrum(points))).all()


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("shape", [(200, 6), (20, 50)])
def test_scale_rotation_and_order_do_not_matter(scale, shape):
    rng = np.random.default_rng(8)
    points = rng.standard_normal(shape) * np.linspace(1, 3, shape[1])
    rotation = np.linalg.qr(rng.standard_normal((shape[1], shape[1])))[0]
    moved = scale * (points @ rotation)[rng.permutation(shape[0])]
    np.testing.assert_allclose(numbers(spectrum(moved)), numbers(spectrum(points)), rtol=1e-7)


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_a_common_offset_does_not_matter(shift):
    points = np.random.default_rng(2).standard_normal((300, 8))
    np.testing.assert_allclose(numbers(spectrum(points + shift)), numbers(spectrum(points)), rtol=1e-8)


@pytest.mark.parametrize("exponent", [-1040, -600, 500, 1020])
@pytest.mark.parametrize("shape", [(50, 4), (4, 50)])
def test_squares_that_float64_cannot_hold_do_not_matter(shape, exponent):
    points = np.random.default_rng(3).integers(-8, 9, shape) / 8.0  # no bit is lost among denormal numbers
    found = spectrum(np.ldexp(points, exponent))
    np.testing.assert_allclose(numbers(found), numbers(spectrum(points)), rtol=1e-9)
    np.testing.assert_allclose(np.ldexp(found.variances, 2 * (found.exponent - exponent)), points.var(axis=0), rtol=1e-12)


def test_points_that_differ_in_their_last_bits_alone_have_the_spectrum_of_these():
    steps = np.random.default_rng(2).integers(0, 3, (301, 4)).astype(float)
    far = 1e8 + steps * np.spacing(1e8)
    np.testing.assert_allclose(numbers(spectrum(far)), numbers(spectrum(steps)), rtol=1e-9)
    np.testing.assert_allclose(spectrum(far).variances, steps.var(axis=0) * np.spacing(1e8) ** 2, rtol=1e-9)


def test_zero_columns_do_not_matter():
    points = np.random.default_rng(2).standard_normal((30, 8))
    padded = np.hstack([points, np.zeros((30, 40))])
    np.testing.assert_allclose(numbers(spectrum(padded)), numbers(spectrum(points)), rtol=1e-7)


def test_chunks_give_the_same_sums(monkeypatch):
    points = np.random.default_rng(6).standard_normal((101, 5)) + 3
    whole = spectrum(points)
    monkeypatch.setattr(dimscope.spectra, "CHUNK", 7)
    np.testing.assert_allclose(spectrum(points).eigenvalues, whole.eigenvalues, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_sums_are_float64_whatever_the_points_are(dtype):
    points = (np.random.default_rng(6).standard_normal((5000, 4)) + 5).astype(dtype)
    np.testing.assert_allclose(numbers(spectrum(points)), by_svd(points.astype(np.float64)), rtol=1e-9)


@pytest.mark.parametrize("d", [4, 90])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chosen_rows_have_the_spectrum_of_their_copy(monkeypatch, d, dtype):
    monkeypatch.setattr(dimscope.spectra, "CHUNK", 16)
    points = (np.random.default_rng(6).standard_normal((80, d)) + 3).astype(dtype)
    rows = np.random.default_rng(1).permutation(80)[:55]
    chosen, copied = spectrum(points, rows=rows), spectrum(points[rows])
    np.testing.assert_array_equal(chosen.eigenvalues, copied.eigenvalues)
    np.testing.assert_array_equal(chosen.variances, copied.variances)
    np.testing.assert_allclose(numbers(chosen), by_svd(points[rows].astype(np.float64)), rtol=1e-6)
    np.testing.assert_array_equal(spectrum(points, rows=np.arange(80)).eigenvalues, spectrum(points).eigenvalues)


def test_points_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="rows 1"):
        spectrum([[1.0, 2.0], [np.nan, 0.0]])


@pytest.mark.parametrize("seed", range(3))
def test_entropy_and_pca_99_equal_singular_values(seed):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((200, 30)) * 0.8 ** np.arange(30)
    e = np.linalg.svd(points - points.mean(axis=0), compute_uv=False) ** 2
    share = e / e.sum()
    found = spectrum(points)
    assert found.von_neumann_entropy == pytest.approx(-(share * np.log(share)).sum(), rel=1e-10)
    assert found.pca_99 == np.searchsorted(np.cumsum(share), 0.99) + 1


@pytest.mark.parametrize(("d", "expected"), [(1, 1), (2, 2), (100, 99), (200, 198)])
def test_equal_variances_have_entropy_log_d(d, expected):
    found = spectrum(np.vstack([np.eye(d), -np.eye(d)]))
    assert found.von_neumann_entropy == pytest.approx(np.log(d), abs=1e-12)
    assert found.pca_99 == expected


def test_equal_points_have_no_entropy():
    found = spectrum(np.ones((5, 3)))
    assert np.isnan(found.von_neumann_entropy) and np.isnan(found.pca_99)


def test_few_points_bias_the_participation_ratio_as_the_docs_say():
    found = [spectrum(np.random.default_rng(seed).standard_normal((100, 50))).participation_ratio for seed in range(20)]
    assert np.mean(found) == pytest.approx(1 / (1 / 50 + 1 / 100), rel=0.02)


@pytest.mark.parametrize("shape", [(60, 5), (5, 60)])
def test_variances_are_those_of_the_coordinates(shape):
    points = np.random.default_rng(4).standard_normal(shape) * np.arange(1, shape[1] + 1) + 100
    np.testing.assert_allclose(spectrum(points).variances, points.var(axis=0), rtol=1e-9)


@pytest.mark.parametrize("shape", [(500, 300), (200, 300), (2500, 700), (700, 2500)])
def test_the_bits_do_not_depend_on_the_number_of_threads(shape):
    points = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = np.sort(np.linalg.svd((points - points.mean(axis=0)).astype(np.float64), compute_uv=False) ** 2 / len(points))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(spectrum(points))
    np.testing.assert_array_equal(found[0].eigenvalues.view(np.int64), found[1].eigenvalues.view(np.int64))
    np.testing.assert_array_equal(found[0].variances.view(np.int64), found[1].variances.view(np.int64))
    largest = found[0].eigenvalues[: len(expected)]
    np.testing.assert_allclose(largest, expected[::-1], rtol=1e-5, atol=1e-6 * expected[-1])
