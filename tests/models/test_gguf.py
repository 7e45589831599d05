"""Models in a GGUF file: the same states as the folder that the file was made of."""

import numpy as np
import pytest
import transformers

from dimscope.config import ModelConfig
from dimscope.errors import ModelError
from dimscope.models import gguf as module
from dimscope.models.gguf import gguf_file
from dimscope.models.load import load_model

gguf = pytest.importorskip("gguf")
pytest.importorskip("accelerate")
WORDS = ["<unk>", "<s>", "</s>", *(f"▁w{n}" for n in range(57)), *"▁w0123456789"]
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip


def tiny_llama():
    import torch

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return transformers.LlamaModel(config).eval()


def permuted(weights, heads):
    """Rows of queries and keys in the order of llama.cpp: both halves of each head interleaved."""
    return weights.reshape(heads, 2, len(weights) // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape)


def write_gguf(model, path):
    writer, config = gguf.GGUFWriter(path, "llama"), model.config
    for add, value in (
        (writer.add_context_length, 64), (writer.add_embedding_length, 32), (writer.add_block_count, 2),
        (writer.add_feed_forward_length, 64), (writer.add_head_count, 4), (writer.add_head_count_kv, 4),
        (writer.add_layer_norm_rms_eps, config.rms_norm_eps), (writer.add_vocab_size, len(WORDS)),
        (writer.add_rope_dimension_count, 8), (writer.add_tokenizer_model, "llama"), (writer.add_token_list, WORDS),
        (writer.add_token_scores, [0.0] * 3 + [-1.0] * 57 + [-9.0] * (len(WORDS) - 60)),
        (writer.add_token_types, [2, 3, 3] + [1] * (len(WORDS) - 3)),
        (writer.add_bos_token_id, 1), (writer.add_eos_token_id, 2), (writer.add_unk_token_id, 0),
    ):  # fmt: skip
        add(value)
    for name, tensor in model.state_dict().items():
        values, place = tensor.numpy(), name.removesuffix(".weight")
        if place.startswith("layers."):
            _, number, rest = place.split(".", 2)
            values = permuted(values, 4) if NAMES[rest] in ("attn_q", "attn_k") else values
            place = f"blk.{number}.{NAMES[rest]}"
        else:
            place = {"embed_tokens": "token_embd", "norm": "output_norm"}[place]
        writer.add_tensor(f"{place}.weight", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("as_folder", [False, True], ids=["file", "folder"])
def test_the_states_are_those_of_the_model(tmp_path, as_folder):
    import torch

    model = tiny_llama()
    path = write_gguf(model, tmp_path / "tiny.gguf")
    loaded = load_model(ModelConfig(name=str(tmp_path if as_folder else path)))
    assert loaded.facts["class"] == "LlamaModel"
    assert loaded.weights_hash.startswith("sha256:")
    ids = torch.tensor([[1, 8, 20, 31, 9]])
    with torch.no_grad():
        found, expected = (one(input_ids=ids).last_hidden_state for one in (loaded.model, model))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert len(set(loaded.tokenizer("w5 w41 w7")["input_ids"])) > 2


def test_which_file_is_meant(tmp_path, monkeypatch):
    assert gguf_file("gpt2") is None
    assert gguf_file(str(tmp_path)) is None
    (tmp_path / "a.gguf").touch()
    assert gguf_file(str(tmp_path)) == gguf_file(str(tmp_path / "a.gguf")) == tmp_path / "a.gguf"
    (tmp_path / "b.gguf").touch()
    with pytest.raises(ModelError, match=r"holds 2 GGUF files \(a\.gguf, b\.gguf\); give the path of one"):
        gguf_file(str(tmp_path))
    (tmp_path / "config.json").touch()
    assert gguf_file(str(tmp_path)) is None
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "gguf" else object())
    with pytest.raises(ModelError, match=r"a\.gguf needs the packages gguf to be read; install them with `pip install"):
        gguf_file(str(tmp_path / "a.gguf"))


def test_a_file_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"no such thing")
    with pytest.raises(ModelError, match=r'the model ".*a\.gguf" cannot be loaded: ') as caught:
        load_model(ModelConfig(name=str(tmp_path / "a.gguf")))
    assert "\n" not in str(caught.value)
