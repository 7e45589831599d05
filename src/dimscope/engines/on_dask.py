"""Processes of a Dask cluster, here or on other machines.

The driver gives each task to a named worker and keeps two with each of its threads, so its own memory holds few answers at a
time. Dask carries tasks and answers and says which workers are there. What is done about faults is decided here, the same for
every cluster:

* a worker that is gone: its tasks are given to others; a task that ends several workers ends the run;
* a worker that is silent (see `dimscope.engines.flights`): its tasks are given to others too, the first answer counts;
* a worker that lacks a file: the file is copied to it, once, to its own disk;
* a worker whose disk or memory is full: it gets no more tasks.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic
from typing import Any

from dimscope.engines.base import Answer, Closing, Task
from dimscope.engines.flights import Flight, Flights
from dimscope.engines.shared import SharedFile, pieces
from dimscope.engines.worker import Done, OtherVersion, Outcome, Unable, answer, store_piece
from dimscope.errors import DimscopeError, EngineError, UsageError
from dimscope.version import __version__

PATIENCE = 120.0
"""Seconds without an answer after which a worker counts as silent."""
CONNECT_SECONDS = 10
NOBODY_SECONDS = 60.0
"""Seconds to wait for a worker where none is there."""
TICK = 0.5
"""Seconds between looks at who is there."""
SEND_SECONDS = 0.001
"""Messages to the scheduler that are less apart are sent together."""
MOST_DEATHS = 3
"""Workers that may end during one task; it is likely to end any further one."""
END = object()
"""No further task."""
QUIET = ("distributed", "tornado.application", "asyncio")


class DaskEngine(Closing):
    """Tasks on the workers of a cluster.

    Args:
        client: of `distributed`.
        facts: for the manifest.
        patience: seconds without an answer after which a worker counts as silent.
        cluster: what was started here and ends with the engine.

    Attributes:
        barred: workers that get no more tasks, and why.
        doubted: workers that were silent, and get none until they answer.
    """

    name = "dask"
    is_remote = True

    def __init__(self, client: Any, facts: dict[str, str | int], patience: float = PATIENCE, cluster: Any = None) -> None:
        self.client, self.facts, self.patience = client, facts, patience
        with suppress(AttributeError):  # else messages to the scheduler wait for 10 ms for further ones
            client.scheduler_comm.interval = SEND_SECONDS
        self._cluster = cluster
        self._keys = count()
        self.barred: dict[str, str] = {}
        self._asked: dict[str, Any] = {}
        self.doubted: set[str] = set()

    @property
    def n_workers(self) -> int:
        """Threads of all workers that are there now."""
        return sum(self._threads().values())

    def map(
        self, work: Callable[[Task], Answer], tasks: Iterable[Task | None], patience: float = 0.0
    ) -> Iterator[tuple[int, Answer]]:
        """Answers in the order in which they come; see `dimscope.engines.base.Engine`."""
        journey = _Journey(self, work, iter(tasks), max(self.patience, patience))
        try:
            yield from journey.answers()
        finally:
            journey.cancel()

    def submit(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """The future of a call on one worker."""
        key = f"{getattr(function, '__name__', 'work')}-{id(self):x}-{next(self._keys)}"
        call = partial(function, *arguments)  # as one object: Dask would look for futures in every part of an argument
        return self.client.submit(call, key=key, workers=[address], allow_other_workers=False, pure=False)

    def send(self, file: SharedFile, address: str) -> str:
        """Copy a file to a worker; returns why that was not possible, or nothing."""
        for piece in pieces(file):
            future = self.submit(address, answer, store_piece, piece)
            try:
                *_, outcome = future.result(timeout=self.patience)
            except Exception as error:  # gone, silent, or anything else that a strange disk does: others go on
                return f"{file.path} could not be copied to it ({type(error).__name__})"
            if isinstance(outcome, Unable):
                return outcome.reason
        return ""

    def ask_doubted(self, threads: Iterable[str]) -> None:
        """Trust workers again that were silent, as soon as they answer."""
        for address in self.doubted.intersection(threads):
            self._asked[address] = self.submit(address, answer, abs, 0)
            self._asked[address].add_done_callback(partial(self._trust, address))

    def _trust(self, address: str, answered: Any) -> None:
        if answered.status == "finished":
            self.doubted.discard(address)

    def _threads(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self.client.nthreads()
        except (OSError, TimeoutError, ValueError) as error:
            raise EngineError(
                f"the scheduler at {self.facts['address']} no longer answers ({error}). What was finished is kept: start it "
                "and give the same command again."
            ) from None
        return found

    def close(self) -> None:
        """Disconnect, and end the processes that were started here."""
        with suppress(Exception):  # a scheduler that is gone already
            self.client.close(timeout=CONNECT_SECONDS)
        if self._cluster is not None:
            self._cluster.close()


class _Journey:
    """One `map`: tasks out, answers back."""

    def __init__(self, engine: DaskEngine, work: Callable[[Any], Any], tasks: Iterator[Any], patience: float) -> None:
        self.engine, self.work, self.tasks, self.numbers = engine, work, tasks, count()
        self.flights = Flights(patience, engine.doubted)
        self.arrived: SimpleQueue[tuple[Flight, Any]] = SimpleQueue()
        self.threads: dict[str, int] = {}
        self.looked = self.manned = monotonic()
        self.deaths: Counter[int] = Counter()
        self.is_exhausted = False

    def answers(self) -> Iterator[tuple[int, Any]]:
        self.threads = self.engine._threads()
        self.engine.ask_doubted(self.threads)
        while True:
            self._send_out()
            if self.is_exhausted and not self.flights:
                return
            try:
                flight, brought = self.arrived.get(timeout=TICK)
            except Empty:
                self._look_around()
                continue
            outcome = self._outcome_of(flight, brought)
            if isinstance(outcome, Done):
                yield flight.number, outcome.value
            if monotonic() - self.looked > TICK:
                self._look_around()

    def cancel(self) -> None:
        """Nothing more is wanted."""
        for flight in self.flights.everything():
            flight.future.cancel()

    def _send_out(self) -> None:
        """Tasks to all workers with room."""
        while not self.is_exhausted and self._freest() is not None:
            task = next(self.tasks, END)
            if task is None:
                assert self.flights, "a task waits for answers, and none is to come"
                return
            if task is END:
                self.is_exhausted = True
                return
            self._give(next(self.numbers), task)

    def _freest(self, ahead: int | None = None) -> str | None:
        options = {} if ahead is None else {"ahead": ahead}
        return self.flights.freest(self.threads, self.engine.barred, monotonic(), **options)

    def _give(self, number: int, task: Any, ahead: int | None = None) -> None:
        address = self._freest(ahead)
        if address is None:
            return  # kept as stranded until somebody has room
        future = self.engine.submit(address, answer, self.work, task, __version__)
        flight = Flight(number, address, future)
        self.flights.start(number, task, flight, monotonic())
        future.add_done_callback(lambda _: Thread(target=self._fetch, args=(flight,), daemon=True).start())

    def _fetch(self, flight: Flight) -> None:
        """Bring an answer here, in a thread of its own: the worker that has it may be gone or silent by now."""
        try:
            self.arrived.put((flight, flight.future.result()))
        except BaseException as error:  # whatever it is, it is looked at where the answers are
            self.arrived.put((flight, error))

    def _outcome_of(self, flight: Flight, brought: Any) -> Outcome | None:
        """What a flight brought, None where that is nothing new; what can be mended is."""
        if not self.flights.is_open(flight.number) or flight.future.cancelled():
            return None
        if isinstance(brought, DimscopeError):
            raise brought
        if isinstance(brought, BaseException):
            self._explain(flight, brought)
            return None
        address, seconds, outcome = brought
        self.flights.hear(address, monotonic(), seconds)
        if isinstance(outcome, Done):
            for other in self.flights.finish(flight.number):
                if other is not flight:
                    other.future.cancel()
            return outcome
        self.flights.land(flight)
        if isinstance(outcome, OtherVersion):
            raise EngineError(
                f"the worker {address} has dimscope {outcome.version}, this is {__version__}; install the same version there."
            )
        reason = outcome.reason if isinstance(outcome, Unable) else self.engine.send(outcome.file, address)
        if reason:
            self.engine.barred[address] = reason
        self._regive([flight.number])
        return None

    def _explain(self, flight: Flight, error: BaseException) -> None:
        """Take a lost answer as a reason to ask again, and anything else as the end."""
        import asyncio

        from distributed.comm import CommClosedError

        self.flights.land(flight)
        if isinstance(error, (TimeoutError, CommClosedError, asyncio.CancelledError)) or flight.future.cancelled():
            self._regive([flight.number])
            return
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("dimscope"):
            raise EngineError(f"the worker {flight.address} has no dimscope; install version {__version__} there.") from None
        raise EngineError(f"the worker {flight.address} failed: {type(error).__name__}: {error}") from error

    def _look_around(self) -> None:
        """Who is there, whose tasks must go to others."""
        self.looked = monotonic()
        self.threads = self.engine._threads()
        for flight in self.flights.everything():
            if flight.address not in self.threads:
                self._bury(flight)
        if self.arrived.empty():
            self._regive(self.flights.stranded(self.engine.barred, monotonic()))
        self._require_workers()

    def _bury(self, flight: Flight) -> None:
        """The worker of a flight is gone."""
        flight.future.cancel()
        self.flights.land(flight)
        self.deaths[flight.number] += 1
        if self.deaths[flight.number] > MOST_DEATHS:
            raise EngineError(
                f"{MOST_DEATHS + 1} workers ended while they did the same task, the last one {flight.address}; their memory "
                "may be too small. What was finished is kept."
            )

    def _regive(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._give(number, self.flights.task(number), ahead=8)

    def _require_workers(self) -> None:
        barred, doubted = self.engine.barred, self.engine.doubted
        if any(address not in barred and address not in doubted for address in self.threads):
            self.manned = monotonic()
            return
        if self.threads and all(address in barred for address in self.threads):
            told = "; ".join(f"{address}: {reason}" for address, reason in barred.items())
            raise EngineError(f"no worker can go on ({told}). What was finished is kept: free some space and try again.")
        alone = monotonic() - self.manned
        if self.threads and alone > max(NOBODY_SECONDS, self.flights.limit):
            raise EngineError(
                f"none of {len(self.threads)} workers answered for {alone:.0f} seconds; look after them, and give the same "
                "command again. What was finished is kept."
            )
        if not self.threads and alone > NOBODY_SECONDS:
            raise EngineError(
                f"no worker is connected to {self.engine.facts['address']}, and none came for {NOBODY_SECONDS:.0f} seconds; "
                "start one with `dask worker` and give the same command again."
            )


def open_dask(address: str | None, workers: int | None, patience: float = PATIENCE) -> DaskEngine:
    """An engine on the cluster at `address`, or on `workers` processes that are started here.

    Raises:
        UsageError: the library is not installed, or both options were given.
        EngineError: nothing answers at the address.
    """
    if address is not None and workers is not None:
        raise UsageError("--workers starts processes here, --address names a cluster that is running; give one of them.")
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "--engine dask needs Dask, which is not installed; install it with `pip install 'dimscope[dask]'`."
        ) from None
    for name in QUIET:  # what happens to workers is dealt with and told here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address is not None:
        return _connect(distributed, address, patience)
    return _start(distributed, workers, patience)


def _connect(distributed: Any, address: str, patience: float) -> DaskEngine:
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise EngineError(
            f"no Dask scheduler answers at {address} within {CONNECT_SECONDS} seconds ({type(error).__name__}); start one with "
            "`dask scheduler`, which prints its address, such as tcp://10.0.0.1:8786."
        ) from None
    return DaskEngine(client, {"name": "dask", "address": address}, patience)


def _start(distributed: Any, workers: int | None, patience: float) -> DaskEngine:
    """Worker processes on this machine, of one thread each, whose memory and disk Dask leaves alone."""
    import dask
    from dask.system import CPU_COUNT

    workers = workers or int(CPU_COUNT)
    folder = TemporaryDirectory(prefix="dimscope-dask-", ignore_cleanup_errors=True)
    # Read when a worker is lost: a second loss just when this time ends would leave its place empty for good.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1d"})
    limits = {f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause", "terminate")}
    # Without it memory that a task frees is kept for the next one, as in a process without Dask.
    trim = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
    with dask.config.set({**limits, **trim, "distributed.worker.profile.enabled": False}):
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", memory_limit=0,
            local_directory=str(Path(folder.name)), silence_logs=logging.CRITICAL,
        )  # fmt: skip
    client = distributed.Client(cluster, set_as_default=False, direct_to_workers=True)
    facts: dict[str, str | int] = {"name": "dask", "address": "this machine", "workers": workers}
    return DaskEngine(client, facts, patience, _Held(cluster, folder))


class _Held:
    """A cluster and the folder of its workers."""

    def __init__(self, cluster: Any, folder: Any) -> None:
        self.cluster, self.folder = cluster, folder

    def close(self) -> None:
        """End both."""
        with suppress(Exception):  # a worker that had to be killed
            self.cluster.close(timeout=CONNECT_SECONDS)
        self.folder.cleanup()
