"""The columns of a request are the values of the Python functions on the same layer."""

import numpy as np
import pytest

from dimscope import (
    adjusted_rand,
    cka,
    class_fraction_overlap,
    density_peaks,
    information_imbalance,
    label_overlap,
    linear_probe,
    mutual_knn,
    neighbors,
    normalized_information,
    overlap,
    retrieval_accuracy,
)  # fmt: skip
from dimscope.config import MeasureConfig
from dimscope.overlaps.mutual import nearest_by_angle
from dimscope.pipeline import requested
from dimscope.pipeline.requested import REQUESTS, Place, requests

N, K, SEED = 140, 12, 5
RNG = np.random.default_rng(8)
LABELS = [f"l{row % 4}" for row in range(N)]
GROUPS = [f"g{row // 7}" for row in range(N)]
A = RNG.standard_normal((N, 6)) + 2 * (np.arange(N) % 4)[:, None]
A[20] = A[0]
B = np.tanh(A / 4) @ RNG.standard_normal((6, 3))


def place(points, labels=LABELS, groups=None, k=40):
    return Place(neighbors(points, k), points, labels, groups, K, SEED)


def expected(name, estimate):
    columns = {name: estimate.value, f"{name}_err": estimate.stderr}
    return columns | ({f"{name}_chance": estimate.chance} if np.isfinite(estimate.chance) else {})


def of_layer(name, here):
    return REQUESTS[name].of_layer(here)


def test_linear_probe():
    assert of_layer("linear_probe", place(A)) == expected("linear_probe", linear_probe(A, LABELS, seed=SEED))
    apart = linear_probe(A, LABELS, exclude=GROUPS, seed=SEED)
    assert of_layer("linear_probe", place(A, groups=GROUPS)) == expected("linear_probe", apart)


def test_retrieval():
    found = of_layer("retrieval_accuracy", place(A, groups=GROUPS))
    one, more = (retrieval_accuracy(neighbors(A, 40), LABELS, k, exclude=GROUPS) for k in (1, K))
    assert found == expected("retrieval_accuracy_k1", one) | expected(f"retrieval_accuracy_k{K}", more)


def test_class_fraction_from_the_table_or_the_points():
    value = class_fraction_overlap(A, LABELS)
    assert value.scale[1] == 10
    for k in (40, 10, 5):
        assert of_layer("class_fraction_overlap", place(A, k=k)) == expected("class_fraction_overlap", value)


def test_clusters_and_their_agreement_with_the_labels_of_distinct_examples():
    found, clusters = of_layer("density_peaks", place(A)), density_peaks(neighbors(A, 40))
    distinct = np.delete(np.arange(N), 20)
    own = clusters.labels[distinct], np.array(LABELS)[distinct]
    agreement = expected("cluster_ari", adjusted_rand(*own, seed=SEED))
    agreement |= expected("cluster_nmi", normalized_information(*own, seed=SEED))
    assert found == {"clusters": clusters.n_clusters, "cluster_core": clusters.core_fraction} | agreement
    assert set(of_layer("density_peaks", place(A, labels=None))) == {"clusters", "cluster_core"}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("mutual_knn", lambda: expected("mutual_knn_next", mutual_knn(A, B, K))),
        ("cka", lambda: expected("cka_next", cka(A, B, seed=SEED))),
        (
            "information_imbalance",
            lambda: (
                expected("imbalance_next", information_imbalance(A, B))
                | expected("imbalance_back", information_imbalance(B, A))
            ),
        ),
    ],
)
def test_steps(name, columns):
    assert REQUESTS[name].of_layer is None
    assert REQUESTS[name].of_step(place(A), place(B)) == columns()


def test_overlaps_at_further_numbers_of_neighbours():
    asked = requests(MeasureConfig(k=40, overlap_k=K, further_k="25,3"))
    assert list(asked) == ["overlap_k3", "overlap_k25"]
    tables = neighbors(A, 40), neighbors(B, 40)
    for k in (3, 25):
        request = asked[f"overlap_k{k}"]
        assert request.of_step(place(A), place(B)) == expected(f"overlap_next_k{k}", overlap(*tables, k))
        labels = label_overlap(tables[0], LABELS, k, exclude=GROUPS)
        assert request.of_layer(place(A, groups=GROUPS)) == expected(f"label_overlap_k{k}", labels)


def test_overlaps_that_a_table_or_labels_cannot_give_are_left_out():
    request = requests(MeasureConfig(k=40, overlap_k=K, further_k="25"))["overlap_k25"]
    assert request.of_step(place(A), place(B, k=20)) == {}
    assert request.of_layer(place(A, k=20)) == {}
    assert request.of_layer(place(A, labels=None)) == {}
    assert request.of_layer(place(A, labels=["same"] * N)) == {}


def test_a_layer_is_searched_by_angle_once(monkeypatch):
    searched = []

    def counted(points, k):
        searched.append(points.shape)
        return nearest_by_angle(points, k)

    monkeypatch.setattr(requested, "nearest_by_angle", counted)
    first, middle, last = place(A), place(B), place(A)
    REQUESTS["mutual_knn"].of_step(first, middle)
    REQUESTS["mutual_knn"].of_step(middle, last)
    assert searched == [A.shape, B.shape, A.shape]
