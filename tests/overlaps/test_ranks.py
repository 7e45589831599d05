"""Overlaps at several k are those of one k at a time."""

import numpy as np
import pytest

from dimscope import label_overlap, label_overlap_scaling, overlap, overlap_scaling
from dimscope.errors import UsageError


def test_each_is_the_overlap_at_that_k(recipes, oracles):
    found = overlap_scaling(recipes["A"], recipes["B"], [10, 30])
    assert [estimate.value for estimate in found] == pytest.approx([
        oracles["dadapy"][f"A.return_data_overlap(B,k={k})"] for k in (10, 30)
    ], rel=1e-12)  # fmt: skip
    assert found[0].stderr == overlap(recipes["A"], recipes["B"], 10).stderr


def test_each_is_the_label_overlap_at_that_k(recipes, oracles):
    found = label_overlap_scaling(recipes["A"], recipes["labels_imb"], [10, 30], balanced=True)
    recorded = [oracles["dadapy"][f"A.return_label_overlap(labels_imb,k={k},weighted=True)"] for k in (10, 30)]
    assert [estimate.value for estimate in found] == pytest.approx(recorded, rel=1e-10)


def test_excluded_groups_pass_through(recipes):
    groups = np.arange(400) // 4
    found = label_overlap_scaling(recipes["A"], recipes["labels_imb"], [2, 5], exclude=groups)
    for k, estimate in zip((2, 5), found, strict=True):
        assert estimate.value == label_overlap(recipes["A"], recipes["labels_imb"], k, exclude=groups).value


@pytest.mark.parametrize("k", [[], [0, 3]])
def test_no_rank_is_refused(recipes, k):
    with pytest.raises(UsageError, match="each at least 1"):
        overlap_scaling(recipes["A"], recipes["B"], k)
