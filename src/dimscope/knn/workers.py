"""Threads that each run matrix products on one processor."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from threading import Lock, local
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController


class Workers:
    """A pool of threads; inside the block BLAS and torch use one processor each, afterwards what they used before.

    Args:
        threads: None for as many as this process may use.
        tile: entries of the float32 buffer that each thread owns.
    """

    def __init__(self, threads: int | None, tile: int) -> None:
        self.threads = threads or available_threads()
        self._tile = tile
        self._own = local()
        self._stack = ExitStack()

    def __enter__(self) -> "Workers":
        self._stack.enter_context(_pools(len(sys.modules)).limit(limits=1, user_api="blas"))
        self._pool = ThreadPoolExecutor(self.threads)
        self._stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        return self

    def __exit__(self, *problem: Any) -> None:
        self._stack.close()

    def limit_torch(self) -> None:
        """From now on torch, too, uses one processor per thread."""
        self._stack.enter_context(_one_torch_thread())

    def each(self, work: Callable[[Any], None], items: Iterable[Any]) -> None:
        """`work` for every item, begun in their order.

        The calling thread works, too: were it to wait for each result, it would take a processor from the others every time.
        """
        queue = _Queue(work, items)
        others = [self._pool.submit(queue.serve) for _ in range(self.threads - 1)]
        queue.serve()
        for other in others:
            other.result()

    def room(self) -> np.ndarray:
        """The buffer of the calling thread."""
        if not hasattr(self._own, "room"):
            self._own.room = reused("tile", (self._tile,), np.float32)
        found: np.ndarray = self._own.room
        return found


class _Queue:
    """Items that several threads work on until none is left, or one has failed."""

    def __init__(self, work: Callable[[Any], None], items: Iterable[Any]) -> None:
        self._work, self._items, self._lock = work, iter(items), Lock()

    def serve(self) -> None:
        """Work on one item after another."""
        while True:
            with self._lock:
                item = next(self._items, self)
            if item is self:
                return
            try:
                self._work(item)
            except BaseException:
                self._items = iter(())
                raise


def reused(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with unspecified content, in memory that the calling thread keeps for the next one of this name.

    Memory that the system gives anew is filled with zeros first, a third of the time of a short task.
    """
    kept: dict[str, np.ndarray] = _kept.__dict__
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if name not in kept or kept[name].nbytes < size:
        kept[name] = np.empty(size, np.uint8)
    found: np.ndarray = kept[name][:size].view(dtype).reshape(shape)
    return found


_kept = local()


def available_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blas_threads() -> int:
    """Threads that a product of BLAS uses now; no more than the processors of this process."""
    found = [int(pool["num_threads"]) for pool in _pools(len(sys.modules)).info() if pool["user_api"] == "blas"]
    return min(max(found, default=1), available_threads())


@lru_cache(maxsize=1)
def _pools(n_modules: int) -> ThreadpoolController:
    """The thread pools in this process; they are looked for (3 ms) again only after further modules were imported."""
    return ThreadpoolController()


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
