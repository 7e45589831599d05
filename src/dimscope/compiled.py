"""Loops that numba compiles: once per machine (the code is cached on disk), without the interpreter lock."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code; array indices are not checked."""
    return _made(function, {})


def compiled_sum(function: Function) -> Function:
    """As `compiled`, and sums may run in several lanes; the same inputs still give the same bits.

    Callers contain the loop: were it a function of its own, each of their modules would hold a copy with lanes of its own, and
    which copy serves would depend on whether they were compiled or read from the disk.
    """
    return _made(function, {"fastmath": {"reassoc", "nsz"}, "forceinline": True})


def _made(function: Function, options: dict[str, Any]) -> Function:
    try:
        made: Function = njit(nogil=True, cache=True, boundscheck=False, **options)(function)
    except RuntimeError:  # no folder can be written for the cache: every process compiles anew
        made = njit(nogil=True, boundscheck=False, **options)(function)
    return made
