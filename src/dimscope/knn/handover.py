"""Arrays that the tasks of a search hand to each other: in files of a folder that they see, otherwise inside their answers.

The driver makes the folder. A worker on the same machine, or with the same disk, finds the driver's token in it and writes
there; what passes through the network is then where the arrays lie. Each file is written once, under a name of its own, and
named to others after it was closed.
"""

import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from dimscope.files import explained_disk_errors

TOKEN = "token"


class Folder(NamedTuple):
    """A folder of the driver, and what its file `token` says: a folder of that path elsewhere does not say it."""

    path: str
    token: str


class Form(NamedTuple):
    """An array in a file: its type, its shape, and the byte at which it begins."""

    dtype: str
    shape: tuple[int, ...]
    offset: int


class Laid(NamedTuple):
    """Arrays in one file."""

    path: str
    forms: tuple[Form, ...]


def open_folder() -> Folder:
    """A new folder among the temporary files (`TMPDIR`).

    Raises:
        StoreError: there is no space for it.
    """
    with explained_disk_errors(Path(tempfile.gettempdir())):
        folder = Folder(tempfile.mkdtemp(prefix="dimscope-"), secrets.token_hex())
        (Path(folder.path) / TOKEN).write_text(folder.token, encoding="ascii")
    return folder


def close_folder(folder: Folder) -> None:
    """Remove the folder."""
    shutil.rmtree(folder.path, ignore_errors=True)


def is_seen(folder: Folder) -> bool:
    """True where this process finds the folder of the driver."""
    try:
        return (Path(folder.path) / TOKEN).read_text(encoding="ascii") == folder.token
    except (OSError, ValueError):
        return False


def lay(folder: Folder, arrays: Sequence[np.ndarray]) -> Laid | None:
    """The arrays in a new file of the folder, or None where this process does not see it or cannot write there."""
    if not is_seen(folder):
        return None
    with suppress(OSError):
        return _written(folder, arrays)
    return None


def keep(folder: Folder, arrays: Sequence[np.ndarray]) -> Laid:
    """As `lay`, in the process that made the folder.

    Raises:
        StoreError: the disk is full.
    """
    with explained_disk_errors(Path(folder.path)):
        return _written(folder, arrays)


def take(laid: Laid) -> list[np.ndarray] | None:
    """The arrays of a file, or None where this process does not find it."""
    try:
        with Path(laid.path).open("rb") as file:
            return [_read(file, form) for form in laid.forms]
    except (OSError, EOFError):
        return None


def _written(folder: Folder, arrays: Sequence[np.ndarray]) -> Laid:
    forms = list[Form]()
    with tempfile.NamedTemporaryFile(dir=folder.path, delete=False) as file:
        try:
            for array in arrays:
                forms.append(Form(array.dtype.str, array.shape, file.tell()))
                file.write(np.ascontiguousarray(array).data)
            file.flush()
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise
    return Laid(file.name, tuple(forms))


def _read(file: IO[bytes], form: Form) -> np.ndarray:
    file.seek(form.offset)
    size = int(np.prod(form.shape))
    found: np.ndarray = np.fromfile(file, form.dtype, size)
    if len(found) < size:
        raise EOFError(f"{file.name} is shorter than it was.")
    return found.reshape(form.shape)
