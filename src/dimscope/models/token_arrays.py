"""Token ids that need no tokenizer: rows of an array, and images as colours of an ImageGPT."""

from collections.abc import Callable, Iterator, Sequence
from math import isqrt
from typing import Any

import numpy as np
import transformers

from dimscope.errors import InputError, ModelError
from dimscope.models.load import LoadedModel
from dimscope.models.modality import COLOR_MODEL
from dimscope.models.silence import silent_transformers
from dimscope.models.tokens import TokenizedTexts, same_tokens, vocabulary_size

QUANTIZE_CHUNK = 16
"""Images whose pixels are compared with all colours at once; 16 of 32 x 32 with 512 colours take 70 MB."""


def tokenize_rows(
    loaded: LoadedModel, read: Callable[[int], np.ndarray], names: Sequence[str], *, special: str = "exclude"
) -> TokenizedTexts:
    """Ids that are given, at most as many of each example as the model reads.

    An ImageGPT that was trained from pixel to pixel reads the start vector and all colours but the last, as in training; the
    start counts as special token. One that was trained like BERT reads all colours.

    Args:
        loaded: a model that reads token ids.
        read: number of an example -> ids (length,).
        names: for messages.
        special: `include` counts the start vector in pooling.

    Raises:
        InputError: ids that the model has no embeddings of (example and range are named).
    """
    known = vocabulary_size(loaded.model)
    start = _start(loaded, known)
    highest = known - 1 - (start is not None) if known is not None else np.iinfo(np.int64).max
    ids, truncated = [], []
    for row, name in enumerate(names):
        found = np.asarray(read(row))
        if found.min() < 0 or found.max() > highest:
            raise InputError(
                f'the example "{name}" holds tokens {found.min()} to {found.max()}; {loaded.name} has embeddings of 0 to '
                f"{highest}. They do not belong together."
            )
        truncated.append(len(found) > loaded.max_tokens)
        found = found[: loaded.max_tokens].astype(np.min_scalar_type(highest + 1))
        ids.append(found if start is None else np.concatenate([[found.dtype.type(start)], found[:-1]]))
    marks = {len(row): np.arange(len(row)) < (start is not None) for row in ids}
    content = {length: ~mark if special == "exclude" else np.ones(length, dtype=bool) for length, mark in marks.items()}
    return TokenizedTexts(
        ids,
        [content[len(row)] for row in ids],
        np.array(truncated),
        same_tokens(ids),
        [marks[len(row)] for row in ids],
    )


def _start(loaded: LoadedModel, known: int | None) -> int | None:
    """The start vector of an ImageGPT that predicts the next pixel: the last row of its embeddings."""
    config = loaded.model.config
    if config.model_type != COLOR_MODEL or getattr(config, "bidirectional", False) or known is None:
        return None
    return known - 1


def color_processor(loaded: LoadedModel, clusters: np.ndarray | None, source: str = "") -> Any:
    """What turns images into colours: the processor of the model, or one made of these clusters.

    Args:
        loaded: an ImageGPT.
        clusters: (colours, 3) in -1 to 1, as OpenAI's `kmeans_centers.npy`, or None.
        source: where they come from, for messages.

    Raises:
        InputError: clusters of another form, or of another number than the model has colours.
        ModelError: neither clusters nor a processor that has some.
    """
    if clusters is None:
        if getattr(loaded.processor, "clusters", None) is None:
            raise ModelError(
                f"{loaded.name} has no preprocessor_config.json with colour clusters; name a file of them with --clusters "
                "(OpenAI's kmeans_centers.npy), or give arrays of cluster numbers."
            )
        return loaded.processor
    n_colors = (vocabulary_size(loaded.model) or 1) - 1
    if clusters.shape != (n_colors, 3) or clusters.dtype.kind != "f" or np.abs(clusters).max() > 1:
        raise InputError(
            f"{source} holds an array of shape {clusters.shape} and dtype {clusters.dtype}; {loaded.name} needs {n_colors} "
            "colours (rows) of 3 numbers in -1 to 1."
        )
    side = isqrt(int(loaded.model.config.n_positions))
    with silent_transformers():
        return transformers.ImageGPTImageProcessor(clusters=clusters, size={"height": side, "width": side})


def color_rows(read: Callable[[int], np.ndarray], n: int, processor: Any) -> Iterator[np.ndarray]:
    """Colours (pixels,) of each image, row by row from the top left, in chunks so that memory stays bounded."""
    for start in range(0, n, QUANTIZE_CHUNK):
        images = [read(row) for row in range(start, min(n, start + QUANTIZE_CHUNK))]
        yield from np.asarray(processor(images=images, input_data_format="channels_last")["input_ids"])
