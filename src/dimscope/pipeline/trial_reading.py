"""How long a model takes to read the examples: three batches are read, the others are counted."""

from dataclasses import dataclass

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.models.prepared import batches_of
from dimscope.pipeline.costs import fit_costs, time_of
from dimscope.pipeline.reading import Reading, first_examples
from dimscope.progress import Progress


@dataclass(frozen=True, eq=False)
class ReadingTrial:
    """What the trial found.

    Attributes:
        seconds: of all batches.
        n_batches: of the whole extraction.
        n_positions: padded positions that pass through the model.
        n_squares: sum over batches of examples times length squared, the pairs of positions that attend.
        tried: examples and length of each batch that was read.
        vectors: layer name -> vectors of some examples, first pooling, shape (some, width).
    """

    seconds: float
    n_batches: int
    n_positions: int
    n_squares: int
    tried: list[tuple[int, int]]
    vectors: dict[str, Points]


def try_reading(reading: Reading, progress: Progress) -> ReadingTrial:
    """The batches of the greatest and of the median length, and the shortest example alone, are read twice and timed.

    A batch of b examples of length l is taken to cost a + b l p + b l^2 q seconds (a batch, a position, a pair of positions
    that attend), with a, p, q fitted to the three. Writing the states is not counted.

    Raises:
        InputError, ModelError: what `Reader.read` raises; the longest batch is among those that are tried.
    """
    batches = planned_batches(reading)
    lengths = reading.tokens.lengths
    features = _features(batches, lengths)
    progress.message(f"trying 3 of {len(batches)} batches")
    times, lines, tried, found = [], [], [], []
    for rows in _chosen(batches, lengths):
        times.append(time_of(lambda rows=rows: found.append(reading.reader.read(rows, lambda _: None))))  # type: ignore[misc]
        lines.append(_features([rows], lengths)[0])
        tried.append((len(rows), int(lengths[rows].max())))
    costs = fit_costs(lines, times)
    pool = reading.reader.pools[0]
    vectors = {name: np.concatenate([part[pool][name] for part in found[1::2]]) for name in reading.widths}
    totals = features.sum(axis=0)
    return ReadingTrial(float(totals @ costs), len(batches), int(totals[1]), int(totals[2]), tried, vectors)


def planned_batches(reading: Reading) -> list[IntArray]:
    """The examples of each batch that the extraction will read, in its order."""
    tokens, size, device = reading.tokens, reading.reader.config.batch_size, reading.loaded.device.type
    blocks = (first_examples(reading.reader, tokens, start, stop) for start, stop in reading.plan.blocks)
    return [rows for fresh in blocks for rows in batches_of(tokens, fresh, size, device)]


def _chosen(batches: list[IntArray], lengths: IntArray) -> list[IntArray]:
    """The longest batch, that of the median length, and the shortest example alone; each once."""
    longest = [int(lengths[rows].max()) for rows in batches]
    order = np.argsort(longest, kind="stable")
    shortest = min((int(lengths[rows].min()), int(rows[lengths[rows].argmin()])) for rows in batches)[1]
    return [batches[order[-1]], batches[order[len(order) // 2]], np.array([shortest], dtype=np.int64)]


def _features(batches: list[IntArray], lengths: IntArray) -> FloatArray:
    """Batches, padded positions, and pairs of positions of each batch, shape (batches, 3)."""
    sizes = np.array([len(rows) for rows in batches], dtype=np.float64)
    longest = np.array([lengths[rows].max() for rows in batches], dtype=np.float64)
    return np.stack([np.ones(len(batches)), sizes * longest, sizes * longest**2], axis=1)
