"""One table per kind of extension: a name and where it lives.

The tables hold strings, so that a name can be listed, checked and documented before anything heavy is imported.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from dimscope.errors import unknown_name


class Registry:
    """A read-only table `name -> "module:attribute"` whose entries are imported when they are asked for.

    Args:
        kind: the word for one entry in messages, for example `estimator`.
        table: names and their places, written as `package.module:attribute`.
        hint: what a user may type to see the table, shown when a name is unknown.
    """

    def __init__(self, kind: str, table: Mapping[str, str], hint: str = "") -> None:
        self.kind = kind
        self.places: Mapping[str, str] = MappingProxyType(dict(table))
        self.hint = hint

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def load(self, name: str) -> Any:
        """The object behind `name`.

        Raises:
            UsageError: the name is not in the table; the message lists all names and the nearest one.
        """
        if name not in self.places:
            raise unknown_name(self.kind, name, self.places, self.hint)
        module, _, attribute = self.places[name].partition(":")
        return getattr(import_module(module), attribute)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Every name with its loaded object, in the order of the table."""
        return ((name, self.load(name)) for name in self.places)
