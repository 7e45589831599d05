"""Row blocks that the workers of an engine read: each worker loads model and examples once, from the paths of the driver."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from dimscope.arrays import Points
from dimscope.config import RunConfig
from dimscope.engines import Engine
from dimscope.engines.worker import n_threads
from dimscope.errors import DimscopeError, EngineError, UsageError
from dimscope.inputs.examples import read_examples
from dimscope.pipeline.filling import Advance, Read, States
from dimscope.pipeline.reading import Reading, open_reading, read_rows
from dimscope.progress import Silent

SLOWEST = 2e10
"""Operations a second that any machine does on which a model is read at all; a worker that is slower counts as stuck."""


class Request(NamedTuple):
    """What a worker opens.

    Attributes:
        config: with paths that hold on every machine.
        control: as in `dimscope.pipeline.prepare.prepare`.
        block_rows: examples of a row block.
        data_hash, weights_hash: of what the driver read; a worker that finds others refuses.
    """

    config: RunConfig
    control: str
    block_rows: int
    data_hash: str
    weights_hash: str


class Shard(NamedTuple):
    """The examples start to stop."""

    request: Request
    start: int
    stop: int


def read_by(engine: Engine, reading: Reading, config: RunConfig, control: str, block_rows: int) -> Read:
    """Reads blocks by the workers of an engine, in order of arrival.

    Raises:
        EngineError: a worker cannot read model or examples, or finds others than the driver.
    """
    request = Request(with_full_paths(config), control, block_rows, reading.examples.source_hash, reading.loaded.weights_hash)

    def read(numbers: Sequence[int], advance: Advance) -> Iterator[tuple[int, States]]:
        shards = [Shard(request, *reading.plan.blocks[number]) for number in numbers]
        for place, found in engine.map(read_shard, shards, longest_block(reading)):
            advance(shards[place].stop - shards[place].start)
            yield numbers[place], found

    return read


def longest_block(reading: Reading) -> float:
    """Seconds that a block may take before a worker counts as stuck: two operations per parameter and token."""
    tokens = max(int(reading.tokens.lengths[start:stop].sum()) for start, stop in reading.plan.blocks)
    return 2 * tokens * int(reading.loaded.facts["parameters"]) / SLOWEST


def with_full_paths(config: RunConfig) -> RunConfig:
    """The same files by paths that do not depend on the working folder."""

    def full(name: str) -> str:
        path = Path(name).expanduser()
        return str(path.absolute()) if name and path.exists() else name

    clusters = None if config.model.clusters is None else full(config.model.clusters)
    return replace(
        config,
        data=replace(config.data, path=full(config.data.path)),
        model=replace(config.model, name=full(config.model.name), clusters=clusters),
    )


def read_shard(task: Shard) -> dict[str, dict[str, Points]]:
    """The vectors of a block, read on this worker; one block at a time, with all threads that the worker has."""
    with _lock:
        reading = _opened(task.request)
        return read_rows(reading.reader, reading.tokens, task.start, task.stop, lambda steps: None)


_open: dict[Request, Reading] = {}
_lock = RLock()


def _opened(request: Request) -> Reading:
    """The reading of this process, or another one in its place."""
    if request not in _open:
        import torch

        _open.clear()
        torch.set_num_threads(n_threads())
        _open[request] = _open_here(request)
    return _open[request]


def _open_here(request: Request) -> Reading:
    try:
        examples = read_examples(request.config.data)
        if examples.source_hash != request.data_hash:
            raise UsageError(f"{request.config.data.path} holds other data there")
        reading = open_reading(request.config, examples, Silent(), block_rows=request.block_rows, control=request.control)
    except DimscopeError as error:
        raise EngineError(
            f"a worker cannot read what this machine reads: {error} Workers need model and data under the same paths (a disk "
            "that all share, or copies), or a model of the hub."
        ) from None
    if reading.loaded.weights_hash != request.weights_hash:
        raise EngineError(f"a worker found other weights under {request.config.model.name}; bring them to the same version.")
    return reading
