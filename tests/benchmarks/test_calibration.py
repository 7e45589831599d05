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
    assert text.count("| normal |") == 6  # values, and the checks that speak
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


def made_result(script, value, error, told=()):
    case = script.Case("made up", 4, 100, 4, script.periodic)
    return script.Result(case, np.full(4, value), np.full(4, error), tuple(told))


def test_checks_that_speak_are_named_and_silence_only_where_it_misleads(script):
    found = dict.fromkeys(script.CHOSEN, made_result(script, 4.0, 0.1))
    found["gride 2"] = made_result(script, 3.0, 0.1, ["P010", "P016"])
    found["mle"] = made_result(script, 3.0, 0.1)
    found["mom"] = made_result(script, 4.0, 0.1, ["P016"])
    found["correlation"] = made_result(script, np.nan, np.nan)
    row = script.told_table([found]).splitlines()[2].split(" | ")
    cells = dict(zip(script.CHOSEN, (cell.strip(" |") for cell in row[3:]), strict=True))
    assert (cells["twonn"], cells["gride 2"], cells["mle"]) == ("-", "P010, P016", "silent")
    assert (cells["mom"], cells["correlation"]) == ("P016", "")
    assert script.told_summary([found]) == ("Of 2 cells below 90% a check speaks of 1; of 7 cells that cover as stated, in 1.")


def test_the_checks_are_those_of_a_run(script):
    """Normal points of 20 dimensions are read too low by every estimator, and the checks of a run say so."""
    found = script.run(script.Case("normal", 20, 500, 2, lambda d, n, rng: script.embedded(script.normal, d, n, rng)))
    assert found["twonn"].told == ("P016",)
    assert "P016" in found["mom"].told
    assert found["mada unbiased"].told == ()  # no run can ask for it


def test_the_committed_page_is_silent_about_few_misleading_intervals(script):
    text = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    table = text.partition("## Which check says so")[2]
    rows = [line.split(" | ")[3:] for line in table.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) == len(script.cases(1.0))
    cells = [cell.strip(" |") for row in rows for cell in row]
    assert cells.count("silent") <= 0.12 * sum("P0" in cell for cell in cells)
    assert {code for cell in cells for code in cell.split(", ") if code.startswith("P")} <= set(script.TELLING)
