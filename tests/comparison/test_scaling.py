"""Overlaps at several k against the arrays themselves, and what is refused."""

import shutil

import numpy as np
import pytest

from dimscope import label_overlap, overlap
from dimscope.comparison.scaling import overlaps_at
from dimscope.errors import StoreError, UsageError
from dimscope.plots.overlap_scaling import overlap_columns
from dimscope.profile import Profile


def test_columns_are_the_overlaps_of_the_arrays(runs):
    profile = overlaps_at(runs / "a", k=(7, 1))
    points = list(np.load(runs / "a.npz").values())
    labels = (runs / "labels.txt").read_text().split()
    for k in (1, 7):
        for row in range(len(points) - 1):
            expected = overlap(points[row], points[row + 1], k)
            found = [profile.values(f"overlap_next_k{k}{end}")[row] for end in ("", "_err", "_chance")]
            assert found == pytest.approx([expected.value, expected.stderr, k / 119], rel=1e-9)
        assert np.isnan(profile.values(f"overlap_next_k{k}")[-1])
        shares = [label_overlap(layer, labels, k).value for layer in points]
        np.testing.assert_allclose(profile.values(f"label_overlap_k{k}"), shares, rtol=1e-12)


def test_the_default_are_those_that_every_table_holds(runs):
    assert list(overlap_columns(overlaps_at(runs / "a"), "overlap_next")) == [1, 2, 5, 10, 20]


def test_the_k_of_the_run_gives_the_column_of_the_run(runs):
    profile = overlaps_at(runs / "b", k=[10])
    for quantity in ("overlap_next", "label_overlap"):
        np.testing.assert_allclose(profile.values(f"{quantity}_k10"), profile.values(quantity), rtol=1e-12)


def test_without_labels_there_is_no_label_overlap(runs):
    profile = overlaps_at(runs / "bare")
    assert profile.has("overlap_next_k5")
    assert not profile.has("label_overlap_k5")


def test_stored_columns_are_kept_and_missing_tables_are_gaps(runs, tmp_path):
    place = shutil.copytree(runs / "a", tmp_path / "a")
    stored = Profile.load(place / "profile.nc")
    stored.with_columns({"overlap_next_k5": np.full(5, 0.125)}).save(place / "profile.nc")
    (place / "neighbors" / "array_02.npz").unlink()
    profile = overlaps_at(place, k=(2, 5))
    assert profile.values("overlap_next_k5").tolist() == [0.125] * 5
    assert np.isnan(profile.values("overlap_next_k2")).tolist() == [False, True, True, False, True]
    assert np.isnan(profile.values("label_overlap_k2")).tolist() == [False, False, True, False, False]


def test_groups_are_left_out_where_the_run_left_them_out(runs, tmp_path):
    import pandas

    place = shutil.copytree(runs / "a", tmp_path / "a")
    table = pandas.read_parquet(place / "points.parquet")
    groups = [str(row % 40) for row in range(len(table))]
    table.assign(group=groups).to_parquet(place / "points.parquet", index=False)
    text = (place / "config.toml").read_text().replace("exclude_group = false", "exclude_group = true")
    (place / "config.toml").write_text(text)
    points = next(iter(np.load(runs / "a.npz").values()))
    expected = label_overlap(points, table["label"].tolist(), 5, exclude=groups).value
    plain = label_overlap(points, table["label"].tolist(), 5).value
    found = overlaps_at(place, k=[5]).values("label_overlap_k5")[0]
    assert found == pytest.approx(expected, abs=0.01)  # the table is longer than the search that skips
    assert expected != plain
    assert found != plain


def test_impossible_numbers_and_folders_are_refused(runs, tmp_path):
    with pytest.raises(UsageError, match=r"k = 3, 21 was asked for; the table of array_00 holds 20; give numbers from 1 to 20"):
        overlaps_at(runs / "a", k=(3, 21))
    with pytest.raises(UsageError, match=r"^k=5 was asked for; give one or more numbers of neighbours, as in k=\[5\]\.$"):
        overlaps_at(runs / "a", k=5)
    with pytest.raises(UsageError, match=r"^k='5' was asked for; it must be a whole number\.$"):
        overlaps_at(runs / "a", k=["5"])
    with pytest.raises(UsageError, match="k = nothing was asked for"):
        overlaps_at(runs / "a", k=())
    place = shutil.copytree(runs / "a", tmp_path / "a")
    shutil.rmtree(place / "neighbors")
    with pytest.raises(StoreError, match="has no neighbour tables; run `dimscope measure"):
        overlaps_at(place)
