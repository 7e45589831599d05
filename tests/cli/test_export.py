"""`dimscope export`: files from the command line."""

import pandas


def test_neighbors_of_a_run_of_texts(call, mine):
    left = call("export", mine, "--what", "neighbors", "--layer", "block_01", "--k", "4", "--with-points", "-o", "n.parquet")
    assert (left.code, left.out, left.err) == (0, "n.parquet\n", "")
    table = pandas.read_parquet(mine.parent / "n.parquet")
    assert len(table) == 60
    assert all(len(cell["ids"]) == 4 and cell["ids"].max() < 60 for cell in table["neighbors"])
    assert all(row not in cell["ids"] for row, cell in enumerate(table["neighbors"]))
    assert table["vector"].map(len).nunique() == 1


def test_what_is_missing_or_unknown_is_refused(call, mine):
    for words, code, text in (
        ((), 2, "--what"),
        (("--what", "pictures"), 2, "pictures"),
        (("--what", "profile", "--format", "npy"), 2, 'unknown format of profile "npy"'),
        (("--what", "points", "--layer", "block_77"), 2, 'unknown layer "block_77"'),
    ):
        left = call("export", mine, *words)
        assert (left.code, left.out) == (code, "")
        assert text in left.err
        assert "Traceback" not in left.err
    left = call("export", "nothing", "--what", "profile")
    assert (left.code, left.out) == (1, "")
    assert "nothing is not a run folder" in left.err
