"""Architectures where the general rule, the hooks or the last norm could go wrong, against the model's own outputs."""

import pytest
import torch
import transformers

from dimscope.models.blocks import find_stack
from dimscope.models.capture import Capture
from dimscope.models.families import CLIP_LIKE, FAMILIES
from dimscope.models.parts import part_of
from dimscope.models.prepared import Batch
from dimscope.models.probe import check_blocks
from tiny import COMMON, DECODERS, ENCODERS, ENDS, GROUPED, N_LAYERS, VOCABULARY

SIZES = {"vocab_size": len(VOCABULARY), "d_model": 32, "encoder_layers": 3, "decoder_layers": 2, "pad_token_id": 0, **ENDS}
HEADS = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
DEBERTA = {**COMMON, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
XLNET = {"vocab_size": len(VOCABULARY), "d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 48}
FSMT = {**SIZES, **HEADS, "langs": ["a", "b"], "src_vocab_size": len(VOCABULARY), "tgt_vocab_size": len(VOCABULARY)}
TRICKY = {
    "bart": (transformers.BartConfig, {**SIZES, **HEADS, "max_position_embeddings": 48}, None),
    "mbart": (transformers.MBartConfig, {**SIZES, **HEADS, "max_position_embeddings": 48}, "layer_norm"),
    "deberta": (transformers.DebertaConfig, COMMON, None),
    "deberta-v3": (transformers.DebertaV2Config, {**DEBERTA, "norm_rel_ebd": "layer_norm", "share_att_key": True}, None),
    "deberta-v2 conv": (transformers.DebertaV2Config, {**DEBERTA, "conv_kernel_size": 3, "conv_act": "gelu"}, None),
    "megatron": (transformers.MegatronBertConfig, COMMON, "encoder.ln"),
    "clip text": (transformers.CLIPTextConfig, {**COMMON, **ENDS}, "final_layer_norm"),
    "openai-gpt": (
        transformers.OpenAIGPTConfig,
        {"vocab_size": len(VOCABULARY), "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 48},
        None,
    ),
    "lfm2": (
        transformers.Lfm2Config,
        {**GROUPED, "layer_types": ["conv", "full_attention", "conv"], "block_ff_dim": 48},
        "embedding_norm",
    ),
    "t5gemma": (
        transformers.T5GemmaConfig,
        {"encoder": {**GROUPED, "head_dim": 8}, "decoder": {**GROUPED, "head_dim": 8}, "vocab_size": len(VOCABULARY)},
        "norm",
    ),
    "qwen2": (transformers.Qwen2Config, GROUPED, "norm"),
    "qwen3": (transformers.Qwen3Config, {**GROUPED, "head_dim": 8}, "norm"),
    "olmo2": (transformers.Olmo2Config, GROUPED, "norm"),
    "longformer": (
        transformers.LongformerConfig,
        {**COMMON, "max_position_embeddings": 80, "attention_window": 16},
        None,
    ),
    "led": (
        transformers.LEDConfig,
        {
            **SIZES,
            **HEADS,
            "max_encoder_position_embeddings": 48,
            "max_decoder_position_embeddings": 48,
            "attention_window": 16,
        },
        None,
    ),
    "xlnet": (transformers.XLNetConfig, XLNET, None),
    "fsmt": (transformers.FSMTConfig, FSMT, None),
    "bigbird-pegasus": (
        transformers.BigBirdPegasusConfig,
        {**SIZES, **HEADS, "max_position_embeddings": 48, "attention_type": "original_full"},
        "layernorm_embedding",
    ),
    "falcon": (transformers.FalconConfig, {**COMMON, **ENDS}, "ln_f"),
    "bloom": (transformers.BloomConfig, {"vocab_size": 65, "hidden_size": 32, "n_layer": 3, "n_head": 4}, "ln_f"),
    "electra": (transformers.ElectraConfig, {**COMMON, "embedding_size": 16}, None),
    "mixtral": (transformers.MixtralConfig, {**GROUPED, "num_local_experts": 4}, "norm"),
    "modernbert-decoder": (
        transformers.ModernBertDecoderConfig,
        {**COMMON, **ENDS, "cls_token_id": 1, "sep_token_id": 2},
        "final_norm",
    ),
    "jamba": (
        transformers.JambaConfig,
        {**GROUPED, "attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 2, "use_mamba_kernels": False},
        "final_layernorm",
    ),
    "gemma3": (transformers.Gemma3TextConfig, {**GROUPED, "head_dim": 8}, "norm"),
}
if hasattr(transformers, "Lfm3Config"):  # younger than the oldest transformers that dimscope takes
    LFM3 = {**GROUPED, "head_dim": 8, "layer_types": ["conv", "full_attention", "conv"]}
    TRICKY["lfm3"] = (transformers.Lfm3Config, LFM3, "embedding_norm")
IDS = torch.randint(5, 60, (2, 11), generator=torch.Generator().manual_seed(1))
INPUTS = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}


def build(config):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return part_of(model, "auto")


def states_of(model):
    mask = torch.ones_like(IDS)
    capture = Capture(model, range(N_LAYERS + 1), "block")
    found = capture.run({"input_ids": IDS, "attention_mask": mask}, torch.full(IDS.shape, 1 / IDS.shape[1]))
    with torch.no_grad():
        output = model(input_ids=IDS, attention_mask=mask, output_hidden_states=True)
    return {str(name): vectors for name, vectors in found.items()}, output, capture.stack


def assert_near(found, states):
    expected = states.mean(dim=1)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("name", list(TRICKY))
def test_sites_are_the_states_that_the_model_reports(name):
    kind, options, norm_path = TRICKY[name]
    found, output, stack = states_of(build(kind(**options)))
    assert stack.final_norm_path == (norm_path or "")
    assert len(output.hidden_states) == N_LAYERS + 1 == stack.n_layers + 1
    assert_near(found["embed_00"], output.hidden_states[0])
    for layer in range(1, N_LAYERS):
        assert_near(found[f"block_{layer:02d}"], output.hidden_states[layer])
    assert_near(found[f"{'final_norm' if norm_path else 'block'}_03"], output.last_hidden_state)


@pytest.mark.parametrize(
    ("config", "norm_path"),
    [
        (lambda: transformers.MambaConfig(**RECURRENT, state_size=4, time_step_rank=2), "norm_f"),
        (lambda: transformers.RwkvConfig(**RECURRENT, context_length=48, attention_hidden_size=32, rescale_every=3), "ln_out"),
    ],
    ids=["mamba", "rwkv"],
)
def test_models_that_report_the_last_block_and_not_the_input(config, norm_path):
    model = build(config())
    found, output, stack = states_of(model)
    assert stack.final_norm_path == norm_path
    assert len(output.hidden_states) == N_LAYERS + 1
    for layer in range(1, N_LAYERS):
        assert_near(found[f"block_{layer:02d}"], output.hidden_states[layer - 1])
    assert_near(found["final_norm_03"], output.hidden_states[-1])
    check_blocks(model, Batch(INPUTS, INPUTS["attention_mask"], INPUTS["attention_mask"]), "float32")


RECURRENT = {"vocab_size": len(VOCABULARY), "hidden_size": 32, "num_hidden_layers": 3, "use_cache": False}


@pytest.mark.parametrize("name", ["bart", "bigbird-pegasus"])
def test_the_decoder_of_a_recorded_family_is_found_below_its_part(name):
    kind, options, norm_path = TRICKY[name]
    stack = find_stack(part_of(transformers.AutoModel.from_config(kind(**options)), "decoder"))
    assert (stack.path, stack.n_layers) == ("whole.decoder.layers", 2)
    assert stack.final_norm_path == (f"whole.decoder.{norm_path}" if norm_path else "")


@pytest.mark.parametrize("name", ["qwen3", "gemma3", "megatron", "lfm2"])
def test_the_first_norm_is_that_of_the_input_not_of_the_queries(name):
    kind, options, _ = TRICKY[name]
    model = build(kind(**options))
    capture = Capture(model, range(N_LAYERS + 1), "block_norm")
    found = capture.run({"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}, torch.full(IDS.shape, 1 / IDS.shape[1]))
    states = states_of(model)[1].hidden_states
    for layer, (site, vectors) in enumerate(list(found.items())[:N_LAYERS]):
        assert not any(part in site.module for part in ("q_", "k_"))
        with torch.no_grad():
            assert_near(vectors, model.get_submodule(site.module)(states[layer]))


TOWER = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
PICTURE = {**TOWER, "image_size": 16, "patch_size": 8}
TINY = {
    "albert": ENCODERS["albert"],
    "bigbird_pegasus": lambda: transformers.BigBirdPegasusConfig(**TRICKY["bigbird-pegasus"][1]),
    "deberta-v2": lambda: transformers.DebertaV2Config(**DEBERTA),
    "distilbert": ENCODERS["distilbert"],
    "esm": ENCODERS["esm"],
    "fsmt": lambda: transformers.FSMTConfig(**FSMT),
    "gpt2": DECODERS["gpt2"],
    "imagegpt": lambda: transformers.ImageGPTConfig(vocab_size=65, n_embd=32, n_layer=3, n_head=4, n_positions=48),
    "lfm2": lambda: transformers.Lfm2Config(**TRICKY["lfm2"][1]),
    "lfm3": lambda: transformers.Lfm3Config(**TRICKY["lfm3"][1]),
    "opt": DECODERS["opt"],
    "xlnet": lambda: transformers.XLNetConfig(**XLNET),
}


def test_every_record_has_a_model_here():
    assert set(TINY) | {f"{name}_vision_model" for name in CLIP_LIKE} == set(FAMILIES)


@pytest.mark.parametrize("name", CLIP_LIKE)
def test_the_last_norm_of_a_tower_that_reads_the_class_token_alone_is_no_site(name):
    if name == "mlcd":
        model = build(transformers.MLCDVisionConfig(**PICTURE))
    else:
        texts = {**TOWER, "vocab_size": 65, **ENDS}
        model = part_of(build(transformers.AutoConfig.for_model(name, text_config=texts, vision_config=PICTURE)), "vision")
    assert model.config.model_type == f"{name}_vision_model"
    pixels = torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(1))
    places = torch.ones((2, 5), dtype=torch.long)
    check_blocks(model, Batch({"pixel_values": pixels}, places, places), "float32")
    assert [str(layer) for layer in Capture(model, range(N_LAYERS + 1), "block").names][-1] == "block_03"


@pytest.mark.parametrize("name", [name for name in TINY if name != "lfm3" or name in TRICKY])
def test_the_places_of_a_record_exist_in_its_model(name):
    config = TINY[name]()
    model = part_of(transformers.AutoModel.from_config(config), "auto")
    assert config.model_type == name
    stack = find_stack(model)
    assert stack.n_layers == N_LAYERS
    assert list(model.get_submodule(FAMILIES[name].blocks)) == stack.blocks
    if FAMILIES[name].final_norm is not None:
        assert stack.final_norm is model.get_submodule(FAMILIES[name].final_norm)
