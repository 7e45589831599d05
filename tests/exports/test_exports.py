"""Which file comes out, and every request that is refused."""

import json
import shutil

import pytest

from dimscope import export
from dimscope.errors import StoreError, UsageError
from dimscope.exports import FORMATS


def choose(run, folder, best):
    """A copy of the run whose stored answer is `best`."""
    place = shutil.copytree(run, folder / "mine")
    (place / "recommendation.json").write_text(json.dumps({"best": best}), encoding="utf-8")
    return place


@pytest.mark.parametrize(("what", "form"), [(what, form) for what, forms in FORMATS.items() for form in forms])
def test_the_name_of_the_file_says_what_is_in_it(run, tmp_path, monkeypatch, what, form):
    place = choose(run, tmp_path, "array_01")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    out = export(place, what, format=form)
    assert out.name == (f"mine-profile.{form}" if what == "profile" else f"mine-array_01-{what}.{form}")
    assert [path.name for path in (tmp_path / "here").iterdir()] == [out.name]  # nothing half-written beside it
    assert out.stat().st_size > 100


def test_the_ending_gives_the_format_and_the_usual_one_comes_first(run, tmp_path):
    assert export(run, "profile", tmp_path / "p.JSON").read_text(encoding="utf-8").startswith("{")
    assert export(run, "points", tmp_path / "p.npy", layers=["array_00"]).read_bytes().startswith(b"\x93NUMPY")
    assert export(run, "points", tmp_path / "q.npy", layers="array_00").read_bytes() == (tmp_path / "p.npy").read_bytes()
    assert export(run, "neighbors", tmp_path / "without", layers=["array_00"]).read_bytes().startswith(b"PAR1")


def test_an_older_file_is_replaced(run, tmp_path):
    (tmp_path / "p.csv").write_text("old", encoding="utf-8")
    assert "dimension" in export(run, "profile", tmp_path / "p.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "options", "text"),
    [
        (("neighbours",), {}, 'unknown part of a run "neighbours". Did you mean "neighbors"?'),
        (("points",), {"format": "json"}, 'unknown format of points "json"'),
        (("points", "p.tsv"), {}, 'unknown format of points "tsv"'),
        (("profile", "p.csv"), {"format": "json"}, 'the format json was asked for, but the file ends with ".csv"'),
        (("points",), {"layers": ["array_9"]}, 'unknown layer "array_9"'),
        (("points",), {"layers": ["all"], "format": "npy"}, "3 layers were named, but a npy file holds one"),
        (("profile",), {"layers": ["array_00"]}, "--layer was given, but profile knows no such option"),
        (("points",), {"k": 3, "with_points": True}, "--k, --with-points was given, but points knows --layer"),
        (
            ("neighbors",),
            {"layers": ["array_00"], "k": 13},
            "this export needs 13 neighbours of each point, the table holds 12",
        ),
        (
            ("neighbors", "n.csv"),
            {"layers": ["array_00"], "with_points": True},
            "a csv file has no place for vectors; use parquet",
        ),
    ],
)
def test_impossible_requests_are_refused_and_leave_nothing(run, tmp_path, monkeypatch, words, options, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        export(run, *words, **options)
    assert text in " ".join(str(refused.value).split())
    assert list(tmp_path.iterdir()) == []


def test_only_finished_runs_are_exported(run, tmp_path):
    with pytest.raises(StoreError, match="nothing is not a run folder"):
        export(tmp_path / "nothing", "profile", tmp_path / "p.csv")
    half = shutil.copytree(run, tmp_path / "half")
    (half / "profile.nc").unlink()
    with pytest.raises(StoreError, match=r"half is not finished \(it has no profile.nc\); finish it with `dimscope measure"):
        export(half, "neighbors", tmp_path / "n.parquet", layers=["array_00"])


def test_a_place_that_cannot_be_written_is_one_sentence(run, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for what, name in (("profile", "p.nc"), ("points", "p.safetensors"), ("neighbors", "n.parquet")):
        layers = None if what == "profile" else ["array_00"]
        with pytest.raises(StoreError, match=r"cannot be written \("):
            export(run, what, tmp_path / "file" / name, layers=layers)
