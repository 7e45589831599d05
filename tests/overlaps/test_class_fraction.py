"""Label overlap at a fraction of the class size against recorded values and a loop."""

import numpy as np
import pytest

from dimscope import class_fraction_overlap, neighbors
from dimscope.errors import InputError, UsageError
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps.class_fraction import largest_k


@pytest.mark.parametrize(("balanced", "suffix"), [(True, ""), (False, ",weighted=False")])
def test_equals_dadapy(recipes, oracles, balanced, suffix):
    expected = oracles["dadapy"][f"A.return_label_overlap(labels_imb,class_fraction=0.1{suffix})"]
    found = class_fraction_overlap(recipes["A"], recipes["labels_imb"], 0.1, balanced=balanced)
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.scale == (6, 13)


def test_equals_a_loop_and_small_classes_can_reach_one():
    rng = np.random.default_rng(0)
    points = np.r_[rng.random((6, 2)), 9 + rng.random((60, 2))]
    labels = ["few"] * 6 + ["many"] * 60
    assert class_fraction_overlap(points, labels, 0.5).value == pytest.approx(1.0, rel=1e-12)
    mixed = rng.random((66, 2))
    ordered = np.argsort(np.linalg.norm(mixed[:, None] - mixed[None], axis=2), axis=1)[:, 1:]
    sizes = {"few": 3, "many": 30}
    per = [np.mean([labels[j] == labels[i] for j in ordered[i, : sizes[labels[i]]]]) for i in range(66)]
    found = class_fraction_overlap(mixed, labels, 0.5)
    assert found.value == pytest.approx((np.mean(per[:6]) + np.mean(per[6:])) / 2, rel=1e-12)
    np.testing.assert_allclose(found.local, per, rtol=1e-12)


def test_labels_at_random_are_at_chance():
    rng = np.random.default_rng(5)
    points, labels = rng.random((600, 3)), rng.choice(3, 600, p=[0.6, 0.3, 0.1])
    found = class_fraction_overlap(points, labels, 0.2)
    assert abs(found.value - found.chance) < 4 * found.stderr
    assert found.stderr < 0.05


def test_repeated_rows_do_not_change_the_value(recipes):
    labels = np.r_[recipes["labels_imb"], recipes["labels_imb"][:20]]
    assert class_fraction_overlap(recipes["D"], labels, 0.1).value == pytest.approx(
        class_fraction_overlap(recipes["A"], recipes["labels_imb"], 0.1).value, rel=1e-12
    )


def test_what_cannot_be_read_is_refused(recipes):
    with pytest.raises(UsageError, match="at most 1"):
        class_fraction_overlap(recipes["A"], recipes["labels_imb"], 1.2)
    with pytest.raises(InputError, match="two different labels"):
        class_fraction_overlap(recipes["A"], np.zeros(400), 0.1)
    with pytest.raises(UsageError, match="holds 5"):
        class_fraction_overlap(neighbors(recipes["A"], 5), recipes["labels_imb"], 0.1)


def test_the_largest_number_of_neighbours_is_that_of_the_largest_class():
    points, labels = np.random.default_rng(0).standard_normal((60, 3)), np.repeat([0, 1, 2], [40, 17, 3])
    points[1] = points[0]
    for fraction in (0.3, 0.01, 1.0):
        largest = largest_k(find_duplicates(points), labels, fraction)
        assert largest == class_fraction_overlap(points, labels, fraction).scale[1] == max(1, int(fraction * 39))
