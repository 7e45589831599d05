"""Image GPT on colour clusters: all layers of a batch in one pass, as Valeriani et al. 2023 read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from dimscope.arrays import IntArray, Points
from dimscope.devices import choose_device
from dimscope.errors import InputError, ModelError
from dimscope.models.capture import Capture
from dimscope.models.modality import COLOR_MODEL
from dimscope.models.silence import silent_transformers


def attend_as_trained(model: Any) -> None:
    """Let an ImageGPT that was trained like BERT (`bidirectional` in its configuration) see both ways; change no other model.

    transformers builds every ImageGPT with a mask that hides later pixels.
    """
    if model.config.model_type == COLOR_MODEL and getattr(model.config, "bidirectional", False):
        for block in model.h:
            block.attn.bias.fill_(True)


class ImageReader:
    """Layer l is the mean over pixels of the normalised input of block l + 1 (`block_norm`), the last one of `final_norm`.

    An autoregressive model reads the start vector and all pixels but the last; the start position counts in the mean. A BERT
    variant (`bidirectional` in its config.json) reads all pixels, unmasked, with attention in both directions. With
    `logits`, one layer more is the mean logits over pixels, without that of the start vector, as the published curves end.

    Args:
        folder: a Hugging Face ImageGPT folder.
        layers: layer numbers, 0 to the number of blocks; None for all.
        device: `auto`, `cpu`, `cuda`, ...
        logits: read the logits, too.

    Raises:
        ModelError: the folder holds no ImageGPT, or one without an output matrix while the logits are wanted.
        UsageError: the device is not there.
        InputError: layers that the model does not have.
    """

    def __init__(
        self, folder: Path, layers: Sequence[int] | None = None, device: str = "auto", *, logits: bool = False
    ) -> None:
        whole = _load(folder, with_head=logits)
        self.model: Any = whole.transformer if logits else whole
        self._head: Any = whole.lm_head if logits else None
        config = self.model.config
        self.is_bidirectional = bool(getattr(config, "bidirectional", False))
        attend_as_trained(self.model)
        self.n_layers, self.width = int(config.n_layer), int(config.n_embd)
        outside = [layer for layer in layers or () if not 0 <= layer <= self.n_layers]
        if outside:
            raise InputError(f"layers {outside} were asked for; {folder} has layers 0 to {self.n_layers}.")
        self.layers = sorted(set(layers)) if layers else list(range(self.n_layers + 1))
        self.n_colors, self.n_pixels = int(config.vocab_size) - 1, int(config.n_positions)
        self.device: torch.device = choose_device(device)
        whole.to(self.device)
        self._capture = Capture(self.model, [*self.layers, self.n_layers] if logits else self.layers, "block_norm")

    def read(self, images: IntArray) -> dict[int, Points]:
        """Vectors float32 (n, width) per layer for colour clusters (n, pixels).

        Raises:
            InputError: images of another size, or colours that the model does not have.
        """
        images = np.asarray(images).reshape(len(images), -1)
        if images.shape[1] != self.n_pixels:
            raise InputError(f"images have {images.shape[1]} pixels; this model reads {self.n_pixels}.")
        if images.min() < 0 or images.max() >= self.n_colors:
            raise InputError(
                f"colour clusters run from {images.min()} to {images.max()}; this model has 0 to {self.n_colors - 1}."
            )
        tokens = images.astype(np.int64)
        if not self.is_bidirectional:
            tokens = np.concatenate([np.full((len(tokens), 1), self.n_colors), tokens[:, :-1]], axis=1)
        inputs = {"input_ids": torch.from_numpy(tokens).to(self.device), "use_cache": False}
        weights = torch.full(tokens.shape, 1 / tokens.shape[1], device=self.device)
        states = {name.index: values for name, values in self._capture.run(inputs, weights).items()}
        found = {layer: states[layer] for layer in self.layers}
        if self._head is not None:
            with torch.inference_mode():  # the output matrix is linear, so that it may be applied to the mean
                found[self.n_layers + 1] = self._head(states[self.n_layers])[:, : self.n_colors]
        return {layer: values.cpu().numpy() for layer, values in found.items()}


def _load(folder: Path, *, with_head: bool) -> Any:
    kind = transformers.ImageGPTForCausalImageModeling if with_head else transformers.ImageGPTModel
    try:
        with silent_transformers():
            model, info = kind.from_pretrained(str(folder), local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be read as an ImageGPT folder: {str(error).splitlines()[0]}") from None
    if with_head and any("lm_head" in name for name in info["missing_keys"]):
        raise ModelError(f"{folder} holds no output matrix, so that its logits cannot be read; leave --logits out.")
    return model.eval()
