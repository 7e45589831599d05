"""The public functions over whole jobs."""

import inspect
from dataclasses import fields

import numpy as np
import pandas
import pytest

import dimscope
from dimscope import api
from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig, config_from
from dimscope.engines.local import LocalEngine
from dimscope.errors import ModelError, StoreError, UsageError
from dimscope.pipeline import run as pipeline_run
from dimscope.progress import Silent


class Told(Silent):
    def __init__(self):
        self.stages = []

    def stage(self, name, total):
        self.stages.append((name, total))
        return super().stage(name, total)


SMALL = config_from({"data": {"id": "id"}, "measure": {"k": 20, "overlap_k": 10, "replicates": 5}})


def test_run_returns_what_it_writes(bert, texts, tmp_path, capsys):
    told = Told()
    profile = dimscope.run(
        bert, texts, label="label", out=tmp_path / "out", config=SMALL, with_report=False, progress=told
    )  # fmt: skip
    assert told.stages == [("extract", 60), ("measure", 4)]
    assert capsys.readouterr() == ("", "")
    stored = pandas.read_csv(tmp_path / "out" / "profile.csv", dtype={"twonn": str})
    np.testing.assert_array_equal(profile.values("twonn"), stored["twonn"].astype(float))
    assert profile.provenance["config"]["data"]["label"] == "label"
    assert not (tmp_path / "out" / "report.html").exists()
    again = dimscope.load(tmp_path / "out")
    np.testing.assert_array_equal(again.values("label_overlap"), profile.values("label_overlap"))
    same = dimscope.load(str(tmp_path / "out" / "profile.nc"))
    np.testing.assert_array_equal(same.values("label_overlap"), profile.values("label_overlap"))
    assert str(dimscope.recommend(again)) == str(dimscope.recommend(profile))


@pytest.fixture
def asked(monkeypatch):
    """What `run` asks the pipeline for."""
    found = []

    def note(config, folder, **others):
        found.append((config, folder, others))
        raise ModelError("enough")

    monkeypatch.setattr(pipeline_run, "run_stages", note)
    return found


def ask(asked, *words, **options):
    with pytest.raises(ModelError, match="enough"):
        dimscope.run(*words, **options)
    return asked[-1]


def test_arguments_win_over_the_configuration_where_they_are_not_the_default(asked):
    base = config_from({"measure": {"k": 50, "overlap_k": 7}, "model": {"pool": "cls"}, "data": {"seed": 4, "text": "body"}})
    config, _, _ = ask(asked, "m", "d.csv", config=base, k=60, text="words")
    assert (config.measure.k, config.measure.overlap_k, config.model.pool, config.data.seed) == (60, 7, "cls", 4)
    assert (config.model.name, config.data.path, config.data.text) == ("m", "d.csv", "words")
    assert ask(asked, "m", "d.csv")[0] == config_from({"model": {"name": "m"}, "data": {"path": "d.csv"}})


def test_a_configuration_may_be_a_dict_or_a_file(asked, tmp_path):
    values = {"measure": {"k": np.int64(50), "measures": ["cka"]}, "data": {"seed": 4}}
    expected = RunConfig(DataConfig("d.csv", seed=4), ModelConfig("m"), MeasureConfig(k=50, measures=("cka",)))
    assert ask(asked, "m", "d.csv", config=values)[0] == expected
    (tmp_path / "own.toml").write_text('[measure]\nk = 50\nmeasures = ["cka"]\n[data]\nseed = 4\n', encoding="utf-8")
    for place in (tmp_path / "own.toml", str(tmp_path / "own.toml")):
        assert ask(asked, "m", "d.csv", config=place)[0] == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"config": 5}, r"^config=5 was given; it may be a RunConfig, nested values in a dict, or a TOML file\.$"),
        ({"config": {"measure": {"kk": 5}}}, r'^unknown option of measure "kk"\. Did you mean "k"\?'),
        ({"config": "nothing.toml"}, r"^no configuration file at nothing\.toml\.$"),
        ({"k": "5"}, r"^measure\.k = '5' is of the wrong type; a whole number is expected\.$"),
        ({"data": ["a text"]}, r"^data is a path or a name, found a list; write what is in memory to a file\.$"),
        ({"model": None}, r"^model is a path or a name, found a NoneType"),
        ({"workers": "two", "engine": "dask"}, r"^workers='two' was asked for; it must be a whole number\.$"),
    ],
)
def test_arguments_of_another_kind_are_refused(tmp_path, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        dimscope.run(**{"model": "m", "data": "d.csv", "out": tmp_path / "out"} | options)
    assert not (tmp_path / "out").exists()


def test_every_argument_reaches_its_option(asked):
    given = {"text": "t", "label": "l", "group": "g", "points": 9, "seed": 1, "layers": "0:2", "pool": "last", "k": 31}
    given["device"] = "cpu"
    config, folder, others = ask(asked, "m", "d.csv", out="o", on_existing="redo", with_report=False, **given)
    found = {**vars_of(config.data), **vars_of(config.model), **vars_of(config.measure)}
    assert {name: found[name] for name in given} == given
    engine = others.pop("engine")
    assert (str(folder), others) == ("o", {"on_existing": "redo", "with_report": False, "progress": None})
    assert isinstance(engine, LocalEngine)


def test_the_engine_is_opened_as_asked_and_closed_after_an_error(asked, monkeypatch):
    opened, closed = [], []

    class Engine(LocalEngine):
        def close(self):
            closed.append(self)

    def note(*words):
        opened.append(words)
        return Engine()

    monkeypatch.setattr(api, "open_engine", note)
    engine = ask(asked, "m", "d.csv", engine="dask", workers=3)[2]["engine"]
    assert opened == [("dask", None, 3)]
    assert closed == [engine]


def test_an_engine_that_cannot_be_had_is_refused_before_anything_is_made(tmp_path, texts):
    with pytest.raises(UsageError, match='unknown engine "slurm"'):
        dimscope.run("m", texts, out=tmp_path / "out", engine="slurm")
    with pytest.raises(UsageError, match="--workers was given, but the work is done in this process"):
        dimscope.run("m", texts, out=tmp_path / "out", workers=2)
    assert not (tmp_path / "out").exists()


def vars_of(part):
    return {entry.name: getattr(part, entry.name) for entry in fields(part)}


def test_defaults_are_those_of_the_configuration():
    signature = inspect.signature(dimscope.run).parameters
    for part in (DataConfig(), ModelConfig(), MeasureConfig()):
        for name, value in vars_of(part).items():
            if name in signature and signature[name].default is not inspect.Parameter.empty:
                assert signature[name].default == value, name


def test_without_out_the_folder_is_that_of_the_command_line(asked):
    assert ask(asked, "models/Tiny", "data/texts.csv")[1].as_posix() == "runs/tiny-texts"


def test_errors_are_those_of_the_command_line(tmp_path, texts):
    with pytest.raises(ModelError, match=r"the model folder .* does not exist"):
        dimscope.run("./nowhere", texts, label="label", out=tmp_path / "out", config=SMALL)
    with pytest.raises(UsageError, match='unknown pool "max"'):
        dimscope.run("m", texts, pool="max")
    assert not (tmp_path / "out").exists()


def test_load_refuses_what_is_no_run(tmp_path):
    with pytest.raises(StoreError, match="is not a run folder"):
        dimscope.load(tmp_path / "nowhere")
    (tmp_path / "odd.nc").write_text("no", encoding="utf-8")
    with pytest.raises(StoreError, match="is damaged or not a profile"):
        dimscope.load(tmp_path / "odd.nc")
    assert RunConfig() == config_from({})


def test_a_run_may_lie_elsewhere(bert, texts):
    import fsspec

    profile = dimscope.run(bert, texts, label="label", out="memory://api/runs/x", config=SMALL, with_report=False)
    assert dimscope.load("memory://api/runs/x").dataset.identical(profile.dataset)
    with pytest.raises(StoreError, match=r"^memory://api/runs/y is not a run folder"):
        dimscope.load("memory://api/runs/y")
    fsspec.filesystem("memory").store.clear()
