"""The calibration benchmark: its data have the dimension that is claimed, its tables the numbers of its results."""

from pathlib import Path

import numpy as np
import pytest

from dimscope import spectrum
from loading import loaded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/calibration.py", "calibration") as module:
        yield module


@pytest.mark.parametrize("name", ["normal", "cube", "sphere", "torus", "swiss_roll", "curved"])
def test_a_small_patch_spans_as_many_directions_as_claimed(script, name):
    """The 40 points nearest to one of them lie in d directions up to curvature."""
    d = 2
    points = getattr(script, name)(d, 20_000, np.random.default_rng(0))
    patch = points[np.argsort(((points - points[0]) ** 2).sum(axis=1))[:40]]
    share = spectrum(patch).eigenvalues / spectrum(patch).eigenvalues.sum()
    assert share[:d].sum() > 0.99
    assert share[d - 1] > 0.05


def test_the_periodic_box_joins_opposite_faces(script):
    table = script.periodic(1, 200, np.random.default_rng(1))
    assert table.distances.max() <= 0.5
    points = np.sort(np.random.default_rng(1).random((200, 1)).ravel())
    gaps = np.diff(np.r_[points, points[0] + 1])
    assert table.distances[:, 0].min() == pytest.approx(gaps.min())


def test_results_say_bias_scatter_and_coverage(script):
    case = script.Case("made up", 4, 100, 4, script.periodic)
    found = script.Result(case, np.array([4.0, 5.0, 4.5, 3.9]), np.array([0.1, 0.1, 0.3, 0.1]))
    assert found.bias == pytest.approx(17.4 / 16 - 1)
    assert found.coverage == 0.75
    assert found.ratio == pytest.approx(np.std([4, 5, 4.5, 3.9], ddof=1) / 0.15)


def test_the_page_holds_the_numbers_of_the_results(script, monkeypatch, tmp_path):
    made = [case for case in script.cases(0.01) if case.n == 500]
    monkeypatch.setattr(script, "cases", lambda repeats: made)
    script.main(["--repeats", "0.01", "--out", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "python benchmarks/calibration.py --repeats 0.01" in text
    result = script.run(made[0])["mle"]
    assert f"{result.bias:+.1%}, {result.ratio:.2f}, {100 * result.coverage:.0f}" in text
    assert text.count("| normal |") == 3
    assert not set("{}") & set(text)


def test_the_committed_page_covers_where_the_assumptions_hold(script):
    """What docs/calibration.md shows of the estimators that are said to be unbiased lies between 88 and 100 %."""
    text = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `") and "%" in line]
    named = {row[0].strip("| `"): row[1:] for row in rows}
    assert set(named) == set(script.ESTIMATORS)
    for name in ("twonn", "twonn ml", "gride 2", "gride 8", "gride 32", "mle", "mle mean unbiased", "binomial", "correlation"):
        covered = [int(cell.strip(" |").split(", ")[2]) for cell in named[name]]
        assert 90 <= np.mean(covered) <= 99, name
