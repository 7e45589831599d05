"""Speech encoders read from disk: their own features, their own hidden states, silence behind the end left out."""

import numpy as np
import pytest
import torch
import transformers

from dimscope.config import ModelConfig
from dimscope.errors import InputError, ModelError
from dimscope.models.load import load_model
from dimscope.models.reader import Reader
from dimscope.models.sounds import features, prepare_sounds
from media import save_media_model

RATE = 16_000
N_SAMPLES = np.array([3_000, 16_000, 9_001, 16_001, 320, 1, 9_001])
SOUNDS = [np.random.default_rng(n).normal(size=n).astype(np.float32) * 0.1 for n in N_SAMPLES]
NAMES = [f"{number}.wav" for number in range(7)]


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return save_media_model("whisper", tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    return save_media_model("wav2vec2", tmp_path_factory.mktemp("wav2vec2"))


def load(folder):
    return load_model(ModelConfig(name=str(folder)), "audio")


def prepare(loaded, rows=range(7), **options):
    rows = list(rows)
    return prepare_sounds(
        loaded, lambda row: SOUNDS[rows[row]], N_SAMPLES[rows], [NAMES[row] for row in rows], np.arange(len(rows)), **options
    )


def read(loaded, prepared, **options):
    reader = Reader(loaded, prepared, NAMES, ModelConfig(**options))
    reader.probe()
    return reader.read(np.arange(len(prepared.content)), lambda _: None)["mean"]


def near(found, expected):
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_positions_that_hear_a_recording_are_those_of_the_extractor(whisper):
    """Position j reads mel frames from 2 j on; the extractor says which frames begin inside the recording."""
    loaded = load(whisper)
    found = prepare(loaded)
    mask = loaded.processor(SOUNDS, sampling_rate=RATE, return_attention_mask=True)["attention_mask"]
    assert np.array_equal(np.stack(found.content), np.asarray(mask)[:, ::2].astype(bool))
    assert [int(mask.sum()) for mask in found.content] == [10, 50, 29, 50, 1, 1, 29]
    assert found.truncated.tolist() == [False, False, False, True, False, False, False]
    assert found.lengths.tolist() == [50] * 7


def test_every_layer_is_the_mean_over_real_frames(whisper):
    loaded = load(whisper)
    found = read(loaded, prepare(loaded))
    extractor = transformers.AutoFeatureExtractor.from_pretrained(whisper)
    encoder = transformers.AutoModel.from_pretrained(whisper).eval().get_encoder()
    mels = extractor(SOUNDS, sampling_rate=RATE, return_tensors="pt")["input_features"]
    with torch.no_grad():
        output = encoder(mels, output_hidden_states=True)
    real = [-(-min(n, RATE) // 320) for n in N_SAMPLES]
    for layer, name in enumerate(["embed_00", "block_01", "block_02"]):
        near(found[name], np.stack([state[:n].mean(dim=0) for state, n in zip(output.hidden_states[layer], real, strict=True)]))
    last = output.last_hidden_state
    near(found["final_norm_03"], np.stack([state[:n].mean(dim=0) for state, n in zip(last, real, strict=True)]))


@pytest.mark.parametrize("name", ["whisper", "waves"])
def test_batches_do_not_matter(name, request):
    loaded = load(request.getfixturevalue(name))
    rows = [0, 1, 2, 3, 6]
    usual, alone = (read(loaded, prepare(loaded, rows), batch_size=size) for size in (None, 1))
    for layer, vectors in usual.items():
        near(vectors, alone[layer])


def test_waveforms_are_read_without_padding(waves):
    loaded = load(waves)
    rows = [0, 1, 2, 6]
    found = read(loaded, prepare(loaded, rows), batch_size=4)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(waves)
    model = transformers.AutoModel.from_pretrained(waves).eval()
    for line, row in enumerate(rows):
        values = extractor(SOUNDS[row], sampling_rate=RATE, return_tensors="pt")["input_values"]
        with torch.no_grad():
            output = model(values, output_hidden_states=True)
        for layer, name in enumerate(["embed_00", "block_01", "block_02", "block_03"]):
            near(found[name][line], output.hidden_states[layer][0].mean(dim=0).numpy())


def test_waveforms_of_one_length_share_a_batch(waves):
    loaded = load(waves)
    prepared = prepare(loaded, [2, 6])
    assert prepared.make_batch(loaded, np.array([0, 1]), "right").inputs["input_values"].shape == (2, 9_001)
    assert prepared.lengths.tolist() == [9_001, 9_001]


def test_recordings_too_short_for_waveforms_are_named(waves):
    with pytest.raises(InputError, match=r"^1 recordings are too short for .* \(ids 5\.wav\); remove them\.$"):
        prepare(load(waves))


def test_sound_has_no_class_token(whisper):
    with pytest.raises(InputError, match=r"^--pool cls was asked for, but sound has no class token; choose --pool mean"):
        prepare(load(whisper), pool="mean,cls")


def test_spectrograms_in_patches_are_not_supported_yet(tmp_path):
    torch.manual_seed(0)
    config = transformers.ASTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_length=64, num_mel_bins=16
    )
    transformers.ASTModel(config).save_pretrained(tmp_path)
    transformers.ASTFeatureExtractor(max_length=64, num_mel_bins=16).save_pretrained(tmp_path)
    with pytest.raises(
        ModelError, match=r"^ASTModel with ASTFeatureExtractor is not supported yet; sound is read by models of log"
    ):
        prepare(load(tmp_path))


def test_features_are_those_of_the_extractor(whisper):
    extractor = load(whisper).processor
    found = features(extractor, SOUNDS[:2])
    assert list(found) == ["input_features"]
    expected = extractor(SOUNDS[:2], sampling_rate=RATE, return_tensors="pt")["input_features"]
    assert torch.equal(found["input_features"], expected)
