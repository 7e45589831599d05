"""What becomes points, and what is refused with which sentence."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from dimscope.arrays import (
    as_labels,
    as_points,
    even_spans,
    label_codes,
    real_number,
    refuse_non_finite,
    spacing,
    stored_dtype,
    whole_number,
)
from dimscope.errors import InputError, UsageError


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_floating_points_keep_their_dtype_and_memory(dtype):
    given = np.arange(6).reshape(3, 2).astype(dtype)
    found = as_points(given)
    assert np.shares_memory(found, given)
    assert found.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "bool", "longdouble"])
def test_other_real_numbers_become_float64(dtype):
    found = as_points(np.array([[0, 1], [1, 0]], dtype=dtype))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[0, 1], [1, 0]])


def test_lists_and_tensors_are_read():
    np.testing.assert_array_equal(as_points([[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]])
    for tensor in (torch.tensor([[1.5, 2.0]]), torch.tensor([[1.5, 2.0]], requires_grad=True)):
        np.testing.assert_array_equal(as_points(tensor), [[1.5, 2.0]])
    narrow = torch.tensor([[1.5, 2.0]], dtype=torch.bfloat16)
    assert as_points(narrow).dtype == np.float32
    np.testing.assert_array_equal(as_points(narrow), [[1.5, 2.0]])
    assert (stored_dtype(narrow), spacing("bfloat16")) == ("bfloat16", float(torch.finfo(torch.bfloat16).eps))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.zeros(3), r"two axes \(examples, features\), found shape \(3,\)\.$"),
        (np.zeros((2, 2, 2)), r"two axes .* found shape \(2, 2, 2\)\.$"),
        (None, r"two axes .* found nothing \(None\)\.$"),
        (3.0, r"two axes .* found shape \(\)\.$"),
        ({"layer": 1}, r"two axes .* found a dict\.$"),
        ("points.npy", r"two axes .* found a str\.$"),
        (csr_array(np.eye(3)), r"two axes .* found a csr_array; give its `\.toarray\(\)`\.$"),
        ([], r"two axes .* found shape \(0,\)\.$"),
        (np.zeros((0, 3)), r"points are empty: shape \(0, 3\)\.$"),
        (np.zeros((3, 0)), r"points are empty: shape \(3, 0\)\.$"),
        (np.zeros((2, 2), dtype=complex), r"real numbers, found dtype complex128; leave out or convert what is no number\.$"),
        ([["a", "b"]], r"real numbers, found dtype <U1; leave out or convert what is no number\.$"),
        ([[1, None]], r"real numbers, found dtype object; leave out or convert what is no number\.$"),
        ([[1, 2], [3]], r"cannot be read as an array of numbers: .*rows of equal length"),
        (np.ma.masked_less(np.ones((2, 2)) * [1, -1], 0), r"masked values; remove those rows or fill them first\.$"),
    ],
)
def test_what_is_no_array_of_points_is_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        as_points(given)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_rows_that_are_not_finite_are_named(bad, dtype):
    points = np.ones((10, 3), dtype=dtype)
    points[[2, 7], 1] = bad
    with pytest.raises(InputError, match=r"^2 of 10 rows hold NaN or Inf \(rows 2, 7\)\. Remove them"):
        as_points(points)


def test_long_doubles_beyond_the_range_are_refused_as_infinite():
    if np.finfo(np.longdouble).maxexp == np.finfo(np.float64).maxexp:
        pytest.skip("long doubles are doubles here")
    with pytest.raises(InputError, match="rows 0"):
        as_points(np.array([["1e4000", "1"]], dtype=np.longdouble))


def test_many_bad_rows_are_counted_over_all_chunks_and_five_are_shown():
    points = np.zeros((100, 2))
    points[np.arange(3, 100, 10), 0] = np.nan
    with pytest.raises(InputError, match=r"^10 of 100 rows hold NaN or Inf \(rows 3, 13, 23, 33, 43, \.\.\.\)"):
        refuse_non_finite(points, chunk=7)


def test_a_bad_number_at_each_place_is_seen():
    for row in range(9):
        points = np.zeros((9, 2))
        points[row, 1] = np.nan
        with pytest.raises(InputError, match=rf"rows {row}\)"):
            refuse_non_finite(points, chunk=4)


LETTERS = ["b", "a", "b", "c"]
NUMBERS = [7, 3, 7, 9]


@pytest.mark.parametrize(
    "given",
    [
        LETTERS,
        tuple(LETTERS),
        np.array(LETTERS, dtype=object),
        pd.Series(LETTERS, index=[3, 2, 1, 0]),
        pd.Categorical(LETTERS, categories=["c", "b", "a"]),
        [letter.encode() for letter in LETTERS],
        NUMBERS,
        np.array(NUMBERS, dtype=np.uint8),
        torch.tensor(NUMBERS),
        torch.tensor(NUMBERS).bfloat16(),
        torch.tensor(NUMBERS, dtype=torch.float32, requires_grad=True),
        pd.date_range("2020-01-01", periods=9)[[1, 0, 1, 2]],
    ],
)
def test_labels_of_every_kind_have_the_same_codes(given):
    np.testing.assert_array_equal(label_codes(given, "labels", 4), [1, 0, 1, 2])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            ["a", float("nan"), "b"],
            r"^groups are not all of one kind \(float among text\); give text or numbers, and none missing",
        ),
        (["a", None, 3], r"^1 of 3 groups are missing"),
        (["a", 3, True], r"^groups are not all of one kind \(bool, int among text\)"),
        (np.array(["a", None], dtype=object), r"^1 of 2 groups are missing \(None or NaN\); leave those examples out\.$"),
        (pd.array(["a", None, "b"], dtype="string"), r"^1 of 3 groups are missing"),
        ([1.0, np.nan, np.nan], r"^2 of 3 groups are missing \(None or NaN\); leave those examples out\.$"),
        (pd.to_datetime(["2020-01-01", None]), r"^1 of 2 groups are missing"),
        (np.ma.masked_equal([1, 2], 2), r"^groups hold masked values; leave those examples out\.$"),
        (np.eye(2), r"^groups must be one per example, in one axis; found shape \(2, 2\)\.$"),
        ("abc", r"in one axis; found shape \(\)\.$"),
    ],
)
def test_labels_that_are_missing_or_mixed_are_refused(given, sentence):
    with pytest.raises(InputError, match=sentence):
        as_labels(given, "groups")


def test_labels_without_an_order_are_refused():
    with pytest.raises(InputError, match=r"^labels are not all of one kind \(.*\); give text or numbers, and none missing\.$"):
        label_codes(np.array(["a", 3], dtype=object), "labels", 2)


def test_whole_numbers():
    assert [whole_number(value, "k") for value in (3, np.int32(3), True)] == [3, 3, 1]
    for value, shown in (
        (3.0, r"3\.0"),
        (np.float64(3), r"np\.float64\(3\.0\)"),
        ("3", "'3'"),
        (None, "None"),
        ([3], r"\[3\]"),
    ):
        with pytest.raises(UsageError, match=rf"^k={shown} was asked for; it must be a whole number\.$"):
            whole_number(value, "k")
    with pytest.raises(UsageError, match=r"^seed=-1 was asked for; it must be a whole number of at least 0\.$"):
        whole_number(-1, "seed", least=0)


def test_real_numbers():
    assert [real_number(value, "z") for value in (1, 1.5, np.float32(0.5))] == [1.0, 1.5, 0.5]
    with pytest.raises(UsageError, match=r"^z='1' was asked for; it must be a number\.$"):
        real_number("1", "z")


def test_cuts_are_about_equal_and_never_empty():
    assert even_spans(10, 20, 3) == [(10, 13), (13, 16), (16, 20)]
    assert even_spans(0, 2, 5) == [(0, 1), (1, 2)]
