"""`dimscope compare`: what it prints, writes and refuses."""

import json
import shutil


def test_two_runs_in_one_page(call, mine, finished):
    left = call("compare", f"one={mine}", f"two={finished}", "-o", "c", "-q")
    assert (left.code, left.err) == (0, "")
    assert left.out.split()[:4] == ["run", "recommended", "peak", "dimension"]
    assert "Page: c/comparison.html" in left.out
    maps = (mine.parent / "c" / "maps.csv").read_text(encoding="utf-8").splitlines()
    cells = [row.split(",") for row in maps[1:]]
    assert all(float(row[5]) == 1 for row in cells if row[1] == row[3])  # the same run: every layer is itself


def test_json_holds_one_entry_per_run(call, mine, finished):
    left = call("compare", f"one={mine}", f"two={finished}", "-o", "c", "-q", "--no-maps", "--json")
    found = json.loads(left.out)
    assert [run["run"] for run in found["runs"]] == ["one", "two"]
    assert found["runs"][0]["peak dimension"] == found["runs"][1]["peak dimension"]
    assert found["cautions"] == []


def test_refusals_are_one_sentence_and_write_nothing(call, mine, tmp_path):
    half = shutil.copytree(mine, tmp_path / "half")
    (half / "profile.nc").unlink()
    for words, code, text in (
        ([mine], 2, "1 run was given; a comparison needs at least two"),
        ([mine, mine], 2, "was given 2 times"),
        ([mine, "nothing"], 1, "nothing is not a run folder"),
        ([mine, half], 1, "half is not finished"),
        ([mine, half, "--size", "huge"], 1, "half is not finished"),
    ):
        left = call("compare", *words, "-o", "c")
        assert (left.code, left.out) == (code, "")
        assert text in left.err
        assert "Traceback" not in left.err
    assert not (tmp_path / "c").exists()


def test_too_many_neighbors_for_a_map_is_a_message(call, mine, finished):
    left = call("compare", f"one={mine}", f"two={finished}", "-o", "c", "--k", "999")
    assert left.code == 0
    assert "no map of one and two: " in left.err
    assert "999" in left.err
