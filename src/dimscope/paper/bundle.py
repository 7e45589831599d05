"""Checkpoints of TensorFlow 1 ("bundles"), read with numpy alone.

A bundle PREFIX is a table PREFIX.index and raw shards PREFIX.data-00000-of-00032. The table is a sorted string table as in
LevelDB: blocks of prefix-compressed keys, each with a CRC-32C, found through an index block whose place stands in the last 48
bytes. Its values are protocol buffers: for each tensor dtype, shape, shard, offset, size and CRC-32C.
Format: tensorflow/core/protobuf/tensor_bundle.proto and tensorflow/core/lib/io/table_format.txt.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimscope.errors import InputError, near_match
from dimscope.paper.checksums import crc32c, masked

FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
TRAILER_BYTES = 5
"""After each block: its kind of compression (1 byte) and its checksum (4 bytes)."""
COMPRESSIONS = {1: "snappy", 2: "zlib"}
BFLOAT16 = 14
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", BFLOAT16: "<u2", 19: "<f2"}
"""Number of a dtype in TensorFlow -> how its bytes are read; bfloat16 is the upper half of a float32."""


@dataclass(frozen=True)
class Entry:
    """Where one tensor stands."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    is_sliced: bool


class Bundle:
    """The tensors of one checkpoint; each is read and checked when it is asked for.

    Args:
        prefix: path without `.index`, a path that ends in it, or a folder that holds one bundle.

    Raises:
        InputError: no such checkpoint, or one that is truncated, damaged, compressed, big-endian, or without one of its shards.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = find_prefix(prefix)
        self.index = Path(f"{self.prefix}.index")
        entries = dict(_table_entries(self.index))
        header = _fields(entries.pop(b"", b""), self.index)
        self.n_shards = int(header.get(1, [1])[0])
        if header.get(2, [0])[0]:
            raise InputError(f"{self.index} is big-endian; dimscope reads little-endian checkpoints.")
        self._entries = {key.decode("utf-8", "replace"): _entry(value, self.index) for key, value in entries.items()}
        missing = [path.name for path in map(self.shard, range(self.n_shards)) if not path.is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of {self.n_shards} shards of {self.prefix} are missing: {', '.join(missing[:3])}."
            )

    @property
    def names(self) -> list[str]:
        """Names of all tensors, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        return self._find(name).shape

    def shard(self, number: int) -> Path:
        """The file of one shard."""
        return Path(f"{self.prefix}.data-{number:05d}-of-{self.n_shards:05d}")

    def read(self, name: str) -> np.ndarray:
        """The tensor; bfloat16 becomes float32 without loss.

        Raises:
            InputError: no such tensor, a dtype that is not read, a shard that is too short, or another checksum than recorded.
        """
        entry = self._find(name)
        path = self.shard(entry.shard)
        if entry.is_sliced or entry.dtype not in DTYPES:
            what = "is stored in slices" if entry.is_sliced else f"has dtype number {entry.dtype}"
            raise InputError(f'"{name}" in {self.prefix} {what}; whole tensors of float, half, bfloat16 and int are read.')
        dtype = np.dtype(DTYPES[entry.dtype])
        if entry.size != int(np.prod(entry.shape, dtype=np.int64)) * dtype.itemsize:
            raise InputError(f'"{name}" in {self.index} has shape {entry.shape} but {entry.size} bytes; the index is damaged.')
        with path.open("rb") as handle:
            handle.seek(entry.offset)
            raw = np.fromfile(handle, np.uint8, entry.size)
        if len(raw) < entry.size:
            raise InputError(f'{path} is truncated: "{name}" needs {entry.offset + entry.size} bytes. Download it again.')
        if masked(crc32c(raw)) != entry.checksum:
            raise InputError(f'{path} is damaged: the checksum of "{name}" differs from the index. Download it again.')
        values = raw.view(dtype).reshape(entry.shape)
        return (values.astype("<u4") << 16).view("<f4") if entry.dtype == BFLOAT16 else values

    def _find(self, name: str) -> Entry:
        if name not in self._entries:
            hint = near_match(name, self._entries)
            raise InputError(f'{self.prefix} holds no tensor "{name}" among its {len(self._entries)}.{hint}')
        return self._entries[name]


def find_prefix(path: Path) -> Path:
    """The prefix of the bundle that a user meant.

    Raises:
        InputError: there is none, or a folder holds several.
    """
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) == 1:
            return found[0].with_suffix("")
        names = ", ".join(file.stem for file in found)
        raise InputError(
            f"{path} holds {len(found)} checkpoints ({names or 'no *.index file'}); name one, as {path}/model.ckpt-N."
        )
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    if not Path(f"{prefix}.index").is_file():
        raise InputError(f"no checkpoint at {path}: {prefix}.index does not exist (looked in {Path.cwd()}).")
    return prefix


def _table_entries(path: Path) -> Iterator[tuple[bytes, bytes]]:
    content = path.read_bytes()
    footer = content[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != TABLE_MAGIC:
        raise InputError(
            f"{path} is truncated or no index of a TensorFlow checkpoint (its last bytes are not those of a table)."
        )
    _, place = _handle(footer, 0, path)
    handle, _ = _handle(footer, place, path)
    for _, value in _block_entries(_block(content, handle, path), path):
        inner, _ = _handle(value, 0, path)
        yield from _block_entries(_block(content, inner, path), path)


def _handle(content: bytes, place: int, path: Path) -> tuple[tuple[int, int], int]:
    offset, place = _varint(content, place, path)
    size, place = _varint(content, place, path)
    return (offset, size), place


def _block(content: bytes, handle: tuple[int, int], path: Path) -> bytes:
    offset, size = handle
    whole = content[offset : offset + size + TRAILER_BYTES]
    if len(whole) < size + TRAILER_BYTES:
        raise InputError(f"{path} is truncated: a block ends at byte {offset + size + TRAILER_BYTES} of {len(content)}.")
    if masked(crc32c(whole[: size + 1])) != int.from_bytes(whole[-4:], "little"):
        raise InputError(f"{path} is damaged: the checksum of the block at byte {offset} differs. Download it again.")
    kind = whole[size]
    if kind:
        name = COMPRESSIONS.get(kind, f"kind {kind}")
        raise InputError(
            f"{path} is compressed ({name}); dimscope reads uncompressed checkpoints, as tf.train.Saver writes them."
        )
    return whole[:size]


def _block_entries(block: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise _damaged(path)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place, path)
        fresh, place = _varint(block, place, path)
        length, place = _varint(block, place, path)
        if shared > len(key) or place + fresh + length > end:
            raise _damaged(path)
        key = key[:shared] + block[place : place + fresh]
        yield key, block[place + fresh : place + fresh + length]
        place += fresh + length


def _entry(message: bytes, path: Path) -> Entry:
    fields = _fields(message, path)

    def number(field: int) -> int:
        value = fields.get(field, [0])[-1]
        return value if isinstance(value, int) else 0

    dims = _fields(bytes(fields.get(2, [b""])[-1]), path).get(2, [])
    shape = tuple(int(_fields(bytes(dim), path).get(1, [0])[0]) for dim in dims)
    return Entry(number(1), shape, number(3), number(4), number(5), number(6), 7 in fields)


def _fields(message: bytes, path: Path) -> dict[int, list[int | bytes]]:
    """Field number -> values of a protocol buffer message: whole numbers, or bytes for texts and inner messages."""
    found: dict[int, list[int | bytes]] = {}
    place = 0
    while place < len(message):
        tag, place = _varint(message, place, path)
        value: int | bytes
        if tag & 7 == 0:
            value, place = _varint(message, place, path)
        elif tag & 7 == 2:
            length, place = _varint(message, place, path)
            value, place = message[place : place + length], place + length
        elif tag & 7 in (1, 5):
            length = 8 if tag & 7 == 1 else 4
            value, place = int.from_bytes(message[place : place + length], "little"), place + length
        else:
            raise _damaged(path)
        if place > len(message):
            raise _damaged(path)
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(content: bytes, place: int, path: Path) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and the place behind it."""
    value = shift = 0
    while place < len(content) and shift < 70:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise _damaged(path)


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: its entries cannot be read. Download it again.")
