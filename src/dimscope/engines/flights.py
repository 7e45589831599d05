"""Which task is with which worker: the bookkeeping of an engine, without any network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

AHEAD = 2
"""Tasks with each thread of a worker: one that runs and one that waits, so that no worker waits for the driver."""


@dataclass(eq=False)
class Flight:
    """A task that was given to a worker.

    Attributes:
        number: of the task.
        address: of the worker; it is known again when the answer says who gave it.
        future: where the answer arrives.
    """

    number: int
    address: str
    future: Any


@dataclass
class Flights:
    """Tasks under way. Times are in seconds on any clock that the caller keeps to.

    A worker that has tasks and gave no answer for `patience` seconds is silent: each of its tasks is given to another one as
    well, whose answer counts if it comes first, and it gets no further ones until it answers. Patience is never less than
    `SLACK` times the longest time that a task has taken so far.

    Attributes:
        patience: seconds.
        doubted: workers that were silent and did not answer since; may be shared by several of these.
    """

    patience: float
    doubted: set[str] = field(default_factory=set)
    _tasks: dict[int, Any] = field(default_factory=dict)
    _with: dict[int, list[Flight]] = field(default_factory=dict)
    _heard: dict[str, float] = field(default_factory=dict)
    _longest: float = 0.0

    SLACK = 4

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def limit(self) -> float:
        """Seconds without an answer after which a worker counts as silent."""
        return max(self.patience, self.SLACK * self._longest)

    def load(self, address: str) -> int:
        """Tasks that are with this worker."""
        return sum(flight.address == address for flights in self._with.values() for flight in flights)

    def freest(self, threads: Mapping[str, int], barred: Iterable[str], now: float, ahead: int = AHEAD) -> str | None:
        """The worker with the most room for another task, or None where all are busy, silent or barred."""
        closed = {*barred, *self.doubted}
        open_to = [name for name in threads if name not in closed and not self.is_silent(name, now)]
        room = {name: ahead * threads[name] - self.load(name) for name in open_to}
        best = max(room, key=lambda name: room[name] / threads[name], default=None)
        return best if best is not None and room[best] > 0 else None

    def start(self, number: int, task: Any, flight: Flight, now: float) -> None:
        """A task was given to a worker, for the first time or once more."""
        if not self.load(flight.address):
            self._heard[flight.address] = now
        self._tasks[number] = task
        self._with.setdefault(number, []).append(flight)

    def task(self, number: int) -> Any:
        """The task of this number."""
        return self._tasks[number]

    def is_open(self, number: int) -> bool:
        """True until the task was answered."""
        return number in self._tasks

    def hear(self, address: str, now: float, seconds: float) -> None:
        """The worker answered; the task took it so many seconds."""
        self._longest = max(self._longest, seconds)
        self._heard[address] = now
        self.doubted.discard(address)

    def land(self, flight: Flight) -> None:
        """This way to the answer is closed; the task is open still."""
        left = [other for other in self._with.get(flight.number, []) if other is not flight]
        if left:
            self._with[flight.number] = left
        else:
            self._with.pop(flight.number, None)

    def finish(self, number: int) -> list[Flight]:
        """The task is answered; the flights that are no longer needed."""
        del self._tasks[number]
        return self._with.pop(number, [])

    def is_silent(self, address: str, now: float) -> bool:
        """True for a worker with tasks that has not answered for too long."""
        is_late = self.load(address) > 0 and now - self._heard.get(address, now) > self.limit
        if is_late:
            self.doubted.add(address)
        return is_late or address in self.doubted

    def stranded(self, barred: Iterable[str], now: float) -> list[int]:
        """Tasks that are with no worker from which an answer may be expected."""
        lost = set(barred)

        def is_hopeful(flight: Flight) -> bool:
            return flight.address not in lost and not self.is_silent(flight.address, now)

        return [number for number in self._tasks if not any(map(is_hopeful, self._with.get(number, [])))]

    def everything(self) -> list[Flight]:
        """All flights."""
        return [flight for flights in self._with.values() for flight in flights]
