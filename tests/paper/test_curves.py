import numpy as np

from dimscope.paper.curves import Curve


def test_depth_is_layer_over_last_layer():
    curve = Curve("iGPT-L", "label_overlap", np.arange(0, 49, 8), np.zeros(7), np.zeros(7))
    assert curve.depth.tolist() == [0, 1 / 6, 1 / 3, 0.5, 2 / 3, 5 / 6, 1]
    assert Curve("m", "dimension", np.array([0]), np.zeros(1), np.zeros(1)).depth.tolist() == [0]
