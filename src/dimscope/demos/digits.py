"""Handwritten digits, read pixel by pixel by a small image GPT that was trained without labels."""

import shlex
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import numpy as np

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos.base import PreparedDemo, table_text
from dimscope.errors import InputError
from dimscope.files import atomic_path, write_text

MODEL = "image_gpt"
"""Folder beside this file, written by `examples/train_image_gpt.py`."""
IMAGES = "images"
"""Folder beside the table, with one file per digit."""
DARKEST = 16
"""The highest grey level of the data."""
CREDITS = (
    "Model: a GPT-2 of 12 blocks x 96 on grey levels (Apache-2.0), trained by examples/train_image_gpt.py.",
    "Data: handwritten digits of Alpaydin and Kaynak 1998 (UCI, CC BY 4.0, doi:10.24432/C50P49), as carried by scikit-learn.",
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `digits.csv` (columns id, text, label) and `images/` into `folder` and describe the run.

    The model, which comes with dimscope, reads the column text; the images, which the column id names, are for the report.

    Raises:
        InputError: scikit-learn is not installed.
    """
    rows = digit_rows()
    data, model = folder / "digits.csv", Path(str(files("dimscope.demos") / MODEL))
    write_text(data, table_text(rows))
    _write_images(folder, rows)
    config = RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", id="id"),
        model=ModelConfig(name=str(model), site="block_norm"),
    )
    options = ["--data", str(data), "--text", "text", "--label", "label", "--id", "id", "--site", "block_norm"]
    title = f"A small image GPT on {len(rows)} handwritten digits"
    return PreparedDemo(title, config, shlex.join(["dimscope", "run", str(model), *options]), CREDITS)


def digit_rows() -> list[tuple[str, str, str]]:
    """(name of the image, grey levels as words, digit) of scikit-learn's 1 797 images of 8 x 8 pixels, row by row.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(
            "scikit-learn, which carries the digits of this demo, is not installed. Install it with: "
            "pip install 'dimscope[digits]'"
        ) from None
    digits = load_digits()
    images = zip(digits.data.astype(int).tolist(), digits.target.tolist(), strict=True)
    return [(f"{IMAGES}/{row:04d}.png", as_words(pixels), str(label)) for row, (pixels, label) in enumerate(images)]


def _write_images(folder: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Dark strokes on white, one file per digit."""
    from PIL import Image

    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    for name, words, _ in rows:
        levels = np.array([int(word[1:]) for word in words.split()])
        pixels = np.rint(255 * (1 - levels / DARKEST)).astype(np.uint8).reshape(8, 8)
        with atomic_path(folder / name) as temporary:
            Image.fromarray(pixels).save(temporary, "PNG")


def as_words(pixels: Iterable[int]) -> str:
    """Grey levels as the words of the model, for example `g0 g5 g13`."""
    return " ".join(f"g{level}" for level in pixels)
