"""Conventions of studies: what is read, and that given options win."""

import pytest
import torch

from dimscope.errors import UsageError
from dimscope.models.capture import Capture
from dimscope.models.load import load_model
from dimscope.models.presets import preset_config
from tiny import save_model


def test_unknown_presets_name_the_nearest():
    with pytest.raises(UsageError, match=r'unknown preset "esn"\. Did you mean "esm"\?  All: esm, igpt'):
        preset_config("esn")


@pytest.mark.parametrize("name", ["esm", "bert", "gpt2"])
def test_esm_reads_the_hidden_states_that_the_model_itself_reports(name, tmp_path):
    config = preset_config("esm").model
    loaded = load_model(config.__class__(name=str(save_model(name, tmp_path))))
    capture = Capture(loaded.model, range(4), config.site)
    ids = torch.tensor([[2, 7, 9, 30, 11, 3]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    found = capture.run(inputs, torch.ones(1, 6) / 6)
    with torch.no_grad():
        expected = loaded.model(**inputs, output_hidden_states=True).hidden_states
    assert len(found) == len(expected) == 4
    for vectors, states in zip(found.values(), expected, strict=True):
        torch.testing.assert_close(vectors, states.mean(dim=1), rtol=1e-5, atol=1e-6)


def test_igpt_reads_the_input_norm_of_each_block_and_the_last_norm():
    config = preset_config("igpt").model
    assert (config.site, config.pool, config.special_tokens) == ("block_norm", "mean", "include")
