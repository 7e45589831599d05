import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from dimscope.knn.workers import Workers, available_threads, blas_threads, reused


def of_blas():
    return [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"]


def test_threads_of_blas_are_those_that_it_was_left():
    with threadpool_limits(1, user_api="blas"):
        assert blas_threads() == 1
    with threadpool_limits(available_threads() + 3, user_api="blas"):
        assert blas_threads() == available_threads()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_every_item_is_worked_on_once(threads):
    done, lock = [], threading.Lock()

    def work(item):
        with lock:
            done.append(item)

    with Workers(threads, 4) as workers:
        workers.each(work, range(50))
    assert sorted(done) == list(range(50))


def test_a_failure_reaches_the_caller():
    def work(item):
        if item == 7:
            raise ValueError("item 7")

    with pytest.raises(ValueError, match="item 7"), Workers(2, 4) as workers:
        workers.each(work, range(20))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_after_a_failure_nothing_more_is_begun(threads):
    begun, failed = [], threading.Event()

    def work(item):
        begun.append(item)
        if item == 2:
            failed.set()
            raise ValueError("item 2")
        if item > 2:
            failed.wait()

    with pytest.raises(ValueError, match="item 2"), Workers(threads, 4) as workers:
        workers.each(work, range(1000))
    assert len(begun) <= 3 + 10 * threads  # what others took before they heard of it


def test_the_calling_thread_works_too_and_no_more_threads_than_asked():
    names, together = set(), threading.Barrier(3)

    def work(item):
        names.add(threading.get_ident())
        together.wait(20)

    with Workers(3, 4) as workers:
        workers.each(work, range(6))
    assert len(names) == 3
    assert threading.get_ident() in names


def test_thread_counts_are_put_back():
    import torch

    np.ones((2, 2)) @ np.ones((2, 2))
    before, torch_before = of_blas(), torch.get_num_threads()
    with Workers(2, 4) as workers:
        workers.limit_torch()
        assert set(of_blas()) == {1}
        assert torch.get_num_threads() == 1
    assert (of_blas(), torch.get_num_threads()) == (before, torch_before)


def test_each_thread_owns_a_room():
    with Workers(1, 4) as workers:
        assert workers.room() is workers.room()
        other = []
        thread = threading.Thread(target=lambda: other.append(workers.room()))
        thread.start()
        thread.join()
        assert other[0] is not workers.room()
    assert available_threads() >= 1


def test_memory_is_used_again_by_the_same_thread():
    first = reused("test", (3, 4), np.float32)
    first[:] = np.arange(12).reshape(3, 4)
    again = reused("test", (2, 3), np.int32)
    assert (again.dtype, again.shape) == (np.int32, (2, 3))
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, reused("other", (3, 4), np.float32))
    assert reused("test", (50,), np.int64).shape == (50,)
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(reused("test", (3, 4), np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(elsewhere[0], reused("test", (3, 4), np.float32))
