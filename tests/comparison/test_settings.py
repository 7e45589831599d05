"""What differs between runs, and what is said about it."""

from pathlib import Path

import numpy as np

from dimscope.comparison.runs import ComparedRun
from dimscope.comparison.settings import cautions_of, settings_table
from dimscope.store.folder import RunFolder
from profiles import make_profile


def made(name, n=100, *, data="h", scale="first", rank=2, **measure):
    profile = make_profile([3.0, 5.0, 4.0]).with_columns(
        {"n": np.full(3, n), "n_unique": np.full(3, n), "dimension_scale": np.full(3, rank)}
    )
    options = {"estimators": ["twonn", "gride"], "overlap_k": 30, "scale": scale, **measure}
    model = {"name": f"/somewhere/{name}-model", "pool": "mean"}
    facts = {"measure": options, "model": model, "data": {"hash": data, "path": f"{data}.csv"}}
    return ComparedRun(name, RunFolder(Path(name)), profile.with_provenance(**facts))


def test_only_what_differs_is_in_the_table():
    table = settings_table([made("a"), made("b", 200)])
    assert list(table.columns) == ["run", "model", "examples"]
    assert table.to_numpy().tolist() == [["a", "a-model", "100"], ["b", "b-model", "200"]]


def test_settings_that_are_on_or_off_are_said_in_words():
    table = settings_table([made("a", exclude_group=True), made("a", exclude_group=False), made("a")])
    assert table["exclude group"].tolist() == ["yes", "no", "-"]


def test_equal_runs_need_no_caution():
    assert cautions_of([made("a"), made("b", 110)]) == ()


def test_each_difference_has_its_sentence():
    (one,) = cautions_of([made("a"), made("b", estimators=["gride"]), made("c")])
    assert one.startswith("Dimensions come from different estimators (twonn: a, c; gride: b): compare their form")
    (one,) = cautions_of([made("a"), made("b", overlap_k=10)])
    assert one.startswith("Overlaps compare different numbers of neighbours (30: a; 10: b)")
    (one,) = cautions_of([made("a"), made("b", 121)])
    assert one.startswith("The runs have 100 to 121 distinct examples")
    (one,) = cautions_of([made("a"), made("b", data="other")])
    assert one.startswith("The runs read different data")


def test_a_rank_that_was_chosen_from_the_data_belongs_to_the_estimator():
    auto = {"estimators": ["gride"], "scale": "auto"}
    (one,) = cautions_of([made("a", rank=8, **auto), made("b", rank=16, **auto)])
    assert "gride at rank 8: a; gride at rank 16: b" in one
    assert cautions_of([made("a", rank=8, **auto), made("b", rank=8, **auto)]) == ()


def test_arrays_of_one_data_set_are_other_files_without_a_word():
    runs = [made("a", data="x"), made("b", data="y")]
    arrays = [ComparedRun(run.name, run.folder, run.profile.with_provenance(model={})) for run in runs]
    assert cautions_of(arrays) == ()
