"""Plans of measuring what is there already."""

import numpy as np
import pytest

from cli_runs import content
from dimscope.config import config_from
from dimscope.errors import DimscopeError, StoreError, UsageError
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.plan import Scope
from dimscope.pipeline.planning_measures import plan_arrays, plan_folder
from dimscope.pipeline.run import run_stages
from dimscope.store.folder import RunFolder

CONFIG = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 10}})


@pytest.fixture
def arrays(tmp_path):
    place, rng = tmp_path / "layers.npz", np.random.default_rng(0)
    np.savez(place, a=rng.standard_normal((50, 6)).astype("f2"), b=rng.standard_normal((50, 9)))
    return place


def test_arrays_are_planned_to_the_byte_in_their_own_precision(arrays, tmp_path):
    before = content(tmp_path)
    plan = plan_arrays(arrays, CONFIG, tmp_path / "run")
    assert content(tmp_path) == before
    measure_arrays(arrays, CONFIG, tmp_path / "run", with_report=False)
    found = {path.stem: path.stat().st_size for path in (tmp_path / "run" / "states").glob("*.npy")}
    assert {layer.name: layer.bytes for layer in plan.layers} == found
    assert plan.disk["states"] == sum(found.values())
    tables = sum(path.stat().st_size for path in (tmp_path / "run" / "neighbors").glob("*.npz"))
    assert plan.disk["neighbors"] == pytest.approx(tables, rel=0.05)
    assert [stage.name for stage in plan.stages] == ["neighbors", "measures"]


def test_a_run_folder_is_planned_from_its_states(small, bert, tmp_path):
    result = run_stages(small(bert), tmp_path / "run", with_report=False)
    before = content(tmp_path)
    plan = plan_folder(small(bert, measure={"measures": ("cka",)}), result.folder, Scope(workers=2))
    assert content(tmp_path) == before
    assert [layer.name for layer in plan.layers] == [layer.name for layer in result.profile.layers]
    assert [stage.name for stage in plan.stages] == ["neighbors", "measures", "measures asked for"]
    assert plan.disk["states"] == sum(path.stat().st_size for path in result.folder.states.glob("*.npy"))


def test_neighbour_tables_and_empty_folders_are_refused_in_a_sentence(small, bert, tmp_path):
    result = run_stages(small(bert), tmp_path / "run", with_report=False)
    table = result.folder.table_of("block_01")
    with pytest.raises(UsageError, match=r"--dry-run tries measures on points, but .*block_01\.npz holds neighbour tables"):
        plan_arrays(table, CONFIG, tmp_path / "out")
    given = measure_arrays(table, CONFIG, tmp_path / "tables", with_report=False)
    with pytest.raises(UsageError, match=r"--dry-run tries measures on points, but .*tables was made from neighbour tables"):
        plan_folder(CONFIG, given.folder)
    with pytest.raises(StoreError, match="has no finished states"):
        plan_folder(CONFIG, RunFolder(tmp_path / "nothing"))


@pytest.mark.parametrize("damage", ["nan", "few", "absent"])
def test_bad_arrays_get_the_sentence_of_the_run(damage, tmp_path):
    points = np.random.default_rng(0).standard_normal((10 if damage == "few" else 50, 4))
    points[3, 1] = np.nan if damage == "nan" else 0
    if damage != "absent":
        np.save(tmp_path / "points.npy", points)
    with pytest.raises(DimscopeError) as planned:
        plan_arrays(tmp_path / "points.npy", CONFIG, tmp_path / "run")
    with pytest.raises(DimscopeError) as run:
        measure_arrays(tmp_path / "points.npy", CONFIG, tmp_path / "run")
    assert str(planned.value) == str(run.value)
