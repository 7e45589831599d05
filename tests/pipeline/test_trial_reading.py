"""The trial of a model against what an extraction really reads."""

import numpy as np
import pytest

from dimscope.inputs.examples import read_examples
from dimscope.models.reader import Reader
from dimscope.pipeline import trial_reading as module
from dimscope.pipeline.extract import extract
from dimscope.pipeline.reading import open_reading
from dimscope.pipeline.trial_reading import planned_batches, try_reading
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder


def opened(config):
    return open_reading(config, read_examples(config.data), Silent(), block_rows=16)


@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"pool": "tokens"}])
def test_the_batches_are_those_of_the_extraction(small, bert, tmp_path, monkeypatch, options):
    config = small(bert, **options)
    reading = opened(config)
    expected = [tuple(reading.tokens.make_batch(reading.loaded, rows, "right").mask.shape) for rows in planned_batches(reading)]
    read, probe, forward = [], Reader.probe, Reader._forward
    monkeypatch.setattr(Reader, "_forward", lambda self, batch: (read.append(tuple(batch.mask.shape)), forward(self, batch))[1])
    monkeypatch.setattr(Reader, "probe", lambda self: (probe(self), read.clear())[0])
    extract(config, RunFolder(tmp_path / "run"), Silent())
    assert read == expected
    trial = try_reading(reading, Silent())
    assert (trial.n_batches, trial.n_positions) == (len(expected), sum(size * length for size, length in expected))
    assert trial.n_squares == sum(size * length**2 for size, length in expected)


def test_the_vectors_are_those_of_the_run(small, bert, tmp_path):
    config = small(bert)
    extract(config, RunFolder(tmp_path / "run"), Silent())
    trial = try_reading(opened(config), Silent())
    for name, vectors in trial.vectors.items():
        states = np.load(tmp_path / "run" / "states" / f"{name}.npy")
        nearest = [np.abs(states - vector).max(axis=1).min() for vector in vectors]
        assert max(nearest) < 1e-5 * np.abs(states).max()
    assert len(vectors) == sum(size for size, _ in trial.tried)


def test_costs_of_batch_position_and_pair_are_read_off(small, bert, monkeypatch):
    reading = opened(small(bert, batch_size=3))
    lengths = reading.tokens.lengths

    def invented(work):
        rows = work.__defaults__[0]
        work(), work()
        longest = int(lengths[rows].max())
        return 0.5 + 1e-3 * len(rows) * longest + 1e-5 * len(rows) * longest**2

    monkeypatch.setattr(module, "time_of", invented)
    trial = try_reading(reading, Silent())
    expected = 0.5 * trial.n_batches + 1e-3 * trial.n_positions + 1e-5 * trial.n_squares
    assert trial.seconds == pytest.approx(expected, rel=1e-6)
    assert trial.tried[0][1] == lengths.max()
    assert trial.tried[-1] == (1, lengths.min())
