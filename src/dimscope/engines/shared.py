"""Files that workers need: read where they are when the worker sees the same disk, otherwise copied to it once."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple

PIECE = 32 << 20
"""Bytes of one piece of a copy."""
PAGES, PAGE = 64, 4096
"""A file is known again by its size and by this many pages spread over it."""
COPIES = 2
"""Copies that a worker keeps; the oldest goes first."""

_lock = Lock()


class SharedFile(NamedTuple):
    """A file on the driver's disk; `size` in bytes and `check`, a CRC-32 of pages of it, tell it from another one."""

    path: str
    size: int
    check: int


class FileMissingError(Exception):
    """The worker neither sees the file nor has a copy; the engine then sends one."""

    def __init__(self, file: SharedFile) -> None:
        super().__init__(file)
        self.file = file


class Piece(NamedTuple):
    """Some bytes of a file on their way to a worker."""

    file: SharedFile
    offset: int
    content: bytes


def share(path: Path) -> SharedFile:
    """The file by the name under which a worker may find it."""
    size = path.stat().st_size
    return SharedFile(str(path.absolute()), size, _check(path, size))


def locate(file: SharedFile, copies: Path) -> Path:
    """Where this worker can read the file: at its own place, or as a copy in the folder `copies`.

    Raises:
        FileMissingError: neither is there.
    """
    for path in (Path(file.path), _copy(file, copies)):
        try:
            if path.stat().st_size == file.size and _check(path, file.size) == file.check:
                return path
        except OSError:
            continue
    raise FileMissingError(file)


def pieces(file: SharedFile) -> Iterator[Piece]:
    """The whole file, piece by piece."""
    with Path(file.path).open("rb") as handle:
        for offset in range(0, max(file.size, 1), PIECE):
            yield Piece(file, offset, handle.read(PIECE))


def receive(piece: Piece, copies: Path) -> None:
    """Write a piece of a copy; the copy takes its name with the last one, and older copies go.

    Raises:
        OSError: the disk of the worker is full.
    """
    path = _copy(piece.file, copies)
    part = path.with_suffix(".part")
    with _lock:
        copies.mkdir(parents=True, exist_ok=True)
        if piece.offset == 0:
            _make_place(copies)
        try:
            with part.open("r+b" if piece.offset else "wb") as handle:
                handle.seek(piece.offset)
                handle.write(piece.content)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if piece.offset + len(piece.content) == piece.file.size:
            part.replace(path)


def _copy(file: SharedFile, copies: Path) -> Path:
    return copies / f"{file.check:08x}-{file.size}.npy"


def _make_place(copies: Path) -> None:
    held = sorted(copies.glob("*.npy"), key=lambda path: path.stat().st_mtime)
    for path in held[: max(0, len(held) - COPIES + 1)]:
        path.unlink(missing_ok=True)


def _check(path: Path, size: int) -> int:
    """CRC-32 of pages spread over the file, the first and the last among them."""
    found = 0
    with path.open("rb") as handle:
        for number in range(PAGES):
            handle.seek(max(0, size - PAGE) * number // (PAGES - 1), os.SEEK_SET)
            found = zlib.crc32(handle.read(PAGE), found)
    return found
