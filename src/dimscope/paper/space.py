"""Whether the disk has room, asked before long work."""

from pathlib import Path

from dimscope.errors import StoreError
from dimscope.files import free_space
from dimscope.sizes import size_text


def require_space(folder: Path, n_bytes: int, what: str) -> None:
    """Nothing when the disk that holds, or will hold, `folder` has room for `n_bytes`; nothing is made.

    Raises:
        StoreError: it has not.
    """
    there, free = free_space(folder)
    if free < n_bytes:
        raise StoreError(
            f"{what} need {size_text(n_bytes)}; the disk of {there} has {size_text(free)} free. Free some space, or name "
            "another folder with -o (--to)."
        )
