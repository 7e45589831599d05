"""What runs on a worker: the work itself, and what it answers when it cannot be done there."""

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

from dimscope.engines.shared import FileMissingError, Piece, SharedFile, receive
from dimscope.version import __version__


class Done(NamedTuple):
    """The work was done."""

    value: Any


class Missing(NamedTuple):
    """The worker lacks a file."""

    file: SharedFile


class Unable(NamedTuple):
    """This worker cannot go on, others may."""

    reason: str


class OtherVersion(NamedTuple):
    """The worker has another dimscope."""

    version: str


Outcome: TypeAlias = Done | Missing | Unable | OtherVersion

_place = threading.local()


def copies_folder() -> Path:
    """Where the worker of the calling thread keeps copies of files that it does not see; removed with the worker."""
    found: Path = getattr(_place, "folder", Path())
    return found


def n_threads() -> int:
    """Threads that the worker of the calling thread may use; 1 in the driver."""
    return int(getattr(_place, "threads", 1))


def answer(work: Callable[[Any], Any], task: Any, version: str = __version__) -> tuple[str, float, Outcome]:
    """The address of this worker, and seconds and outcome of `work(task)` on it; errors of the work itself are raised."""
    from distributed import get_worker

    worker = get_worker()
    _place.folder = Path(worker.local_directory) / "dimscope-copies"
    _place.threads = worker.state.nthreads
    if version != __version__:
        return worker.address, 0.0, OtherVersion(__version__)
    started = perf_counter()
    outcome = _outcome(work, task)
    return worker.address, perf_counter() - started, outcome


def _outcome(work: Callable[[Any], Any], task: Any) -> Outcome:
    try:
        return Done(work(task))
    except FileMissingError as error:
        return Missing(error.file)
    except MemoryError:
        return Unable("its memory is full")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        return Unable(f"{error.strerror}: {error.filename or _place.folder}")


def store_piece(piece: Piece) -> None:
    """Keep a piece of a file."""
    receive(piece, copies_folder())
