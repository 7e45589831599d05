"""The compiled engine against brute force, whatever the filter, the threads, the seed and the size of its tiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brute import KINDS, all_others, assert_nearest, assert_same, cloud, small_tiles, squares_of
from dimscope.knn import decisions, filters, integers, join, on_tiles
from dimscope.knn.on_tiles import search, search_between
from dimscope.knn.scratch import Scratch
from dimscope.knn.workers import Workers

FILTERS = ["int8", "int16", "float32"]


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    """Tiles of 64 rows, so that a few hundred points make many of them."""
    with small_tiles(64):
        yield


@pytest.fixture
def recomputed(monkeypatch):
    """A list that grows by the number of rows without a certificate at each search."""
    counts = []
    original = on_tiles._recompute

    def counted(points, places, others, other_places, table, ranks, workers, *, is_self):
        counts.append(int((~table.certified).sum()))
        original(points, places, others, other_places, table, ranks, workers, is_self=is_self)

    monkeypatch.setattr(on_tiles, "_recompute", counted)
    return counts


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(3, 330),
    d=st.sampled_from([1, 2, 3, 17, 64, 65, 200]),
    dtype=st.sampled_from([np.float32, np.float64]),
    coarse=st.sampled_from(FILTERS),
    list_bytes=st.sampled_from([1, 400_000, 320 << 20]),
    threads=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_equals_all_pairs(kind, n, d, dtype, coarse, list_bytes, threads, seed):
    points = cloud(kind, n, d, seed).astype(dtype)
    rng = np.random.default_rng(seed)
    k = int(rng.choice([1, 2, min(30, n - 1), n - 1]))
    ranks = tuple({int(rank) for rank in rng.integers(1, n, 3)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "LIST_BYTES", list_bytes)
        indices, distances, at_ranks = search(points, k, ranks=ranks, coarse=coarse, threads=threads, seed=seed)
    known = all_others(points)
    assert_same((indices, distances), (known[0][:, :k], known[1][:, :k]), points)
    np.testing.assert_allclose(at_ranks, known[1][:, [rank - 1 for rank in ranks]], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("coarse", FILTERS)
@pytest.mark.parametrize("kind", ["grid", "twins", "few distinct"])
def test_equal_distances_stand_in_the_order_of_their_index(kind, coarse, dtype):
    points = cloud(kind, 300, 6, seed=1).astype(dtype)
    for k in (1, 7, 299):
        indices, distances, _ = search(points, k, coarse=coarse)
        tied = distances[:, 1:] == distances[:, :-1]
        assert (indices[:, 1:] > indices[:, :-1])[tied].all()
        assert_nearest((indices, distances), points, k)


@pytest.mark.parametrize("coarse", FILTERS)
@pytest.mark.parametrize("d", [3, 64, 77])
def test_threads_seeds_and_filters_change_no_bit(coarse, d, monkeypatch):
    points = cloud("isotropic", 400, d, seed=2).astype(np.float32)
    first = search(points, 9, ranks=(64, 5), coarse="float32", threads=1)
    for threads, seed, list_bytes in [(1, 0, 1), (2, 0, 1 << 20), (3, 0, 400_000), (2, 1, 1 << 20), (1, 2, 1 << 30)]:
        monkeypatch.setattr(join, "LIST_BYTES", list_bytes)
        again = search(points, 9, ranks=(64, 5), coarse=coarse, threads=threads, seed=seed)
        for expected, found in zip(first, again, strict=True):
            np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 8, 31, 64, 100, 129])
def test_rows_that_are_computed_again_get_the_same_bits(d, dtype, monkeypatch, recomputed):
    points = cloud("isotropic", 301, d, seed=3).astype(dtype)
    quick = search(points, 11, ranks=(40,), coarse="float32")
    monkeypatch.setattr(on_tiles, "is_readable", lambda rows: False)
    slow = search(points, 11, ranks=(40,), coarse="float32")
    assert recomputed[0] < 30
    assert recomputed[1] == 301
    for expected, found in zip(quick, slow, strict=True):
        np.testing.assert_array_equal(expected, found)


def test_ranks_come_in_the_order_in_which_they_were_asked():
    points = cloud("isotropic", 200, 5, seed=4)
    known = all_others(points)[1]
    _, _, at_ranks = search(points, 1, ranks=(150, 2, 199))
    np.testing.assert_allclose(at_ranks, known[:, [149, 1, 198]], rtol=1e-13)


@pytest.mark.parametrize("coarse", FILTERS)
def test_few_rows_are_certified_by_chance_alone(coarse, recomputed):
    points = cloud("isotropic", 1000, 20, seed=5)
    search(points, 10, coarse=coarse)
    assert recomputed[0] < 20  # about one in a thousand


@pytest.mark.parametrize("k", [600, 1300])
def test_large_k_keeps_its_candidates(k, recomputed):
    points = cloud("isotropic", 1600, 8, seed=6).astype(np.float32)
    indices, _distances, _ = search(points, k, coarse="float32")
    assert recomputed[0] < 55
    chosen = np.arange(0, 1600, 25)
    squares, _ = squares_of(points[chosen], points)
    squares[np.arange(len(chosen)), chosen] = np.inf
    np.testing.assert_array_equal(indices[chosen], np.argsort(squares, axis=1, kind="stable")[:, :k])


# Sabotage: whatever goes wrong before the certificate must cost time, not exactness.


def _sabotaged(monkeypatch, recomputed, points, k=5, **options):
    answer = search(points, k, **options)
    assert_nearest(answer[:2], points, k)
    return recomputed.pop()


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.9])
def test_radii_that_are_too_small_are_caught(factor, monkeypatch, recomputed):
    points = cloud("isotropic", 300, 10, seed=7)
    original = join.sampled_radii
    monkeypatch.setattr(join, "sampled_radii", lambda *given: factor * original(*given))
    assert _sabotaged(monkeypatch, recomputed, points) > {0.0: 299, 0.5: 250, 0.9: 4}[factor]


def test_radii_that_are_no_numbers_are_caught(monkeypatch, recomputed):
    points = cloud("isotropic", 300, 10, seed=7)
    monkeypatch.setattr(join, "sampled_radii", lambda squares, *given: np.full(len(squares), np.nan))
    assert _sabotaged(monkeypatch, recomputed, points) == 300


def test_a_sample_that_lies_is_caught(monkeypatch, recomputed):
    points = cloud("isotropic", 300, 10, seed=8)
    monkeypatch.setattr(join, "sampled_rank", lambda *given: 1)
    assert _sabotaged(monkeypatch, recomputed, points, k=20) > 200


def test_lists_that_run_full_are_cut_and_stay_right(monkeypatch, recomputed):
    points = cloud("isotropic", 400, 10, seed=9)
    monkeypatch.setattr(join, "sampled_radii", lambda squares, *given: np.full(len(squares), np.inf))
    monkeypatch.setattr(join, "room_for", lambda k, n: k + 40)
    monkeypatch.setattr(on_tiles, "room_for", lambda k, n: k + 40)
    assert _sabotaged(monkeypatch, recomputed, points, coarse="float32") < 20
    assert _sabotaged(monkeypatch, recomputed, points, coarse="int8") < 300


def test_a_list_full_of_equal_rows_is_given_up(monkeypatch, recomputed):
    points = cloud("isotropic", 400, 10, seed=10)
    points[100:300] = points[0]
    monkeypatch.setattr(join, "room_for", lambda k, n: k + 40)
    lost = _sabotaged(monkeypatch, recomputed, points, k=3)
    assert 200 <= lost < 240


def test_entries_that_vanish_from_the_lists_are_caught(monkeypatch, recomputed):
    """The certificate trusts the lists within the radius; a list that lost entries must come with a radius that fell."""
    points = cloud("isotropic", 300, 10, seed=11)
    original = join.Join._tighten

    def losing(self, number):
        original(self, number)
        start, stop = self._row_span(number)
        lines = slice(start - self.base, stop - self.base)
        self.lists.counts[lines] = np.minimum(self.lists.counts[lines], 2)
        self.lists.radii[lines] = 0.0

    monkeypatch.setattr(join.Join, "_tighten", losing)
    assert _sabotaged(monkeypatch, recomputed, points) == 300


def test_a_filter_that_states_too_small_errors_is_not_exact(monkeypatch, recomputed):
    """The proof needs the errors: without them the coarse codes lose neighbours, so no other test passes by luck."""
    points = cloud("isotropic", 600, 60, seed=12)
    original = integers.Int8Filter.__init__

    def boastful(self, *given):
        original(self, *given)
        self.codes[:] = (self.codes // 32) * 32
        self.rows.errors[:] = 0

    monkeypatch.setattr(integers.Int8Filter, "__init__", boastful)
    answer = search(points, 10, coarse="int8")
    assert (answer[0] != all_others(points)[0][:, :10]).any()


def test_coarse_codes_with_honest_errors_stay_exact(monkeypatch, recomputed):
    points = cloud("isotropic", 600, 60, seed=12)
    original = integers.Int8Filter.__init__

    def coarser(self, *given):
        original(self, *given)
        kept = self.codes.astype(np.int64)
        self.codes[:] = (self.codes // 32) * 32
        shift = np.sqrt(((kept - self.codes) ** 2).sum(axis=1)) * self.rows.factors
        self.rows.errors[:] += shift * (1 + 1e-12)
        self.rows.norms[:] = (self.codes.astype(np.float64) ** 2).sum(axis=1) * self.rows.factors.astype(np.float64) ** 2

    monkeypatch.setattr(integers.Int8Filter, "__init__", coarser)
    _sabotaged(monkeypatch, recomputed, points, k=10, coarse="int8")


def test_a_product_that_is_wrong_beyond_its_bound_is_caught_where_it_hides_neighbours(monkeypatch, recomputed):
    points = cloud("isotropic", 300, 10, seed=13)
    original = filters.Float32Filter.tile

    def dead(self, *given):
        return np.full_like(original(self, *given), np.nan)

    monkeypatch.setattr(filters.Float32Filter, "tile", dead)
    assert _sabotaged(monkeypatch, recomputed, points, coarse="float32") == 300


# Extremes


@pytest.mark.parametrize("coarse", FILTERS)
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_no_unit_over_or_underflows(scale, coarse):
    points = cloud("isotropic", 150, 7, seed=14)
    expected, moved = search(points, 6), search(points * scale, 6, coarse=coarse)
    np.testing.assert_array_equal(moved[0], expected[0])
    np.testing.assert_allclose(moved[1], expected[1] * scale, rtol=1e-13)


@pytest.mark.parametrize("coarse", FILTERS)
@pytest.mark.parametrize("far", [1e9, 1e16, 1e60, 1e130])
def test_a_row_far_out_spoils_no_other(far, coarse, recomputed):
    points = cloud("isotropic", 300, 12, seed=15)
    points[17] *= far
    indices, distances, _ = search(points, 4, coarse=coarse)
    rest = np.delete(np.arange(300), 17)
    known = all_others(points[rest])
    np.testing.assert_array_equal(indices[rest], rest[known[0][:, :4]])
    np.testing.assert_allclose(distances[rest], known[1][:, :4], rtol=1e-13)
    assert recomputed[0] < 20


@pytest.mark.parametrize("coarse", FILTERS)
@pytest.mark.parametrize("small", [1e-12, 1e-21, 1e-40, 1e-100])
def test_a_cluster_smaller_than_the_filter_can_see(small, coarse):
    """Half of the points within 1e-21 of the mean: squares of their float32 coordinates underflow."""
    points = cloud("isotropic", 300, 12, seed=16)
    points[:100] *= small
    points[100:200] = -points[200:]
    indices, distances, _ = search(points, 5, coarse=coarse)
    known = all_others(points[:100])
    np.testing.assert_array_equal(indices[:100], known[0][:, :5])
    np.testing.assert_allclose(distances[:100], known[1][:, :5], rtol=1e-12)


def test_auto_chooses_between_the_filters_and_the_answer_is_the_same():
    points = cloud("isotropic", 200, 40, seed=17).astype(np.float32)
    for expected, found in zip(search(points, 5, coarse="float32"), search(points, 5), strict=True):
        np.testing.assert_array_equal(expected, found)


def _decisions(points, deepest, monkeypatch):
    monkeypatch.setattr(on_tiles, "CANDIDATE_SECONDS", 1.0)
    places = np.random.default_rng(0).permutation(len(points))
    with Scratch(points) as scratch, Workers(1, 2 * 64 * 64) as workers:
        frame, wanted = on_tiles.frame_of(points, places), on_tiles.Wanted(2, deepest)
        kinds = on_tiles.FILTERS.values()
        found = [on_tiles._estimate(kind, points, places, frame, scratch, workers, wanted) for kind in kinds]
        return [one.seconds - one.product_seconds for one in found]


@pytest.mark.parametrize("deepest", [2, 40])
def test_a_finer_filter_is_expected_to_leave_less_to_decide(deepest, monkeypatch):
    single, pairs, floats = _decisions(cloud("isotropic", 500, 200, seed=18), deepest, monkeypatch)
    assert single > 1.1 * pairs
    assert floats <= pairs < 1.25 * floats
    if deepest > 2:
        assert single > 10 * pairs


@pytest.mark.parametrize("pairs", [2.9, 3.1])
@pytest.mark.parametrize("floats", [2.9, 3.1])
def test_a_filter_is_tried_only_where_its_products_leave_it_a_chance(pairs, floats, monkeypatch):
    tried, least = [], {"int16": pairs, "float32": floats}

    def estimate(kind, *given):
        tried.append(next(name for name, one in on_tiles.FILTERS.items() if one is kind))
        return on_tiles.Estimate(3.0, 1.0, 0.1)

    monkeypatch.setattr(on_tiles, "_estimate", estimate)
    monkeypatch.setattr(on_tiles, "_least_seconds", lambda name, *given: least[name])
    points = cloud("isotropic", 300, 20, seed=18)
    assert_nearest(search(points, 4)[:2], points, 4)
    assert tried == ["int8", *(name for name in ("int16", "float32") if least[name] < 3.0)]


def test_the_least_time_of_a_filter_is_that_of_its_products_and_of_k_decisions(monkeypatch):
    known = {"int8": on_tiles.Estimate(9.0, 1.5, 0.1)}
    monkeypatch.setattr(on_tiles, "CANDIDATE_SECONDS", 1e-3)
    assert on_tiles._least_seconds("int16", known, 300, 20, 5) == 4.5 + 30  # three products instead of one; 5 candidates a row
    clock = iter([0.0, 32.0, 100.0, 116.0])
    on_tiles._float32_seconds.cache_clear()
    monkeypatch.setattr(on_tiles, "perf_counter", lambda: next(clock))
    # 16 seconds for 64 x 64 pairs, 1.6 times as long as in a large product; of 128 x 128 pairs half are multiplied
    assert on_tiles._least_seconds("float32", known, 128, 20, 5) == pytest.approx(20 + 12.8)
    on_tiles._float32_seconds.cache_clear()


@pytest.mark.parametrize("quicker", FILTERS)
def test_auto_takes_the_filter_that_is_estimated_to_be_quicker(quicker, monkeypatch):
    taken = []
    original, kind = on_tiles._side, on_tiles.FILTERS[quicker]
    monkeypatch.setattr(on_tiles, "_side", lambda *given: taken.append(original(*given)) or taken[-1])
    monkeypatch.setattr(on_tiles, "_estimate", lambda kinds, *given: on_tiles.Estimate(1.0 if kinds is kind else 4.0, 0.1, 0.1))
    points = cloud("isotropic", 300, 20, seed=18)
    assert_nearest(search(points, 4)[:2], points, 4)
    assert type(taken[0].coarse) is kind


def test_torch_products_that_are_wrong_are_not_used(monkeypatch):
    import torch

    assert on_tiles._has_integers()
    honest = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: honest(a, b).clamp(-32768, 32767))
    assert not on_tiles._has_integers()
    monkeypatch.delattr(torch, "_int_mm")
    assert not on_tiles._has_integers()


def test_the_centre_ignores_rows_far_out():
    points = cloud("isotropic", 500, 10, seed=20)
    points[0] = 1e9
    frame = on_tiles.frame_of(points, np.arange(500))
    np.testing.assert_allclose(frame.mean / frame.scale, points[1:].mean(axis=0), atol=0.2)
    assert frame.scale == 2.0**-2  # the typical norm is about sqrt(10) = 3.2


# Rows and two sets


def test_chosen_rows_are_numbered_within_the_choice():
    points = cloud("isotropic", 400, 6, seed=21)
    rows = np.sort(np.random.default_rng(0).choice(400, 150, replace=False))
    indices, distances, _ = search(points, 8, rows=rows)
    assert_nearest((indices, distances), points[rows], 8)


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from([kind for kind in KINDS if kind not in ("tiny", "huge")]),
    n_queries=st.integers(1, 200),
    n_base=st.integers(1, 200),
    d=st.sampled_from([1, 5, 70]),
    types=st.tuples(*[st.sampled_from([np.float32, np.float64])] * 2),
    coarse=st.sampled_from(FILTERS),
    seed=st.integers(0, 10**6),
)
def test_two_sets_equal_all_pairs(kind, n_queries, n_base, d, types, coarse, seed):
    points = cloud(kind, n_queries + n_base, d, seed)
    queries, base = points[:n_queries].astype(types[0]), points[n_queries:].astype(types[1])
    base[: min(3, n_base, n_queries)] = queries[: min(3, n_base, n_queries)]
    k = int(np.random.default_rng(seed).integers(1, n_base + 1))
    squares, scale = squares_of(queries, base)
    indices = np.argsort(squares, axis=1, kind="stable")[:, :k]
    found = search_between(queries, base, k, coarse=coarse, seed=seed)
    expected = indices, np.ldexp(np.sqrt(np.take_along_axis(squares, indices, axis=1)), scale)
    assert_same(found, expected, base, queries)


@pytest.mark.parametrize(("asked", "given"), [(1e-200, 1.0), (1.0, 1e-200), (1e200, 1.0), (1.0, 1e200)])
def test_two_sets_of_very_different_sizes(asked, given):
    queries, base = cloud("isotropic", 20, 4, seed=22) * asked, cloud("isotropic", 90, 4, seed=23) * given
    squares, exponent = squares_of(queries, base)
    found = search_between(queries, base, 3)
    nearest = np.sort(squares, axis=1)[:, :3]
    np.testing.assert_allclose(found[1], np.ldexp(np.sqrt(nearest), exponent), rtol=1e-13)


def test_kernels_are_compiled_once_for_arrays_and_files(tmp_path):
    points = cloud("isotropic", 300, 6, seed=24).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    expected = search(points, 4, coarse="int8")
    before = len(decisions.decide.signatures)
    found = search(np.load(tmp_path / "points.npy", mmap_mode="r"), 4, coarse="int8")
    assert len(decisions.decide.signatures) == before
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
