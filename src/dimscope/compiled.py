"""Loops that numba compiles: once per machine (the code is cached on disk), without the interpreter lock."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as machine code; array indices are not checked."""
    made: Function = njit(nogil=True, cache=True, boundscheck=False)(function)
    return made


def compiled_sum(function: Function) -> Function:
    """As `compiled`, and sums may run in several lanes; the same inputs still give the same bits."""
    made: Function = njit(nogil=True, cache=True, boundscheck=False, fastmath={"reassoc", "nsz"})(function)
    return made
