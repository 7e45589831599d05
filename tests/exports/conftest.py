"""One small finished run of three layers, with a repeated row and labels."""

from pathlib import Path

import numpy as np
import pytest

from dimscope.config import config_from
from dimscope.pipeline.given import measure_arrays

REPEATED = (7, 40)
"""Row 40 equals row 7 in every layer."""


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over 60 points, in the order of arrays.npz beside it; not to be changed."""
    folder = tmp_path_factory.mktemp("exported")
    rng = np.random.default_rng(3)
    layers = [rng.standard_normal((60, width)).astype(np.float32) for width in (5, 9, 4)]
    for layer in layers:
        layer[REPEATED[1]] = layer[REPEATED[0]]
    np.savez(folder / "arrays.npz", **{f"layer_{place}": layer for place, layer in enumerate(layers)})
    labels = folder / "labels.txt"
    labels.write_text("\n".join("xy"[row % 2] for row in range(60)), encoding="utf-8")
    config = config_from({"measure": {"k": 12, "overlap_k": 10, "replicates": 5}})
    measure_arrays(folder / "arrays.npz", config, folder / "mine", labels=labels, with_report=False)
    return folder / "mine"


@pytest.fixture(scope="session")
def arrays(run: Path) -> list[np.ndarray]:
    """The points of its layers."""
    with np.load(run.parent / "arrays.npz") as found:
        return [found[name] for name in found.files]
