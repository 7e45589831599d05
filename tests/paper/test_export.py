import numpy as np
import pytest

from dimscope.errors import InputError, StoreError
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
    written, left_out = export_run(run, Request(run, tmp_path / "out", maxk=10))
    assert left_out == []
    assert np.array_equal(np.load(written[-1]), np.arange(60) % 3)
    for layer in range(2):
        stored = np.load(tmp_path / "out/my-run.1/distance_matrices" / f"imagenet_my-run.1_layer{layer}_train_index.npy")
        assert np.array_equal(stored, tables(points[layer], 10)["index"])


def test_a_layer_without_neighbours_is_left_out(tmp_path):
    """As the first vector of a model that adds nothing but a constant token, read as `cls`."""
    from dimscope.config import config_from
    from dimscope.pipeline.given import measure_arrays

    points = np.random.default_rng(0).standard_normal((2, 60, 5))
    points[0] = 1
    np.save(tmp_path / "a.npy", points)
    config = config_from({"measure": {"k": 16, "overlap_k": 8, "replicates": 4, "estimators": ["twonn"]}})
    measure_arrays(tmp_path / "a.npy", config, tmp_path / "run", with_report=False)
    written, left_out = export_run(tmp_path / "run", Request(tmp_path, tmp_path / "out", maxk=10))
    assert len(left_out) == 1
    assert left_out[0].startswith("layer 0 (") and "all 60 points are equal" in left_out[0]
    assert [path.name for path in written] == [f"imagenet_run_layer1_train_{kind}.npy" for kind in ("dist", "index", "mus")]
    with pytest.raises(InputError, match=r"layer 0 \(.*60"):
        export_run(tmp_path / "run", Request(tmp_path, tmp_path / "out", maxk=60))


def test_no_run_folder(tmp_path):
    with pytest.raises(StoreError, match="nothing"):
        export_run(tmp_path / "nothing", Request(tmp_path, tmp_path))
