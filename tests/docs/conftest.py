"""One run for all pages."""

import numpy as np
import pytest

from dimscope.config import config_from
from dimscope.pipeline.given import measure_arrays


@pytest.fixture(scope="session")
def own_run(tmp_path_factory):
    """A run over arrays, made without a model, as `runs/mine` of an otherwise empty folder."""
    folder = tmp_path_factory.mktemp("docs")
    rng = np.random.default_rng(0)
    layers = np.stack([rng.normal(size=(300, 5)) @ rng.normal(size=(5, 12)) for _ in range(7)])
    np.save(folder / "layers.npy", layers)
    (folder / "labels.txt").write_text("\n".join("ab"[row % 2] for row in range(300)))
    measure_arrays(
        folder / "layers.npy",
        config_from({"measure": {"k": 64, "replicates": 10}}),
        folder / "runs" / "mine",
        labels=folder / "labels.txt",
    )
    return folder
