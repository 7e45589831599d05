"""The map of two runs: cells, colours and refusals."""

import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.overlaps.matrix import overlap_matrix
from dimscope.overlaps.runs import RunOverlap
from dimscope.plots.overlap_map import plot_overlap_map


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((80, 4))
    a = [base + 0.1 * rng.standard_normal((80, 4)), base @ rng.standard_normal((4, 9))]
    b = [base @ rng.standard_normal((4, d)) for d in (5, 6, 3)]
    return RunOverlap(overlap_matrix(a, b, 10), ("a0", "a1"), ("b0", "b1", "b2"), 80)


def test_the_frame_has_every_cell_under_its_names(found):
    frame = plot_overlap_map(found, ("one", "other")).frame()
    assert len(frame) == 6
    for row in frame.itertuples():
        place = found.layers_a.index(row.name), found.layers_b.index(row.other_name)
        assert (row.run, row.other_run, row.quantity) == ("one", "other", "overlap")
        assert row.value == found.matrix.values[place]
        assert row.error == found.matrix.stderr[place]
        assert row.chance == pytest.approx(10 / 79)


def test_the_picture_has_the_numbers_in_their_cells(found):
    axes = plot_overlap_map(found, ("one", "other")).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    for (row, column), value in np.ndenumerate(found.matrix.values):
        assert written[column + 0.5, row + 0.5] == f"{value:.2f}".lstrip("0")
    mesh = axes.collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()), found.matrix.values)
    low, high = mesh.get_clim()
    assert low == 0
    assert high - 0.1 < found.matrix.values.max() <= high
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("one", "other")


def test_many_layers_are_drawn_without_numbers_and_without_pixels(found):
    many = RunOverlap(
        type(found.matrix)(*(np.tile(part, (9, 9)) for part in vars_of(found.matrix)), 10),
        tuple(f"a{i}" for i in range(18)),
        tuple(f"b{i}" for i in range(27)),
        80,
    )
    plot = plot_overlap_map(many, ("one", "other"))
    assert len(plot.axes[0].texts) == 0
    assert "<image" not in plot.svg()


def vars_of(matrix):
    return (matrix.values, matrix.stderr, matrix.chance, matrix.n_used)


def test_cells_without_a_value_stay_empty(found):
    values = found.matrix.values.copy()
    values[0, 1] = np.nan
    part = type(found.matrix)(values, *vars_of(found.matrix)[1:], 10)
    axes = plot_overlap_map(RunOverlap(part, found.layers_a, found.layers_b, 80), ("one", "other")).axes[0]
    assert len(axes.texts) == 5
    nothing = type(found.matrix)(np.full((2, 3), np.nan), *vars_of(found.matrix)[1:], 10)
    assert plot_overlap_map(RunOverlap(nothing, found.layers_a, found.layers_b, 80), ("one", "other")).axes[0].texts[:] == []


def test_wrong_names_and_sizes_are_refused(found):
    with pytest.raises(UsageError, match="needs two names, found 1"):
        plot_overlap_map(found, ("one",))
    with pytest.raises(UsageError, match='unknown size "huge"'):
        plot_overlap_map(found, ("one", "other"), size="huge")
