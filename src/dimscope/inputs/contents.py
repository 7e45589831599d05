"""What examples that are no texts hold: read one at a time, when it is needed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError


class Contents(Protocol):
    """Images, sound or token ids in the order of the examples; nothing stays in memory."""

    def __len__(self) -> int: ...
    def read(self, row: int) -> Any:
        """The content of one example."""
        ...

    def digest(self, row: int) -> bytes:
        """Equal for examples whose stored bytes are equal."""
        ...

    def take(self, rows: IntArray) -> Self:
        """The chosen examples, in the given order."""
        ...


@dataclass(frozen=True, eq=False)
class FileContents:
    """One file per example.

    Attributes:
        paths: the files.
        read_file: decodes one.
        digests: SHA-256 of their bytes.
    """

    paths: list[Path]
    read_file: Callable[[Path], Any]
    digests: list[bytes]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, row: int) -> Any:
        """What the file of one example holds.

        Raises:
            InputError: it cannot be decoded.
        """
        return self.read_file(self.paths[row])

    def digest(self, row: int) -> bytes:
        """SHA-256 of the file."""
        return self.digests[row]

    def take(self, rows: IntArray) -> "FileContents":
        """The chosen files."""
        return replace(self, paths=[self.paths[row] for row in rows], digests=[self.digests[row] for row in rows])


@dataclass(frozen=True, eq=False)
class ArrayContents:
    """One row of an array per example; the array may be a memory map.

    Attributes:
        array: any shape with examples first.
        rows: which of them, shape (n,).
        decode: from a stored row to what `read` gives.
    """

    array: np.ndarray
    rows: IntArray
    decode: Callable[[np.ndarray], Any]

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, row: int) -> Any:
        """The row of one example.

        Raises:
            InputError: the row holds what the kind of data does not allow.
        """
        number = int(self.rows[row])
        try:
            return self.decode(np.asarray(self.array[number]))
        except ValueError as error:
            raise InputError(f"row {number} of the array {error}.") from None

    def digest(self, row: int) -> bytes:
        """SHA-256 of the row."""
        return sha256(np.ascontiguousarray(self.array[int(self.rows[row])]).tobytes()).digest()

    def take(self, rows: IntArray) -> "ArrayContents":
        """The chosen rows."""
        return replace(self, rows=self.rows[rows])
