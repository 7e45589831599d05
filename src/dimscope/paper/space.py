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
            f"{what} need {n_bytes / 1e9:.1f} GB; the disk of {there} has {free / 1e9:.1f} GB free. Free some space, or name "
            "another folder with -o (--to)."
        )
