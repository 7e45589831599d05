"""What is found in a model without its weights."""

import shutil

import pytest

from dimscope.errors import ModelError
from dimscope.models.describe import describe_model


def test_a_decoder_without_weights(gpt2, tmp_path):
    shutil.copy(gpt2 / "config.json", tmp_path)
    found = describe_model(str(tmp_path))
    assert found.pop("parameters") > 10_000
    assert found == {
        "class": "GPT2Model", "blocks": "h", "n_layers": 3, "final_norm": "ln_f", "found_by": "family",
        "norms": ["ln_1", "ln_2"], "width": 32,
    }  # fmt: skip


def test_an_encoder_without_last_norm(bert):
    found = describe_model(str(bert))
    assert (found["blocks"], found["final_norm"], found["found_by"]) == ("encoder.layer", "none", "declared")


def test_the_sides_of_an_encoder_decoder(tmp_path):
    import transformers

    transformers.T5Config(
        d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=3, vocab_size=70, decoder_start_token_id=0
    ).save_pretrained(tmp_path)
    assert (describe_model(str(tmp_path))["n_layers"], describe_model(str(tmp_path), "decoder")["n_layers"]) == (2, 3)


def test_what_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r'the model ".*" cannot be loaded: ') as caught:
        describe_model(str(tmp_path))
    assert "\n" not in str(caught.value)
