"""What cannot be done is refused in one sentence, with the right exit code, before anything is written."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
import transformers

from cli_runs import SMALL, content
from tiny import VOCABULARY, save_model


@pytest.fixture
def here(tmp_path, table):
    """The working folder with good and bad data files."""
    frame = pandas.read_csv(table)
    shutil.copyfile(table, tmp_path / "good.csv")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("text,label\n", encoding="utf-8")
    (tmp_path / "odd.xlsx").write_text("text\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    gaps = frame.copy()
    gaps.loc[[3, 30], "label"] = None
    gaps.to_csv(tmp_path / "gaps.csv", index=False)
    frame.head(21).to_csv(tmp_path / "few.csv", index=False)
    equal = frame.copy()
    equal["text"] = "w1 w2"
    equal.to_csv(tmp_path / "equal.csv", index=False)
    blank = frame.copy()
    blank.loc[[5, 6], "text"] = [" ", "\t"]
    blank.to_csv(tmp_path / "blank.csv", index=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "bare").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def pickled(bert, tmp_path_factory):
    """The tiny model with its weights as a pickle only."""
    folder = shutil.copytree(bert, tmp_path_factory.mktemp("pickled") / "model")
    torch.save(transformers.AutoModel.from_pretrained(bert).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A tiny model whose second block gives NaN."""
    folder = save_model("bert", tmp_path_factory.mktemp("broken"))
    model = transformers.AutoModel.from_pretrained(folder)
    model.encoder.layer[1].output.dense.bias.data[:] = float("nan")
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def refused(call, here):
    """Runs the command and returns its one sentence; everything below the working folder must be as it was."""

    def run(code, *words):
        before = content(here)
        left = call(*words)
        assert (left.code, left.out) == (code, ""), left
        assert content(here) == before
        assert {path.name for path in here.iterdir() if path.is_dir()} == {"folder", "notes", "bare"}
        lines = [line for line in left.err.splitlines() if not line.startswith("loading ") and "(found by: " not in line]
        assert len(lines) == 1, left.err
        assert lines[0].startswith("Error: ")
        return lines[0].removeprefix("Error: ")

    return run


DATA = {
    "missing file": (["--data", "no.csv"], "no data file at no.csv (looked in "),
    "folder": (
        ["--data", "folder"],
        "folder is a folder without images or sound; a file with examples, a folder of images or sound with a sub-folder per ",
    ),
    "empty file": (["--data", "empty.csv"], "empty.csv is empty; a file with examples is expected."),
    "header only": (["--data", "header.csv"], "header.csv has no examples."),
    "unknown ending": (["--data", "odd.xlsx"], "odd.xlsx has the ending .xlsx; data may be: .csv, .fa, .fa.gz,"),
    "missing column": (
        ["--data", "good.csv", "--text", "body"],
        'good.csv has no column "body" for --text.  Columns: id, text, label, group',
    ),
    "misspelt column": (["--data", "good.csv", "--label", "lable"], 'Did you mean "label"?'),
    "misspelt group": (["--data", "good.csv", "--group", "gruop"], 'Did you mean "group"?'),
    "labels missing": (["--data", "gaps.csv", "--label", "label"], "2 of 60"),
    "too few": (["--data", "few.csv"], "21 examples were found, but --k 20 needs at least 22. Give more examples, or "),
    "all equal": (["--data", "equal.csv"], "all distinct texts are equal, or there is only one; there is no geometry"),
    "empty texts": (["--data", "blank.csv"], "2 "),
}


@pytest.mark.parametrize("case", DATA)
def test_data_that_cannot_be_used(case, refused, bert):
    words, message = DATA[case]
    assert message in refused(1, "run", bert, *SMALL, "-o", "out", *words)


@pytest.fixture(scope="module")
def forgetful(gpt2, tmp_path_factory):
    """A tiny model whose tokenizer drops zero-width blanks."""
    folder = shutil.copytree(gpt2, tmp_path_factory.mktemp("forgetful") / "model")
    place = folder / "tokenizer.json"
    content = json.loads(place.read_text(encoding="utf-8"))
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "\u200b"}, "content": ""}
    place.write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_texts_without_tokens_are_named(refused, forgetful, here):
    frame = pandas.read_csv(here / "good.csv")
    frame.loc[[5, 6], "text"] = "\u200b"
    frame.to_csv(here / "odd.csv", index=False)
    said = refused(1, "run", forgetful, "--data", "odd.csv", "--id", "id", *SMALL, "-o", "out")
    assert said.startswith("2 of 60 ")
    assert "e5, e6" in said
    assert "token" in said


MODELS = {
    "no such folder": ("./modell", "the model folder modell does not exist (looked in "),
    "a file": ("./good.csv", "the model folder good.csv is a file, not a model folder (looked in "),
    "no configuration": ("bare", "bare is not a model folder: it has no config.json."),
    "no network": ("someone/some-model", "the hub cannot be reached and the model is not in the local cache"),
}


@pytest.mark.parametrize("case", MODELS)
def test_models_that_cannot_be_used(case, refused):
    model, message = MODELS[case]
    assert message in refused(1, "run", model, "--data", "good.csv", *SMALL, "-o", "out")


def test_a_pickle_is_refused_and_read_on_request(refused, call, pickled, finished, here):
    words = ["run", pickled, "--data", "good.csv", "--label", "label", *SMALL, "-o", "out"]
    said = refused(1, *words)
    assert "are a pickle only (pytorch_model.bin); loading a pickle can run code." in said
    assert "--allow-pickle" in said
    assert call(*words, "--allow-pickle", "--no-report").code == 0
    stored = pandas.read_csv(here / "out" / "profile.csv")
    np.testing.assert_array_equal(stored["twonn"], pandas.read_csv(finished / "profile.csv")["twonn"])


def test_nan_in_activations_names_layer_and_examples(call, broken, here):
    left = call("run", broken, "--data", "good.csv", "--id", "id", *SMALL, "-o", "out")
    assert (left.code, left.out) == (1, "")
    said = left.err.splitlines()[-1]
    assert said.startswith("Error: ")
    assert "block_02" in said
    assert "NaN" in said
    assert "Traceback" not in left.err
    assert not (here / "out").exists()


def test_nan_for_some_words_names_their_examples(call, bert, here):
    model = transformers.AutoModel.from_pretrained(bert)
    model.embeddings.word_embeddings.weight.data[VOCABULARY["w59"]] = float("nan")
    shutil.copytree(bert, here / "part")
    model.save_pretrained(here / "part")
    frame = pandas.read_csv(here / "good.csv")
    concerned = frame["id"][frame["text"].str.split().map(lambda words: "w59" in words)].tolist()
    left = call("run", "part", "--data", "good.csv", "--id", "id", *SMALL, "-o", "out")
    assert (left.code, left.out) == (1, "")
    said = left.err.splitlines()[-1]
    assert said.startswith("Error: ")
    assert "embed_00" in said
    assert concerned[0] in said
    found = content(here / "out")
    assert not [path for path in found if path.endswith((".npy", ".part"))]
    assert not {"profile.csv", "profile.nc"} & set(found)


USAGE = {
    "estimator": (["--estimator", "twon"], 'unknown estimator "twon". Did you mean "twonn"?'),
    "rule": (["--rule", "minimun"], 'unknown rule "minimun". Did you mean "minimum"?'),
    "device": (["--device", "gpu"], 'device "gpu" was asked for; PyTorch '),
    "k": (["--overlap-k", "30"], "--overlap-k 30 is more than --k 20, the neighbours that are kept;"),
    "points": (["--points", "3"], "--points 3 was asked for; it must be at least 4."),
    "groups": (["--exclude-group"], "--exclude-group was asked for, but the examples have no groups;"),
    "layers": (["--layers", "0:99"], "99"),
    "tokens": (["--max-tokens", "500"], "--max-tokens 500 was asked for; "),
}


@pytest.mark.parametrize("case", USAGE)
def test_options_that_cannot_be_met(case, refused, bert):
    words, message = USAGE[case]
    assert message in refused(2, "run", bert, "--data", "good.csv", *SMALL, "-o", "out", *words)


OUTPUT = {
    "not a run": (2, "notes", "notes exists and is not a run folder; choose another one with -o."),
    "a file": (2, "good.csv", "good.csv is a file; choose another output folder with -o."),
    "below a file": (1, "good.csv/out", "cannot be written"),
    "no space": (1, "/proc/out", "are free at /proc. Free some space, choose another place with -o"),
}


@pytest.mark.parametrize("case", OUTPUT)
def test_output_folders_that_cannot_be_used(case, refused, bert):
    code, out, message = OUTPUT[case]
    if out.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("needs a file system without space")
    said = refused(code, "run", bert, "--data", "good.csv", *SMALL, "-o", out)
    assert message in said
    assert "-o" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_without_permission_is_one_sentence(refused, bert, here):
    (here / "notes").chmod(0o555)
    try:
        said = refused(1, "run", bert, "--data", "good.csv", *SMALL, "-o", "notes/out")
    finally:
        (here / "notes").chmod(0o755)
    assert said == "notes/out/config.toml cannot be written (Permission denied); choose another folder with -o."


def test_another_configuration_is_refused_and_named(call, mine, bert, table):
    before = content(mine)
    words = ["run", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-o", mine]
    left = call(*words, "--pool", "cls", "--seed", "3")
    assert (left.code, left.out) == (2, "")
    assert left.err == (
        f"Error: {mine} was made with data.seed = 0, now 3; model.pool = 'mean', now 'cls'. "
        "Choose --on-existing redo or another -o.\n"
    )
    left = call(*words, "--k", "15")
    assert (left.code, left.out) == (2, "")
    assert f"call dimscope measure {mine} with the new options" in left.err
    left = call(*words, "--on-existing", "error")
    assert left.err == f"Error: {mine} exists and --on-existing error was asked for; choose another -o.\n"
    assert left.code == 2
    assert content(mine) == before


def test_redo_that_fails_keeps_the_old_results(call, mine, table):
    before = content(mine)
    left = call("run", "./modell", "--data", table, *SMALL, "-o", mine, "--on-existing", "redo")
    assert left.code == 1
    assert "the model folder modell does not exist" in left.err
    assert content(mine) == before


@pytest.fixture
def arrays(here):
    rng = np.random.default_rng(0)
    good = rng.normal(size=(60, 5))
    made = {"good": good, "few": good[:21], "equal": np.ones((60, 5)), "flat": good[:, 0], "words": np.array([["a"]] * 60)}
    bad = good.copy()
    bad[[4, 9], 2] = [np.nan, np.inf]
    made["bad"] = bad
    for name, array in made.items():
        np.save(here / f"{name}.npy", array)
    (here / "labels.txt").write_text("a\n" * 59, encoding="utf-8")
    (here / "torn.npy").write_bytes((here / "good.npy").read_bytes()[:-40])
    return here


ARRAYS = {
    "missing": (["no.npy"], "no arrays at no.npy (looked in "),
    "no arrays in it": (["notes"], "notes holds no arrays."),
    "other ending": (
        ["good.csv"],
        "good.csv has the ending .csv; arrays may be: .npy, .npz, .safetensors, or a folder of .npy.",
    ),
    "torn": (["torn.npy"], "torn.npy cannot be read as numpy arrays: "),
    "one axis": (["flat.npy"], "a layer is an array of real numbers with two axes (examples, features)."),
    "words": (["words.npy"], "a layer is an array of real numbers"),
    "NaN": (["bad.npy"], 'layer "bad": '),
    "few": (["few.npy"], "21 points were found, but --k 20 needs at least 22."),
    "equal": (["equal.npy"], "all 60 points are equal in every layer; there is no geometry to measure."),
    "labels": (["good.npy", "--labels", "labels.txt"], "labels.txt holds 59 labels for 60 examples;"),
    "no labels": (["good.npy", "--labels", "no.txt"], "no labels at no.txt (looked in "),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_cannot_be_used(case, refused, arrays):
    words, message = ARRAYS[case]
    assert message in refused(1, "measure", *words, *SMALL, "-o", "out")


@pytest.mark.parametrize("words", [["show"], ["recommend"], ["report"], ["show", "--verify"], ["show", "--json"]], ids=" ".join)
@pytest.mark.parametrize("run", ["nowhere", "notes"])
def test_reading_what_is_no_run_creates_nothing(words, run, refused):
    assert refused(1, *words, run).startswith(f"{run} is not a run folder (it has no config.toml). Make one with `dimscope run")
