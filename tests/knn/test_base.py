"""The neighbour table refuses what is no table, and the map of duplicates counts right."""

import numpy as np
import pytest

from dimscope.errors import InputError, UsageError
from dimscope.knn import keep_nearest, neighbors
from dimscope.knn.base import Duplicates, Neighbors

THREE = Duplicates(np.arange(3), np.ones(3, dtype=np.int64))
INDICES = np.array([[1, 2], [0, 2], [1, 0]])
DISTANCES = np.array([[1.0, 3.0], [1.0, 2.0], [2.0, 3.0]])


def test_a_right_table_is_accepted_and_knows_its_size():
    table = Neighbors(INDICES, DISTANCES, THREE)
    assert (table.n, table.k) == (3, 2)
    assert (table.metric, table.dtype, table.backend) == ("euclidean", "float64", "unknown")


def replaced(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("indices", "distances", "sentence"),
    [
        (INDICES[:, :1], DISTANCES, r"indices \(3, 1\) and distances \(3, 2\) must both be \(n, k\)\.$"),
        (INDICES[:, 0], DISTANCES[:, 0], r"indices \(3,\) and distances \(3,\) must both be \(n, k\)\.$"),
        (INDICES[:, :0], DISTANCES[:, :0], r"at least one neighbour per point, found \(n, 0\)\.$"),
        (INDICES[:2], DISTANCES[:2], r"the table has 2 rows, its map 3 points\.$"),
        (replaced(INDICES, (0, 1), 3), DISTANCES, r"indices must lie in 0\.\.2\.$"),
        (replaced(INDICES, (0, 1), -1), DISTANCES, r"indices must lie in 0\.\.2\.$"),
        (replaced(INDICES, (2, 1), 2), DISTANCES, r"its own neighbour; remove the self column first\.$"),
        (replaced(INDICES, (0, 1), 1), DISTANCES, r"listed twice among the neighbours of another\.$"),
        (INDICES, replaced(DISTANCES, (0, 0), -1.0), r"finite and not negative\.$"),
        (INDICES, replaced(DISTANCES, (0, 1), np.nan), r"finite and not negative\.$"),
        (INDICES, replaced(DISTANCES, (0, 1), np.inf), r"finite and not negative\.$"),
        (INDICES, replaced(DISTANCES, (0, 0), 4.0), r"must ascend along each row\.$"),
    ],
)
def test_what_is_no_table_is_refused(indices, distances, sentence):
    with pytest.raises(InputError, match=sentence):
        Neighbors(indices, distances, THREE)


def test_require_says_what_needs_more_and_how_to_get_it():
    table = Neighbors(INDICES, DISTANCES, THREE)
    table.require(2, "a ratio")
    expected = r"^a ratio needs 3 neighbours of each point, the table holds 2\. Compute it with k=3 \(at most n - 1 = 2 for 3 "
    with pytest.raises(UsageError, match=expected):
        table.require(3, "a ratio")
    with pytest.raises(UsageError, match=r"^a ratio needs k of at least 1, found 0\.$"):
        table.require(0, "a ratio")


@pytest.fixture
def repeated():
    """Rows 0 and 3 are equal, so are 1, 4 and 5; row 2 is alone."""
    representative = np.array([0, 1, 2, 0, 1, 1])
    return lambda policy: Duplicates(representative, np.array([2, 3, 1, 2, 3, 3]), policy)


@pytest.mark.parametrize(("policy", "rows"), [("merge", [0, 1, 2]), ("keep", [0, 1, 2, 3, 4, 5])])
def test_duplicates_are_counted_whatever_the_policy(repeated, policy, rows):
    found = repeated(policy)
    assert (found.n_rows, found.n_unique, found.n_merged) == (6, 3, 3)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_array_equal(found.table_rows, [0, 1, 2, 0, 1, 1] if policy == "merge" else rows)


def test_keep_nearest_cuts_and_leaves_the_whole_as_it_was():
    points = np.random.default_rng(0).random((50, 3))
    whole = neighbors(points, 10)
    cut, searched = keep_nearest(whole, 4), neighbors(points, 4)
    np.testing.assert_array_equal(cut.indices, searched.indices)
    np.testing.assert_array_equal(cut.distances, searched.distances)
    assert cut.duplicates is whole.duplicates
    assert whole.k == 10
    with pytest.raises(UsageError, match="a smaller table needs 11 neighbours"):
        keep_nearest(whole, 11)
