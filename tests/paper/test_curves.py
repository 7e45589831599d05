import numpy as np

from dimscope.errors import InputError
from dimscope.paper.curves import Curve, curve_of


def test_depth_is_layer_over_last_layer():
    curve = Curve("iGPT-L", "label_overlap", np.arange(0, 49, 8), np.zeros(7), np.zeros(7))
    assert curve.depth.tolist() == [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]
    assert Curve("m", "dimension", np.array([0]), np.zeros(1), np.zeros(1)).depth.tolist() == [0]


def test_layers_that_raise_are_left_out_with_one_sentence_per_reason():
    def measure(layer):
        if layer in (1, 4):
            raise InputError("it is damaged.")
        if layer == 2:
            raise InputError("it is not there.")
        return layer * 10.0, 0.5

    curve = curve_of("m", "dimension", range(6), measure, last=10, left_out=("no labels.",))
    assert (curve.layers.tolist(), curve.values.tolist(), curve.errors.tolist()) == ([0, 3, 5], [0, 30, 50], [0.5] * 3)
    assert curve.depth.tolist() == [0, 0.3, 0.5]
    assert curve.left_out == ("no labels.", "layers 1, 4: it is damaged.", "layer 2: it is not there.")
    none = curve_of("m", "dimension", [2], measure)
    assert (none.values.tolist(), none.depth.tolist()) == ([], [])
    assert curve_of("m", "dimension", range(5, 8), measure, last=3).depth.tolist() == [5 / 7, 6 / 7, 1]  # logits stand behind
