"""Sound as a speech encoder reads it: prepared by the model's own feature extractor, batch by batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from dimscope.arrays import IntArray
from dimscope.config import pools_of
from dimscope.errors import InputError, ModelError, first_of
from dimscope.models.load import LoadedModel
from dimscope.models.modality import INPUTS
from dimscope.models.prepared import Batch, fixed_batch, placed
from dimscope.models.probe import explained_forward


@dataclass(frozen=True, eq=False)
class Recordings:
    """Sound that is decoded and turned into features when a batch needs it.

    Attributes:
        read: number of a recording -> samples (n,), float32, at the rate of the feature extractor.
        content: one boolean array per recording: True for positions that hear it, False for the silence behind its end.
        duplicate_of: shape (n,): the first recording with the same bytes.
        truncated: shape (n,): True for recordings longer than the model hears.
        lengths: shape (n,): positions; of models that read waveforms, samples, so that only equal ones share a batch.
    """

    read: Callable[[int], np.ndarray]
    content: list[np.ndarray]
    duplicate_of: IntArray
    truncated: np.ndarray
    lengths: IntArray
    unit = "recordings"
    is_padded = False

    def with_content(self, content: list[np.ndarray]) -> "Recordings":
        """The same recordings with other positions that count."""
        return replace(self, content=content)

    def make_batch(self, loaded: LoadedModel, rows: IntArray, padding: str, length: int | None = None) -> Batch:
        """The recordings `rows`; what pads them is part of the features.

        Raises:
            InputError: a recording cannot be read.
        """
        del padding, length
        inputs = features(loaded.processor, [self.read(int(row)) for row in rows])
        return fixed_batch(loaded, inputs, np.stack([self.content[int(row)] for row in rows]))


def features(extractor: Any, samples: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """The model's input for recordings: spectrograms (batch, mels, frames), or waveforms (batch, samples) of equal length."""
    found = extractor(list(samples), sampling_rate=extractor.sampling_rate, return_tensors="pt")
    return {name: found[name] for name in INPUTS["audio"] if name in found}


def prepare_sounds(
    loaded: LoadedModel,
    read: Callable[[int], np.ndarray],
    n_samples: IntArray,
    names: Sequence[str],
    duplicate_of: IntArray,
    *,
    pool: str = "mean",
) -> Recordings:
    """The recordings as the model hears them; the longest is tried to see how samples become positions.

    A spectrogram has one frame per hop of the feature extractor, a position stands for one or more frames (two in Whisper); it
    counts when its first frame begins before the recording ends [Radford 2023, doi:10.48550/arXiv.2212.04356]. Of models that
    read waveforms every position counts.

    Args:
        loaded: a model with its feature extractor.
        read: number of a recording -> samples at the rate of the feature extractor.
        n_samples: shape (n,): their numbers of samples at that rate.
        names: for messages.
        duplicate_of: shape (n,).
        pool: as in the configuration.

    Raises:
        ModelError: the model cannot read sound alone.
        InputError: the pooling `cls`, recordings too short for one position, or one that cannot be read.
    """
    if "cls" in pools_of(pool):
        raise InputError("--pool cls was asked for, but sound has no class token; choose --pool mean.")
    inputs = features(loaded.processor, [read(int(n_samples.argmax()))])
    n_positions = _count_positions(loaded, inputs)
    if next(iter(inputs.values())).ndim == 2:
        return _waveforms(loaded, read, n_samples, names, duplicate_of)
    hop, frames = getattr(loaded.processor, "hop_length", None), inputs.get("input_features")
    if hop is None or frames is None or frames.shape[2] % n_positions:
        raise ModelError(
            f"{type(loaded.model).__name__} with {type(loaded.processor).__name__} is not supported yet; sound is read by "
            "models of log-mel frames, such as Whisper, or of waveforms, such as wav2vec 2.0."
        )
    per_position = int(hop) * (frames.shape[2] // n_positions)
    content = [np.arange(n_positions) * per_position < n for n in n_samples]
    return Recordings(read, content, duplicate_of, n_samples > n_positions * per_position, np.full(len(names), n_positions))


def _count_positions(loaded: LoadedModel, inputs: Mapping[str, torch.Tensor]) -> int:
    with explained_forward(loaded.model), torch.inference_mode():
        output = loaded.model(**{name: placed(loaded, one) for name, one in inputs.items()}, output_hidden_states=True)
        return int(output.hidden_states[0].shape[1])


def _waveforms(
    loaded: LoadedModel, read: Callable[[int], np.ndarray], n_samples: IntArray, names: Sequence[str], duplicate_of: IntArray
) -> Recordings:
    """Recordings of a model whose own convolutions say how many positions a number of samples gives."""
    counts = np.array([int(loaded.model._get_feat_extract_output_lengths(torch.tensor(int(n)))) for n in n_samples])
    short = [name for name, count in zip(names, counts, strict=True) if count < 1]
    if short:
        raise InputError(f"{len(short)} recordings are too short for {loaded.name} (ids {first_of(short)}); remove them.")
    whole = np.zeros(len(names), dtype=bool)
    return Recordings(read, [np.ones(count, dtype=bool) for count in counts], duplicate_of, whole, n_samples)
