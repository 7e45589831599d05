"""Train a small vision transformer to name the digits of scikit-learn, and write images that it never saw as a folder.

python examples/train_vit.py FOLDER [--steps 600]

Writes FOLDER/model: a ViT of 6 blocks, width 64, on patches of 2 x 2 pixels, with its image processor; and FOLDER/images: every
second image as DIGIT/NUMBER.png. It learned from the others, so that what `dimscope run FOLDER/model --data FOLDER/images`
finds was not learned by heart.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import transformers
from PIL import Image
from sklearn.datasets import load_digits

SIDE, DARKEST = 8, 16
BATCH = 64
RATE = 1e-3
SIZE = {"height": SIDE, "width": SIDE}


def build_model() -> transformers.ViTForImageClassification:
    """A classifier of ten digits; its head is left out when its layers are read."""
    config = transformers.ViTConfig(
        image_size=SIDE, patch_size=2, hidden_size=64, num_hidden_layers=6, num_attention_heads=4, intermediate_size=256,
        hidden_dropout_prob=0.1, num_labels=10,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


def as_pictures(images: np.ndarray) -> np.ndarray:
    """Dark strokes on white, `uint8` (n, 8, 8), from grey levels 0 to 16 (n, 64)."""
    pictures: np.ndarray = np.rint(255 * (1 - images.reshape(-1, SIDE, SIDE) / DARKEST)).astype(np.uint8)
    return pictures


def as_pixels(pictures: np.ndarray) -> torch.Tensor:
    """What the processor makes of them: three equal channels in -1 to 1, float32 (n, 3, 8, 8)."""
    return torch.from_numpy(pictures[:, None].repeat(3, axis=1).astype(np.float32) / 127.5 - 1)


def train(pictures: np.ndarray, digits: np.ndarray, steps: int, seed: int = 0) -> transformers.ViTForImageClassification:
    """The trained model."""
    torch.manual_seed(seed)
    model = build_model().train()
    pixels, labels = as_pixels(pictures), torch.from_numpy(digits)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(pixels), (BATCH,), generator=rng)
        loss = model(pixel_values=pixels[rows], labels=labels[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def accuracy(model: transformers.ViTForImageClassification, pictures: np.ndarray, digits: np.ndarray) -> float:
    """Share of the pictures that the model names."""
    with torch.no_grad():
        named = model(pixel_values=as_pixels(pictures)).logits.argmax(dim=1).numpy()
    return float((named == digits).mean())


def write_folder(folder: Path, pictures: np.ndarray, digits: np.ndarray) -> None:
    """One PNG file per picture, in a sub-folder per digit."""
    for number, (picture, digit) in enumerate(zip(pictures, digits.tolist(), strict=True)):
        place = folder / str(digit) / f"{number:03d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place)


def main() -> None:
    """Train, and write the model and the images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    chosen = parser.parse_args()
    data = load_digits()
    pictures, digits = as_pictures(data.data), data.target.astype(np.int64)
    model = train(pictures[::2], digits[::2], chosen.steps)
    print(f"named {accuracy(model, pictures[::2], digits[::2]):.3f} of the images that it learned from, "
          f"{accuracy(model, pictures[1::2], digits[1::2]):.3f} of the others")  # fmt: skip
    model.save_pretrained(chosen.folder / "model")
    transformers.ViTImageProcessor(size=SIZE).save_pretrained(chosen.folder / "model")
    write_folder(chosen.folder / "images", pictures[1::2], digits[1::2])


if __name__ == "__main__":
    main()
