"""Parts of models that hold several stacks: the sides of an encoder-decoder, the towers of a multi-modal model."""

from copy import deepcopy
from typing import Any

import torch

from dimscope.errors import ModelError

TOWERS = {
    "text": ("text_model", "language_model"),
    "vision": ("vision_model", "vision_tower", "visual", "vision_encoder", "image_encoder"),
}
"""Names under which transformers keeps the towers of a multi-modal model."""


class DecoderSide(torch.nn.Module):
    """An encoder-decoder whose decoder is read while it predicts the text that the encoder reads.

    The decoder gets the same text one place later, behind the start token of its configuration, as in training; place j
    predicts token j, so the masks of the text hold for it too.

    Attributes:
        part: where the stack that is read stands.
        config: that of the decoder, with its own number of layers.
        whole_config: that of the encoder-decoder.

    Raises:
        ModelError: the configuration names no start token.
    """

    part = "whole.decoder"

    def __init__(self, whole: Any) -> None:
        super().__init__()
        self.whole = whole
        self.whole_config = whole.config
        self.config: Any = deepcopy(getattr(whole.get_decoder(), "config", whole.config))
        for name in ("num_decoder_layers", "decoder_layers"):
            if isinstance(getattr(whole.config, name, None), int):
                self.config.num_hidden_layers = getattr(whole.config, name)
        self.config.is_decoder = True
        self.start: Any = getattr(whole.config, "decoder_start_token_id", None)
        if self.start is None:
            raise ModelError(f"--stack decoder needs a start token; the configuration of {type(whole).__name__} names none.")

    def get_input_embeddings(self) -> Any:
        """The embeddings of the tokens."""
        return self.whole.get_input_embeddings()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, output_hidden_states: bool = False) -> Any:
        """What the decoder gives out for the text `input_ids` (batch, tokens), with its own `hidden_states` when asked for."""
        encoded = self.whole.get_encoder()(input_ids=input_ids, attention_mask=attention_mask)
        return self.whole.get_decoder()(
            input_ids=_one_later(input_ids, attention_mask, int(self.start)),
            attention_mask=attention_mask,
            encoder_hidden_states=encoded.last_hidden_state,
            encoder_attention_mask=attention_mask,
            output_hidden_states=output_hidden_states,
            use_cache=False,
        )


def part_of(whole: Any, stack: str) -> Any:
    """The part of a model that is read.

    Args:
        whole: as loaded.
        stack: `auto` (the encoder of an encoder-decoder, otherwise the whole), `encoder`, `decoder`, `text` or `vision`.

    Raises:
        ModelError: the model has no such part.
    """
    two_sided = bool(getattr(whole.config, "is_encoder_decoder", False))
    if stack == "auto":
        return _encoder_of(whole) if two_sided else whole
    if stack in TOWERS:
        tower = next((getattr(whole, name) for name in TOWERS[stack] if hasattr(whole, name)), None)
        if tower is None:
            raise ModelError(f"--stack {stack} was asked for; {type(whole).__name__} has no {stack} tower. Leave --stack out.")
        return tower
    if not two_sided:
        raise ModelError(
            f"--stack {stack} was asked for; {type(whole).__name__} is not an encoder-decoder, it has one side. Leave it out."
        )
    return _encoder_of(whole) if stack == "encoder" else DecoderSide(whole)


def _encoder_of(whole: Any) -> Any:
    encoder = whole.get_encoder()
    if not hasattr(encoder, "config"):  # FSMT's sides are plain modules
        encoder.config = whole.config
    return encoder


def _one_later(ids: torch.Tensor, mask: torch.Tensor, start: int) -> torch.Tensor:
    """Each row moved by one place to the right, its first token replaced by `start`; padding on either side stays."""
    first = mask.int().argmax(dim=1, keepdim=True)
    later = torch.where(mask.bool(), ids.roll(1, dims=1), ids)
    return later.scatter(1, first, start)
