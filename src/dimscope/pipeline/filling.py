"""Row blocks into the states of a run, in whatever order they are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from dimscope.arrays import Points
from dimscope.models.prepared import Prepared
from dimscope.models.reader import Reader
from dimscope.pipeline.reading import Reading, read_rows
from dimscope.progress import Progress
from dimscope.store.states import StateStore

States: TypeAlias = Mapping[str, Mapping[str, Points]]
"""Pooling -> layer -> vectors of the examples of a block that are the first of their kind."""
Advance: TypeAlias = Callable[[int], None]
Read: TypeAlias = Callable[[Sequence[int], Advance], Iterator[tuple[int, States]]]
"""Reads the blocks of these numbers, and is done with each once; tells of the examples that it finished."""
HELD_BLOCKS = 4
"""Blocks kept in memory until what they repeat is stored; further ones are read again."""


class Filling:
    """The stores of all poolings of an extraction.

    Args:
        reading: what is read.
        stores: pooling -> its store.
    """

    def __init__(self, reading: Reading, stores: Mapping[str, StateStore]) -> None:
        self.reading, self.stores, self.blocks = reading, stores, reading.plan.blocks
        self._starts = np.array([start for start, _ in self.blocks])

    def run(self, read: Read, progress: Progress) -> None:
        """Read every block that a pooling lacks, once, and store it for all that lack it."""
        lacking = self._lacking()
        with progress.stage("extract", self.blocks[-1][1]) as task:
            task.advance(sum(stop - start for number, (start, stop) in enumerate(self.blocks) if number not in lacking))
            advance: Advance = task.advance
            while lacking:
                waiting: dict[int, States | None] = {}
                for number, states in read(lacking, advance):
                    is_kept = len(waiting) < HELD_BLOCKS or self._has_sources(number)
                    waiting[number] = states if is_kept else None
                    self._store_ready(waiting)
                lacking, advance = self._lacking(), _nothing

    def _lacking(self) -> list[int]:
        return [
            number for number in range(len(self.blocks)) if not all(store.is_done(number) for store in self.stores.values())
        ]

    def _store_ready(self, waiting: dict[int, States | None]) -> None:
        """Store all blocks that repeat nothing which is still to come."""
        while ready := [number for number in sorted(waiting) if self._has_sources(number)]:
            for number in ready:
                states = waiting.pop(number)
                if states is not None:
                    self._store(number, states)

    def _has_sources(self, number: int) -> bool:
        """True when the examples that those of a block repeat are stored, or stand in the block itself."""
        if self.reading.plan.by_token:
            return True
        start, stop = self.blocks[number]
        first = self.reading.tokens.duplicate_of[start:stop]
        sources = np.unique(np.searchsorted(self._starts, first[first < start], side="right") - 1)
        return all(store.is_done(source) for source in sources.tolist() for store in self.stores.values())

    def _store(self, number: int, states: States) -> None:
        start, stop = self.blocks[number]
        for pool, store in self.stores.items():
            if not store.is_done(number):
                found = states.get(pool, {})
                if not self.reading.plan.by_token:
                    found = _with_repeats(self.reading.reader, self.reading.tokens, store, found, start, stop)
                store.write_block(number, found)


def _nothing(steps: int) -> None:
    """Blocks that are read once more are counted already."""
    del steps


def read_here(reading: Reading) -> Read:
    """Reads blocks in this process, in their order."""

    def read(numbers: Sequence[int], advance: Advance) -> Iterator[tuple[int, States]]:
        for number in numbers:
            yield number, read_rows(reading.reader, reading.tokens, *reading.plan.blocks[number], advance)

    return read


def _with_repeats(
    reader: Reader, tokens: Prepared, store: StateStore, states: Mapping[str, Points], start: int, stop: int
) -> Mapping[str, Points]:
    """One vector for each example of a block; a repeated text has that of the first one, here or in an earlier block."""
    first = tokens.duplicate_of[start:stop]
    fresh = first == np.arange(start, stop)
    if fresh.all():
        return states
    lines = np.cumsum(fresh) - 1
    here = first >= start
    block = {}
    for name in (str(layer) for layer in reader.layers):
        earlier = store.read(name) if not here.all() else None
        width = states[name].shape[1] if states else earlier.shape[1]  # type: ignore[union-attr]
        block[name] = np.empty((stop - start, width), np.float32)
        if here.any():
            block[name][here] = states[name][lines[first[here] - start]]
        if earlier is not None:
            block[name][~here] = earlier[first[~here]]
    return block
