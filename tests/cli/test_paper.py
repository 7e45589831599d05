import numpy as np
import pytest
from click.testing import CliRunner

from bundles import igpt_weights, write_bundle
from dimscope.cli.paper import paper
from dimscope.errors import UsageError


def call(*words):
    return CliRunner().invoke(paper, [str(word) for word in words], catch_exceptions=False)


def test_from_checkpoint_and_images_to_the_figure(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "imagenet_trX.npy", rng.integers(0, 5, (600, 6)))
    np.save(tmp_path / "imagenet_trY.npy", np.eye(3)[np.arange(600) % 3])
    (tmp_path / "ids").write_text("0\n1\n2\n")
    write_bundle(tmp_path / "c" / "model.ckpt-1000000", igpt_weights())
    said = call("convert-igpt", tmp_path / "c", "--to", tmp_path / "hf").stdout
    assert "2 blocks of width 8, 2 heads, autoregressive" in said
    ready = (
        "--data-path",
        tmp_path,
        "--ckpt-path",
        tmp_path / "hf",
        "--classes",
        tmp_path / "ids",
        "--to",
        tmp_path / "results",
    )
    assert len(call("distances", *ready, "-q", "--device", "cpu").stdout.split()) == 10
    drawn = call("plot", "--from-distances", tmp_path / "results", "--to", tmp_path / "plots", "--decimation", 4, "--published")
    assert (tmp_path / "plots" / "other_id_ov_labels.png").is_file()
    assert drawn.stderr == ""


def test_tables_are_found_beside_the_arrays(tmp_path):
    from dimscope.paper.legacy import file_name, tables, write_array

    (tmp_path / "data").mkdir()
    for kind, array in tables(np.random.default_rng(0).uniform(size=(600, 3)), 50).items():
        write_array(tmp_path / "small" / "distance_matrices" / file_name("small", 0, "train", kind), array)
    to = ("--to", tmp_path / "plots", "--decimation", 2)
    for words in (("--data", tmp_path / "data", "--from-distances"), ("--from-distances", tmp_path)):
        said = call("plot", *words, *to)
        assert (tmp_path / "plots" / "igpt_id_ov_labels.png").is_file(), said.stderr
        assert f"left out: iGPT-S: {tmp_path}/small/imagenet_labels.npy does not exist." in said.stderr
        for path in (tmp_path / "plots").iterdir():
            path.unlink()
    with pytest.raises(UsageError, match="nothing to plot was named"):
        call("plot", "--from-distances", *to)


def test_help_is_the_same_whoever_calls_first():
    """Click keeps the names of the first context that it met."""
    assert call("-h").stdout.splitlines()[1:] == call("--help").stdout.splitlines()[1:]


def test_a_wrong_word_names_the_nearest():
    said = call("plto")
    assert said.exit_code == 2
    assert 'unknown command "plto". Did you mean "plot"?' in said.stderr
    assert "All: download, download-igpt, convert-igpt, distances, plot" in said.stderr
    lines = [line.split()[0] for line in call("--help").stdout.partition("Commands:")[2].strip().splitlines()]
    assert lines == ["download", "download-igpt", "convert-igpt", "distances", "plot"]
