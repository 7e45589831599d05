"""Profiles: what goes in comes out, on disk and in tables, with as many digits as the errors allow."""

import csv
import json
import random

import numpy as np
import pytest
import xarray
from scipy.io import netcdf_file

from dimscope.errors import StoreError, UsageError
from dimscope.profile import SCHEMA, Layer, Profile, format_number
from profiles import make_profile

LAYERS = [
    Layer("embed_00", "embed", 0, 0.0, "model.embed"),
    Layer("block_01", "block", 1, 0.5, ""),
    Layer("block_02", "block", 2, 1.0, "слой.2"),
    Layer("final_norm_02", "final_norm", 2, 1.0, "norm"),
]
COLUMNS = {
    "n": [60, 60, 60, 60],
    "n_unique": [40, 60, 60, 59],
    "dimension": [1 / 3, 2.0, float("nan"), 1e-300],
    "dimension_err": [0.1, 0.02, float("nan"), 0.5],
    "dimension_status": ["ok", "", "too few — мало", "ok"],
    "overlap_next": [0.5, 0.25, 0.125, float("nan")],
}
REPLICATES = np.random.default_rng(0).normal(size=(4, 7))


@pytest.fixture
def profile():
    return Profile.from_columns(LAYERS, COLUMNS, REPLICATES, {"model": {"name": "é"}, "seed": 3})


def same(left, right):
    return left.dataset.identical(right.dataset)


def test_columns_come_out_as_they_went_in(profile):
    assert profile.layers == LAYERS
    assert profile.quantities == ["n", "n_unique", "dimension", "dimension_err", "overlap_next"]
    for name in profile.quantities:
        assert np.array_equal(profile.values(name), np.array(COLUMNS[name], dtype=float), equal_nan=True)
    assert profile.provenance == {"model": {"name": "é"}, "seed": 3}
    assert profile.has("dimension_status")
    assert not profile.has("label_overlap")


def test_an_unknown_quantity_names_the_nearest(profile):
    with pytest.raises(UsageError, match=r'unknown quantity "dimensions". Did you mean "dimension"\?'):
        profile.values("dimensions")
    with pytest.raises(UsageError, match='unknown quantity "dimension_replicates"'):
        profile.values("dimension_replicates")


def test_the_file_gives_back_every_bit(profile, tmp_path):
    profile.save(tmp_path / "sub" / "profile.nc")
    found = Profile.load(tmp_path / "sub" / "profile.nc")
    assert same(found, profile)
    assert found.layers == LAYERS
    assert found.provenance == profile.provenance
    assert np.array_equal(found.dataset["dimension_replicates"].values, REPLICATES)
    assert found.dataset["dimension_status"].values.tolist() == COLUMNS["dimension_status"]
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["profile.nc"]


def test_a_profile_of_empty_texts_and_without_replicates_is_stored_too(tmp_path):
    profile = make_profile([1.0, 2.0], dimension_status="")
    assert "replicate" not in profile.dataset.dims
    profile.save(tmp_path / "profile.nc")
    assert same(Profile.load(tmp_path / "profile.nc"), profile)


def test_the_same_profile_has_the_same_bytes(profile, tmp_path):
    profile.save(tmp_path / "a.nc")
    profile.save(tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_other_tools_read_the_file(profile, tmp_path):
    profile.save(tmp_path / "profile.nc")
    with netcdf_file(tmp_path / "profile.nc", mmap=False) as found:
        assert found.version_byte == 2
        assert np.array_equal(found.variables["dimension"][:], COLUMNS["dimension"], equal_nan=True)
        assert found.variables["n"][:].tolist() == COLUMNS["n"]
        assert json.loads(found.provenance)["seed"] == 3
        assert found.schema == SCHEMA


def test_further_provenance_leaves_the_numbers_and_the_old_profile(profile):
    more = profile.with_provenance(seed=4, command="x")
    assert more.provenance == {"model": {"name": "é"}, "seed": 4, "command": "x"}
    assert profile.provenance["seed"] == 3
    assert more.dataset.equals(profile.dataset)


def test_the_table_has_all_digits_and_survives_csv(profile, tmp_path):
    frame = profile.to_dataframe()
    assert list(frame.columns)[:4] == ["layer", "site", "depth", "name"]
    frame.to_csv(tmp_path / "profile.csv", index=False)
    with (tmp_path / "profile.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["layer"] for row in rows] == ["0", "1", "2", "2"]
    assert [(row["name"], row["site"], float(row["depth"])) for row in rows] == [
        (layer.name, layer.site, layer.depth) for layer in LAYERS
    ]
    for name in profile.quantities:
        numbers = [float(row[name]) if row[name] else float("nan") for row in rows]
        assert np.array_equal(numbers, profile.values(name), equal_nan=True)
    assert [row["dimension_status"] for row in rows] == COLUMNS["dimension_status"]


def test_the_summary_shows_what_was_measured_with_the_digits_of_its_error(profile):
    table = profile.summary()
    assert table["layer"].tolist() == [layer.name for layer in LAYERS]
    assert list(table.columns) == ["layer", "dimension", "overlap_next", "n_unique"]
    assert table["dimension"].tolist() == ["0.33 +- 0.10", "2.000 +- 0.020", "-", "0.00 +- 0.50"]
    assert table["overlap_next"].tolist() == ["0.5", "0.25", "0.125", "-"]
    assert table["n_unique"].tolist() == ["40", "60", "60", "59"]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (16.523, 0.31, "16.52 +- 0.31"),
        (16.523, 0.0996, "16.52 +- 0.10"),
        (16.523, 0.0994, "16.523 +- 0.099"),
        (16.523, 0.00996, "16.523 +- 0.010"),
        (5.0, 0.996, "5.0 +- 1.0"),
        (5.0, 9.96, "5 +- 10"),
        (1234.5, 250.0, "1234 +- 250"),
        (-3.14159, 0.02, "-3.142 +- 0.020"),
        (3, 0.1, "3.00 +- 0.10"),
        (0.5, 1e-14, "0.5 +- 1e-14"),
        (0.123456, 0.0, "0.1235"),
        (0.123456, float("nan"), "0.1235"),
        (7.0, float("inf"), "7"),
        (100000.0, float("nan"), "100000"),
        (12345.678, float("nan"), "1.235e+04"),
        (1e-5, float("nan"), "1e-05"),
        (0.0, float("nan"), "0"),
        (float("nan"), 0.1, "-"),
        (float("inf"), 0.1, "-"),
    ],
)
def test_digits_follow_the_error(value, error, text):
    assert format_number(value, error) == text


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(StoreError, match=r"no profile at .*p\.nc; run `dimscope measure` on the run folder first\."):
        Profile.load(tmp_path / "p.nc")


def test_a_newer_schema_is_refused_even_when_its_content_is_unknown(profile, tmp_path):
    newer = profile.dataset.drop_vars("site").assign_attrs(schema=SCHEMA + 1)
    newer.to_netcdf(tmp_path / "p.nc", engine="scipy")
    with pytest.raises(
        StoreError, match=rf"p\.nc has schema {SCHEMA + 1}, this dimscope reads up to {SCHEMA}; update dimscope"
    ):
        Profile.load(tmp_path / "p.nc")


@pytest.mark.parametrize("missing", ["site", "index", "depth", "module", "dimension", "layer"])
def test_foreign_files_are_named_with_what_they_lack(profile, tmp_path, missing):
    profile.dataset.drop_vars(missing).to_netcdf(tmp_path / "p.nc", engine="scipy")
    with pytest.raises(
        StoreError, match=rf"p\.nc is damaged or not a profile \(.*missing: {missing}\.\); measure the run again"
    ):
        Profile.load(tmp_path / "p.nc")


def test_other_axes_are_foreign_too(tmp_path):
    xarray.Dataset({"x": ("y", [1.0])}, attrs={"schema": 1}).to_netcdf(tmp_path / "p.nc", engine="scipy")
    with pytest.raises(StoreError, match="is damaged or not a profile"):
        Profile.load(tmp_path / "p.nc")


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_damaged_provenance_is_found_when_the_file_is_read(profile, tmp_path, text):
    profile.dataset.assign_attrs(provenance=text).to_netcdf(tmp_path / "p.nc", engine="scipy")
    with pytest.raises(StoreError, match="is damaged or not a profile"):
        Profile.load(tmp_path / "p.nc")


def test_every_truncated_file_is_named(profile, tmp_path):
    place = tmp_path / "p.nc"
    profile.save(place)
    whole = place.read_bytes()
    for size in range(0, len(whole) - 8, 29):
        place.write_bytes(whole[:size])
        with pytest.raises(StoreError, match=r"p\.nc is damaged or not a profile"):
            Profile.load(place)


def test_damaged_bytes_are_a_store_error_or_a_readable_profile(profile, tmp_path):
    """netCDF has no checksum: changed numbers can only be found by the hash in the manifest."""
    place = tmp_path / "p.nc"
    profile.save(place)
    whole = place.read_bytes()
    rng = random.Random(0)
    outcomes = set()
    for _ in range(250):
        raw = bytearray(whole)
        for _ in range(rng.choice([1, 1, 4])):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        place.write_bytes(raw)
        try:
            found = Profile.load(place)
        except StoreError as error:
            outcomes.add("refused")
            assert str(place) in str(error)
        else:
            outcomes.add("read")
            assert len(found.summary()) == len(found.layers)
            assert isinstance(found.provenance, dict)
    assert outcomes == {"refused", "read"}


def test_a_run_writes_the_promised_columns(tmp_path):
    from dimscope.config import config_from
    from dimscope.pipeline.given import measure_arrays

    points = np.random.default_rng(0).normal(size=(2, 80, 6))
    np.save(tmp_path / "points.npy", points)
    (tmp_path / "labels.txt").write_text("a\nb\n" * 40, encoding="utf-8")
    options = config_from({"measure": {"k": 16, "overlap_k": 5, "replicates": 2}})
    head = "layer,site,depth,name"
    always = (
        "n n_unique twonn twonn_err gride_2 gride_2_err gride_4 gride_4_err gride_16 dimension dimension_err dimension_scale "
    )
    always += "overlap_next effective_rank participation_ratio anisotropy r1_median"
    labelled = {"label_overlap", "label_overlap_balanced", "knn_accuracy"}
    for labels in (None, tmp_path / "labels.txt"):
        out = tmp_path / str(labels is None)
        measure_arrays(tmp_path / "points.npy", options, out, labels=labels, with_report=False)
        header, *rows = (out / "profile.csv").read_text(encoding="utf-8").splitlines()
        assert header.startswith(head)
        assert set(always.split()) <= set(header.split(","))
        assert labelled & set(header.split(",")) == (labelled if labels else set())
        cells = dict(zip(header.split(","), rows[1].split(","), strict=True))
        distances = np.sort(np.linalg.norm(points[1][:, None] - points[1][None], axis=2), axis=1)
        assert float(cells["r1_median"]) == pytest.approx(np.median(distances[:, 1]), rel=1e-12)
        assert (cells["layer"], cells["site"], cells["depth"], cells["n"]) == ("1", "array", "1.0", "80")
