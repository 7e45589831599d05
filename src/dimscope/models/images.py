"""Images as a vision transformer reads them: prepared by its own processor, batch by batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from dimscope.arrays import IntArray
from dimscope.config import pools_of
from dimscope.errors import InputError
from dimscope.models.load import LoadedModel
from dimscope.models.prepared import Batch, fixed_batch, placed
from dimscope.models.probe import explained_forward

MOST_PREFIX = 16
"""More positions than patches by more than this are no class token and registers (the largest known: 8 of DINOv3's kin)."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images that are decoded and prepared when a batch needs them.

    Attributes:
        read: number of an image -> (height, width, 3), uint8.
        names: of the images, for messages.
        content: one boolean array per image: True where a position counts for pooling (patches, or all).
        duplicate_of: shape (n,): the first image with the same bytes.
    """

    read: Callable[[int], np.ndarray]
    names: Sequence[str]
    content: list[np.ndarray]
    duplicate_of: IntArray
    unit = "images"
    is_padded = False

    @property
    def truncated(self) -> np.ndarray:
        """Shape (n,): no image is; processors resize."""
        return np.zeros(len(self.names), dtype=bool)

    @property
    def lengths(self) -> IntArray:
        """Positions per image, shape (n,)."""
        return np.array([len(mask) for mask in self.content], dtype=np.int64)

    def with_content(self, content: list[np.ndarray]) -> "Pixels":
        """The same images with other positions that count."""
        return replace(self, content=content)

    def make_batch(self, loaded: LoadedModel, rows: IntArray, padding: str, length: int | None = None) -> Batch:
        """The images `rows`; there is nothing to pad.

        Raises:
            InputError: an image cannot be read, or the processor leaves images at different sizes (two are named).
        """
        del padding, length
        pixels = pixel_values(loaded, [self.read(int(row)) for row in rows], [self.names[int(row)] for row in rows])
        return fixed_batch(loaded, {"pixel_values": pixels}, np.stack([self.content[int(row)] for row in rows]))


def prepare_images(
    loaded: LoadedModel,
    read: Callable[[int], np.ndarray],
    names: Sequence[str],
    duplicate_of: IntArray,
    *,
    special: str = "exclude",
    pool: str = "mean",
) -> Pixels:
    """The images as the model reads them; one is tried to see how many positions it takes.

    Positions in front of the patches (class token, registers) count only when `special` is `include`. Of a model whose
    configuration names no patch size every position counts.

    Raises:
        ModelError: the model cannot read images alone.
        InputError: the first image cannot be read, or `cls` with a model that puts no class token in front.
    """
    pixels = pixel_values(loaded, [read(0)], names[:1])
    with explained_forward(loaded.model), torch.inference_mode():
        output = loaded.model(pixel_values=placed(loaded, pixels), output_hidden_states=True)
        n_positions = _count_positions(output.hidden_states[0], loaded.model.config)
    n_prefix = _prefix(loaded.model.config, pixels.shape[2:], n_positions)
    if "cls" in pools_of(pool) and not n_prefix:
        raise InputError(
            f"--pool cls was asked for, but {loaded.name} puts no class token in front of the patches; choose --pool mean."
        )
    content = np.ones(n_positions, dtype=bool)
    content[:n_prefix] = special == "include"
    return Pixels(read, names, [content] * len(names), duplicate_of)


def _count_positions(states: torch.Tensor, config: Any) -> int:
    """Of states (batch, positions, width), or (batch, rows, columns, width), as SAM has them."""
    is_grid = states.ndim == 4 and states.shape[3] == getattr(config, "hidden_size", None)
    return int(states.shape[1] * states.shape[2]) if is_grid else int(states.shape[1])


def pixel_values(loaded: LoadedModel, images: Sequence[np.ndarray], names: Sequence[str]) -> torch.Tensor:
    """What the model's processor makes of RGB images: (batch, channels, height, width), float32.

    Raises:
        InputError: images that come out at different sizes.
    """
    if getattr(loaded.model.config, "num_channels", 3) == 1:
        images = [_gray(image) for image in images]
    found = loaded.processor(images=list(images), input_data_format="channels_last")["pixel_values"]
    arrays = [np.asarray(image, dtype=np.float32) for image in found]
    other = next((row for row, array in enumerate(arrays) if array.shape != arrays[0].shape), None)
    if other is not None:
        raise InputError(
            f"the image processor of {loaded.name} leaves images at different sizes ({names[0]}: {_size(arrays[0])}, "
            f"{names[other]}: {_size(arrays[other])}); give images of one size."
        )
    return torch.from_numpy(np.stack(arrays))


def _gray(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))[:, :, None]


def _size(array: np.ndarray) -> str:
    return " x ".join(str(length) for length in array.shape[1:])


def _prefix(config: Any, size: Sequence[int], n_positions: int) -> int:
    """Positions before the patches; 0 where the configuration does not say how large patches are."""
    patch = getattr(config, "patch_size", None)
    if patch is None:
        return 0
    height, width = (patch, patch) if isinstance(patch, int) else patch
    extra = n_positions - (size[0] // height) * (size[1] // width)
    return extra if 0 < extra <= MOST_PREFIX else 0
