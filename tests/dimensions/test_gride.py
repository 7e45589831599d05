"""Gride: the root and its error against the published law of r_2n / r_n, written out and maximised by scipy."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import beta

from dimscope import dimension, dimension_scaling, neighbors
from dimscope.dimensions.gride import Gride, _fisher_error, _root
from dimscope.errors import UsageError
from dimscope.estimates import Status


def log_likelihood(d, ratios, ranks, n_free):
    """Of f(mu) ~ d (mu^d - 1)^(n2 - n1 - 1) mu^(-(n2 - 1) d - 1), with `n_free` factors d."""
    near = ranks // 2
    return n_free * np.log(d) + (ranks - near - 1) * np.log(np.expm1(d * ratios)).sum() - (ranks - 1) * d * ratios.sum()


def highest(ratios, ranks):
    """Where the likelihood with N - 1 factors d, the one of the bias correction, is highest."""
    found = minimize_scalar(
        lambda d: -log_likelihood(d, ratios, ranks, len(ratios) - 1),
        bounds=(0.1, 50),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return found.x


def readable(table, ranks):
    """log(r_2n / r_n) without the outliers of mu."""
    mu = table.distances[:, ranks - 1] / table.distances[:, ranks // 2 - 1]
    middle, high = np.percentile(mu, [50, 95])
    return np.log(mu[mu < middle + 20 * (high - middle)])


def law(n, d, ranks, seed):
    """Draws of log(r_2n / r_n): the volume ratio V_n / V_2n of two order statistics is Beta(n, n)."""
    return -np.log(np.random.default_rng(seed).beta(ranks // 2, ranks // 2, size=n)) / d


@pytest.mark.parametrize("ranks", [2, 4, 6, 16, 64])
@pytest.mark.parametrize("name", ["A", "C"])
def test_value_is_where_the_likelihood_is_highest(recipes, name, ranks):
    table = neighbors(recipes[name], 64)
    ratios = readable(table, ranks)
    found = dimension(table, "gride", ranks=ranks)
    assert found.value == pytest.approx(highest(ratios, ranks), rel=1e-6)
    assert (found.scale, found.n_used, found.n_dropped) == ((ranks // 2, ranks), len(ratios), 0)
    assert found.radius == pytest.approx(table.distances[:, [ranks // 2 - 1, ranks - 1]].mean(), rel=1e-12)


@pytest.mark.parametrize("ranks", [2, 4, 64])
def test_error_is_the_curvature_of_the_likelihood(recipes, ranks):
    table = neighbors(recipes["A"], 64)
    ratios = readable(table, ranks)
    found = dimension(table, "gride", ranks=ranks, errors="independent")
    step = 1e-3 * found.value
    around = [log_likelihood(found.value + shift, ratios, ranks, len(ratios)) for shift in (-step, 0, step)]
    curvature = -(around[0] - 2 * around[1] + around[2]) / step**2
    assert found.stderr == pytest.approx(curvature**-0.5, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), d=st.floats(0.01, 300), ranks=st.sampled_from([2, 4, 10, 64, 512]))
def test_root_is_found_for_any_dimension(seed, d, ranks):
    ratios, near = law(60, d, ranks, seed), ranks // 2

    def left_side(value):
        inner = (ratios / -np.expm1(-value * ratios)).sum()
        return (len(ratios) - 1) / value + (ranks - near - 1) * inner - (ranks - 1) * ratios.sum()

    expected = brentq(left_side, 1e-4 * d, 1e4 * d, xtol=1e-15 * d, rtol=1e-14)
    assert _root(ratios, near, ranks) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("ranks", [2, 4, 16, 64])
def test_value_and_error_are_right_where_the_law_holds(ranks):
    d, n, near = 6.0, 300, ranks // 2
    values, stated = [], []
    for seed in range(300):
        ratios = law(n, d, ranks, seed)
        values.append(_root(ratios, near, ranks))
        stated.append(_fisher_error(ratios, near, ranks, values[-1]))
    scatter = np.std(values, ddof=1)
    assert abs(np.mean(values) - d) < 3 * scatter / np.sqrt(300)
    assert np.mean(stated) == pytest.approx(scatter, rel=0.15)


def test_ranks_two_without_outliers_is_the_likelihood_of_twonn(recipes):
    gride, twonn = (
        dimension(recipes["A"], "gride", errors="independent"),
        dimension(recipes["A"], "twonn", method="ml", fraction=1.0),
    )
    assert gride.value == pytest.approx(twonn.value, rel=1e-13)
    assert gride.stderr == pytest.approx(gride.value / np.sqrt(400), rel=1e-13)


def test_an_outlier_is_left_out_and_the_rest_decides():
    rng = np.random.default_rng(0)
    points = np.vstack([rng.random((200, 2)), [[500.0, 500.0], [500.0, 500.0 + 1e-9]]])
    table = neighbors(points, 2)
    found = dimension(table, "gride")
    assert found.n_used == 200
    x = np.log(table.distances[:200, 1] / table.distances[:200, 0])
    assert found.value == pytest.approx(199 / x.sum(), rel=1e-12)


def test_ties_are_left_out_beyond_rank_two_and_said(recipes):
    table = neighbors(recipes["T"], 4)
    mu = table.distances[:, 3] / table.distances[:, 1]
    found = dimension(table, "gride", ranks=4)
    assert found.n_dropped == (mu == 1).sum() > 0
    assert found.n_used == table.n - found.n_dropped
    assert found.status is Status.NO_SPREAD
    assert np.isfinite(found.value)
    assert dimension(table, "gride", ranks=2).n_dropped == 0


def test_points_at_distance_zero_are_dropped_and_said(recipes):
    found = dimension(neighbors(recipes["D"], 4, duplicates="keep"), "gride")
    assert (found.n_dropped, found.status) == (40, Status.ZERO_DISTANCES)


@pytest.mark.parametrize("ranks", [2, 4])
def test_no_spread_and_too_few_are_no_estimate(ranks):
    flat, few = (
        dimension(np.eye(30), "gride", ranks=ranks),
        dimension(np.random.default_rng(0).random((9, 2)), "gride", ranks=ranks),
    )
    zeros = dimension(neighbors(np.repeat(np.eye(12), 5, axis=0), 4, duplicates="keep"), "gride", ranks=ranks)
    assert np.isnan([flat.value, few.value, zeros.value]).all()
    assert (flat.status, few.status, zeros.status) == (Status.NO_SPREAD, Status.TOO_FEW, Status.ZERO_DISTANCES)


@pytest.mark.parametrize("ranks", [2, 8])
def test_replicates_are_the_estimate_of_the_drawn_rows(recipes, ranks):
    table = neighbors(recipes["A"], 8)
    draw = np.random.default_rng(0).integers(0, 400, 400)
    mu = (table.distances[:, ranks - 1] / table.distances[:, ranks // 2 - 1])[draw]
    middle, high = np.percentile(mu, [50, 95])
    ratios = np.log(mu[mu < middle + 20 * (high - middle)])
    found = Gride(ranks).replicate(table, [np.arange(400), draw])
    assert found[0] == pytest.approx(Gride(ranks).estimate(table).value, rel=1e-13)
    assert found[1] == pytest.approx(highest(ratios, ranks), rel=1e-6)


def test_a_replicate_without_spread_is_nan():
    assert np.isnan(Gride(4).replicate(neighbors(np.eye(20), 4), [np.arange(20), np.array([2])])).all()


def test_readings_are_the_powers_of_two_in_the_table():
    assert list(Gride.readings(1)) == []
    assert list(Gride.readings(100)) == ["gride_2", "gride_4", "gride_8", "gride_16", "gride_32", "gride_64"]
    assert Gride.readings(64)["gride_64"] == Gride(64)
    assert Gride(64).min_k == 64


@pytest.mark.parametrize("ranks", [0, 1, 3, -2])
def test_odd_and_small_ranks_are_refused(ranks):
    with pytest.raises(
        UsageError, match=rf"^ranks={ranks} was asked for; gride compares ranks/2 with ranks: an even number >= 2\.$"
    ):
        Gride(ranks)


def test_a_narrow_table_is_refused(recipes):
    with pytest.raises(UsageError, match="a ratio of ranks 4 and 8 needs 8 neighbours of each point, the table holds 7"):
        dimension(neighbors(recipes["A"], 7), "gride", ranks=8)


def test_high_ranks_need_no_list():
    points = np.random.default_rng(21).random((1500, 3))
    short, whole = neighbors(points, 2, ranks=(128, 256)), neighbors(points, 256)
    found, expected = dimension(short, "gride", ranks=256), dimension(whole, "gride", ranks=256)
    assert short.k == 2
    assert found.value == expected.value
    assert found.radius == pytest.approx(expected.radius, rel=1e-12)
    assert found.stderr == pytest.approx(expected.stderr, rel=0.1)  # from the lists of 1000 of the 1500 points
    assert found.stderr > 1.5 * dimension(short, "gride", ranks=256, errors="independent").stderr


def test_the_points_alone_are_searched_for_ranks_alone(monkeypatch):
    from dimscope.dimensions import scaling

    points, asked = np.random.default_rng(22).random((700, 3)), []
    original = scaling.neighbors

    def watched(source, k, **options):
        asked.append((k, tuple(options.get("ranks", ()))))
        return original(source, k, **options)

    monkeypatch.setattr(scaling, "neighbors", watched)
    dimension(points, "gride", ranks=64)
    dimension(points, "gride", ranks=512)
    dimension_scaling(points, "gride", max_rank=512)
    assert asked == [(64, ()), (2, (256, 512)), (128, (256, 512))]


def test_scaling_reads_every_rank_that_is_known():
    points = np.random.default_rng(23).random((600, 2))
    values = [found.value for found in dimension_scaling(points, "gride", max_rank=512)]
    whole = neighbors(points, 512)
    assert values == [dimension(whole, "gride", ranks=2**j).value for j in range(1, 10)]
    gaps = neighbors(points, 4, ranks=(32, 64, 200))
    assert [found.scale for found in dimension_scaling(gaps, "gride", max_rank=500)] == [(1, 2), (2, 4), (32, 64)]


def test_a_rank_without_lists_has_no_error_for_shared_neighbours():
    points = np.random.default_rng(24).random((300, 2))
    table = replace(neighbors(points, 2, ranks=(32, 64)), sample=None)
    with pytest.raises(
        UsageError, match=r'^the error at rank 64 needs neighbours up to that rank, the table holds 2\. .*"independent"'
    ):
        dimension(table, "gride", ranks=64)
    assert dimension(table, "gride", ranks=64, errors="independent").stderr > 0


@pytest.mark.parametrize(
    ("name", "options"), [("twonn", {}), ("gride", {"ranks": 16}), ("gride", {"ranks": 256}), ("mle", {"k": 9})]
)
def test_a_cosine_table_is_read_as_chords_of_the_unit_sphere(name, options):
    points = np.random.default_rng(25).standard_normal((600, 4)) * np.random.default_rng(26).uniform(0.5, 9, (600, 1))
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    by_angle = dimension(neighbors(points, 20, metric="cosine", ranks=(128, 256)), name, **options)
    by_chord = dimension(neighbors(units, 20, ranks=(128, 256)), name, **options)
    assert by_angle.value == pytest.approx(by_chord.value, rel=1e-9)
    assert by_angle.radius == pytest.approx(by_chord.radius, rel=1e-9)
    assert by_angle.stderr == pytest.approx(by_chord.stderr, rel=1e-9)


@pytest.mark.parametrize("name", ["twonn", "gride", "mle"])
def test_inner_products_are_no_distances(name):
    table = neighbors(np.random.default_rng(27).standard_normal((60, 4)), 20, metric="inner_product")
    with pytest.raises(UsageError, match=r'^a table of metric "inner_product" holds no distances; '):
        dimension(table, name)
    with pytest.raises(UsageError, match="holds no distances"):
        dimension_scaling(table, "gride")


@pytest.mark.parametrize(("near", "far"), [(1, 3), (2, 6), (3, 4), (10, 60)])
def test_any_two_ranks_have_the_law_of_their_volumes(near, far):
    """V_near / V_far is Beta(near, far - near), so the density of l is d e^(-d l) times that of Beta at e^(-d l)."""
    table = neighbors(np.random.default_rng(far).random((300, 3)), 60)
    mu = table.distances[:, far - 1] / table.distances[:, near - 1]
    middle, high = np.percentile(mu, [50, 95])
    ratios = np.log(mu[mu < middle + 20 * (high - middle)])

    def unlikely(d):
        return -((len(ratios) - 1) * np.log(d) + beta.logpdf(np.exp(-d * ratios), near, far - near).sum() - d * ratios.sum())

    expected = minimize_scalar(unlikely, bounds=(0.1, 50), method="bounded", options={"xatol": 1e-9}).x
    found = dimension(table, "gride", near=near, ranks=far)
    assert found.value == pytest.approx(expected, rel=1e-6)
    assert found.scale == (near, far)
    points = np.random.default_rng(far).random((300, 3))
    assert dimension(points, "gride", near=near, ranks=far).value == found.value


def test_the_nearer_rank_is_half_of_the_farther_by_default(recipes):
    table = neighbors(recipes["A"], 16)
    half, same = dimension(table, "gride", ranks=16), dimension(table, "gride", ranks=16, near=8)
    assert (half.value, half.stderr, half.scale) == (same.value, same.stderr, same.scale)


@pytest.mark.parametrize(("near", "far"), [(4, 4), (5, 4), (-1, 4)])
def test_a_nearer_rank_that_is_not_nearer_is_refused(near, far):
    with pytest.raises(UsageError, match=rf"near={near}, ranks={far} were asked for; gride needs 1 <= near < ranks"):
        Gride(ranks=far, near=near)


def test_conventions_are_known_by_name_and_state_errors_of_independent_points(recipes):
    with pytest.raises(UsageError, match=r'unknown convention "skdm"\. +Did you mean "skdim"'):
        dimension(recipes["A"], "gride", convention="skdm")
    theirs = dimension(recipes["A"], "gride", ranks=8, convention="skdim")
    alone = dimension(recipes["A"], "gride", ranks=8, errors="independent")
    assert (theirs.value, theirs.stderr) == (alone.value, alone.stderr)
    table = neighbors(recipes["D"], 2, duplicates="keep")
    chosen = Gride(convention="skdim")
    assert chosen.replicate(table, [np.arange(table.n)])[0] == chosen.estimate(table).value
