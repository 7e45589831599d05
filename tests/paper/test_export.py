import numpy as np
import pytest

from dimscope.errors import StoreError
from dimscope.paper.distances import Request
from dimscope.paper.export import export_run
from dimscope.paper.legacy import tables


def test_a_run_folder_is_exported(tmp_path):
    from dimscope.config import config_from
    from dimscope.pipeline.given import measure_arrays

    points = np.random.default_rng(0).standard_normal((2, 60, 5))
    np.save(tmp_path / "a.npy", points)
    np.save(tmp_path / "labels.npy", np.arange(60) % 3)
    run = tmp_path / "my run.1"
    config = config_from({"measure": {"k": 16, "overlap_k": 8, "replicates": 4, "estimators": ["twonn"]}})
    measure_arrays(tmp_path / "a.npy", config, run, labels=tmp_path / "labels.npy", with_report=False)
    written = export_run(run, Request(run, tmp_path / "out", maxk=10))
    assert np.array_equal(np.load(written[-1]), np.arange(60) % 3)
    for layer in range(2):
        stored = np.load(tmp_path / "out/my-run.1/distance_matrices" / f"imagenet_my-run.1_layer{layer}_train_index.npy")
        assert np.array_equal(stored, tables(points[layer], 10)["index"])


def test_no_run_folder(tmp_path):
    with pytest.raises(StoreError, match="nothing"):
        export_run(tmp_path / "nothing", Request(tmp_path, tmp_path))
