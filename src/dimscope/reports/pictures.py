"""Small pictures of the examples of a run whose data are images that are still where they were."""

import base64
from collections.abc import Callable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dimscope.config import DataConfig
from dimscope.errors import DimscopeError
from dimscope.inputs.examples import read_examples
from dimscope.inputs.image_arrays import ARRAY_ENDINGS
from dimscope.inputs.images import IMAGE_ENDINGS, read_image, require_pillow

SIDE = 48
"""Pixels of the longer side; larger images are made smaller, smaller ones stay as they are."""
LOSSLESS_SIDE = 32
"""Images up to this size are kept exactly: a few hundred bytes."""
QUALITY = 55
"""Of WebP; about 500 bytes for a photograph of 48 pixels."""
LOOKED_AT = 100
"""Names of the first examples that are looked at before the data are taken for images."""

Picture: TypeAlias = Callable[[int], str]
"""From the row of an example to its picture as a `data:` address, empty where there is none."""


def find_pictures(data: DataConfig, ids: Sequence[str], texts: Sequence[str], data_hash: str = "") -> Picture | None:
    """What draws the examples of a run.

    Images are those of an array that still has the hash of the run, or files that ids or texts name, relative to the folder of
    the data; a name that leads out of that folder is no image.

    Args:
        data: where the run found its data.
        ids: name per example.
        texts: text per example.
        data_hash: of the data as they were read.

    Returns:
        None where the data hold no images, are gone, or Pillow cannot write small ones.
    """
    path = Path(data.path).expanduser()
    if not data.path or not path.exists() or not _can_write():
        return None
    is_array = path.suffix.lower() in ARRAY_ENDINGS
    read = _array_reader(data, len(ids), data_hash) if is_array else _file_reader(path, ids, texts)
    return None if read is None else cache(lambda row: _address(read, row))


def why_no_pictures(data: DataConfig, ids: Sequence[str], texts: Sequence[str]) -> str:
    """A sentence for the page of a run whose examples are images that cannot be drawn; empty where they are no images."""
    path = Path(data.path).expanduser()
    is_array = path.suffix.lower() in ARRAY_ENDINGS
    if not is_array and not any(_image_names(ids[row], texts[row]) for row in range(min(len(ids), LOOKED_AT))):
        return ""
    if not _can_write():
        return "Pictures of the examples need Pillow with WebP: pip install 'dimscope[images]', then dimscope report RUN."
    if is_array and path.exists():
        return f"Pictures are missing: {data.path} is no longer what the run read." if _holds_images(data) else ""
    what = "If the examples are images, their pictures are missing" if is_array else "Pictures are missing"
    return f"{what}: the data are no longer at {data.path}. Put them back there and give dimscope report RUN again."


def _holds_images(data: DataConfig) -> bool:
    try:
        return read_examples(data).kind == "image"
    except DimscopeError:
        return False


def _image_names(*names: str) -> list[str]:
    return [name for name in names if name.lower().endswith(IMAGE_ENDINGS)]


def _can_write() -> bool:
    try:
        require_pillow()
    except DimscopeError:
        return False
    from PIL import features

    return bool(features.check("webp"))


def _array_reader(data: DataConfig, n: int, data_hash: str) -> Callable[[int], np.ndarray | None] | None:
    try:
        examples = read_examples(data)
    except DimscopeError:
        return None
    contents = examples.contents
    is_same = examples.source_hash == data_hash and len(examples) == n
    return contents.read if contents is not None and examples.kind == "image" and is_same else None


def _file_reader(path: Path, ids: Sequence[str], texts: Sequence[str]) -> Callable[[int], np.ndarray | None] | None:
    folder = (path if path.is_dir() else path.parent).resolve()

    def place(row: int) -> Path | None:
        found = ((folder / name).resolve() for name in _image_names(ids[row], texts[row]) if "\0" not in name)
        return next((file for file in found if file.is_relative_to(folder) and file.is_file()), None)

    def read(row: int) -> np.ndarray | None:
        file = place(row)
        return None if file is None else read_image(file)

    return read if any(place(row) for row in range(min(len(ids), LOOKED_AT))) else None


def _address(read: Callable[[int], np.ndarray | None], row: int) -> str:
    try:
        pixels = read(row)
    except DimscopeError:
        return ""
    if pixels is None:
        return ""
    image = require_pillow().fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, lossless=max(pixels.shape[:2]) <= LOSSLESS_SIDE)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
