"""Small finished runs: two on the same examples, one on others, one without labels."""

from pathlib import Path

import numpy as np
import pytest

from dimscope.config import config_from
from dimscope.pipeline.given import measure_arrays

WIDTHS = {"a": (6, 9, 4, 4, 5), "b": (3, 20, 5), "bare": (7, 4)}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs a, b (labels) and bare (no labels), each of 120 examples; not to be changed."""
    folder = tmp_path_factory.mktemp("compared")
    rng = np.random.default_rng(0)
    base = rng.standard_normal((120, 4))
    labels = folder / "labels.txt"
    labels.write_text("\n".join("xy"[int(value > 0)] for value in base[:, 0]), encoding="utf-8")
    for name, widths in WIDTHS.items():
        points = [base @ rng.standard_normal((4, d)) + 0.2 * rng.standard_normal((120, d)) for d in widths]
        np.savez(folder / f"{name}.npz", **{f"layer_{i}": layer for i, layer in enumerate(points)})
        config = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 10}})
        given = None if name == "bare" else labels
        measure_arrays(folder / f"{name}.npz", config, folder / name, labels=given, with_report=False)
    return folder
