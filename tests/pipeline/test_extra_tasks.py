"""One task of measures that are asked for: the columns of a layer, and why some are missing."""

import numpy as np
import pandas
import pytest

import dimscope
from dimscope.config import config_from
from dimscope.engines.shared import share
from dimscope.pipeline.columns import Setting
from dimscope.pipeline.extra_tasks import ExtraTask, LentPlace, extra_bytes, measured_extras, place_of

CONFIG = config_from({"measure": {"overlap_k": 5, "measures": ["cka", "mutual_knn"], "further_k": "3"}})


@pytest.fixture
def places(tmp_path):
    """Two layers of 60 points."""
    pandas.DataFrame({"label": ["a", "b"] * 30, "group": ["g"] * 60}).to_parquet(tmp_path / "points.parquet")
    setting = Setting(CONFIG, share(tmp_path / "points.parquet"), by_prompt=False)
    rng = np.random.default_rng(0)
    layers = rng.normal(size=(60, 4)), rng.normal(size=(60, 6))
    return [LentPlace(setting, points, dimscope.neighbors(points, 10)) for points in layers], layers


def task(here, following):
    return ExtraTask(2, CONFIG.measure, ("cka", "mutual_knn", "overlap_k3"), here, following)


def test_the_columns_are_those_of_the_functions(places):
    lent, (first, second) = places
    found = measured_extras(task(*lent))
    assert found["cka"] == ({"cka_next": dimscope.cka(first, second, seed=0).value, **rest(found, "cka")}, "")
    by_angle = [dimscope.neighbors(points, 5, metric="cosine") for points in (first, second)]
    assert found["mutual_knn"][0]["mutual_knn_next"] == dimscope.overlap(*by_angle, k=5).value
    assert found["overlap_k3"][0]["overlap_next_k3"] == dimscope.overlap(lent[0].table, lent[1].table, k=3).value
    assert found["overlap_k3"][0]["label_overlap_k3"] == dimscope.label_overlap(lent[0].table, ["a", "b"] * 30, k=3).value
    assert measured_extras(task(place_of(lent[0]), place_of(lent[1]))) == found


def rest(found, name):
    return {column: value for column, value in found[name][0].items() if column != f"{name}_next"}


def test_no_table_and_no_next_layer(places):
    (here, _), _ = places
    assert measured_extras(task(None, here)) == {name: ({}, "") for name in ("cka", "mutual_knn", "overlap_k3")}
    alone = measured_extras(task(here, None))
    assert alone["cka"] == ({}, "")
    assert set(alone["overlap_k3"][0]) == {"label_overlap_k3", "label_overlap_k3_err", "label_overlap_k3_chance"}


def test_a_measure_that_the_layer_does_not_allow_says_why(places):
    (here, following), (first, _) = places
    zero = first.copy()
    zero[3] = 0
    row, reason = measured_extras(task(here._replace(points=zero), following))["mutual_knn"]
    assert row == {}
    assert reason.startswith("1 of 60 rows are zero (the first is row 3)")


def test_bytes_under_way(places):
    (here, following), (first, second) = places
    one = first.nbytes + 2 * 60 * 10 * 8 + 3 * 60 * 8
    assert extra_bytes(task(here, None)) == one
    assert extra_bytes(task(here, following)) == 2 * one + second.nbytes - first.nbytes
    assert extra_bytes(task(place_of(here), None)) == 0
