"""Whether the disk has room, asked before long work."""

from pathlib import Path

from dimscope.errors import StoreError
from dimscope.files import free_space


def require_space(folder: Path, n_bytes: int, what: str) -> None:
    """Nothing when the disk that holds, or will hold, `folder` has room for `n_bytes`; nothing is made.

    Raises:
        StoreError: it has not.
    """
    there, free = free_space(folder)
    if free < n_bytes:
        raise StoreError(
            f"{what} need {readable(n_bytes)}; the disk of {there} has {readable(free)} free. Free some space, or name another "
            "folder with -o (--to)."
        )


def readable(n_bytes: int) -> str:
    """Bytes in kB, MB or GB with one decimal, the unit in which they are 1 or more."""
    unit, size = next(((name, size) for name, size in (("GB", 1e9), ("MB", 1e6)) if n_bytes >= size), ("kB", 1e3))
    return f"{n_bytes / size:.1f} {unit}"
