"""A search as one process sees it."""

import numpy as np
import pytest

from brute import cloud
from dimscope.engines.shared import share
from dimscope.knn import opened as module
from dimscope.knn.handover import close_folder, open_folder
from dimscope.knn.opened import Chosen, Search, opened
from dimscope.knn.parts import choose


@pytest.fixture(params=["int8", "int16", "float32"])
def search(request, tmp_path):
    np.save(tmp_path / "x.npy", cloud("isotropic", 250, 70, 3))
    chosen, folder = Chosen(share(tmp_path / "x.npy"), np.arange(0, 250, 25), 225, 0), open_folder()
    yield Search(chosen, 5, 40, 60, choose((chosen, 5, request.param)), folder)
    close_folder(folder)


def test_stretches_cover_all_rows_once(search):
    assert search.n_stretches == 5
    assert [search.span(stretch) for stretch in range(5)] == [(0, 40), (40, 100), (100, 160), (160, 220), (220, 225)]


def test_ranks_grow_with_what_was_seen_up_to_k(search):
    ranks = [search.rank(seen) for seen in (10, 50, 100, 200, 224, 225)]
    assert ranks == [*sorted(ranks[:4]), 5, 5]
    assert 5 * 100 / 224 < search.rank(100) < 5 + 100
    assert search.room(200) == min(200, 3 * search.rank(200) + 5 + 128)


def test_rows_are_those_that_take_part_in_the_order_of_the_seed(search):
    own = opened(search.chosen)
    assert opened(search.chosen) is own
    rows = np.setdiff1d(np.arange(250), np.arange(0, 250, 25))
    np.testing.assert_array_equal(own.places, rows[np.random.default_rng(0).permutation(225)])


def test_a_filter_that_another_process_left_is_the_one_that_would_be_made(search):
    own = opened(search.chosen)
    made, left = own.filter(search, 2), own.lay_filter(search, 2)
    assert left is not None  # float64 points are larger than any filter
    other = module.Opened(search.chosen)
    read = other.filter(search, 2, left)
    assert read is other.filter(search, 2)
    np.testing.assert_array_equal(read.codes, made.codes)
    for found, expected in zip(read.rows, made.rows, strict=True):
        np.testing.assert_array_equal(found, expected)
    room = np.empty(2 * 60 * 60, np.float32)
    np.testing.assert_array_equal(read.tile(0, 60, read, 0, 60, room).copy(), made.tile(0, 60, made, 0, 60, room))


def test_a_filter_as_large_as_the_points_is_left_to_nobody(search, tmp_path):
    np.save(tmp_path / "y.npy", cloud("isotropic", 250, 64, 3).astype(np.float32))
    smaller = search._replace(chosen=search.chosen._replace(file=share(tmp_path / "y.npy")))
    smaller = smaller._replace(choice=choose((smaller.chosen, 5, search.choice.coarse)))
    assert (opened(smaller.chosen).lay_filter(smaller, 1) is None) == (search.choice.coarse == "float32")


def test_a_filter_that_is_gone_is_made_anew(search):
    own = opened(search.chosen)
    made, left = own.filter(search, 1), own.lay_filter(search, 1)
    close_folder(search.folder)
    np.testing.assert_array_equal(module.Opened(search.chosen).filter(search, 1, left).codes, made.codes)
    assert own.lay_filter(search, 1) is None


def test_filters_are_kept_while_there_is_room(search, monkeypatch):
    own = opened(search.chosen)
    first = own.filter(search, 0)
    assert own.filter(search, 0) is first
    monkeypatch.setattr(module, "CODES_BYTES", first.codes.nbytes)
    for stretch in (1, 2, 3):
        own.filter(search, stretch)
    assert len(own.filters) == 3
    assert own.filter(search, 0) is not first


def test_another_search_takes_the_place_of_the_last_one(search):
    first = opened(search.chosen)
    assert opened(search.chosen._replace(seed=1)) is not first
    assert opened(search.chosen) is not first
