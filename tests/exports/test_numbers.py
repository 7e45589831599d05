"""The exported numbers are those of the profile."""

import json

import numpy as np
import pandas
import pytest
import xarray

from dimscope import export, load
from dimscope.exports.numbers import profile_dict


def test_csv_is_the_table_of_the_run(run, tmp_path):
    assert export(run, "profile", tmp_path / "p.csv").read_text("utf-8") == (run / "profile.csv").read_text("utf-8")


def test_netcdf_is_read_by_xarray(run, tmp_path):
    with xarray.open_dataset(export(run, "profile", tmp_path / "p.nc"), engine="scipy") as found:
        np.testing.assert_array_equal(found["dimension"], load(run).values("dimension"))


def test_json_has_every_number_and_null_where_there_is_none(run, tmp_path):
    text = export(run, "profile", tmp_path / "p.json").read_text("utf-8")
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    profile = load(run)
    assert found["provenance"] == profile.provenance
    frame = pandas.DataFrame(found["layers"])
    assert list(frame.columns) == list(profile.to_dataframe().columns)
    for name in profile.quantities:
        np.testing.assert_array_equal(frame[name].to_numpy(dtype=float), profile.values(name))
    assert found["layers"][-1]["overlap_next"] is None
    assert profile_dict(profile) == found
