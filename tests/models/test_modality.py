"""What a model reads is known before it is loaded; data of another kind are refused by name."""

import pytest
import transformers

from dimscope.config import ModelConfig
from dimscope.errors import ModelError, UsageError
from dimscope.models.load import load_model
from dimscope.models.modality import EXAMPLES, INPUTS, refuse_other_kind, stack_for
from media import CONFIGS, save_media_model
from tiny import FAMILIES

READS = {"vit": {"image"}, "dinov2": {"image"}, "imagegpt": {"text", "protein", "tokens", "image"}, "whisper": {"audio"},
         "wav2vec2": {"audio"}}  # fmt: skip


def accepted(config, stack="auto"):
    kinds = set()
    for kind in EXAMPLES:
        try:
            refuse_other_kind(kind, stack_for(kind, stack, config), config, "mine")
        except UsageError:
            continue
        kinds.add(kind)
    return kinds


@pytest.mark.parametrize("name", list(READS))
def test_a_model_of_images_or_sound_takes_its_own_kind(name):
    assert accepted(CONFIGS[name]()) == READS[name]


@pytest.mark.parametrize("name", list(FAMILIES))
def test_a_model_of_texts_takes_texts_sequences_and_ids(name):
    assert accepted(FAMILIES[name]()) == {"text", "protein", "tokens"}


def test_the_tower_of_two_that_reads_the_data():
    clip = CONFIGS["clip"]()
    assert stack_for("image", "auto", clip) == "vision"
    assert stack_for("text", "auto", clip) == "auto"
    assert accepted(clip, "vision") == {"image"}
    assert accepted(clip, "text") == {"text", "protein", "tokens"}


def test_a_configuration_that_transformers_does_not_list_is_tried():
    class Own(transformers.PretrainedConfig):
        model_type = "own"

    assert accepted(Own()) == set(INPUTS)


def test_the_decoder_of_a_speech_model_reads_no_sound():
    with pytest.raises(UsageError, match="--stack decoder reads texts; for sound the encoder is read, leave --stack out"):
        refuse_other_kind("audio", "decoder", CONFIGS["whisper"](), "mine")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("vit", "text", r"the data are texts, but .* \(vit\) reads images; give data of that kind, or another model\.$"),
        ("vit", "audio", r"the data are sound, but .* \(vit\) reads images; give data"),
        ("whisper", "image", r"the data are images, but .* \(whisper\) reads sound; give data"),
    ],
)
def test_the_refusal_names_both(tmp_path, name, kind, message):
    with pytest.raises(UsageError, match=message):
        load_model(ModelConfig(name=str(save_media_model(name, tmp_path))), kind)


@pytest.mark.parametrize(
    ("name", "kind", "what"), [("vit", "image", "image processor"), ("whisper", "audio", "feature extractor")]
)
def test_what_prepares_the_data_must_be_there(tmp_path, name, kind, what):
    folder = save_media_model(name, tmp_path)
    for file in folder.glob("*processor*.json"):
        file.unlink()
    with pytest.raises(ModelError) as caught:
        load_model(ModelConfig(name=str(folder)), kind)
    assert str(caught.value) == (
        f'the {what} of "{folder}" cannot be loaded: it has no preprocessor_config.json that can be read.'
    )


def test_each_kind_comes_with_its_own_preparation(tmp_path):
    vit = load_model(ModelConfig(name=str(save_media_model("vit", tmp_path / "vit"))), "image")
    assert vit.tokenizer is None
    assert vit.facts["processor"] == type(vit.processor).__name__
    assert "tokenizer" not in vit.facts
    igpt = load_model(ModelConfig(name=str(save_media_model("imagegpt", tmp_path / "igpt"))), "image")
    assert (igpt.tokenizer, igpt.processor, igpt.max_tokens) == (None, None, 64)
