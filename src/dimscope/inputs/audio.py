"""Sound from files, one channel at the rate that a model expects."""

from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from dimscope.errors import InputError

AUDIO_ENDINGS = (".aiff", ".flac", ".mp3", ".ogg", ".wav")
TAIL = 4096
"""Samples at the end that are decoded to see that a file is whole."""


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
        InputError: as `read_sound`, or there is not one sample.
    """
    soundfile = require_soundfile()
    try:
        with soundfile.SoundFile(path) as file:
            n_frames = file.frames
            n_tail = min(TAIL, n_frames)
            file.seek(n_frames - n_tail)
            n_read = len(file.read(n_tail))
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    if n_frames == 0 or n_read < n_tail:
        what = "holds no samples" if n_frames == 0 else "ends before what its header promises"
        raise InputError(f"{path} {what}; replace or remove it.")


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
