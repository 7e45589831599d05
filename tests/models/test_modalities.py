"""Models of images and sound, given raw tensors: every site equals the hidden states, token by token weighted by hand."""

import pytest
import torch
import transformers

from dimscope.models.capture import Capture

TOWER = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
IMAGE = {"image_size": 16, "patch_size": 4}
CLIP = transformers.CLIPConfig(
    text_config={**TOWER, "vocab_size": 65, "bos_token_id": 1, "eos_token_id": 2}, vision_config={**TOWER, **IMAGE}
)
WHISPER = {"d_model": 32, "encoder_layers": 3, "decoder_layers": 1, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
HEADS = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_mel_bins": 8, "max_source_positions": 20}
TOKENS = {"vocab_size": 65, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
DINO = {name: value for name, value in TOWER.items() if name != "intermediate_size"}
N_PATCHES = 17
MODELS = {
    "vit": (transformers.ViTConfig(**TOWER, **IMAGE), "pixel_values", (2, 3, 16, 16), N_PATCHES),
    "dinov2": (transformers.Dinov2Config(**DINO, **IMAGE), "pixel_values", (2, 3, 16, 16), N_PATCHES),
    "clip": (CLIP.vision_config, "pixel_values", (2, 3, 16, 16), N_PATCHES),
    "whisper": (transformers.WhisperConfig(**WHISPER, **HEADS, **TOKENS), "input_features", (2, 8, 40), 20),
    "imagegpt": (
        transformers.ImageGPTConfig(vocab_size=65, n_embd=32, n_layer=3, n_head=4, n_positions=48), "input_ids", (2, 48), 48
    ),
}  # fmt: skip


def build(config, attention="eager"):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config, attn_implementation=attention).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.get_encoder() if model.config.is_encoder_decoder else model


def inputs_of(name):
    _, key, shape, _ = MODELS[name]
    generator = torch.Generator().manual_seed(1)
    return {
        key: torch.randint(0, 60, shape, generator=generator) if key == "input_ids" else torch.rand(shape, generator=generator)
    }


def weights_of(n_tokens):
    weights = torch.rand((2, n_tokens), generator=torch.Generator().manual_seed(2))
    return weights / weights.sum(dim=1, keepdim=True)


def near(found, expected):
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("name", list(MODELS))
def test_every_layer_equals_the_hidden_states(name):
    config, _, _, n_tokens = MODELS[name]
    model, weights = build(config), weights_of(n_tokens)
    found = {str(site): value for site, value in Capture(model, range(4), "block").run(inputs_of(name), weights).items()}
    with torch.no_grad():
        output = model(**inputs_of(name), output_hidden_states=True)
    expected = [torch.einsum("bt,btd->bd", weights, state) for state in output.hidden_states]
    assert len(expected) == 4
    near(found["embed_00"], expected[0])
    for layer in (1, 2):
        near(found[f"block_{layer:02d}"], expected[layer])
    if "final_norm_03" in found:
        near(found["final_norm_03"], torch.einsum("bt,btd->bd", weights, output.last_hidden_state))
    assert ("final_norm_03" in found) == (name != "clip")


@pytest.mark.parametrize("name", list(MODELS))
def test_batches_and_attention_code_do_not_matter(name):
    config, key, _, n_tokens = MODELS[name]
    weights, inputs = weights_of(n_tokens), inputs_of(name)
    found = Capture(build(config), range(4), "block").run(inputs, weights)
    quick = Capture(build(config, "eager" if name == "imagegpt" else "sdpa"), range(4), "block")  # ImageGPT has no other
    both = quick.run(inputs, weights)
    single = [quick.run({key: inputs[key][row : row + 1]}, weights[row : row + 1]) for row in (0, 1)]
    for site, states in found.items():
        near(both[site], states)
        near(torch.cat([one[site] for one in single]), states)
