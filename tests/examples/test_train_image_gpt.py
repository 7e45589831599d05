"""The script that trains the image GPT: what it learns from is what the tokenizer makes, and it learns."""

import csv
import sys

import numpy as np
import pytest
import torch
import transformers

from loading import loaded


@pytest.fixture(scope="module")
def script():
    with loaded("examples/train_image_gpt.py", "train_image_gpt") as module:
        yield module


def test_words_become_the_tokens_of_training(script):
    images = np.arange(2 * script.PIXELS).reshape(2, -1) % script.LEVELS
    words = [" ".join(f"g{level}" for level in image) for image in images]
    ids = script.build_tokenizer()(words, return_special_tokens_mask=True)
    assert ids["input_ids"] == script.as_tokens(images).tolist()
    assert ids["special_tokens_mask"] == [[1] + [0] * script.PIXELS] * 2


def test_the_written_model_is_the_trained_one_in_half_precision(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(script, "BATCH", 4)
    monkeypatch.setattr(script, "HELD_OUT", 600)
    trained = []
    train = script.train
    monkeypatch.setattr(script, "train", lambda *given, **named: trained.append(train(*given, **named)) or trained[0])
    monkeypatch.setattr(sys, "argv", ["train_image_gpt.py", str(tmp_path), "--steps", "3"])
    script.main()
    (model, log), ids = trained[0], script.as_tokens(np.full((1, script.PIXELS), 7))
    assert [step for step, _, _ in log] == [1, 3]
    assert log[1][2] < log[0][2] < 1.2 * np.log(script.LEVELS + 1)
    assert "step 3: loss" in capsys.readouterr().out
    with (tmp_path / "training_log.csv").open(newline="") as handle:
        assert [float(row["held_out_loss"]) for row in csv.DictReader(handle)] == [round(line[2], 4) for line in log]
    read = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    with torch.no_grad():
        torch.testing.assert_close(read(ids).logits, model.float().eval()(ids).logits, rtol=1e-5, atol=1e-5)


def test_kept_steps_do_not_change_the_training(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "BATCH", 4)
    monkeypatch.setattr(script, "HELD_OUT", 600)
    for name, keep in (("plain", []), ("kept", ["--keep", "0", "--keep", "2"])):
        monkeypatch.setattr(sys, "argv", ["train_image_gpt.py", str(tmp_path / name), "--steps", "3", *keep])
        script.main()
    plain, kept = (tmp_path / name / "model.safetensors" for name in ("plain", "kept"))
    assert plain.read_bytes() == kept.read_bytes()
    steps = sorted(path.name for path in (tmp_path / "kept").iterdir() if path.is_dir())
    assert steps == ["step_0", "step_2"]
    read = [transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "kept" / step, dtype=torch.float32) for step in steps]
    torch.manual_seed(0)
    torch.testing.assert_close(read[0].state_dict(), script.build_model().half().float().state_dict())
    assert not torch.equal(read[0].transformer.wte.weight, read[1].transformer.wte.weight)
