"""Memory that is read and memory that is foretold."""

import mmap
import tracemalloc

import numpy as np
import pytest

from dimscope.knn import search_distinct
from dimscope.knn.duplicates import find_duplicates
from dimscope.knn.join import LIST_BYTES
from dimscope.knn.workers import available_threads
from dimscope.pipeline.memory import TABLES, TILE_BYTES, peak_memory, process_memory, search_memory


def test_what_is_allocated_is_seen():
    before = process_memory()
    with mmap.mmap(-1, 100_000_000) as held:  # new pages, not what an earlier test gave back to the allocator
        held.write(bytes([1]) * len(held))
        assert 80_000_000 < process_memory() - before < 250_000_000
    assert peak_memory() >= process_memory() * 0.98


@pytest.mark.parametrize(("n", "d"), [(1000, 256), (6000, 64)])
def test_a_search_stays_below_what_is_foretold(n, d):
    points = np.random.default_rng(0).standard_normal((n, d)).astype("f4")
    found = find_duplicates(points, "merge")
    search_distinct(points, 50, found, device="cpu")
    tracemalloc.start()
    search_distinct(points, 50, found, device="cpu")
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    need = search_memory(n, d, 50)
    assert used <= need.allocated + need.mapped
    assert need.allocated + need.mapped < 8 * used


def test_lists_are_bounded_and_the_rest_grows_with_the_points():
    one, ten = search_memory(1_000_000, 1280, 100), search_memory(10_000_000, 1280, 100)
    assert ten.allocated - one.allocated == TABLES * 8 * 9_000_000 * 100
    tiles = TILE_BYTES * available_threads()
    assert one.allocated == LIST_BYTES + TABLES * 8 * 1_000_000 * 100 + 16 * 1280**2 + tiles
    assert one.mapped == 2 * 4 * 1_000_000 * 1280
