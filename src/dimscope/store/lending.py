"""Points and tables of a run for tasks: the files, where all workers see them, otherwise what the files hold."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np

from dimscope.arrays import Points
from dimscope.engines import Engine
from dimscope.engines.shared import FileMissingError, SharedFile, locate, share
from dimscope.engines.worker import copies_folder
from dimscope.knn.base import Neighbors
from dimscope.store.states import open_states
from dimscope.store.tables import read_table

LentPoints: TypeAlias = SharedFile | Points
LentTable: TypeAlias = SharedFile | Neighbors
Task = TypeVar("Task")
Answer = TypeVar("Answer")

SENT_BYTES = 1 << 30
"""Bytes of points and tables that are under way to workers at the same time; one task may be larger when it is alone."""
KEPT_TABLES = 2
"""Tables that a worker keeps: those of a layer and of the next one."""


class Lender:
    """Gives tasks what they read.

    Args:
        engine: what will do the tasks. This process gets what is open here already; workers get the file where all of them see
            the disk of this process, otherwise its content with the task.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._seen: bool | None = None

    def points(self, path: Path) -> LentPoints:
        """The points of a layer.

        Raises:
            StoreError: no such file, or damaged.
        """
        states = open_states(path)
        if not self.engine.is_remote:
            return states
        return share(path) if self._is_seen(path) else np.array(states)

    def table(self, path: Path, table: Neighbors | None = None) -> LentTable:
        """The table that is stored at `path`, and in memory where it was just made.

        Raises:
            StoreError: no such file, or damaged.
        """
        if self.engine.is_remote and self._is_seen(path):
            return share(path)
        return read_table(path) if table is None else table

    def _is_seen(self, path: Path) -> bool:
        """True when all workers see this file; asked once."""
        if self._seen is None:
            asked = [share(path)] * (2 * self.engine.n_workers)  # two for each: so many are given out before the first answer
            self._seen = all(answer for _, answer in self.engine.map(sees, asked))
        return self._seen


def sees(file: SharedFile) -> bool:
    """Whether the worker that runs this reads the file at its own place."""
    try:
        return locate(file, copies_folder()) == Path(file.path)
    except FileMissingError:
        return False


def open_points(lent: LentPoints) -> Points:
    """The points, shape (n_rows, d).

    Raises:
        FileMissingError: this worker does not see the file; the engine then sends it.
        StoreError: the file is damaged.
    """
    return open_states(locate(lent, copies_folder())) if isinstance(lent, SharedFile) else lent


def open_table(lent: LentTable) -> Neighbors:
    """The table; errors as those of `open_points`."""
    if isinstance(lent, Neighbors):
        return lent
    path = locate(lent, copies_folder())
    return _read(path, stamp(path))


@lru_cache(maxsize=KEPT_TABLES)
def _read(path: Path, written: tuple[int, int]) -> Neighbors:
    del written
    return read_table(path)


def stamp(path: Path) -> tuple[int, int]:
    """What tells a file from an earlier one of the same name, for what is kept of it."""
    facts = path.stat()
    return facts.st_ino, facts.st_mtime_ns


def each(
    engine: Engine, work: Callable[[Task], Answer], tasks: Iterable[Task], size: Callable[[Task], int], patience: float = 0.0
) -> Iterator[tuple[Task, Answer]]:
    """Tasks with their answers, in order of arrival; of those under way at most `SENT_BYTES`, or one.

    Args:
        engine: what does the work.
        work: as `Engine.map` takes it.
        tasks: made when their turn comes.
        size: bytes that a task carries.
        patience: seconds that a task may well take.
    """
    given: dict[int, Task] = {}

    def paced() -> Iterator[Task | None]:
        for number, task in enumerate(tasks):
            while given and sum(map(size, given.values())) + size(task) > SENT_BYTES:
                yield None
            given[number] = task
            yield task

    for number, answer in engine.map(work, paced(), patience):
        yield given.pop(number), answer


def carried(task: Iterable[object]) -> int:
    """Bytes of the points and tables among the parts of a task, for a worker that does not see the disk of the driver."""
    total = 0
    for one in task:
        if isinstance(one, Neighbors):
            total += one.indices.nbytes + one.distances.nbytes + 3 * one.duplicates.representative.nbytes
        elif isinstance(one, np.ndarray):
            total += one.nbytes
    return total
