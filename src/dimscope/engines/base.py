"""What every engine does: run functions over tasks, in whatever order, and give back each answer once."""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Engine(Protocol):
    """Runs work somewhere.

    Attributes:
        name: as in `dimscope.engines.ENGINES`.
        is_remote: True when work runs in other processes, so that it should be cut into tasks.
    """

    name: str
    is_remote: bool

    @property
    def n_workers(self) -> int:
        """Tasks that run at the same time."""
        ...

    @property
    def facts(self) -> dict[str, str | int]:
        """What the manifest says of it."""
        ...

    def map(
        self, work: Callable[[Task], Answer], tasks: Iterable[Task | None], patience: float = 0.0
    ) -> Iterator[tuple[int, Answer]]:
        """The number of each task with its answer, once, in order of arrival.

        Args:
            work: a function of a module that the workers can import. It may run more than once for one task, so what it gives
                depends on the task alone.
            tasks: what can be pickled; the next ones are taken when there is room, two for each that runs. None where the next
                one needs an answer that is still to come: after each answer it is asked for again.
            patience: seconds that a task may well take, so that a worker which does not answer for so long is not given up.

        Raises:
            DimscopeError: the one that `work` raised.
            EngineError: no worker is left that can go on.
        """
        ...

    def close(self) -> None:
        """End the processes that were started for it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing:
    """An engine in a `with` block is closed at its end."""

    def close(self) -> None:
        """Nothing; engines that hold something let it go here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        del kind, problem, trace
        self.close()
