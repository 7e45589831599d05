"""Which layers are meant, and damaged files."""

import json
import shutil

import pytest

from dimscope.errors import StoreError, UsageError
from dimscope.exports.selection import choose_layers, point_rows
from dimscope.store.folder import RunFolder


def test_names_come_back_in_the_order_of_depth(run):
    folder = RunFolder(run)
    assert choose_layers(folder, ["array_02", "array_00"]) == ["array_00", "array_02"]
    assert choose_layers(folder, ["all"]) == ["array_00", "array_01", "array_02"]
    with pytest.raises(UsageError, match='unknown layer "array_1"'):
        choose_layers(folder, ["array_1"])


def test_the_default_is_the_recommended_layer(run, tmp_path):
    place = shutil.copytree(run, tmp_path / "mine")
    (place / "recommendation.json").write_text(json.dumps({"best": "array_02"}), encoding="utf-8")
    assert choose_layers(RunFolder(place), None) == ["array_02"]
    (place / "recommendation.json").write_text(json.dumps({"best": None}), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(
            UsageError, match="the run recommends no layer; name one with --layer: array_00, array_01, array_02"
        ):
            choose_layers(RunFolder(place), None)
        (place / "recommendation.json").unlink(missing_ok=True)
    (place / "recommendation.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(StoreError, match=r"recommendation\.json is damaged; write it again with `dimscope recommend"):
        choose_layers(RunFolder(place), None)


def test_rows_that_are_gone_or_damaged_are_one_sentence(run, tmp_path):
    assert point_rows(RunFolder(run)).num_rows == 60
    place = shutil.copytree(run, tmp_path / "mine")
    (place / "points.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(StoreError, match=r"points\.parquet is gone or damaged"):
        point_rows(RunFolder(place))
    (place / "points.parquet").unlink()
    with pytest.raises(StoreError, match=r"points\.parquet is gone or damaged"):
        point_rows(RunFolder(place))
