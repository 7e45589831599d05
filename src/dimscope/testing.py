"""What an entry of another package must hold to: call these in its own tests.

Each function raises `AssertionError` with one sentence that says what does not hold. The entries of dimscope itself pass
the same.
"""

import re
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.checks.base import Check, Finding
from dimscope.dimensions.base import Estimator
from dimscope.estimates import Estimate
from dimscope.knn import neighbors
from dimscope.profile import Layer, Profile
from dimscope.rules.base import Recommendation, Rule

N, WIDTH, DIMENSION = 1500, 8, 3
TOLERANCE = 0.15
"""Relative error that is forgiven on a cube of dimension 3, where no estimator of dimscope is off by more than a tenth."""
K, FEW = 200, 5
"""Neighbours of the table, and points that are too few for a number."""


def check_estimator(kind: type[Estimator]) -> None:
    """The contract of a dimension estimator, on points of a cube of dimension 3 turned into 8 columns.

    Facts and options; columns for some k; the right dimension; a positive error; the same for other orders, places and units
    of the points and for repeated points; a status in place of a number for five points; finite bootstrap values about the
    estimate.

    Raises:
        AssertionError: one of these does not hold.
    """
    estimator = _with_readings(kind)
    points = _cube(N)
    found = _estimate(estimator, points)
    _need(found.status.is_ok, f"{kind.__name__} has no value on {N} points of a cube: {found.status.value}")
    _need(
        abs(found.value - DIMENSION) < TOLERANCE * DIMENSION,
        f"{kind.__name__} gives {found.value:.3g} on a cube of dimension {DIMENSION}",
    )
    _need(
        0 < found.stderr < found.value,
        f"the standard error {found.stderr:.3g} of {kind.__name__} is not between 0 and its value",
    )
    order = np.random.default_rng(5).permutation(N)
    others = {
        "the order of the points": points[order],
        "a shift of the points": points + 100.0,
        "the unit of the points": points * 1e6,
        "repeated points": np.concatenate([points, points[:200]]),
    }
    for what, changed in others.items():
        value = _estimate(estimator, changed).value
        _need(
            bool(np.isclose(value, found.value, rtol=1e-7)),
            f"{what} changes {kind.__name__} from {found.value:.9g} to {value:.9g}",
        )
    _check_few(estimator, kind)
    _check_replicates(estimator, points, found)


def check_rule(kind: type[Rule]) -> None:
    """The contract of a layer rule, on a profile whose dimension rises, falls to a minimum and rises again.

    Facts; layers of the profile, the best among them; reasons; the same answer each time; labels that do not change it; an
    answer for a profile of one layer.

    Raises:
        AssertionError: one of these does not hold.
    """
    _check_facts(kind)
    profile = _profile(np.array([5.0, 9.0, 14.0, 9.0, 6.0, 7.0, 8.0]))
    found = kind().recommend(profile)
    _check_answer(kind, found, profile)
    _check_answer(kind, kind().recommend(_profile(np.array([5.0]))), _profile(np.array([5.0])))
    _need(_choice(kind().recommend(profile)) == _choice(found), f"{kind.__name__} answers the same question in two ways")
    labelled = profile.with_columns({"label_overlap": np.linspace(0.9, 0.1, 7), "label_overlap_err": np.full(7, 0.01)})
    _need(
        _choice(kind().recommend(labelled)) == _choice(found),
        f"labels change the choice of {kind.__name__}; a rule must not see them",
    )


def check_check(kind: type[Check]) -> None:
    """The contract of a health check: facts, thresholds with defaults, None or a finding of its own code.

    Raises:
        AssertionError: one of these does not hold.
    """
    _need(is_dataclass(kind), f"{kind.__name__} is no dataclass")
    _need(bool(re.fullmatch(r"[A-Z]+\d{3}", kind.code)), f'the code "{kind.code}" is not letters and three digits')
    _need(kind.severity in ("issue", "tip"), f'the severity "{kind.severity}" of {kind.code} is neither issue nor tip')
    _need(bool(kind.title and kind.summary), f"{kind.code} has no title or no summary")
    found = kind().look(_profile(np.array([5.0, 9.0, 6.0])))
    if found is not None:
        _need(isinstance(found, Finding), f"{kind.code} gives {type(found).__name__}, not a Finding")
        _need(found.code == kind.code, f"{kind.code} gives a finding with the code {found.code}")
        _need(bool(found.text and found.remedy), f"the finding of {kind.code} has no text or no remedy")


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(f"{otherwise}.")


def _check_facts(kind: type[Any]) -> None:
    _need(is_dataclass(kind), f"{kind.__name__} is no dataclass")
    for fact in ("summary", "source"):
        _need(bool(getattr(kind, fact, "")), f"{kind.__name__} has no {fact}")
    kind(**{field.name: getattr(kind(), field.name) for field in fields(kind)})  # options can be given by name


def _with_readings(kind: type[Estimator]) -> Estimator:
    _check_facts(kind)
    for k in range(1, K + 1):
        too_deep = [name for name, each in kind.readings(k).items() if each.min_k > k]
        _need(not too_deep, f"{kind.__name__} fills columns from k = {k} that read more: {', '.join(too_deep)}")
    columns = kind.readings(K)
    _need(bool(columns), f"{kind.__name__} fills no column for any k up to {K}")
    odd = [name for name in columns if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
    _need(not odd, f"the column names of {kind.__name__} are not in lower case: {', '.join(odd)}")
    return next(iter(columns.values()))


def _cube(n: int) -> FloatArray:
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0]
    return np.asarray(rng.random((n, DIMENSION)) @ turn[:DIMENSION])


def _estimate(estimator: Estimator, points: FloatArray) -> Estimate:
    return estimator.estimate(neighbors(points, min(K, len(points) - 1)))


def _check_few(estimator: Estimator, kind: type[Estimator]) -> None:
    if estimator.min_k < FEW:
        found = _estimate(estimator, _cube(FEW))
        what = f"{kind.__name__} gives {found.value:.3g} with the status {found.status.value}"
        _need(bool(np.isfinite(found.value)) == found.status.is_ok, what)


def _check_replicates(estimator: Estimator, points: FloatArray, found: Estimate) -> None:
    name = type(estimator).__name__
    table = neighbors(points, K)
    rng = np.random.default_rng(7)
    values = np.asarray(estimator.replicate(table, [rng.integers(0, table.n, table.n) for _ in range(20)]))
    _need(values.shape == (20,), f"replicate of {name} gives the shape {values.shape} for 20 draws, not (20,)")
    _need(bool(np.isfinite(values).all()), f"replicate of {name} gives numbers that are not finite")
    _need(
        abs(values.mean() - found.value) < TOLERANCE * found.value,
        f"replicate of {name} gives {values.mean():.3g}, its estimate {found.value:.3g}",
    )


def _profile(dimensions: FloatArray) -> Profile:
    count = len(dimensions)
    layers = [Layer(f"block_{number:02d}", "block", number, number / max(count - 1, 1)) for number in range(count)]
    overlaps = np.append(np.full(count - 1, 0.7), np.nan)
    columns: dict[str, Any] = {
        "n": np.full(count, 1000),
        "n_unique": np.full(count, 1000),
        "n_near": np.zeros(count, int),
        "dimension": dimensions,
        "dimension_err": 0.02 * dimensions,
        "overlap_next": overlaps,
        "overlap_next_err": 0.01 * overlaps,
        "effective_rank": np.linspace(20, 40, count),
        "von_neumann_entropy": np.linspace(3, 4, count),
        "r1_median": np.ones(count),
    }
    noise = np.random.default_rng(11).standard_normal((count, 50))
    return Profile.from_columns(
        layers, columns, dimensions[:, None] * (1 + 0.02 * noise), {"measure": {"k": 100, "overlap_k": 30}}
    )


def _check_answer(kind: type[Rule], found: Recommendation, profile: Profile) -> None:
    names = {layer.name for layer in profile.layers}
    _need(
        set(found.layers) <= names,
        f"{kind.__name__} names layers that the profile has not: {sorted(set(found.layers) - names)}",
    )
    _need(found.best in found.layers or not found.is_clear, f"the best layer of {kind.__name__} is not among its layers")
    _need(bool(found.reasons), f"{kind.__name__} gives no reasons")


def _choice(found: Recommendation) -> tuple[object, ...]:
    return found.is_clear, found.layers, found.best
