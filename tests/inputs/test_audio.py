"""Sound: samples come back, channels are averaged, other rates keep the tone; what is no sound is named."""

import builtins

import numpy as np
import pytest
import soundfile

from dimscope.errors import InputError
from dimscope.inputs.audio import Sound, check_sound, read_sound, samples_at

RATE = 16_000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_samples_come_back_as_the_mean_of_the_channels(tmp_path, ending):
    place = tmp_path / f"x.{ending}"
    soundfile.write(place, np.stack([TONE, np.zeros(RATE)], axis=1), RATE)
    check_sound(place)
    found = read_sound(place)
    assert found.rate == RATE
    assert found.samples.dtype == np.float32
    assert np.abs(found.samples - TONE / 2).max() < 2e-5  # 16 bits


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_another_rate_keeps_the_tone(tmp_path, rate):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "x.wav", tone, rate)
    found = read_sound(tmp_path / "x.wav").at(RATE)
    assert len(found) == samples_at(tmp_path / "x.wav", RATE) == RATE
    middle = slice(1000, -1000)
    assert np.abs(found[middle] - TONE[middle]).max() < 5e-3


@pytest.mark.parametrize(("n", "rate"), [(1, 44_100), (999, 44_100), (1001, 22_050), (1001, 11_025), (77, 8_000)])
def test_the_number_of_samples_is_known_from_the_header(tmp_path, n, rate):
    soundfile.write(tmp_path / "x.wav", np.zeros(n), rate)
    assert samples_at(tmp_path / "x.wav", RATE) == len(read_sound(tmp_path / "x.wav").at(RATE))


def test_the_same_rate_changes_nothing():
    samples = TONE.astype(np.float32)
    assert Sound(samples, RATE).at(RATE) is samples


def test_what_is_no_sound_is_refused(tmp_path):
    place = tmp_path / "x.wav"
    place.write_text("no sound")
    for read in (check_sound, read_sound, lambda path: samples_at(path, RATE)):
        with pytest.raises(InputError, match=r"x\.wav cannot be read as sound \(Format not recognised\); replace or remove it"):
            read(place)
    soundfile.write(place, np.zeros(0), RATE)
    with pytest.raises(InputError, match=r"x\.wav holds no samples; replace or remove it\."):
        check_sound(place)


def test_a_file_that_was_cut_is_refused(tmp_path):
    place = tmp_path / "x.flac"
    soundfile.write(place, np.random.default_rng(0).normal(size=RATE) * 0.2, RATE)
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"x\.flac (cannot be read as sound|ends before what its header promises)"):
        check_sound(place)


def test_without_soundfile_the_remedy_is_named(tmp_path, monkeypatch):
    usual = builtins.__import__

    def absent(name, *rest, **options):
        if name == "soundfile":
            raise ImportError(name)
        return usual(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r"which is not installed\. Install it with: pip install 'dimscope\[audio\]'$"):
        check_sound(tmp_path / "x.wav")


@pytest.mark.parametrize("ending", ["wav", "aiff"])
def test_a_file_shorter_than_its_first_chunk_says_is_refused(tmp_path, ending):
    place = tmp_path / f"x.{ending}"
    soundfile.write(place, TONE, RATE)
    whole = place.read_bytes()
    check_sound(place)
    place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"x\.{ending} ends before what its header promises; replace or remove it\."):
        check_sound(place)
    for unknown in (bytes(4), b"\xff" * 4):  # written into a pipe
        place.write_bytes(whole[:4] + unknown + whole[8:])
        check_sound(place)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, value):
    samples = TONE.copy()
    samples[100] = value
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match=r"x\.wav holds NaN or Inf; replace or remove it\."):
        check_sound(tmp_path / "x.wav")
