"""Tables of the layers: where they come from, and on which device they are searched."""

import numpy as np
import pytest

from dimscope.engines import HERE
from dimscope.engines.shared import SharedFile, share
from dimscope.errors import InputError
from dimscope.knn.base import Neighbors
from dimscope.pipeline import searching
from dimscope.pipeline.columns import Setting
from dimscope.pipeline.extract import extract
from dimscope.pipeline.measure import measured_layers
from dimscope.pipeline.searching import Job, find_tables, search_device, table_key
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from dimscope.store.lending import Lender
from dimscope.store.manifest import Manifest
from dimscope.store.tables import read_table
from fakes import Shuffled


@pytest.fixture
def job_of(small, bert, tmp_path):
    """Makes the job of an engine over a run of 60 texts."""
    folder, config = RunFolder(tmp_path / "run"), small(bert)
    extract(config, folder, Silent())

    def make(engine=HERE, **options):
        setting = Setting(small(bert, measure=options), share(folder.points), by_prompt=False)
        return Job(setting, folder, Manifest(folder.path), engine, Lender(engine))

    return make


def test_here_each_table_is_found_when_it_is_asked_for(job_of):
    job = job_of()
    layers = measured_layers(job.manifest)
    tables = find_tables(job, layers, Silent())
    assert not job.folder.neighbors.exists()
    first = next(tables)
    assert isinstance(first, Neighbors)
    assert [path.name for path in job.folder.neighbors.iterdir()] == ["embed_00.npz"]
    stored = read_table(job.folder.table_of("embed_00"))
    np.testing.assert_array_equal(stored.indices, first.indices)
    assert job.manifest.is_stage_done("neighbors/embed_00", job.key(20))


def test_by_workers_all_are_found_first(job_of):
    job = job_of(Shuffled())
    tables = find_tables(job, measured_layers(job.manifest), Silent())
    assert len(list(job.folder.neighbors.iterdir())) == 4
    assert all(isinstance(table, SharedFile) for table in tables)


def test_a_wider_table_is_another_one(job_of):
    layers = measured_layers(job_of().manifest)
    list(find_tables(job_of(), layers, Silent()))
    assert [table.k for table in find_tables(job_of(k=25), layers, Silent())] == [25] * 4
    assert job_of(k=25).key(25) != job_of().key(20)
    assert table_key("a", job_of().setting.config, 20) == "a-20-merge"


def test_bad_numbers_are_refused_before_any_task(job_of):
    job = job_of(Shuffled())
    path = job.folder.states / "block_02.npy"
    states = np.load(path)
    states[4] = np.nan
    np.save(path, states)
    with pytest.raises(InputError, match=r"^layer block_02: 1 of 60 rows hold NaN or Inf \(rows 4\)"):
        find_tables(job, measured_layers(job.manifest), Silent())


def test_a_device_that_was_named_searches_here(job_of, small, bert, monkeypatch):
    asked = []
    original = searching.search_distinct
    monkeypatch.setattr(
        searching, "search_distinct", lambda *given, device, tiles: asked.append(device) or original(*given, tiles=tiles)
    )
    job = job_of(Shuffled())
    setting = job.setting._replace(config=small(bert, device="cuda:1"))
    named = Job(setting, job.folder, job.manifest, job.engine, job.lender)
    list(find_tables(named, measured_layers(job.manifest), Silent()))
    assert asked == ["cuda:1"] * 4
    assert [search_device(name) for name in ("mps", "cpu", "auto", "cuda:1,cpu")] == ["cpu", "cpu", "auto", "cuda:1"]
