"""A registry imports an entry only when it is asked for, keeps the order of its table, and cannot be changed."""

import sys

import pytest

from dimscope.errors import UsageError
from dimscope.registry import Registry, plugin_packages


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


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package of this name with these entries: group -> name -> place."""
    monkeypatch.delenv("DIMSCOPE_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "guest_module.py").write_text("class Thing:\n    word = 'guest'\n", encoding="utf-8")
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('no license')\n", encoding="utf-8")

    def install(package, **groups):
        place = tmp_path / f"{package}-1.2.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n", encoding="utf-8")
        lines = [f"[dimscope.{group}]\n{name} = {target}" for group, names in groups.items() for name, target in names.items()]
        (place / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    yield install
    for name in ("guest_module", "broken_module"):
        sys.modules.pop(name, None)


def things():
    return Registry("thing", {"pi": "math:pi"}, "list things", group="dimscope.things")


def test_another_package_adds_entries_that_are_imported_when_asked_for(installed):
    installed("guests", things={"visitor": "guest_module:Thing"}, strangers={"other": "guest_module:Thing"})
    registry = things()
    assert list(registry) == ["pi", "visitor"]
    assert list(registry.own) == ["pi"]
    assert registry.places["visitor"] == "guest_module:Thing"
    assert "guest_module" not in sys.modules
    assert registry.load("visitor").word == "guest"
    assert (registry.origin("visitor"), registry.origin("pi")) == ("guests 1.2", "")
    assert plugin_packages() == {"guests": "1.2"}


def test_they_can_be_left_out(installed, monkeypatch):
    installed("guests", things={"visitor": "guest_module:Thing"})
    monkeypatch.setenv("DIMSCOPE_PLUGINS", "0")
    assert list(things()) == ["pi"]
    assert plugin_packages() == {}


def test_a_table_without_a_group_takes_none(installed, registry):
    installed("guests", things={"visitor": "guest_module:Thing"})
    assert list(registry) == ["second", "first"]


def test_a_name_of_dimscope_cannot_be_taken(installed):
    installed("guests", things={"pi": "guest_module:Thing"})
    with pytest.raises(
        UsageError, match=r'^guests 1\.2 brings the thing "pi", and dimscope has one of that name; rename it .*\.$'
    ):
        things().load("pie")


def test_two_packages_cannot_share_a_name(installed):
    installed("guests", things={"visitor": "guest_module:Thing"})
    installed("hosts", things={"visitor": "guest_module:Thing"})
    with pytest.raises(UsageError, match=r'^hosts 1\.2 brings the thing "visitor", and guests 1\.2 has one of that name'):
        list(things())


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("broken_module:Thing", "RuntimeError: no license"),
        ("guest_module:Nothing", "AttributeError"),
        ("not_there:Thing", "ModuleNotFoundError"),
    ],
)
def test_one_that_cannot_be_loaded_is_named_with_its_package(installed, target, why):
    installed("guests", things={"visitor": target})
    registry = things()
    assert registry.load("pi") == pytest.approx(3.14159265)
    with pytest.raises(UsageError, match=rf'^the thing "visitor" of guests 1\.2 cannot be loaded \({why}.*update or uninstall'):
        registry.load("visitor")
