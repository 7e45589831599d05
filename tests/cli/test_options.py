"""Options come from the configuration, and where each value comes from decides which wins."""

from dataclasses import fields

import click
import pytest

from dimscope.cli.main import cli
from dimscope.cli.options import AUTO, NAMES, AutoInt, NearChoice, resolve, typed_command
from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig, config_from
from dimscope.errors import UsageError

PARTS = {"data": DataConfig, "model": ModelConfig, "measure": MeasureConfig}


def options_of(command):
    return {option.name: option for option in cli.get_command(None, command).params if isinstance(option, click.Option)}


@pytest.mark.parametrize("command", ["run", "extract"])
def test_every_field_of_the_configuration_is_an_option(command):
    expected = {f"{part}__{entry.name}" for part, kind in PARTS.items() for entry in fields(kind)} - {"model__name"}
    assert {name for name in options_of(command) if "__" in name} == expected


def test_measure_takes_the_measures_and_the_seed():
    expected = {f"measure__{entry.name}" for entry in fields(MeasureConfig)} | {"data__seed"}
    assert {name for name in options_of("measure") if "__" in name} == expected


def test_no_option_has_a_default_of_its_own():
    for name, option in options_of("run").items():
        if "__" in name:
            assert option.get_default(click.Context(cli)) in (None, (), False), name


@pytest.mark.parametrize("part", PARTS)
def test_the_help_shows_the_true_default(part):
    options = options_of("run")
    for entry in fields(PARTS[part]):
        if (part, entry.name) == ("model", "name"):
            continue
        shown = options[f"{part}__{entry.name}"].help
        if entry.name in ("max_tokens", "batch_size"):
            assert shown.endswith("  [auto]")
        elif isinstance(entry.default, tuple) and entry.default:
            assert shown.endswith(f"  [{' '.join(entry.default)}]")
        elif entry.default is None or entry.default is False or entry.default in ("", ()):
            assert "  [" not in shown
        else:
            assert shown.endswith(f"  [{entry.default}]"), entry.name


def test_headings_group_the_options(call):
    text = call("run", "--help").out
    places = [text.index(f"\n{heading}:\n") for heading in ("Input", "Model", "Measure", "Output", "Other")]
    assert places == sorted(places)
    between = text[places[0] : places[1]]
    assert all(f"  {NAMES.get(('data', entry.name), f'--{entry.name}')} " in between for entry in fields(DataConfig))


@pytest.mark.parametrize(("typed", "found"), [("auto", AUTO), ("8", 8), (8, 8)])
def test_auto_int_reads_numbers_and_auto(typed, found):
    assert AutoInt().convert(typed, None, None) == found


@pytest.mark.parametrize("typed", ["eight", "1.5", ""])
def test_auto_int_refuses_other_words(typed):
    with pytest.raises(click.BadParameter, match=f'"{typed}" is neither a whole number nor auto.'):
        AutoInt().convert(typed, None, None)


def test_a_choice_names_the_nearest_word():
    with pytest.raises(click.BadParameter) as error:
        NearChoice(["mean", "last", "cls"]).convert("men", None, None)
    assert error.value.message == '"men" is unknown. Did you mean "mean"?  All: mean, last, cls'


@pytest.fixture
def written(tmp_path):
    def write(text):
        place = tmp_path / "options.toml"
        place.write_text(text, encoding="utf-8")
        return place

    return write


def test_the_command_line_wins_over_set_over_file_over_base(written):
    base = config_from({"measure": {"k": 90, "overlap_k": 9, "replicates": 5}, "data": {"seed": 3}})
    place = written("[measure]\nk = 80\noverlap_k = 8\nreplicates = 4\n")
    found = resolve({"measure__k": 60}, place, ["measure.k=70", "measure.overlap_k=7"], base)
    assert (found.measure.k, found.measure.overlap_k, found.measure.replicates, found.data.seed) == (60, 7, 4, 3)


def test_options_that_only_fit_together_may_come_from_several_places(written):
    found = resolve({"measure__overlap_k": 5}, written("[measure]\nk = 10\n"), ["measure.replicates=0"])
    assert (found.measure.k, found.measure.overlap_k, found.measure.replicates) == (10, 5, 0)
    assert resolve({}, None, ["measure.k=10", "measure.overlap_k=5"]).measure.k == 10


def test_what_does_not_fit_is_refused_after_all():
    with pytest.raises(UsageError, match="--overlap-k 30 is more than --k 10"):
        resolve({"measure__k": 10}, None, [])


def test_auto_wins_over_a_number_in_a_file(written):
    place = written("[model]\nbatch_size = 4\nmax_tokens = 16\n")
    found = resolve({"model__batch_size": AUTO, "model__max_tokens": None}, place, [])
    assert (found.model.batch_size, found.model.max_tokens) == (None, 16)


def test_flags_and_lists_that_were_not_given_change_nothing(written):
    place = written('[measure]\nestimators = ["mle"]\n[model]\nallow_pickle = true\n')
    found = resolve({"measure__estimators": (), "model__allow_pickle": False}, place, [])
    assert (found.measure.estimators, found.model.allow_pickle) == (("mle",), True)


def test_nothing_given_is_the_default():
    assert resolve({}, None, []) == RunConfig()


@pytest.mark.parametrize(
    ("setting", "part", "name", "value"),
    [
        ("measure.k=64", "measure", "k", 64),
        (" measure.k = 64", "measure", "k", 64),
        ('measure.estimators=["mle", "gride"]', "measure", "estimators", ("mle", "gride")),
        ("measure.exclude_group=true", "measure", "exclude_group", True),
        ("data.text=body", "data", "text", "body"),
        ('data.text="a=b"', "data", "text", "a=b"),
        ("data.path=/a b/c=d.csv", "data", "path", "/a b/c=d.csv"),
    ],
)
def test_set_reads_toml_values_and_bare_words(setting, part, name, value):
    assert getattr(getattr(resolve({}, None, [setting]), part), name) == value


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("k=3", '--set "k=3" is not understood; write part.option=value, for example measure.k=64.'),
        ("measure.k", '--set "measure.k" is not understood'),
        ("measur.k=3", 'unknown part of the configuration "measur". Did you mean "measure"?'),
        ("measure.kk=3", 'unknown option of measure "kk". Did you mean "k"?'),
        ("measure.k=many", "measure.k = 'many' is of the wrong type"),
        ("measure.k=1", "--k 1 was asked for; it must be at least 2."),
    ],
)
def test_set_refuses_in_one_sentence(setting, message, call):
    left = call("run", "model", "--data", "texts.csv", "--set", setting)
    assert (left.code, left.out) == (2, "")
    assert left.err.startswith(f"Error: {message}")
    assert left.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("measure = 3\n", '"measure" in the configuration must be a table of options, found 3.'),
        ("[measure\n", "is not valid TOML"),
        ("[measure]\nkay = 3\n", 'unknown option of measure "kay".'),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(text, message, written, call):
    left = call("run", "model", "--data", "texts.csv", "--config", written(text), "--k", "50")
    assert (left.code, left.out) == (2, "")
    assert message in left.err
    assert left.err.count("\n") == 1


def test_a_missing_file_is_refused(call):
    assert call("run", "model", "--config", "no.toml").err == "Error: no configuration file at no.toml.\n"


def test_the_typed_command_can_be_pasted_again():
    with click.Context(cli, obj=["run", "my model", "--data", "it's.csv"]) as outer, click.Context(cli, parent=outer):
        assert typed_command() == "dimscope run 'my model' --data 'it'\"'\"'s.csv'"
