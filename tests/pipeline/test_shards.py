"""Blocks that workers read: the same bits, and refusals where a worker sees something else."""

import os
import shutil

import numpy as np
import pytest

from dimscope.errors import EngineError
from dimscope.inputs.examples import read_examples
from dimscope.pipeline import shards
from dimscope.pipeline.extract import extract
from dimscope.pipeline.reading import open_reading
from dimscope.pipeline.shards import Request, Shard, longest_block, read_by, read_shard, with_full_paths
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from fakes import Shuffled


@pytest.fixture(autouse=True)
def _forget():
    yield
    shards._open.clear()


def states_of(place):
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in sorted(place.rglob("*.npy"))}


@pytest.mark.parametrize(
    ("pool", "control"), [("mean", ""), ("mean,cls", ""), ("tokens", ""), ("mean", "shuffled"), ("last", "untrained")]
)
def test_the_bits_are_those_of_one_process(small, bert, tmp_path, pool, control):
    config = small(bert, pool=pool)
    extract(config, RunFolder(tmp_path / "here"), Silent(), control=control)
    for seed in range(2):
        there = RunFolder(tmp_path / f"there{seed}")
        extract(config, there, Silent(), control=control, engine=Shuffled(seed))
        assert states_of(there.path) == states_of(tmp_path / "here")
        assert there.points.read_bytes() == (tmp_path / "here" / "points.parquet").read_bytes()


def test_only_missing_blocks_go_to_workers(small, bert, tmp_path):
    config, folder = small(bert), RunFolder(tmp_path / "run")
    extract(config, folder, Silent())
    expected = states_of(folder.path)
    progress = folder.states / "progress.json"
    progress.write_text(progress.read_text().replace('"1":', '"9":'))
    engine = Shuffled()
    extract(config, folder, Silent(), engine=engine)
    assert engine.n_tasks == 1
    assert states_of(folder.path) == expected


def test_blocks_come_with_their_numbers_and_are_counted(small, bert):
    config = small(bert)
    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)
    steps = []
    found = dict(read_by(Shuffled(), reading, config, "", 16)([3, 1], steps.append))
    assert sorted(found) == [1, 3]
    assert sorted(steps) == [12, 16]
    assert found[3]["mean"]["block_03"].shape == (12, 32)


def request_of(config, **other):
    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)
    made = Request(config, "", 16, reading.examples.source_hash, reading.loaded.weights_hash)
    return made._replace(**other)


@pytest.mark.parametrize("other", [{"data_hash": "sha256:0"}, {"weights_hash": "sha256:0"}])
def test_other_data_or_weights_are_refused(small, bert, other):
    with pytest.raises(EngineError, match=r"holds other data there|other weights under"):
        read_shard(Shard(request_of(small(bert), **other), 0, 16))


def test_what_a_worker_cannot_read_is_named(small, bert, tmp_path):
    model = shutil.copytree(bert, tmp_path / "model")
    request = request_of(small(model))
    shutil.rmtree(model)
    with pytest.raises(EngineError, match=r"^a worker cannot read what this machine reads: .*model.* under the same paths"):
        read_shard(Shard(request, 0, 16))


def test_a_large_model_has_the_time_that_its_blocks_need(small, bert, monkeypatch):
    config, asked = small(bert), []
    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)
    parameters, lengths = reading.loaded.facts["parameters"], reading.tokens.lengths
    assert longest_block(reading) < 1  # the engine's own patience is longer
    monkeypatch.setattr(shards, "SLOWEST", parameters)
    monkeypatch.setattr(Shuffled, "map", lambda self, work, tasks, patience: asked.append(patience) or iter(()))
    list(read_by(Shuffled(), reading, config, "", 16)([0], print))
    assert asked == [2 * max(lengths[start : start + 16].sum() for start in range(0, len(lengths), 16))]


def test_paths_do_not_depend_on_the_working_folder(small, bert, tmp_path, monkeypatch):
    monkeypatch.chdir(bert.parent)
    config = small(bert.name, data={"path": os.path.relpath(small(bert).data.path)})
    full = with_full_paths(config)
    assert full.model.name == str(bert)
    assert full.data.path == small(bert).data.path
    hub = small("someone/some-model", clusters="none.npy")
    assert with_full_paths(hub) == hub


def test_a_worker_opens_its_model_once(small, bert, monkeypatch):
    opened = []
    original = shards._open_here
    monkeypatch.setattr(shards, "_open_here", lambda request: opened.append(request) or original(request))
    request = request_of(small(bert))
    first, second = read_shard(Shard(request, 0, 16)), read_shard(Shard(request, 16, 32))
    assert len(opened) == 1
    assert not np.array_equal(first["mean"]["block_01"], second["mean"]["block_01"])
    read_shard(Shard(request_of(small(bert, pool="cls")), 0, 16))
    assert [asked.config.model.pool for asked in opened] == ["mean", "cls"]
    assert len(shards._open) == 1
