"""Files that are either whole or absent."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from dimscope.errors import StoreError

HASH_CHUNK = 1 << 22
NUMPY_MAGIC = b"\x93NUMPY"
UNWRITABLE = (
    errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG,
    errno.EFBIG, errno.EIO, errno.ELOOP,
)  # fmt: skip
"""What the system answers where a file cannot be made; the remedy is another place."""


_OBSERVERS: dict[Path, Callable[[Path], None]] = {}


@contextmanager
def watched(folder: Path, observer: Callable[[Path], None]) -> Iterator[None]:
    """In the block, `observer` is told of each file below the folder that `atomic_path` has made whole, one after the other."""
    _OBSERVERS[folder] = observer
    try:
        yield
    finally:
        del _OBSERVERS[folder]


def _tell(path: Path) -> None:
    for folder in path.parents:
        if folder in _OBSERVERS:
            _OBSERVERS[folder](path)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and vanishes when it does not.

    The content is on disk before the name appears (fsync of file and folder).

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    with explained_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        with explained_disk_errors(path):
            yield temporary
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        _tell(path)
    finally:
        with suppress(OSError):  # a name that is too long, a disk that went away: the first error is the one to tell
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sync_folder(folder: Path) -> None:
    """Make renames inside the folder durable where the system knows how."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def explained_disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusals into one sentence with the path and the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"the disk is full while writing {path}. Nothing that was finished is lost: free some space and run the "
                "same command again to resume."
            ) from error
        if error.errno in UNWRITABLE:
            raise StoreError(f"{path} cannot be written ({error.strerror}); choose another folder with -o.") from error
        raise


def free_space(path: Path) -> tuple[Path, int]:
    """The deepest folder on the way to `path` that is there, and the bytes that are free on its disk."""
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    return there, shutil.disk_usage(there).free


def hash_file(path: Path) -> str:
    """`sha256:` and the hex digest of the file's content."""
    digest = sha256()
    with path.open("rb") as handle:
        while block := handle.read(HASH_CHUNK):
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def is_numpy_file(path: Path) -> bool:
    """True when the file begins like a .npy file; anything else would be taken for a pickle, or for an archive."""
    with path.open("rb") as handle:
        return handle.read(len(NUMPY_MAGIC)) == NUMPY_MAGIC
