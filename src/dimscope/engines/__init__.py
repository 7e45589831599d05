"""Where the work of a run is done: threads of this process, or processes here and on other machines."""

from dimscope.engines.base import Engine
from dimscope.engines.local import LocalEngine
from dimscope.errors import UsageError
from dimscope.registry import Registry

ENGINES = Registry(
    "engine",
    {"local": "dimscope.engines.local:open_local", "dask": "dimscope.engines.on_dask:open_dask"},
    "dimscope list engines",
)


HERE = LocalEngine()
"""The engine of every function that is given none."""


def open_engine(name: str = "local", address: str | None = None, workers: int | None = None) -> Engine:
    """The engine of that name, ready for work; to be closed after it, or used in a `with` block.

    Args:
        name: one of `ENGINES`.
        address: of the scheduler of a cluster that is running.
        workers: processes to start on this machine where no address is given; default: one per processor.

    Raises:
        UsageError: an unknown engine, options that it does not have, or a library that is not installed.
        EngineError: nothing answers at the address.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers} was asked for; it must be at least 1.")
    engine: Engine = ENGINES.load(name)(address, workers)
    return engine


__all__ = ["ENGINES", "HERE", "Engine", "open_engine"]
