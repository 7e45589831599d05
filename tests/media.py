"""Tiny random models of images and sound with their processors, and files for them to read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from dimscope.models.silence import silent_transformers

TOWER: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48,
}  # fmt: skip
IMAGE = {"image_size": 16, "patch_size": 4}
N_PATCHES = 16
WHISPER: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 3, "decoder_layers": 1, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_mel_bins": 8, "max_source_positions": 50,
    "vocab_size": 65, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1,
}  # fmt: skip
WAVES: dict[str, Any] = {
    **TOWER, "conv_dim": (16, 16), "conv_stride": (80, 4), "conv_kernel": (80, 4), "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
N_COLORS, N_PIXELS = 16, 64
SIZE = {"height": 16, "width": 16}


def _clip() -> Any:
    return transformers.CLIPConfig(
        text_config={**TOWER, "vocab_size": 65, "bos_token_id": 1, "eos_token_id": 2}, vision_config={**TOWER, **IMAGE}
    )


def _dino() -> Any:
    return transformers.Dinov2Config(**{name: value for name, value in TOWER.items() if name != "intermediate_size"}, **IMAGE)


def _igpt() -> Any:
    return transformers.ImageGPTConfig(vocab_size=N_COLORS + 1, n_embd=32, n_layer=3, n_head=4, n_positions=N_PIXELS)


CONFIGS = {
    "vit": lambda: transformers.ViTConfig(**TOWER, **IMAGE),
    "dinov2": _dino,
    "clip": _clip,
    "imagegpt": _igpt,
    "whisper": lambda: transformers.WhisperConfig(**WHISPER),
    "wav2vec2": lambda: transformers.Wav2Vec2Config(**WAVES),
}
PROCESSORS = {
    "vit": lambda: transformers.ViTImageProcessor(size=SIZE),
    "dinov2": lambda: transformers.BitImageProcessor(size={"shortest_edge": 18}, crop_size=SIZE),
    "clip": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=SIZE),
    "whisper": lambda: transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=1),
    "wav2vec2": lambda: transformers.Wav2Vec2FeatureExtractor(),
}


def save_media_model(name: str, folder: Path) -> Path:
    """The tiny model of seed 0 and its processor, if it has one, as a folder."""
    torch.manual_seed(0)
    with silent_transformers():
        model = transformers.AutoModel.from_config(CONFIGS[name]()).eval()
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        model.save_pretrained(folder)
        if name in PROCESSORS:
            PROCESSORS[name]().save_pretrained(folder)
    return folder


def make_images(n: int, seed: int = 0) -> list[np.ndarray]:
    """RGB images of 16 to 24 pixels a side, two kinds in turn."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 256, size=(2, 24, 24, 3))
    images = []
    for number in range(n):
        height, width = rng.integers(16, 25, size=2)
        image = bases[number % 2, :height, :width] + rng.normal(0, 30, size=(height, width, 3))
        images.append(np.clip(image, 0, 255).astype(np.uint8))
    return images


def write_images(folder: Path, n: int, seed: int = 0) -> Path:
    """A folder with the sub-folders `cat` and `dog` and n images in turn, PNG."""
    from PIL import Image

    for number, image in enumerate(make_images(n, seed)):
        place = folder / ("cat", "dog")[number % 2] / f"{number:03d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    return folder


def write_sounds(folder: Path, n: int, rate: int = 16_000) -> Path:
    """A folder with the sub-folders `high` and `low` and n tones with noise in turn, 0.2 to 0.9 seconds."""
    import soundfile

    rng = np.random.default_rng(0)
    for number in range(n):
        place = folder / ("high", "low")[number % 2] / f"{number:03d}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(rate * rng.uniform(0.2, 0.9))) / rate
        tone = np.sin(2 * np.pi * (900, 300)[number % 2] * rng.uniform(0.9, 1.1) * time)
        soundfile.write(place, 0.3 * tone + 0.05 * rng.normal(size=len(time)), rate)
    return folder
