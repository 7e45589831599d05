"""The representations on disk: one .npy file per layer, filled row block by row block.

Each file is a plain numpy array of shape (n_examples, width), preallocated, so `numpy.load(path, mmap_mode="r")` reads it
without this package. It is float32 for what a model computed; arrays of the user keep the precision that they came in (float16,
float32 or float64), since distances are exact for the numbers as given. `progress.json` beside them lists the row blocks that
are finished, with the CRC-32 of each layer's bytes; a block is listed only after its bytes are on disk. After a crash the
listed blocks are checked and kept, the others are computed again.
"""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np

from dimscope.arrays import Points
from dimscope.errors import StoreError
from dimscope.files import explained_disk_errors, is_numpy_file, sync_folder, write_text

PROGRESS = "progress.json"


class StateStore:
    """The states of all layers of one run.

    Args:
        folder: the `states` folder of a run.
        key: what the states depend on; a folder with another key is emptied.
        n_rows: examples.
        block: rows per block, or the row behind each block.
    """

    def __init__(self, folder: Path, key: str, n_rows: int, block: int | list[int]) -> None:
        self.folder = folder
        self.key = key
        self.n_rows = n_rows
        self.block = block
        self._done: dict[int, dict[str, int]] = {}
        self._maps: dict[str, np.memmap] = {}
        self._resume()

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First and last (exclusive) row of every block."""
        return block_edges(self.n_rows, self.block)

    @property
    def is_complete(self) -> bool:
        """True when every block is finished and its bytes are still those that were written."""
        return len(self._done) == len(self.blocks)

    def is_done(self, number: int) -> bool:
        """True when block `number` is finished and on disk."""
        return number in self._done

    def write_block(self, number: int, states: Mapping[str, Points]) -> None:
        """Store the rows of one block for every layer, durably, then list the block as finished.

        Raises:
            StoreError: the disk is full or not writable.
        """
        start, stop = self.blocks[number]
        sums = {}
        with explained_disk_errors(self.folder):
            for name, rows in states.items():
                rows = np.ascontiguousarray(rows, dtype=stored_dtype(rows.dtype))
                target = self._open(name, rows.shape[1], rows.dtype)
                self._write_rows(name, target, start, stop, rows)
                sums[name] = zlib.crc32(rows.tobytes())
            self._done[number] = sums
            self._write_progress()

    def _write_rows(self, name: str, target: "np.memmap", start: int, stop: int, rows: Points) -> None:
        with self.path(name).open("r+b") as handle:
            handle.seek(target.offset + start * rows.shape[1] * rows.itemsize)
            handle.write(rows.tobytes())
            handle.flush()
            os.fsync(handle.fileno())

    def read(self, name: str) -> Points:
        """The whole layer as a read-only memory map, shape (n_rows, width)."""
        return open_states(self.path(name))

    def path(self, name: str) -> Path:
        """The file of a layer."""
        return self.folder / f"{name}.npy"

    def _open(self, name: str, width: int, dtype: "np.dtype[Any]") -> "np.memmap":
        if name not in self._maps:
            path, shape = self.path(name), (self.n_rows, width)
            if not _has_form(path, shape, dtype):
                path.unlink(missing_ok=True)
                self._reserve(path, shape, dtype)
            self._maps[name] = np.lib.format.open_memmap(path, mode="r")
        return self._maps[name]

    def _reserve(self, path: Path, shape: tuple[int, int], dtype: "np.dtype[Any]") -> None:
        part = path.with_suffix(".npy.part")
        try:
            with part.open("wb") as handle:
                _write_header(handle, shape, dtype)
                handle.flush()
                size = stored_size(shape, dtype)
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(handle.fileno(), 0, size)
                else:  # pragma: no cover - other systems
                    handle.truncate(size)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _write_progress(self) -> None:
        record = {
            "key": self.key,
            "n_rows": self.n_rows,
            "block": self.block,
            "done": {str(number): sums for number, sums in sorted(self._done.items())},
        }
        write_text(self.folder / PROGRESS, json.dumps(record))

    def _resume(self) -> None:
        with explained_disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        record = _read_progress(self.folder / PROGRESS)
        if [record.get(name) for name in ("key", "n_rows", "block")] != [self.key, self.n_rows, self.block]:
            return self._clear()
        self._done = {int(number): sums for number, sums in record["done"].items() if self._is_intact(int(number), sums)}
        return None

    def _is_intact(self, number: int, sums: Mapping[str, int]) -> bool:
        try:
            start, stop = self.blocks[number]
            return all(zlib.crc32(self.read(name)[start:stop].tobytes()) == value for name, value in sums.items())
        except (OSError, LookupError, StoreError):
            return False

    def _clear(self) -> None:
        with explained_disk_errors(self.folder):
            for path in (*self.folder.glob("*.npy"), *self.folder.glob("*.npy.part"), self.folder / PROGRESS):
                path.unlink(missing_ok=True)
            sync_folder(self.folder)


def _read_progress(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if all(int(number) >= 0 and sums.keys() for number, sums in record["done"].items()):
            return dict(record)
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, LookupError, AttributeError):
        pass  # not JSON, or JSON of another form
    raise StoreError(f"{path} is damaged; choose --on-existing redo to start over.")


def block_edges(n_rows: int, block: int | list[int]) -> list[tuple[int, int]]:
    """First and last (exclusive) row of every block; `block` as `StateStore` takes it."""
    stops = [*range(block, n_rows, block), n_rows] if isinstance(block, int) else block
    return list(pairwise([0, *stops]))


def is_whole(folder: Path, key: str) -> bool:
    """True when the folder holds finished states of this key, their bytes still those that were written; nothing is changed."""
    try:
        record = _read_progress(folder / PROGRESS)
        blocks = block_edges(record["n_rows"], record["block"])
        return record["key"] == key and all(
            zlib.crc32(open_states(folder / f"{name}.npy")[start:stop].tobytes()) == value
            for number, (start, stop) in enumerate(blocks)
            for name, value in record["done"][str(number)].items()
        )
    except (OSError, LookupError, TypeError, AttributeError, StoreError):
        return False


def stored_dtype(dtype: "np.dtype[Any]") -> "np.dtype[Any]":
    """The dtype, little-endian, in which points of `dtype` are stored: their own, or float64 for integers and wider floats."""
    kept = dtype.kind == "f" and dtype.itemsize in (2, 4, 8)
    return np.dtype(f"<f{dtype.itemsize if kept else 8}")


def stored_size(shape: tuple[int, int], dtype: "np.dtype[Any]") -> int:
    """Bytes of the .npy file of an array of this shape and dtype."""
    header = BytesIO()
    _write_header(header, shape, dtype)
    return len(header.getvalue()) + shape[0] * shape[1] * dtype.itemsize


def _write_header(handle: IO[bytes], shape: tuple[int, int], dtype: "np.dtype[Any]") -> None:
    np.lib.format.write_array_header_1_0(handle, {"descr": dtype.str, "fortran_order": False, "shape": shape})


def _has_form(path: Path, shape: tuple[int, int], dtype: "np.dtype[Any]") -> bool:
    try:
        found = open_states(path)
    except StoreError:
        return False
    return found.shape == shape and found.dtype == dtype


def open_states(path: Path) -> Points:
    """A layer's file as a read-only memory map.

    Raises:
        StoreError: no such file, truncated, or not a two-axis numpy array of floating-point numbers.
    """
    try:
        if not is_numpy_file(path):
            raise ValueError("another kind of file")
        states: Points = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise StoreError(f"no states at {path}; run `dimscope extract` first.") from None
    except (ValueError, EOFError, OSError) as error:
        raise StoreError(f"{path} is damaged or not a numpy array ({error}); extract it again.") from None
    if states.ndim != 2 or states.dtype.kind != "f":
        raise StoreError(
            f"{path} holds shape {states.shape} and dtype {states.dtype}; states are floating-point numbers on two axes "
            "(examples, width)."
        )
    return states


def import_states(folder: Path, layers: Sequence[tuple[str, Points]], key: str, block: int) -> StateStore:
    """A store that holds the given arrays, copied block by block."""
    store = StateStore(folder, key, len(layers[0][1]), block)
    for number, (start, stop) in enumerate(store.blocks):
        if not store.is_done(number):
            store.write_block(number, {name: points[start:stop] for name, points in layers})
    return store
