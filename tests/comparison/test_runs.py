"""Which runs are compared, under which names, and what is refused."""

import shutil

import pytest

from dimscope.comparison import open_runs
from dimscope.errors import StoreError, UsageError


def test_names_come_from_the_words_or_the_folders(runs, tmp_path):
    found = open_runs([f"first one={runs / 'a'}", str(runs / "b")])
    assert [run.name for run in found] == ["first one", "b"]
    assert [len(run.profile.layers) for run in found] == [5, 3]
    other = shutil.copytree(runs / "a", tmp_path / "x" / "a")
    assert [run.name for run in open_runs([str(runs / "a"), str(other)])] == [f"{runs.name}/a", "x/a"]


def test_a_folder_with_an_equals_sign_is_a_folder(runs, tmp_path):
    place = shutil.copytree(runs / "a", tmp_path / "lr=0.1")
    assert [run.name for run in open_runs([str(place), f"b={runs / 'b'}"])] == ["lr=0.1", "b"]


def test_one_run_the_same_run_and_the_same_name_are_refused(runs):
    a, b = runs / "a", runs / "b"
    with pytest.raises(UsageError, match=r"1 run was given; a comparison needs at least two"):
        open_runs([str(a)])
    with pytest.raises(UsageError, match=r"a was given 2 times; name each run once"):
        open_runs([str(a), f"again={a / '..' / 'a'}"])
    with pytest.raises(UsageError, match='two runs would be called "x"; give names with NAME=RUN'):
        open_runs([f"x={a}", f"x={b}"])
    with pytest.raises(UsageError, match='"=nothing" was given; write RUN or NAME=RUN'):
        open_runs([str(a), "=nothing"])


def test_what_is_no_finished_run_is_refused(runs, tmp_path):
    with pytest.raises(StoreError, match="nowhere is not a run folder"):
        open_runs([str(runs / "a"), str(tmp_path / "nowhere")])
    half = shutil.copytree(runs / "a", tmp_path / "half")
    (half / "profile.nc").unlink()
    with pytest.raises(StoreError, match=r"half is not finished \(it has no profile.nc\); finish it with `dimscope measure"):
        open_runs([str(runs / "a"), str(half)])
