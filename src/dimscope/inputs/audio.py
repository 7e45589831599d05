"""Sound from files, one channel at the rate that a model expects."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.signal import resample_poly

from dimscope.errors import InputError

AUDIO_ENDINGS = (".aiff", ".flac", ".mp3", ".ogg", ".wav")
TAIL = 4096
"""Samples at the end that are decoded to see that a file is whole."""
FLOATS = ("FLOAT", "DOUBLE")
"""Encodings that can hold NaN and Inf."""
CHUNKS: Mapping[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"FORM": "big"}
"""Name of the chunk around a WAV or AIFF -> order of the bytes of its size."""
UNKNOWN_SIZES = (bytes(4), b"\xff" * 4)
"""What programs write that do not know the size when they begin, into a pipe."""
SLACK = 8
"""Some programs count the eight bytes before the chunk too."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples of one channel.

    Attributes:
        samples: shape (n,), float32, full scale is 1.
        rate: samples per second.
    """

    samples: np.ndarray
    rate: int

    def at(self, rate: int) -> np.ndarray:
        """The samples at another rate, shape (n x rate / self.rate,), by polyphase filtering; unchanged at their own."""
        if rate == self.rate:
            return self.samples
        common = gcd(rate, self.rate)
        return np.asarray(resample_poly(self.samples, rate // common, self.rate // common), dtype=np.float32)


def read_sound(path: Path) -> Sound:
    """The mean of the channels.

    Raises:
        InputError: soundfile is not installed, the file is no sound, or its end is missing.
    """
    soundfile = require_soundfile()
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    return Sound(samples.mean(axis=1), int(rate))


def samples_at(path: Path, rate: int) -> int:
    """How many samples `Sound.at` gives of a file, by its header.

    Raises:
        InputError: as `read_sound`.
    """
    soundfile = require_soundfile()
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    return -(-int(info.frames) * rate // int(info.samplerate))


def check_sound(path: Path) -> None:
    """Nothing when the file holds sound to the end that its header promises.

    Raises:
        InputError: as `read_sound`, there is not one sample, or some are NaN or Inf.
    """
    soundfile = require_soundfile()
    try:
        with soundfile.SoundFile(path) as file:
            n_frames = file.frames
            is_finite = file.subtype not in FLOATS or all(np.isfinite(block).all() for block in file.blocks(1 << 20))
            n_tail = min(TAIL, n_frames)
            file.seek(n_frames - n_tail)
            n_read = len(file.read(n_tail))
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    if not is_finite:
        raise InputError(f"{path} holds NaN or Inf; replace or remove it.")
    if n_frames == 0 or n_read < n_tail or _is_cut(path):
        what = "holds no samples" if n_frames == 0 else "ends before what its header promises"
        raise InputError(f"{path} {what}; replace or remove it.")


def _is_cut(path: Path) -> bool:
    """True for a WAV or AIFF shorter than its first chunk says; libsndfile reads such a file to where it ends."""
    with path.open("rb") as handle:
        name, size = handle.read(4), handle.read(4)
    if name not in CHUNKS or size in UNKNOWN_SIZES:
        return False
    return path.stat().st_size + SLACK < int.from_bytes(size, CHUNKS[name])


def require_soundfile() -> Any:
    """The module `soundfile`.

    Raises:
        InputError: it is not installed.
    """
    try:
        import soundfile  # type: ignore[import-untyped]
    except ImportError:
        raise InputError(
            "sound is read with soundfile, which is not installed. Install it with: pip install 'dimscope[audio]'"
        ) from None
    return soundfile


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__
    return InputError(f"{path} cannot be read as sound ({reason}); replace or remove it.")
