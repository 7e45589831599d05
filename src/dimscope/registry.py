"""One table per kind of extension: a name and where it lives.

The tables hold strings, so that a name can be listed, checked and documented before anything heavy is imported. Entries of
other packages come from their entry points, in the group of the table; `DIMSCOPE_PLUGINS=0` in the environment leaves them out.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from dimscope.errors import UsageError, unknown_name

SWITCH = "DIMSCOPE_PLUGINS"
"""Environment variable; `0` leaves entries of other packages out."""
PREFIX = "dimscope"
"""First part of the names of all entry-point groups."""


class Registry:
    """A read-only table `name -> "module:attribute"` whose entries are imported when they are asked for.

    Args:
        kind: the word for one entry in messages, for example `estimator`.
        table: names and their places, written as `package.module:attribute`.
        hint: what a user may type to see the table, shown when a name is unknown.
        group: entry-point group by which other packages add entries; empty where they cannot.
    """

    def __init__(self, kind: str, table: Mapping[str, str], hint: str = "", group: str = "") -> None:
        self.kind = kind
        self.own: Mapping[str, str] = MappingProxyType(dict(table))
        self.hint = hint
        self.group = group

    @cached_property
    def plugins(self) -> Mapping[str, EntryPoint]:
        """Entries of other packages by name, sorted; read once.

        Raises:
            UsageError: two packages use one name, or a package uses a name of this table.
        """
        if not self.group or os.environ.get(SWITCH) == "0":
            return MappingProxyType({})
        found: dict[str, EntryPoint] = {}
        for entry in sorted(entry_points(group=self.group), key=lambda entry: (entry.name, _package(entry))):
            if entry.name in self.own or entry.name in found:
                raise self._clash(entry, _package(found[entry.name]) if entry.name in found else "dimscope")
            found[entry.name] = entry
        return MappingProxyType(found)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Every name with its place, those of dimscope first."""
        return MappingProxyType({**self.own, **{name: entry.value for name, entry in self.plugins.items()}})

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def load(self, name: str) -> Any:
        """The object behind `name`.

        Raises:
            UsageError: the name is not in the table (the message lists all names and the nearest one), or it is of another
                package and cannot be imported.
        """
        if name in self.own:
            module, _, attribute = self.own[name].partition(":")
            return getattr(import_module(module), attribute)
        if name not in self.plugins:
            raise unknown_name(self.kind, name, self.places, self.hint)
        try:
            return self.plugins[name].load()
        except Exception as error:  # code of others may raise anything
            raise UsageError(
                f'the {self.kind} "{name}" of {self.origin(name)} cannot be loaded ({type(error).__name__}: {error}); '
                f"update or uninstall that package, or set {SWITCH}=0 to leave out what other packages bring."
            ) from error

    def origin(self, name: str) -> str:
        """The package that brings an entry, with its version; empty for what dimscope has itself."""
        return _package(self.plugins[name]) if name in self.plugins else ""

    def items(self) -> Iterator[tuple[str, Any]]:
        """Every name with its loaded object, in the order of the table."""
        return ((name, self.load(name)) for name in self.places)

    def _clash(self, entry: EntryPoint, other: str) -> UsageError:
        package = _package(entry)
        return UsageError(
            f'{package} brings the {self.kind} "{entry.name}", and {other} has one of that name; rename it in the entry points '
            f"of {package} (group {self.group}), uninstall it, or set {SWITCH}=0 to leave out what other packages bring."
        )


def plugin_packages() -> dict[str, str]:
    """Name -> version of every package that adds entries to a table."""
    if os.environ.get(SWITCH) == "0":
        return {}
    every = (entry for group in entry_points().groups if group.startswith(f"{PREFIX}.") for entry in entry_points(group=group))
    found = {entry.dist.name: entry.dist.version for entry in every if entry.dist is not None}
    return dict(sorted(found.items()))


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else f"an unknown package ({entry.value})"
