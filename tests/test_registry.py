"""A registry imports an entry only when it is asked for, keeps the order of its table, and cannot be changed."""

import sys

import pytest

from dimscope.errors import UsageError
from dimscope.registry import Registry


@pytest.fixture
def registry(tmp_path, monkeypatch):
    (tmp_path / "late_module.py").write_text("loaded = True\nclass Thing:\n    word = 'thing'\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "late_module", raising=False)
    yield Registry("thing", {"second": "late_module:Thing", "first": "math:pi"}, "list things")
    sys.modules.pop("late_module", None)


def test_nothing_is_imported_before_it_is_asked_for(registry):
    assert list(registry) == ["second", "first"]
    assert len(registry) == 2
    assert "second" in registry
    assert "third" not in registry
    assert "late_module" not in sys.modules
    assert registry.load("second").word == "thing"
    assert "late_module" in sys.modules


def test_items_come_in_the_order_of_the_table(registry):
    names, things = zip(*registry.items(), strict=True)
    assert names == ("second", "first")
    assert things[1] == pytest.approx(3.141592653589793)


def test_an_unknown_name_is_an_error_of_usage(registry):
    with pytest.raises(UsageError, match=r'unknown thing "frist". Did you mean "first"\?  All: first, second  \(list things\)'):
        registry.load("frist")


def test_the_table_is_a_copy_and_read_only():
    table = {"pi": "math:pi"}
    registry = Registry("number", table)
    table["e"] = "math:e"
    assert list(registry) == ["pi"]
    with pytest.raises(TypeError):
        registry.places["e"] = "math:e"
