"""What a run needs before it starts: enough points, enough room."""

from collections.abc import Sequence

from dimscope.errors import InputError, StoreError
from dimscope.files import free_space
from dimscope.sizes import size_text
from dimscope.store.folder import RunFolder


def refuse_few(found: int, k: int, what: str) -> None:
    """Nothing when k neighbours of each of `found` points can be told from all points (k + 2 or more).

    Raises:
        InputError: too few; names the largest k that works.
    """
    if found == 1:
        raise InputError(f"all {what} are equal, or there is only one; there is no geometry to measure.")
    if found < k + 2:
        raise InputError(
            f"{found} {what} were found, but --k {k} needs at least {k + 2}. "
            + (f"Give more examples, or choose --k {found - 2} or less." if found > 4 else "Give more examples.")
        )


def check_disk(folders: Sequence[RunFolder], needed: int, what: str) -> None:
    """Nothing when the states of a run fit on the disk beside what is there.

    Args:
        folders: the run folders that will hold them, all on one disk.
        needed: bytes of all states.
        what: how many of what, for the message.

    Raises:
        StoreError: too little space; nothing was written.
    """
    existing, unused = free_space(folders[0].path)
    free = unused + sum(file.stat().st_size for folder in folders for file in folder.states.glob("*.npy"))
    if needed > free:
        raise StoreError(
            f"the states need {size_text(needed)} ({what}), {size_text(free)} are free at {existing}. Free some space, "
            "choose another place with -o, or fewer examples or layers."
        )
