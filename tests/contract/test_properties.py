"""What must hold for every estimator and every overlap: nothing but the geometry of the points decides."""

import numpy as np
import pytest

from dimscope import cka, dimension, information_imbalance, knn_accuracy, label_overlap, neighbors, overlap
from dimscope.dimensions import ESTIMATORS, make_estimator
from dimscope.errors import InputError

N = 160
OVERLAPS = {
    "overlap": lambda a, b, labels: overlap(a, b, 10),
    "overlap, other side": lambda a, b, labels: overlap(b, a, 10),
    "label_overlap": lambda a, b, labels: label_overlap(a, labels, 10),
    "label_overlap, balanced": lambda a, b, labels: label_overlap(a, labels, 10, balanced=True),
    "label_overlap, groups": lambda a, b, labels: label_overlap(a, labels, 10, exclude=np.floor(8 * b[:, 0])),
    "knn_accuracy": lambda a, b, labels: knn_accuracy(a, labels, 10),
    "information_imbalance": lambda a, b, labels: information_imbalance(a, b),
    "information_imbalance, other side": lambda a, b, labels: information_imbalance(b, a, 3),
    "cka": lambda a, b, labels: cka(a, b),
}
WITHOUT_TABLE = {"cka", "information_imbalance", "information_imbalance, other side"}


def dimension_by(name):
    return lambda a, b, labels: dimension(a, name)


MEASURES = {name: dimension_by(name) for name in ESTIMATORS} | OVERLAPS
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
every_measure_of_neighbors = pytest.mark.parametrize(
    "measure",
    [measure for name, measure in MEASURES.items() if name != "cka"],
    ids=[name for name in MEASURES if name != "cka"],
)


@pytest.fixture(scope="module")
def a():
    rng = np.random.default_rng(1)
    points = rng.standard_normal((N, 4)) @ rng.standard_normal((4, 10))
    points.setflags(write=False)
    return points


@pytest.fixture(scope="module")
def b(a):
    points = np.tanh(a[:, :6]) + 0.1 * np.random.default_rng(2).standard_normal((N, 6))
    points.setflags(write=False)
    return points


@pytest.fixture(scope="module")
def labels(a):
    return np.array(["low", "middle", "high"])[np.searchsorted([-1.0, 0.5], a[:, 0])]


def assert_same(found, expected, rtol=0.0):
    assert found.status is expected.status
    assert (found.n_used, found.n_dropped, found.scale) == (expected.n_used, expected.n_dropped, expected.scale)
    np.testing.assert_allclose([found.value, found.stderr], [expected.value, expected.stderr], rtol=rtol)
    if expected.local is not None:
        np.testing.assert_allclose(found.local, expected.local, rtol=rtol)


def test_the_measures_have_values_to_compare(a, b, labels):
    for measure in MEASURES.values():
        found = measure(a, b, labels)
        assert found.status.is_ok
        assert 0 < found.value < 10
        assert 0 < found.stderr < found.value


@every_measure
def test_the_same_call_gives_the_same_bits(measure, a, b, labels):
    assert_same(measure(a, b, labels), measure(a, b, labels))


@every_measure
def test_inputs_are_not_modified(measure, a, b, labels):
    given = a.copy(), b.copy(), labels.copy()
    measure(*given)
    for kept, original in zip(given, (a, b, labels), strict=True):
        np.testing.assert_array_equal(kept, original)


@every_measure
def test_the_order_of_the_examples_does_not_matter(measure, a, b, labels):
    order = np.random.default_rng(5).permutation(N)
    expected, found = measure(a, b, labels), measure(a[order], b[order], labels[order])
    assert found.value == pytest.approx(expected.value, rel=1e-12, nan_ok=True)
    assert (found.n_used, found.n_dropped, found.status) == (expected.n_used, expected.n_dropped, expected.status)
    if expected.local is not None and len(expected.local) == N:
        np.testing.assert_allclose(found.local, expected.local[order], rtol=1e-12)
        assert found.stderr == pytest.approx(expected.stderr, rel=1e-9)


@every_measure
def test_rotation_does_not_matter(measure, a, b, labels):
    turn = np.linalg.qr(np.random.default_rng(6).standard_normal((10, 10)))[0]
    assert_same(measure(a @ turn, b, labels), measure(a, b, labels), rtol=1e-9)


@every_measure
@pytest.mark.parametrize(("shift", "rtol"), [(1e3, 1e-9), (1e6, 1e-6)])
def test_translation_does_not_matter(measure, a, b, labels, shift, rtol):
    assert_same(measure(a + shift, b, labels), measure(a, b, labels), rtol=rtol)
    one = a.copy()
    one[:, 3] -= shift
    assert_same(measure(one, b, labels), measure(a, b, labels), rtol=rtol)


@every_measure
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_the_unit_does_not_matter(measure, a, b, labels, factor):
    assert_same(measure(a * factor, b, labels), measure(a, b, labels), rtol=1e-9)


@every_measure
@pytest.mark.parametrize("power", [-200, -40, 40, 200])
def test_a_power_of_two_as_unit_changes_no_bit(measure, a, b, labels, power):
    assert_same(measure(np.ldexp(a, power), b, labels), measure(a, b, labels))


@every_measure
def test_columns_of_zeros_or_of_one_number_do_not_matter(measure, a, b, labels):
    padded = np.hstack([np.zeros((N, 30)), a, np.full((N, 2), 0.1)])
    assert_same(measure(padded, b, labels), measure(a, b, labels), rtol=1e-9)


@every_measure_of_neighbors
def test_repeated_examples_do_not_matter(measure, a, b, labels):
    expected = measure(a, b, labels)
    at_the_end = [np.concatenate([each, each[:40]]) for each in (a, b, labels)]
    in_between = [np.repeat(each, 2, axis=0) for each in (a, b, labels)]
    for given in (at_the_end, in_between):
        found = measure(*given)
        np.testing.assert_array_equal([found.value, found.stderr], [expected.value, expected.stderr])
        assert (found.n_used, found.status) == (expected.n_used, expected.status)


@every_measure
@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4"])
def test_narrow_numbers_are_taken_as_they_are(measure, a, b, labels, dtype):
    """The decision is made in float64: the same as for the same numbers written with more digits."""
    narrow = a.astype(dtype)
    assert_same(measure(narrow, b, labels), measure(narrow.astype(np.float64), b, labels))


@every_measure
def test_the_way_the_points_are_stored_does_not_matter(measure, a, b, labels, tmp_path):
    expected = measure(a, b, labels)
    np.save(tmp_path / "points.npy", a)
    wide = np.zeros((N, 20))
    wide[:, ::2] = a
    backwards = a[::-1].copy()
    for stored in (
        np.load(tmp_path / "points.npy", mmap_mode="r"),
        np.asfortranarray(a),
        wide[:, ::2],
        backwards[::-1],
        a.tolist(),
    ):
        assert_same(measure(stored, b, labels), expected, rtol=1e-13)


@every_measure
def test_whole_numbers_are_taken_as_real_ones(measure, a, b, labels):
    whole = np.rint(1000 * a).astype(np.int32)
    assert_same(measure(whole, b, labels), measure(whole.astype(np.float64), b, labels))


BAD_POINTS = {
    "NaN": lambda a: np.where(np.arange(N)[:, None] == 7, np.nan, a),
    "Inf": lambda a: np.where(np.arange(N)[:, None] == 7, -np.inf, a),
    "no rows": lambda a: a[:0],
    "no columns": lambda a: a[:, :0],
    "one axis": lambda a: a[:, 0],
    "complex": lambda a: a + 1j,
    "text": lambda a: a.astype(str),
    "ragged": lambda a: [*a[:-1].tolist(), [0.0]],
    "nothing": lambda a: None,
}


@every_measure
@pytest.mark.parametrize("bad", BAD_POINTS.values(), ids=BAD_POINTS.keys())
def test_what_is_no_set_of_points_is_refused_in_one_line(measure, bad, a, b, labels):
    with pytest.raises(InputError, match=r"^(points|1 of 160 rows hold NaN or Inf).*\.$") as refusal:
        measure(bad(a), b, labels)
    assert "\n" not in str(refusal.value)


@every_measure
def test_equal_points_are_refused_or_have_no_value(measure, a, b, labels, request):
    name, equal = request.node.callspec.id, np.full((N, 3), 0.1)
    if name in WITHOUT_TABLE:
        found = measure(equal, b, labels)
        assert np.isnan(found.value)
        assert not found.status.is_ok
    else:
        with pytest.raises(InputError, match=r"^all 160 points are equal: there is no nearest neighbour to measure\.$"):
            measure(equal, b, labels)


@pytest.mark.parametrize("name", [name for name in OVERLAPS if "overlap" in name or "accuracy" in name])
def test_too_few_points_for_k_are_refused(name, a, b, labels):
    with pytest.raises(InputError, match=r"^k=1\d neighbours were asked for, 10 points were found; k may be 1 to 9\.$"):
        OVERLAPS[name](a[:10], b[:10], labels[:10])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_needs_one_point_more_than_neighbours(name, a):
    needed = make_estimator(name, {}).min_k
    with pytest.raises(InputError, match=rf"^k={needed} neighbours were asked for, {needed} points were found"):
        dimension(a[:needed], name)
    found = dimension(a[: needed + 1], name)
    assert np.isfinite(found.value) == found.status.is_ok


def test_all_others_as_neighbours_are_chance(a, b, labels):
    for balanced in (False, True):
        found = label_overlap(a, labels, N - 1, balanced=balanced)
        assert found.value == pytest.approx(found.chance, rel=1e-12)
    assert overlap(a, b, N - 2).value == pytest.approx(overlap(a, b, N - 2).chance, abs=0.01)
    assert information_imbalance(a, b, N - 2).value == pytest.approx(1, abs=0.01)
    assert np.isnan(overlap(a, b, N - 1).value)


DEGENERATE = {
    "simplex": lambda rng: np.eye(130),
    "line": lambda rng: np.arange(150.0)[:, None],
    "lattice": lambda rng: np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2),
    "five times each": lambda rng: np.repeat(rng.random((120, 3)), 5, axis=0),
    "two by two": lambda rng: np.repeat(rng.random((120, 3)), 2, axis=0),
    "powers of two": lambda rng: np.ldexp(1.0, np.arange(150))[:, None],
    "many scales": lambda rng: 10 ** rng.uniform(-150, 0, (150, 1)) * rng.standard_normal((150, 3)),
    "one far away": lambda rng: np.vstack([rng.random((149, 2)), [[1e300, 0]]]),
    "two far apart": lambda rng: rng.random((150, 2)) + 1e12 * (np.arange(150) % 2)[:, None],
    "rounded": lambda rng: rng.random((150, 3)).round(1),
    "almost equal": lambda rng: 1 + 2**-52 * rng.integers(0, 4, (150, 6)),
}


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("duplicates", ["merge", "keep"])
@pytest.mark.parametrize("points", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_a_missing_number_says_why_and_a_number_is_possible(name, duplicates, points):
    made = points(np.random.default_rng(0))
    n = len(np.unique(made, axis=0)) if duplicates == "merge" else len(made)
    table = neighbors(made, min(110, n - 1), duplicates=duplicates)
    estimator = make_estimator(name, {})
    found = estimator.estimate(table)
    assert np.isnan(found.value) == np.isnan(found.stderr)
    assert not (np.isnan(found.value) and found.status.is_ok)
    assert np.isnan(found.value) or (0 <= found.value < np.inf and 0 <= found.stderr < np.inf)
    assert 0 <= found.n_used <= table.n
    assert 0 <= found.n_dropped <= table.n
    assert "OK" in found.status.name or found.status.value in str(found)
    values = estimator.replicate(table, [np.arange(table.n), np.zeros(5, dtype=np.int64)])
    assert values.shape == (2,)
    assert not np.isinf(values).any()
