"""Which pairs get a map, and the reasons of those that have none."""

import shutil

import pandas

from dimscope.comparison.maps import map_of, pairs_of
from dimscope.comparison.runs import open_runs


def names_of(pairs):
    return [(one.name, other.name) for one, other in pairs]


def test_all_pairs_or_the_steps_of_an_order(runs, tmp_path):
    places = [shutil.copytree(runs / "b", tmp_path / name) for name in "pqrs"]
    opened = open_runs([str(place) for place in places])
    assert len(pairs_of(opened, ordered=False)) == 6
    assert names_of(pairs_of(opened, ordered=True)) == [("p", "q"), ("q", "r"), ("r", "s"), ("p", "s")]
    assert names_of(pairs_of(opened[:2], ordered=True)) == [("p", "q")]


def test_the_smaller_number_of_neighbors_is_compared(runs):
    a, b = open_runs([str(runs / "a"), str(runs / "b")])
    assert map_of((a, b), None).found.matrix.k == 10
    assert map_of((a, b), 3).found.matrix.k == 3
    assert "holds 20" in map_of((a, b), 21).reason


def test_few_common_examples_are_a_reason_and_no_empty_picture(runs, tmp_path):
    other = shutil.copytree(runs / "b", tmp_path / "other")
    table = pandas.read_parquet(other / "points.parquet")
    table["id"] = [name if int(name) < 8 else f"x{name}" for name in table["id"]]
    table.to_parquet(other / "points.parquet", index=False)
    found = map_of(tuple(open_runs([str(runs / "a"), str(other)])), None)
    assert found.found is None
    assert found.reason.startswith("of their examples 8 are the same, too few for 10 neighbours among them; ask for fewer")
