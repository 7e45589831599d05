"""The public measures take what holds points or labels, and refuse other arguments with one sentence of ours."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import dimscope
from dimscope.errors import DimscopeError, UsageError

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(60, 3)) @ RNG.normal(size=(3, 6))
LABELS = np.array(["a", "b", "c"])[RNG.integers(3, size=60)]
TABLE = dimscope.neighbors(POINTS, k=20)

OF_POINTS = {
    "neighbors": partial(dimscope.neighbors, k=5),
    "dimension": dimscope.dimension,
    "dimension_scaling": partial(dimscope.dimension_scaling, max_rank=8),
    "overlap": lambda points: dimscope.overlap(points, POINTS, k=5),
    "overlap_matrix": lambda points: dimscope.overlap_matrix([points, POINTS], k=5),
    "label_overlap": lambda points: dimscope.label_overlap(points, LABELS, k=5),
    "knn_accuracy": lambda points: dimscope.knn_accuracy(points, LABELS, k=5),
    "retrieval_accuracy": lambda points: dimscope.retrieval_accuracy(points, LABELS),
    "class_fraction_overlap": lambda points: dimscope.class_fraction_overlap(points, LABELS),
    "linear_probe": lambda points: dimscope.linear_probe(points, LABELS, strengths=(1.0,)),
    "information_imbalance": lambda points: dimscope.information_imbalance(points, POINTS),
    "cka": lambda points: dimscope.cka(points, POINTS),
    "mutual_knn": lambda points: dimscope.mutual_knn(points, POINTS, k=5),
    "spectrum": dimscope.spectrum,
    "density_peaks": partial(dimscope.density_peaks, k=20),
    "neighbors_between": lambda points: dimscope.neighbors_between(points, points, k=2),
    "subset_neighbors": lambda points: dimscope.subset_neighbors(TABLE, points, np.arange(40), 3),
    "permuted_pairs": lambda points: dimscope.permuted_pairs(lambda other: dimscope.cka(other, POINTS), points, repeats=2),
}
OF_LABELS = {
    "label_overlap": lambda labels: dimscope.label_overlap(TABLE, labels, k=5),
    "exclude": lambda labels: dimscope.label_overlap(TABLE, LABELS, k=5, exclude=labels),
    "knn_accuracy": lambda labels: dimscope.knn_accuracy(TABLE, labels, k=5),
    "retrieval_accuracy": lambda labels: dimscope.retrieval_accuracy(TABLE, labels),
    "class_fraction_overlap": lambda labels: dimscope.class_fraction_overlap(POINTS, labels),
    "linear_probe": lambda labels: dimscope.linear_probe(POINTS, labels, strengths=(1.0,)),
    "adjusted_rand": lambda labels: dimscope.adjusted_rand(labels, LABELS),
    "normalized_information": lambda labels: dimscope.normalized_information(LABELS, labels),
    "permuted_labels": lambda labels: dimscope.permuted_labels(lambda dealt: float(len(dealt)), labels, repeats=2),
    "groups": lambda labels: dimscope.permuted_labels(lambda dealt: float(len(dealt)), LABELS, groups=labels, repeats=2),
}
WRONG_LABELS = {
    "two axes": np.stack([LABELS, LABELS], axis=1),
    "one word": "label",
    "NaN among text": ["a", float("nan"), *LABELS[2:]],
    "a gap": pd.Series(["a", None, *LABELS[2:]]),
    "masked": np.ma.masked_equal(np.arange(60) % 3, 1),
}
OF_NUMBERS = {
    "neighbors": lambda k: dimscope.neighbors(POINTS, k=k),
    "ranks": lambda k: dimscope.neighbors(POINTS, k=5, ranks=[k]),
    "neighbors_between": lambda k: dimscope.neighbors_between(POINTS, POINTS, k=k),
    "subset_neighbors": lambda k: dimscope.subset_neighbors(TABLE, POINTS, np.arange(30), k),
    "overlap": lambda k: dimscope.overlap(POINTS, POINTS, k=k),
    "overlap of tables": lambda k: dimscope.overlap(TABLE, TABLE, k=k),
    "overlap_scaling": lambda k: dimscope.overlap_scaling(TABLE, TABLE, k=[k]),
    "overlap_matrix": lambda k: dimscope.overlap_matrix([TABLE, TABLE], k=k),
    "label_overlap": lambda k: dimscope.label_overlap(TABLE, LABELS, k=k),
    "label_overlap_scaling": lambda k: dimscope.label_overlap_scaling(TABLE, LABELS, k=[k]),
    "knn_accuracy": lambda k: dimscope.knn_accuracy(TABLE, LABELS, k=k),
    "retrieval_accuracy": lambda k: dimscope.retrieval_accuracy(TABLE, LABELS, k=k),
    "mutual_knn": lambda k: dimscope.mutual_knn(POINTS, POINTS, k=k),
    "information_imbalance": lambda k: dimscope.information_imbalance(POINTS, POINTS, k=k),
    "density_peaks": lambda k: dimscope.density_peaks(POINTS, k=k),
    "mle": lambda k: dimscope.dimension(TABLE, "mle", k=k),
    "gride": lambda k: dimscope.dimension(TABLE, "gride", ranks=k),
    "dimension_scaling": lambda k: dimscope.dimension_scaling(TABLE, max_rank=k),
    "decimation": lambda k: dimscope.dimension_scaling(POINTS, "twonn", smallest=k),
    "folds": lambda k: dimscope.linear_probe(POINTS, LABELS, folds=k),
    "repeats": lambda k: dimscope.permuted_labels(len, LABELS, repeats=k),
    "seed": lambda k: dimscope.cka(POINTS, POINTS, seed=k),
}


@pytest.mark.parametrize("name", OF_POINTS)
@pytest.mark.parametrize("given", [None, "points.npy", {"a": 1}, POINTS[:0], POINTS[:, 0], POINTS + 1j, [[1.0], [1.0, 2.0]]])
def test_what_holds_no_points_is_refused(name, given):
    function = OF_POINTS[name]
    with pytest.raises(DimscopeError, match=r"^points "):
        function(given)


@pytest.mark.parametrize("name", OF_POINTS)
def test_tensors_that_numpy_cannot_read_are_points(name):
    function, plain = OF_POINTS[name], torch.tensor(POINTS, dtype=torch.float32).bfloat16()
    expected, found = function(plain.float().numpy()), function(plain.requires_grad_())
    for one, other in zip(_numbers(expected), _numbers(found), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OF_LABELS)
@pytest.mark.parametrize("given", WRONG_LABELS.values(), ids=WRONG_LABELS)
def test_labels_that_do_not_fit_are_refused(name, given):
    with pytest.raises(DimscopeError, match=r"labels|groups"):
        OF_LABELS[name](given)


@pytest.mark.parametrize(
    "name", sorted(OF_LABELS.keys() - {"permuted_labels"})
)  # there only the measure knows how many there are
def test_labels_of_other_examples_are_refused(name):
    with pytest.raises(DimscopeError, match=r"(59|60) (labels|groups) were given for (59|60) examples"):
        OF_LABELS[name](LABELS[:59])


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize("given", [5.5, "5", [5]])
def test_a_number_of_neighbours_is_a_whole_number(name, given):
    with pytest.raises(DimscopeError, match=r"=.* was asked for; it must be a whole number( of at least \d)?\.$"):
        OF_NUMBERS[name](given)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_numpy_integer_is_a_whole_number(name):
    OF_NUMBERS[name](np.int32(6))


@pytest.mark.parametrize("function", [dimscope.recommend, dimscope.find_findings, dimscope.report])
def test_a_path_is_no_profile(function):
    sentence = r"^a Profile is expected, found str; `dimscope\.load\(RUN\)` gives that of a run folder\.$"
    with pytest.raises(UsageError, match=sentence):
        function("runs/mine")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dimscope.neighbors(POINTS, 5, ranks=8), r"^ranks=8 was asked for; give one or more, as in ranks=\[8\]\.$"),
        (lambda: dimscope.neighbors(POINTS, 5, device=None), r'^device "None" was asked for'),
        (
            lambda: dimscope.overlap_matrix(TABLE, k=5),
            r"^one neighbour table was given; an overlap matrix takes a list of layers",
        ),
        (lambda: dimscope.subset_neighbors(TABLE, POINTS, [0.5, 1, 2], 1), r"numbers of input rows, found dtype float64\.$"),
        (lambda: dimscope.subset_neighbors(TABLE, POINTS, [True] * 60, 1), r"numbers of input rows, found dtype bool\.$"),
        (
            lambda: dimscope.density_peaks(TABLE, dimension_value="2"),
            r"^dimension_value='2' was asked for; it must be a number",
        ),
        (
            lambda: dimscope.plot_overlap_map(TABLE, ("a", "b")),
            r"^a map of two runs draws what run_overlap returns, found Neigh",
        ),
    ],
)
def test_what_is_of_another_kind_is_named(call, sentence):
    with pytest.raises(DimscopeError, match=sentence):
        call()


def test_a_device_may_be_one_of_torch():
    found = dimscope.neighbors(POINTS, 5, device=torch.device("cpu"))
    np.testing.assert_array_equal(found.indices, TABLE.indices[:, :5])


def _numbers(result):
    """The arrays and numbers of a result, in order."""
    if isinstance(result, list | tuple):
        return [number for part in result for number in _numbers(part)]
    fields = getattr(result, "__dataclass_fields__", {})
    values = [getattr(result, name) for name in fields if not name.startswith("_")]
    return [value for value in values if isinstance(value, float | int | np.ndarray)] if fields else [result]
