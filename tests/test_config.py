"""The configuration: types, ranges, words, files, and what is said when something is wrong."""

import dataclasses
import tomllib
from types import UnionType
from typing import get_args, get_origin

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.cli.options import resolve
from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig, changed_options, config_from, read_config
from dimscope.errors import UsageError

PARTS = {"data": DataConfig, "model": ModelConfig, "measure": MeasureConfig}


def other_value(entry):
    """A value that the option does not have by default, as TOML gives it; texts are odd ones."""
    if entry.metadata["choices"]:
        other = next(choice for choice in entry.metadata["choices"] if choice != entry.default)
        return [other] if get_origin(entry.type) is tuple else other
    if entry.name == "pool":
        return "position:-3"
    if entry.name == "further_k":
        return "5,10"
    for kind in get_args(entry.type) if get_origin(entry.type) is UnionType else [entry.type]:
        if kind is bool:
            return not entry.default
        if kind is int:
            return (entry.default or 6) + 1
        if kind is str:
            return f'{entry.name} "007"\\ é\n.csv'
    return ["gride", "mle"]


def round_trip(config):
    return config_from(tomllib.loads(tomli_w.dumps(config.to_dict())))


def test_every_option_survives_toml_with_its_default_and_with_another_value():
    others = {part: {entry.name: other_value(entry) for entry in dataclasses.fields(kind)} for part, kind in PARTS.items()}
    assert round_trip(RunConfig()) == RunConfig()
    other = config_from(others)
    assert round_trip(other) == other
    assert other.to_dict() == others
    for part, values in others.items():
        for name in values:
            assert getattr(getattr(other, part), name) != getattr(getattr(RunConfig(), part), name), name


@pytest.mark.parametrize("pool", ["position", "position:", "position:1.5", "position:--1", "middle", ""])
def test_a_pool_that_is_not_understood(pool):
    with pytest.raises(UsageError, match=rf'unknown pool "{pool}"\..*All: cls, last, mean, position:N'):
        config_from({"model": {"pool": pool}})


@settings(max_examples=30, deadline=None)
@given(
    st.text(st.characters(codec="utf-8")), st.integers(4, 2**62), st.lists(st.text(st.characters(codec="utf-8")), min_size=1)
)
def test_any_text_and_number_survives_toml(text, number, estimators):
    config = config_from({"data": {"path": text, "points": number}, "measure": {"estimators": estimators}})
    assert round_trip(config) == config
    assert round_trip(config).key("data", "measure") == config.key("data", "measure")


def test_later_values_win_and_the_rest_is_kept():
    base = config_from({"data": {"label": "topic", "points": 50}})
    config = config_from({"data": {"points": 60}}, base)
    assert (config.data.label, config.data.points) == ("topic", 60)
    assert base.data.points == 50


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": {"lable": "x"}}, 'unknown option of data "lable". Did you mean "label"?'),
        ({"mesure": {}}, 'unknown part of the configuration "mesure". Did you mean "measure"?'),
        ({"data": 3}, '"data" in the configuration must be a table of options, found 3.'),
        ({"data": {"points": 6.0}}, "data.points = 6.0 is of the wrong type; a whole number is expected."),
        ({"data": {"points": True}}, "data.points = True is of the wrong type; a whole number is expected."),
        ({"data": {"points": "6"}}, "data.points = '6' is of the wrong type; a whole number is expected."),
        (
            {"data": {"label": 7}},
            "data.label = 7 is of the wrong type; a text in quotes (absent means the default) is expected.",
        ),
        (
            {"model": {"batch_size": "auto"}},
            "model.batch_size = 'auto' is of the wrong type; a whole number (absent means the default) is expected.",
        ),
        ({"model": {"batch_size": False}}, "model.batch_size = False is of the wrong type"),
        ({"model": {"allow_pickle": 1}}, "model.allow_pickle = 1 is of the wrong type; true or false is expected."),
        (
            {"measure": {"estimators": "twonn"}},
            "measure.estimators = 'twonn' is of the wrong type; a list of texts such as [\"twonn\"] is expected.",
        ),
        ({"measure": {"estimators": [3]}}, "measure.estimators = (3,) is of the wrong type"),
        ({"measure": {"estimators": []}}, "at least one dimension estimator is needed, for example --estimator twonn."),
        ({"model": {"pool": "Mean"}}, 'unknown pool "Mean". Did you mean "mean"?  All: cls, last, mean'),
        ({"model": {"special_tokens": "no"}}, 'unknown special-tokens "no".'),
        ({"data": {"points": 3}}, "--points 3 was asked for; it must be at least 4."),
        ({"data": {"seed": -1}}, "--seed -1 was asked for; it must be at least 0."),
        ({"measure": {"k": 1}}, "--k 1 was asked for; it must be at least 2."),
        ({"measure": {"overlap_k": 0}}, "--overlap-k 0 was asked for; it must be at least 1."),
        ({"measure": {"replicates": -1}}, "--replicates -1 was asked for; it must be at least 0."),
        ({"model": {"max_tokens": 0}}, "--max-tokens 0 was asked for; it must be at least 1."),
        ({"model": {"batch_size": 0}}, "--batch-size 0 was asked for; it must be at least 1."),
        (
            {"measure": {"k": 20}},
            "--overlap-k 30 is more than --k 20, the neighbours that are kept; raise --k or lower --overlap-k.",
        ),
    ],
)
def test_what_is_wrong_is_said(values, message):
    with pytest.raises(UsageError) as caught:
        config_from(values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("least", [{"data": {"points": 4, "seed": 0}}, {"measure": {"k": 2, "overlap_k": 2, "replicates": 0}}])
def test_the_lowest_values_are_allowed(least):
    for part, options in least.items():
        assert {name: config_from(least).to_dict()[part][name] for name in options} == options


def test_keys_depend_on_the_named_parts_only():
    plain, other = RunConfig(), config_from({"measure": {"k": 64}})
    assert plain.key("data", "model") == other.key("data", "model")
    assert plain.key("measure") != other.key("measure")
    assert plain.key("data") != config_from({"data": {"label": ""}}).key("data")
    assert len(plain.key("data")) == 16
    assert int(plain.key("data"), 16) >= 0


def test_a_file_is_read_with_or_without_byte_order_mark(tmp_path):
    place = tmp_path / "config.toml"
    for mark in ("", "\ufeff"):
        place.write_text(mark + "[measure]\r\nk = 64\r\n", encoding="utf-8")
        assert read_config(place) == {"measure": {"k": 64}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no configuration file at {}."),
        (b"k = ", "{} is not valid TOML: "),
        (b"[data]\nk = 1\nk = 2\n", "{} is not valid TOML: "),
        ("label = 'é'".encode("latin-1"), "{} is not valid TOML: "),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    place = tmp_path / "config.toml"
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_config(place)
    assert str(caught.value).startswith(message.format(place))


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\)"):
        read_config(tmp_path)


def test_changes_are_listed_by_name_in_the_asked_parts():
    old = config_from({"data": {"label": "a", "points": 50}}).to_dict()
    new = config_from({"data": {"points": 60}, "measure": {"k": 64}}).to_dict()
    assert changed_options(old, new, ("data",)) == ["data.label = 'a', now None", "data.points = 50, now 60"]
    assert changed_options(old, new, ("data", "measure"))[-1] == "measure.k = 100, now 64"
    assert changed_options(old, old, ("data", "model", "measure")) == []


def test_an_option_that_an_older_version_did_not_know_counts_as_its_default():
    old = {"data": {"path": "a.csv"}, "measure": "damaged"}
    new = config_from({"data": {"path": "a.csv"}}).to_dict()
    assert changed_options(old, new, ("data", "model", "measure")) == []
    assert changed_options(old, config_from({"data": {"path": "a.csv", "seed": 3}}).to_dict(), ("data",)) == [
        "data.seed = 0, now 3"
    ]


@pytest.mark.parametrize(
    ("setting", "part", "name", "value"),
    [
        ("measure.k=64", "measure", "k", 64),
        ("measure.k = 1_00", "measure", "k", 100),
        ('data.label="007"', "data", "label", "007"),
        ("data.label=007", "data", "label", "007"),
        ("data.label=a=b", "data", "label", "a=b"),
        ("data.path=some file.csv", "data", "path", "some file.csv"),
        ("model.allow_pickle=true", "model", "allow_pickle", True),
        ('measure.estimators=["gride", "mle"]', "measure", "estimators", ("gride", "mle")),
    ],
)
def test_settings_have_the_types_of_toml_and_else_are_texts(setting, part, name, value):
    assert getattr(getattr(resolve({}, None, [setting]), part), name) == value


@pytest.mark.parametrize("setting", ["k=3", "data=3", "measure.k", ""])
def test_settings_without_option_or_value_are_refused(setting):
    with pytest.raises(UsageError, match=r"is not understood; write part\.option=value, for example measure\.k=64\."):
        resolve({}, None, [setting])


def test_flags_win_over_settings_over_file_over_base(tmp_path):
    place = tmp_path / "config.toml"
    place.write_text("[data]\npoints = 10\nseed = 1\nlabel = 'file'\n", encoding="utf-8")
    base = config_from({"data": {"points": 9, "seed": 9, "label": "base", "group": "base"}})
    config = resolve({"data__points": 12}, place, ["data.points=11", "data.seed=2"], base)
    found = (config.data.points, config.data.seed, config.data.label, config.data.group)
    assert found == (12, 2, "file", "base")


def test_options_that_depend_on_each_other_may_come_from_different_places(tmp_path):
    place = tmp_path / "config.toml"
    place.write_text("[measure]\nk = 10\n", encoding="utf-8")
    assert resolve({"measure__overlap_k": 5}, place, []).measure.overlap_k == 5
    assert resolve({}, None, ["measure.k=10", "measure.overlap_k=5"]).measure.k == 10
    with pytest.raises(UsageError, match="--overlap-k 30 is more than --k 10"):
        resolve({}, place, [])


def test_every_word_of_a_list_of_choices_is_checked():
    assert config_from({"measure": {"control": ["untrained", "gaussian"]}}).measure.control == ("untrained", "gaussian")
    with pytest.raises(UsageError, match=r'unknown control "untrain".*untrained'):
        config_from({"measure": {"control": ["gaussian", "untrain"]}})


def test_parts_made_in_python_are_checked_like_those_of_a_file():
    made = RunConfig(measure=MeasureConfig(k=np.int64(50), measures=["cka", "mutual_knn"]))
    assert made == config_from({"measure": {"k": 50, "measures": ["cka", "mutual_knn"]}})
    assert made.key("measure") == RunConfig(measure=MeasureConfig(k=50, measures=("cka", "mutual_knn"))).key("measure")
    with pytest.raises(UsageError, match=r"^measure\.k = '50' is of the wrong type; a whole number is expected\.$"):
        RunConfig(measure=MeasureConfig(k="50"))
    with pytest.raises(UsageError, match=r"^the part data of a configuration is a DataConfig, found \{'points': 9\}\.$"):
        RunConfig(data={"points": 9})
