import numpy as np
import pytest

from dimscope import compiled as module
from dimscope.compiled import compiled, compiled_sum


@compiled
def double(values):
    for p in range(values.shape[0]):
        values[p] *= 2


@compiled_sum
def total(values):
    found = 0.0
    for p in range(values.shape[0]):
        found += values[p]
    return found


def test_compiled_functions_compute_what_python_computes():
    values = np.random.default_rng(0).normal(size=1000)
    expected = 2 * values
    double(values)
    np.testing.assert_array_equal(values, expected)
    assert total(values) == pytest.approx(expected.sum(), rel=1e-12)
    assert total(values) == total(values)


def test_a_place_without_a_cache_is_no_obstacle(monkeypatch):
    asked = []

    def without_cache(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(module, "njit", without_cache)
    assert compiled(total) is total
    assert [bool(options.get("cache")) for options in asked] == [True, False]
