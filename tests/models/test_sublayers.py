"""What attention and MLP add: together the step of the residual stream, or by hand where a norm follows."""

import pytest
import torch
import transformers

from dimscope.errors import ModelError
from dimscope.models.capture import Capture
from dimscope.models.sublayers import last_linear
from tiny import COMMON, DECODERS, ENCODERS, ENDS, GROUPED, WITHOUT_FINAL_NORM

IDS = torch.randint(5, 60, (2, 7), generator=torch.Generator().manual_seed(4))
PRE_NORM = ["gpt2", "gpt_neox", "llama", "mistral", "gemma", "qwen3", "opt", "esm", "modernbert", "t5"]


def build(config):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.get_encoder() if model.config.is_encoder_decoder else model


def read(model, site, ids=IDS):
    weights = torch.full(ids.shape, 1 / ids.shape[1])
    found = Capture(model, range(4), site).run({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, weights)
    return {str(name): vectors for name, vectors in found.items()}


def near(found, expected, scale):
    assert (found - expected).abs().max() <= 2e-5 * scale.abs().max()


@pytest.mark.parametrize("name", PRE_NORM)
def test_attention_and_mlp_are_the_step_of_the_stream(name):
    model = build({**ENCODERS, **DECODERS}[name]())
    stream, attention, mlp = (read(model, site) for site in ("block", "attention", "mlp"))
    assert list(attention) == ["attention_01", "attention_02", "attention_03"]
    assert list(mlp) == ["mlp_01", "mlp_02", "mlp_03"]
    before = stream["embed_00"]
    for layer in (1, 2, 3):
        after = stream[f"block_{layer:02d}"]
        near(attention[f"attention_{layer:02d}"] + mlp[f"mlp_{layer:02d}"], after - before, after)
        before = after


def test_bert_norms_what_was_added():
    """One text of one token, so that its vector passes the norms as it is."""
    model = build(ENCODERS["bert"]())
    stream, attention, mlp = (read(model, site, IDS[:1, :1]) for site in ("block", "attention", "mlp"))
    before = stream["embed_00"]
    for layer, block in enumerate(model.encoder.layer, start=1):
        with torch.no_grad():
            middle = block.attention.output.LayerNorm(before + attention[f"attention_{layer:02d}"])
            after = block.output.LayerNorm(middle + mlp[f"mlp_{layer:02d}"])
        near(after, stream[f"block_{layer:02d}"], after)
        before = after


@pytest.mark.parametrize("name", sorted(WITHOUT_FINAL_NORM))
def test_every_call_of_a_block_is_a_layer(name):
    """ALBERT calls one block three times: three different vectors."""
    found = read(build({**ENCODERS, **DECODERS}[name]()), "mlp")
    assert len(found) == 3
    assert (found["mlp_01"] - found["mlp_02"]).abs().max() > 1e-3


def test_the_first_attention_of_a_decoder_block_is_the_one_to_itself():
    config = transformers.T5Config(vocab_size=65, d_model=32, num_layers=2, num_heads=4, d_ff=48, d_kv=8)
    block = transformers.AutoModel.from_config(config).decoder.block[1]
    assert last_linear(block, "attention", 32)[0] == "layer.0.SelfAttention.o"
    assert last_linear(block, "mlp", 32)[0] == "layer.2.DenseReluDense.wo"


def test_blocks_of_experts_have_no_single_mlp():
    model = build(transformers.MixtralConfig(**GROUPED, num_local_experts=2))
    assert len(read(model, "attention")) == 3
    with pytest.raises(ModelError, match="MixtralDecoderLayer mixes experts, it has no single MLP output; use --site block"):
        read(model, "mlp")


def test_a_block_without_attention_is_refused():
    with pytest.raises(ModelError, match="no attention output of width 32 was found in Sequential; use --site block"):
        last_linear(torch.nn.Sequential(torch.nn.Linear(32, 32)), "attention", 32)
    with pytest.raises(ModelError, match="no mlp output of width 31 was found"):
        last_linear(build(transformers.BertConfig(**COMMON, **ENDS)).encoder.layer[0], "mlp", 31)
