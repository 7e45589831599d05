"""Every error has an exit code, and unknown names come with the nearest one and all others."""

import numpy as np
import pytest

from dimscope.errors import DimscopeError, InputError, ModelError, StoreError, UsageError, first_of, near_match, unknown_name


@pytest.mark.parametrize(
    ("kind", "code"), [(DimscopeError, 1), (InputError, 1), (ModelError, 1), (StoreError, 1), (UsageError, 2)]
)
def test_exit_codes(kind, code):
    assert kind.exit_code == code
    assert issubclass(kind, DimscopeError)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("two-nn", "twonn"),
        ("TWONN", "twonn"),
        ("grid", "gride"),
        ("lable", "Label"),
        ("LABEL", "Label"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(asked, found):
    expected = f' Did you mean "{found}"?' if found else ""
    assert near_match(asked, ["twonn", "gride", "Label"]) == expected


def test_an_unknown_name_lists_the_nearest_and_all_sorted():
    error = unknown_name("estimator", "two-nn", ["twonn", "gride"], "dimscope list estimators")
    assert isinstance(error, UsageError)
    expected = 'unknown estimator "two-nn". Did you mean "twonn"?  All: gride, twonn  (dimscope list estimators)'
    assert str(error) == expected


def test_an_empty_table_says_so():
    assert str(unknown_name("plot", "x", [])) == 'unknown plot "x".  All: none'


def test_the_first_of_many():
    assert first_of([]) == ""
    assert first_of(np.arange(3)) == "0, 1, 2"
    assert first_of("abcdef") == "a, b, c, d, e, ..."
    assert first_of((name for name in "abc"), most=2) == "a, b, ..."
