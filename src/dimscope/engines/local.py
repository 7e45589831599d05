"""This process and its threads."""

from collections.abc import Callable, Iterable, Iterator

from dimscope.engines.base import Answer, Closing, Task
from dimscope.errors import UsageError


class LocalEngine(Closing):
    """Tasks one after another in this process; the stages use threads of their own instead of tasks."""

    name = "local"
    is_remote = False
    n_workers = 1

    @property
    def facts(self) -> dict[str, str | int]:
        """Its name."""
        return {"name": self.name}

    def map(
        self, work: Callable[[Task], Answer], tasks: Iterable[Task | None], patience: float = 0.0
    ) -> Iterator[tuple[int, Answer]]:
        """Answers in the order of the tasks; each is given before the next task is asked for, so no task waits for others."""
        return ((number, work(task)) for number, task in enumerate(tasks) if task is not None)


def open_local(address: str | None, workers: int | None) -> LocalEngine:
    """The engine of a single process.

    Raises:
        UsageError: an address or workers were given.
    """
    if address is not None or workers is not None:
        asked = "--address" if address is not None else "--workers"
        raise UsageError(f"{asked} was given, but the work is done in this process; add --engine dask.")
    return LocalEngine()
