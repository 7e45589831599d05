"""Exported points are the points, bit for bit, read by other packages."""

import shutil

import numpy as np
import pandas
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from dimscope import export
from dimscope.errors import StoreError


def test_an_array_of_one_layer(run, arrays, tmp_path):
    found = np.load(export(run, "points", tmp_path / "p.npy", layers=["array_01"]), allow_pickle=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, arrays[1])


def test_tensors_of_all_layers_under_their_names(run, arrays, tmp_path):
    out = export(run, "points", tmp_path / "p.safetensors", layers=["all"])
    found = load_file(out)
    assert sorted(found) == ["array_00", "array_01", "array_02"]
    for name, layer in found.items():
        assert layer.dtype == np.float32
        np.testing.assert_array_equal(layer, arrays[int(name[-2:])])
    assert out.stat().st_mode == (run / "config.toml").stat().st_mode
    with safe_open(out, "numpy") as opened:
        assert opened.metadata()["rows"] == "as in points.parquet"


def test_rows_with_their_vector(run, arrays, tmp_path):
    table = pandas.read_parquet(export(run, "points", tmp_path / "p.parquet", layers=["array_00"]))
    np.testing.assert_array_equal(np.stack(table["vector"]), arrays[0])
    assert table["label"].tolist() == ["xy"[row % 2] for row in range(60)]


def test_states_that_are_gone_are_one_sentence(run, tmp_path):
    place = shutil.copytree(run, tmp_path / "mine")
    (place / "states" / "array_00.npy").unlink()
    for ending in ("npy", "parquet", "safetensors"):
        with pytest.raises(StoreError, match=r"no states at .*array_00\.npy; run `dimscope extract` first"):
            export(place, "points", tmp_path / f"p.{ending}", layers=["array_00"])
        assert not (tmp_path / f"p.{ending}").exists()
