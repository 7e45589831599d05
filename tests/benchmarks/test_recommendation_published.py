"""The published curves as the benchmark of the rules reads them."""

import numpy as np
import pytest

from profiles import LANDMARKS, published


@pytest.fixture
def script(benchmark):
    return benchmark("recommendation_published")


def test_every_model_has_its_curves_at_the_layers_that_were_read(script):
    for model in script.MODELS:
        profile = script.published_profile(model)
        np.testing.assert_array_equal(profile.values("dimension"), published(model))
        (labels,) = [points for (name, what), points in script.read_curves().items() if name == model and what in script.LABELS]
        values = profile.values("label_overlap")
        assert {layer: values[layer] for layer in labels} == labels
        assert max(labels) == len(profile.layers) - 1
    assert all(script.read_curves()[model, "dimension"] == dict(points) for model, (_, points) in LANDMARKS.items())


def test_between_landmarks_values_are_interpolated(script):
    np.testing.assert_allclose(script.along({0: 1.0, 2: 3.0, 4: 0.0}, 5), [1, 2, 3, 1.5, 0])


def test_overlaps_with_the_next_layer_are_those_of_the_figure(script):
    steps = script.published_profile("ESM-2 35M").values("overlap_next")
    np.testing.assert_array_equal(steps, [0.29, 0.63, 0.36, 0.39, 0.29, 0.44, 0.62, 0.74, 0.81, 0.82, 0.71, 0.47, np.nan])
    assert not script.published_profile("iGPT-L").has("overlap_next")


def test_percent_of_the_best_label_overlap(script):
    profile = script.published_profile("ESM-2 650M")
    assert script.reached(profile, "block_33") == pytest.approx(100 * 0.39 / 0.83)
    assert script.reached(profile, "embed_00") == pytest.approx(100 * 0.05 / 0.83)
    assert script.reached(profile, None) is None


def test_the_lowest_value_is_the_last_layer_of_the_image_models(script):
    chosen = {model: script.lowest(script.published_profile(model)) for model in script.MODELS}
    assert chosen == {
        "iGPT-S": "block_25", "iGPT-M": "block_37", "iGPT-L": "block_49",
        "ESM-2 35M": "block_08", "ESM-2 650M": "block_19", "ESM-2 3B": "block_21",
    }  # fmt: skip


def test_the_table_has_the_audit_of_the_paper(script):
    """At layers whose labels were read the shares are those of the audit on the full digitised curves."""
    rows = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
        for line in script.published_table().splitlines()
    }
    percents = {rule: [cell.split(" ")[0] for cell in cells] for rule, cells in rows.items()}
    assert percents["`peak`"] == ["72", "60", "32", "27", "23", "22"]
    assert percents["`last`"] == ["13", "9", "8", "76", "47", "56"]
    assert percents["`turn`"][1:] == ["98", "100", "99", "100", "99"]
    assert "`entropy`" not in rows  # nothing but dimensions and overlaps was published
