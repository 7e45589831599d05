"""What long work says about itself. The library is silent; the command line draws."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One stage under way."""

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more steps as done."""


class Progress(Protocol):
    """Receives the stages of a run; an object of this kind is handed to every long function."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Task]:
        """A context manager that yields a `Task` of `total` steps."""

    def message(self, text: str) -> None:
        """One sentence for the user."""


class _SilentTask:
    def advance(self, steps: int = 1) -> None:
        del steps


class Silent:
    """Says nothing; the default of every function."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Task]:
        """A task that counts nothing."""
        del name, total
        yield _SilentTask()

    def message(self, text: str) -> None:
        """Nothing."""
        del text
