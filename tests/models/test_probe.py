"""What is asked of a model before a run: models that cannot be read rightly are refused before anything is written."""

from types import SimpleNamespace

import pytest
import torch
import transformers

from dimscope.errors import ModelError
from dimscope.models.base import LayerName
from dimscope.models.blocks import Stack, find_stack
from dimscope.models.capture import Capture
from dimscope.models.pooling import pool_weights
from dimscope.models.prepared import Batch
from dimscope.models.probe import check_blocks, check_padding
from dimscope.models.tokens import TokenizedTexts
from tiny import COMMON, ENCODERS, ENDS, VOCABULARY

IDS = torch.randint(5, 60, (1, 9), generator=torch.Generator().manual_seed(3))
BATCH = Batch({"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}, torch.ones_like(IDS), torch.ones_like(IDS))
XLM = {"vocab_size": len(VOCABULARY), "emb_dim": 32, "n_layers": 3, "n_heads": 4, "max_position_embeddings": 48, "n_langs": 1}
SIZES = {"vocab_size": len(VOCABULARY), "d_model": 32, "encoder_layers": 3, "decoder_layers": 2, "pad_token_id": 0, **ENDS}
HEADS = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
TOWER = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
CLIP = {"text_config": {**COMMON, **ENDS}, "vision_config": {**TOWER, "image_size": 16, "patch_size": 8}}
OTHER = {
    "xlm": (
        transformers.XLMConfig(**XLM),
        r"embed_00 \(ffns\.0 \(input\)\) of XLMModel is not the hidden state that the model itself reports\. Found by list: "
        r"blocks ffns, last norm none; name others with --blocks and --final-norm "
        r"\(its lists are attentions, layer_norm1, ffns, layer_norm2\)\. Where no list holds whole blocks",
    ),
    "cpmant": (
        transformers.CpmAntConfig(
            vocab_size=65, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, dim_head=8, dim_ff=48
        ),
        r"embed_00 \(encoder\.layers\.0 \(input\)\) of CpmAntModel is not the hidden state",  # it puts prompts in front
    ),
    "squeezebert": (
        transformers.SqueezeBertConfig(**COMMON, embedding_size=32),
        "the forward pass of SqueezeBertModel did not reach: embed_00, block_01, block_02, block_03",
    ),
    "blip": (
        transformers.BlipConfig(text_config=COMMON, vision_config={**TOWER, "image_size": 16, "patch_size": 8}),
        r"BlipModel cannot read an example \(ValueError: .*pixel_values\)\. dimscope reads models whose only input",
    ),
    "clip": (transformers.CLIPConfig(**CLIP), r"CLIPModel has several stacks of blocks: text_model\..*, vision_model\..*; one"),
    "vit": (
        transformers.ViTConfig(**TOWER, image_size=16, patch_size=8),
        r"ViTModel cannot read an example \(.*models that need several of them are not supported",
    ),
}


def build(config):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.get_encoder() if model.config.is_encoder_decoder else model


@pytest.mark.parametrize("name", list(OTHER))
def test_an_architecture_that_cannot_be_read_rightly_is_refused(name):
    config, text = OTHER[name]
    with pytest.raises(ModelError, match=text):
        check_blocks(build(config), BATCH, "float32")


@pytest.mark.parametrize(
    ("choose", "text"),
    [
        (lambda blocks: blocks[1:], r"BertModel reports 4 hidden states, its list encoder\.layer has 2 blocks"),
        (lambda blocks: [*blocks[:1], *blocks[:1], *blocks[2:]], "not the hidden state|did not reach"),
        (lambda blocks: [block.intermediate for block in blocks], r"embed_00 \(.*\) of BertModel is not the hidden state"),
    ],
    ids=["one short", "one twice", "parts of blocks"],
)
def test_wrong_blocks_are_noticed(choose, text, monkeypatch):
    model = build(ENCODERS["bert"]())
    check_blocks(model, BATCH, "float32")
    right = find_stack(model)
    wrong = Stack(right.path, choose(right.blocks), len(choose(right.blocks)), None)
    monkeypatch.setattr("dimscope.models.capture.find_stack", lambda *_: wrong)
    with pytest.raises(ModelError, match=text):
        check_blocks(model, BATCH, "float32")


def test_a_last_norm_that_was_not_found_is_noticed():
    """Without its record the last norm of LFM2, `embedding_norm`, would be taken for one of the embeddings."""
    config = transformers.Lfm2Config(
        **COMMON, **ENDS, num_key_value_heads=2, layer_types=["conv", "full_attention", "conv"], block_ff_dim=48
    )
    model = build(config)
    check_blocks(model, BATCH, "float32")
    model.config.model_type = "unknown"
    with pytest.raises(ModelError, match=r"block_03 \(layers\.2\) of Lfm2Model is not the hidden state that the model itself"):
        check_blocks(model, BATCH, "float32")


def test_a_model_that_draws_at_random_is_told_from_wrong_blocks():
    torch.manual_seed(0)
    model = build(transformers.ViTMAEConfig(**TOWER, image_size=16, patch_size=4, mask_ratio=0.5))
    places = torch.ones((1, 9), dtype=torch.long)  # 8 of 16 patches and the class token
    pixels = {"pixel_values": torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(1))}
    with pytest.raises(ModelError, match=r"ViTMAEModel gives other states each time .*mask_ratio of ViT-MAE\), set that to 0"):
        check_blocks(model, Batch(pixels, places, places), "float32")


def test_rows_and_columns_of_places_are_one_axis():
    sizes = {
        "image_size": 16,
        "patch_size": 4,
        "output_channels": 8,
        "window_size": 2,
        "mlp_dim": 48,
        "global_attn_indexes": [1],
    }
    model = build(transformers.SamVisionConfig(**TOWER, **sizes))
    places = torch.ones((2, 16), dtype=torch.long)
    inputs = {"pixel_values": torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(1))}
    check_blocks(model, Batch(inputs, places, places), "float32")
    found = Capture(model, [1], "block").run(inputs, places / 16)
    with torch.no_grad():
        states = model(**inputs, output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(found[LayerName("block", 1)], states.mean(dim=(1, 2)))


def padded(model, side):
    tokens = TokenizedTexts([IDS[0].numpy()], [IDS[0].numpy() > 0], None, None)
    loaded = SimpleNamespace(model=model, tokenizer=SimpleNamespace(pad_token_id=0), device=torch.device("cpu"))
    return tokens.make_batch(loaded, [0], side, 19)


MASKED = {"bert": ENCODERS["bert"], "t5": ENCODERS["t5"], "modernbert": ENCODERS["modernbert"], "bart": lambda: BART}
BART = transformers.BartConfig(**SIZES, **HEADS, max_position_embeddings=48)
CONVBERT = transformers.ConvBertConfig(**COMMON, embedding_size=32)


def vectors(model, batch):
    return Capture(model, range(4), "block").run(batch.inputs, pool_weights(batch.mask, batch.content, "mean"))


@pytest.mark.parametrize(("name", "side"), [(name, "right") for name in MASKED] + [("bert", "left"), ("t5", "left")])
def test_padding_that_is_masked_passes(name, side):
    model = build(MASKED[name]())
    check_padding(model, vectors(model, BATCH), vectors(model, padded(model, side)), side, "float32")


def test_a_model_whose_positions_shift_with_left_padding_is_refused():
    model = build(BART)
    text = r"padding on the left changes the vectors of BartEncoder \(embed_00\).*--batch-size 1, .*, or --padding right\."
    with pytest.raises(ModelError, match=text):
        check_padding(model, vectors(model, BATCH), vectors(model, padded(model, "left")), "left", "float32")


def test_a_model_that_mixes_padding_in_is_refused():
    model = build(CONVBERT)
    with pytest.raises(ModelError, match=r"padding on the right changes the vectors of ConvBertModel .*which pads nothing\.$"):
        check_padding(model, vectors(model, BATCH), vectors(model, padded(model, "right")), "right", "float32")


@pytest.mark.parametrize(
    ("dtype", "change", "passes"),
    [
        ("float32", 5e-5, True),
        ("float32", 3e-4, False),
        ("bfloat16", 0.1, True),
        ("float16", 0.01, True),
        ("float16", 0.2, False),
    ],
)
def test_the_tolerance_follows_the_dtype(dtype, change, passes):
    alone = {LayerName("block", 1): torch.tensor([[1.0, 4.0]])}
    other = {LayerName("block", 1): torch.tensor([[1.0, 4.0 * (1 + change)]])}
    if passes:
        check_padding(None, alone, other, "right", dtype)
    else:
        with pytest.raises(ModelError, match="padding on the right changes"):
            check_padding(None, alone, other, "right", dtype)
