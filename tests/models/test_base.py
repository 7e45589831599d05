"""Names of layers and records of families."""

import pytest

from dimscope.models.base import Family, LayerName


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (LayerName("embed", 0), "embed_00"),
        (LayerName("block", 3), "block_03"),
        (LayerName("block_norm", 11), "block_norm_11"),
        (LayerName("final_norm", 120), "final_norm_120"),
    ],
)
def test_a_layer_is_named_by_site_and_index(name, text):
    assert str(name) == text


def test_names_sort_by_depth_as_text():
    names = [str(LayerName("block", index)) for index in range(100)]
    assert sorted(names) == names


def test_the_module_does_not_tell_layers_apart():
    read = {LayerName("block", 2): "vector"}
    assert read[LayerName("block", 2, "encoder.layer.1")] == "vector"
    assert LayerName("block", 2) != LayerName("block", 1)
    assert LayerName("block", 3) != LayerName("final_norm", 3)


def test_a_family_has_its_own_blocks_unless_said_otherwise():
    assert Family("h") == Family("h", final_norm=None, repeats_blocks=False)
