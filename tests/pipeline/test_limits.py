"""Points and room that a run needs."""

import shutil
from collections import namedtuple

import numpy as np
import pytest

from dimscope.errors import InputError, StoreError
from dimscope.pipeline.limits import check_disk, refuse_few
from dimscope.store.folder import RunFolder


def test_states_that_are_there_already_count_as_room(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 500))
    folders = [RunFolder(tmp_path / name) for name in ("a", "b", "c")]
    for folder, size in zip(folders[:2], (10, 20), strict=True):
        folder.states.mkdir(parents=True)
        np.save(folder.states / "block_01.npy", np.zeros(size))
    there = sum((folder.states / "block_01.npy").stat().st_size for folder in folders[:2])
    check_disk(folders, there + 500, "all of it")
    with pytest.raises(StoreError, match=r"the states need 997 B \(a byte more\), 996 B are free at"):
        check_disk(folders, there + 501, "a byte more")


@pytest.mark.parametrize(("found", "k", "advice"), [(12, 11, "--k 10 or less"), (4, 100, "Give more examples.")])
def test_the_largest_k_that_works_is_named(found, k, advice):
    refuse_few(found, found - 2, "points")
    with pytest.raises(InputError, match=advice):
        refuse_few(found, k, "points")
