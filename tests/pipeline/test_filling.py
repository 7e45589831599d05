"""Blocks of an extraction that arrive in any order fill the same states."""

import numpy as np
import pytest

from dimscope.inputs.examples import read_examples
from dimscope.pipeline import filling
from dimscope.pipeline.filling import Filling, read_here
from dimscope.pipeline.reading import open_reading
from dimscope.progress import Silent
from dimscope.store.states import StateStore
from tiny import make_texts


@pytest.fixture
def scene(small, bert, tmp_path):
    """A reading of 60 texts in blocks of 16, some of which repeat those of earlier blocks, and a way to fill a folder."""
    made = make_texts(60, seed=5)
    for row, source in [(20, 2), (33, 20), (40, 17), (41, 0), (55, 40), (59, 58)]:
        made[row] = made[source]
    place = tmp_path / "repeats.csv"
    place.write_text("text\n" + "\n".join(made) + "\n", encoding="utf-8")
    config = small(bert, data={"path": str(place), "label": None, "id": None}, pool="mean,last")
    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)

    def fill(name, read):
        stores = {pool: StateStore(tmp_path / name / pool, "key", 60, 16) for pool in ("mean", "last")}
        Filling(reading, stores).run(read, Silent())
        return {(pool, path.stem): np.load(path) for pool in stores for path in sorted((tmp_path / name / pool).glob("*.npy"))}

    return reading, fill


def in_order(reading, order, log):
    """Reads the blocks that are asked for in this order."""

    def read(numbers, advance):
        here = dict(read_here(reading)(numbers, advance))
        log.append(sorted(numbers))
        yield from ((number, here[number]) for number in order if number in here)

    return read


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
def test_the_order_changes_nothing(scene, order):
    reading, fill = scene
    expected, log = fill("expected", read_here(reading)), []
    found = fill("found", in_order(reading, order, log))
    assert log == [[0, 1, 2, 3]]
    for name, states in expected.items():
        assert len(np.unique(states, axis=0)) == 54
        np.testing.assert_array_equal(found[name], states)


def test_blocks_that_would_wait_in_memory_are_read_again(scene, monkeypatch):
    monkeypatch.setattr(filling, "HELD_BLOCKS", 1)
    reading, fill = scene
    expected, log = fill("expected", read_here(reading)), []
    found = fill("found", in_order(reading, (3, 2, 1, 0), log))
    assert log == [[0, 1, 2, 3], [1, 2, 3], [2]]
    for name, states in expected.items():
        np.testing.assert_array_equal(found[name], states)


def test_finished_blocks_are_counted_and_not_read(scene, tmp_path):
    reading, fill = scene
    fill("run", read_here(reading))
    steps = []

    class Counted(Silent):
        def stage(self, name, total):
            outer = super().stage(name, total)
            assert (name, total) == ("extract", 60)

            class Stage:
                def __enter__(self):
                    outer.__enter__()
                    return self

                def __exit__(self, *problem):
                    outer.__exit__(*problem)

                def advance(self, number=1):
                    steps.append(number)

            return Stage()

    def refuse(numbers, advance):
        raise AssertionError(numbers)

    stores = {pool: StateStore(tmp_path / "run" / pool, "key", 60, 16) for pool in ("mean", "last")}
    Filling(reading, stores).run(refuse, Counted())
    assert sum(steps) == 60
