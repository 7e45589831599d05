"""Examples keep their columns together; samples are seeded, without replacement and in the order of the file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.errors import InputError
from dimscope.inputs.base import Examples, draw_sample


def make(n):
    rows = range(n)
    return Examples(
        [f"i{row}" for row in rows],
        [f"t{row}" for row in rows],
        [f"l{row}" for row in rows],
        None,
        n_dropped=3,
        source_hash="h",
    )


def test_taking_rows_takes_all_columns_in_the_given_order():
    taken = make(5).take(np.array([3, 1]))
    assert (taken.ids, taken.texts, taken.labels, taken.groups) == (["i3", "i1"], ["t3", "t1"], ["l3", "l1"], None)
    assert (len(taken), taken.n_dropped, taken.source_hash) == (2, 3, "h")


@pytest.mark.parametrize("name", ["ids", "labels", "groups"])
def test_columns_of_another_length_are_refused(name):
    columns = {"ids": ["a", "b"], "texts": ["a", "b"], name: ["a"]}
    with pytest.raises(InputError, match=rf"1 {name} for 2 examples\."):
        Examples(**columns)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32))
def test_a_sample_is_a_seeded_subset_in_the_order_of_the_file(n, points, seed):
    examples = make(n)
    sample = draw_sample(examples, points, seed)
    rows = [int(text[1:]) for text in sample.texts]
    assert len(rows) == min(n, points)
    assert rows == sorted(set(rows))
    assert sample.labels == [f"l{row}" for row in rows]
    assert sample.texts == draw_sample(examples, points, seed).texts


def test_seeds_draw_different_samples_and_every_row_has_its_chance():
    examples = make(40)
    counts = np.zeros(40)
    for seed in range(400):
        for text in draw_sample(examples, 10, seed).texts:
            counts[int(text[1:])] += 1
    # each row is drawn with probability 1/4: 100 times, standard deviation sqrt(400 * 3/16) = 8.7
    assert counts.sum() == 4000
    assert abs(counts - 100).max() < 5 * 8.7
    assert draw_sample(examples, 10, 0).texts != draw_sample(examples, 10, 1).texts


def test_nothing_is_drawn_when_all_fit():
    examples = make(5)
    assert draw_sample(examples, 5, 0) is examples
