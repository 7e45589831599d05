"""Checkpoints of one model: which they are, and a run folder for each."""

import shutil

import numpy as np
import pytest

from dimscope.config import ModelConfig, RunConfig
from dimscope.errors import UsageError
from dimscope.models.controls import with_fresh_weights
from dimscope.models.load import load_model
from dimscope.pipeline.checkpoints import split_revisions
from dimscope.pipeline.run import run_stages
from dimscope.store.manifest import Manifest


def split(tmp_path, name, revision=None):
    found = split_revisions(RunConfig(model=ModelConfig(name=str(name), revision=revision)), tmp_path / "out")
    return [(config.model.name, config.model.revision, place.relative_to(tmp_path).as_posix()) for config, place in found]


def test_a_model_of_the_hub(tmp_path):
    assert split(tmp_path, "org/model") == [("org/model", None, "out")]
    assert split(tmp_path, "org/model", "step1") == [("org/model", "step1", "out")]
    assert split(tmp_path, "org/model", "step1, refs/pr/3") == [
        ("org/model", "step1", "out/step1"), ("org/model", "refs/pr/3", "out/refs-pr-3"),
    ]  # fmt: skip


@pytest.fixture
def checkpoints(tmp_path):
    folder = tmp_path / "model"
    for name in ("step10", "step9", "step100"):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").touch()
    (folder / "logs").mkdir()
    return folder


def test_a_folder_of_checkpoints_in_natural_order(tmp_path, checkpoints):
    assert split(tmp_path, checkpoints) == [
        (f"{checkpoints}/{name}", None, f"out/{name}") for name in ("step9", "step10", "step100")
    ]
    assert [place for *_, place in split(tmp_path, checkpoints, "step100,step9")] == ["out/step100", "out/step9"]
    (checkpoints / "config.json").touch()
    assert split(tmp_path, checkpoints) == [(str(checkpoints), None, "out")]


@pytest.mark.parametrize(
    ("revision", "text"),
    [
        (
            "step9,step7",
            r"--revision step7 of the folder .*model means a sub-folder .*; its checkpoints are step9, step10, step100",
        ),
        ("step9,step9", "--revision step9,step9 names one revision twice"),
        ("step9,", "--revision step9, names one revision twice, or none between two commas"),
    ],
)
def test_wrong_names(tmp_path, checkpoints, revision, text):
    with pytest.raises(UsageError, match=text):
        split(tmp_path, checkpoints, revision)


def test_a_revision_of_a_plain_folder(tmp_path, bert):
    with pytest.raises(UsageError, match=r"--revision step1 of the folder .* none of its sub-folders holds a model"):
        split(tmp_path, bert, "step1")


def test_an_untrained_run_has_the_weights_of_the_seed(small, bert, tmp_path):
    config = small(shutil.copytree(bert, tmp_path / "model"), untrained=True)
    result = run_stages(config, tmp_path / "run", with_report=False)
    assert Manifest(result.folder.path).content["model"]["weights_hash"] == "none: fresh weights of seed 0"
    loaded = with_fresh_weights(load_model(config.model), 0)
    ids = loaded.tokenizer(["w1 w2"], return_tensors="pt")["input_ids"]
    embedded = loaded.model.embeddings(ids)[0].detach().numpy()
    data = tmp_path / "two.csv"
    data.write_text("id,text,label\n" + "".join(f"e{row},w{row} w{row + 1},l\n" for row in range(25)))
    again = run_stages(small(tmp_path / "model", {"path": str(data)}, untrained=True), tmp_path / "two", with_report=False)
    found = np.load(again.folder.states / "embed_00.npy")[1]
    np.testing.assert_allclose(found, embedded[1:3].mean(axis=0), rtol=1e-5, atol=1e-6)
