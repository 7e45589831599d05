import numpy as np
import pytest

from bundles import igpt_forward, igpt_weights, write_bundle
from dimscope.errors import InputError, ModelError
from dimscope.models.imagegpt import ImageReader
from dimscope.paper.igpt import convert

IMAGES = np.random.default_rng(1).integers(0, 5, (9, 6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("igpt")
    convert(write_bundle(place / "c", igpt_weights()), place / "hf")
    return place / "hf"


def test_chosen_layers_equal_those_of_all(folder):
    expected = igpt_forward(igpt_weights(), IMAGES)
    for layers in ([0], [1], [2], [2, 0]):
        states = ImageReader(folder, layers, "cpu").read(IMAGES)
        assert sorted(states) == sorted(layers)
        for layer, values in states.items():
            np.testing.assert_allclose(values, expected[layer], atol=1e-5)


def test_the_batch_does_not_matter(folder):
    reader = ImageReader(folder, device="cpu")
    whole = reader.read(IMAGES)
    single = [reader.read(image[None]) for image in IMAGES]
    for layer, values in whole.items():
        np.testing.assert_allclose(np.concatenate([one[layer] for one in single]), values, atol=1e-6)


@pytest.mark.parametrize("layers", [None, [0]])
def test_logits_are_one_layer_more(folder, layers):
    expected = igpt_forward(igpt_weights(), IMAGES)[-1] @ igpt_weights()["model/wtet"].T.astype(np.float64)
    states = ImageReader(folder, layers, "cpu", logits=True).read(IMAGES)
    assert sorted(states) == [*(layers or [0, 1, 2]), 3]
    np.testing.assert_allclose(states[3], expected, atol=1e-5)


def test_logits_of_a_model_without_an_output_matrix(folder, tmp_path):
    ImageReader(folder, device="cpu").model.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="holds no output matrix"):
        ImageReader(tmp_path, device="cpu", logits=True)


def test_what_it_refuses(folder, tmp_path):
    with pytest.raises(InputError, match=r"layers \[3, 7\] were asked for; .* has layers 0 to 2"):
        ImageReader(folder, [1, 3, 7])
    reader = ImageReader(folder, device="cpu")
    with pytest.raises(InputError, match="images have 5 pixels; this model reads 6"):
        reader.read(IMAGES[:, :5])
    with pytest.raises(InputError, match="colour clusters run from 0 to 5; this model has 0 to 4"):
        reader.read(np.minimum(IMAGES + np.arange(6), 5) * (IMAGES > 0))
    with pytest.raises(ModelError, match="cannot be read as an ImageGPT folder"):
        ImageReader(tmp_path)
