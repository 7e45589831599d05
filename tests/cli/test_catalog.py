"""`dimscope list`."""

import json
from importlib import import_module

import pytest

from dimscope.checks import CHECKS
from dimscope.cli.catalog import TABLES
from dimscope.demos import DEMOS
from dimscope.dimensions import ESTIMATORS
from dimscope.engines import ENGINES
from dimscope.knn import BACKENDS
from dimscope.models.families import FAMILIES
from dimscope.overlaps import MEASURES
from dimscope.plots import PLOTS
from dimscope.rules import RULES

REGISTRIES = {
    "estimators": ESTIMATORS,
    "measures": MEASURES,
    "rules": RULES,
    "checks": CHECKS,
    "plots": PLOTS,
    "backends": BACKENDS,
    "engines": ENGINES,
    "demos": DEMOS,
}


@pytest.mark.parametrize("what", REGISTRIES)
def test_every_entry_is_listed_in_the_order_of_the_table(what, call):
    left = call("list", what, "--json")
    assert (left.code, left.err) == (0, "")
    entries = json.loads(left.out)
    assert [entry["name"] for entry in entries] == list(REGISTRIES[what])
    assert all(entry["summary"] for entry in entries)


@pytest.mark.parametrize("what", ["estimators", "measures", "rules"])
def test_sources_are_those_of_the_entries(what, call):
    entries = {entry["name"]: entry for entry in json.loads(call("list", what, "--json").out)}
    for name, entry in REGISTRIES[what].items():
        assert entries[name] == {"name": name, "summary": entry.summary, "source": entry.source}


def test_checks_carry_their_severity(call):
    entries = json.loads(call("list", "checks", "--json").out)
    assert {entry["name"]: entry["severity"] for entry in entries} == {code: check.severity for code, check in CHECKS.items()}
    lines = call("list", "checks").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[code, check.severity] for code, check in CHECKS.items()]


def test_models_name_blocks_and_last_norm(call):
    entries = {entry["name"]: entry["summary"] for entry in json.loads(call("list", "models", "--json").out)}
    assert list(entries) == [*sorted(FAMILIES), "(others)"]
    assert entries["gpt2"] == "blocks: h; last norm: ln_f"
    assert entries["distilbert"] == "blocks: transformer.layer; last norm: none"


@pytest.mark.parametrize("what", ["backends", "engines", "demos"])
def test_backends_engines_and_demos_say_what_they_are_for(what, call):
    entries = {entry["name"]: entry["summary"] for entry in json.loads(call("list", what, "--json").out)}
    for name, place in REGISTRIES[what].places.items():
        first = (import_module(place.partition(":")[0]).__doc__ or "").splitlines()[0].rstrip(".")
        assert entries[name] == first[0].lower() + first[1:]


@pytest.mark.parametrize("what", TABLES)
def test_the_text_is_aligned_and_holds_what_json_holds(what, call):
    entries = json.loads(call("list", what, "--json").out)
    lines = call("list", what).out.splitlines()
    width = max(len(entry["name"]) for entry in entries) + 2
    named = [line for line in lines if not line.startswith(" ")]
    assert [line[:width].strip() for line in named] == [entry["name"] for entry in entries]
    for entry, line in zip(entries, named, strict=True):
        assert line.endswith(entry["summary"])
    sources = [line[width:] for line in lines if line.startswith(" ")]
    assert sources == [entry["source"] for entry in entries if "source" in entry]


def test_an_unknown_kind_names_the_nearest(call):
    left = call("list", "estimator")
    assert (left.code, left.out) == (2, "")
    assert f'"estimator" is unknown. Did you mean "estimators"?  All: {", ".join(TABLES)}\n' in left.err


def test_the_help_names_every_kind(call):
    assert f"WHAT is one of: {', '.join(TABLES)}." in " ".join(call("list", "--help").out.split())
