"""Linear probe: how well a linear classifier, trained on some examples, reads the labels of others."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from dimscope.arrays import FloatArray, IntArray, Points, as_points, label_codes, real_number, whole_number
from dimscope.errors import InputError, UsageError
from dimscope.estimates import Estimate, Status
from dimscope.knn.duplicates import find_duplicates
from dimscope.knn.workers import available_threads

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse strengths C of the L2 penalty that are tried, for standardised features."""
INNER_FOLDS = 3
MAX_STEPS = 1000
SIDE_BY_SIDE = 4
"""Folds that are fitted at a time; each holds a standardised copy of its training part."""


class Probe:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "held-out accuracy of a multinomial logistic regression (needs the extra `probe`)"
    source: ClassVar[str] = "Alain, Bengio 2017, arXiv 1610.01644"


@dataclass(frozen=True, eq=False)
class _Fold:
    train: IntArray
    test: IntArray


def linear_probe(
    points: ArrayLike,
    labels: ArrayLike,
    *,
    folds: int = 5,
    strengths: Sequence[float] = STRENGTHS,
    exclude: ArrayLike | None = None,
    seed: int = 0,
) -> Estimate:
    """Held-out accuracy of a multinomial logistic regression on standardised features, from 0 to 1.

    Stratified folds; in each, features are standardised by the training part, the L2 penalty with the best accuracy in
    3 inner folds of the training part is chosen, and the accuracy is read on the test part, which saw neither. Equal rows
    count once, so that no example is tested that was trained on; of their labels the first counts.

    Value: the share of correct answers over all test parts. Standard error: the larger of the scatter over folds over
    sqrt(folds) and sqrt(value (1 - value) / n); folds share training examples, so it is an approximation. Chance: the share
    of the largest class, which the best constant answer reaches. Cost O(folds len(strengths) n d classes) per iteration.

    Args:
        points: shape (n, d).
        labels: one label per row.
        folds: at least 2; labels with fewer distinct rows than that are left out, and the status says so.
        strengths: values of C = 1 / penalty.
        exclude: one group per row; all rows of a group are in the same fold, so that no relative is trained on.
        seed: of the folds.

    Returns:
        `Estimate` with one 0 or 1 per used row in `.local`, `.scale` = (folds, folds).

    Raises:
        UsageError: scikit-learn is not installed, fewer than 2 folds, or no strength.
        InputError: another number of labels than rows, or fewer than two labels with enough rows.
    """
    _require_scikit_learn()
    seed = whole_number(seed, "seed", least=0)
    tried = tuple(real_number(one, "strength") for one in strengths) if isinstance(strengths, Iterable) else ()
    if whole_number(folds, "folds") < 2 or min(tried, default=0) <= 0:
        raise UsageError(f"folds={folds}, strengths={strengths} were asked for; a probe needs 2 folds and positive strengths.")
    array = as_points(points)
    rows = find_duplicates(array).rows
    codes = label_codes(labels, "labels", len(array))[rows]
    groups = None if exclude is None else label_codes(exclude, "groups", len(array))[rows]
    kept = np.flatnonzero(np.bincount(codes)[codes] >= folds)
    if len(np.unique(codes[kept])) < 2:
        raise InputError(f"fewer than two labels have {folds} distinct examples, as a probe with {folds} folds needs.")
    exact = np.asarray(array[rows[kept]], dtype=np.float64)
    own, families = codes[kept], None if groups is None else groups[kept]
    correct = np.zeros(len(kept))
    scores = []
    for fold, answers in _answered(exact, own, _folds(own, families, folds, seed), tried, seed):
        correct[fold.test] = answers == own[fold.test]
        scores.append(correct[fold.test].mean())
    value = float(correct.mean())
    error = max(float(np.std(scores, ddof=1)) / np.sqrt(folds), np.sqrt(value * (1 - value) / len(kept)))
    dropped = len(rows) - len(kept)
    status = Status.RARE_LABELS if dropped else Status.OK
    chance = float(np.bincount(own).max() / len(own))
    return Estimate(value, float(error), (folds, folds), len(kept), dropped, status, chance=chance, local=correct)


def _require_scikit_learn() -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UsageError(
            "the linear probe needs scikit-learn, which is not installed; install it with `pip install 'dimscope[probe]'`."
        ) from None


def _folds(codes: IntArray, groups: IntArray | None, folds: int, seed: int) -> list[_Fold]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label with fewer groups than folds is missing from some training part
        parts = [_Fold(train, test) for train, test in splitter.split(np.zeros(len(codes)), codes, groups)]
    return [part for part in parts if len(part.test)]


def _answered(
    points: Points, codes: IntArray, folds: list[_Fold], strengths: tuple[float, ...], seed: int
) -> Iterator[tuple[_Fold, IntArray]]:
    """Each fold with the answers for its test part; folds side by side, each on one thread.

    A fit takes hundreds of small matrix products, whose threads would wait for each other: on two processors that others used
    too, one fit of 1 437 x 96 points took 1.7 s with two BLAS threads and 0.07 s with one.
    """
    from sklearn.exceptions import ConvergenceWarning

    several = len(strengths) > 1
    inner = [_folds(codes[fold.train], None, INNER_FOLDS, seed) if several else [] for fold in folds]
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", ConvergenceWarning)  # what a thousand steps reach is good enough to compare layers
        pool = stack.enter_context(ThreadPoolExecutor(min(SIDE_BY_SIDE, available_threads())))
        fit = partial(_answers, points, codes, strengths)
        yield from zip(folds, list(pool.map(fit, folds, inner)), strict=True)


def _answers(points: Points, codes: IntArray, strengths: tuple[float, ...], fold: _Fold, inner: list[_Fold]) -> IntArray:
    train, own = points[fold.train], codes[fold.train]
    scores = np.zeros(len(strengths))
    for part in inner:
        scores += [float((found == own[part.test]).mean()) for found in _predicted(train, own, part, strengths)]
    return next(_predicted(points, codes, fold, (strengths[int(scores.argmax())],)))


def _predicted(points: Points, codes: IntArray, fold: _Fold, strengths: tuple[float, ...]) -> Iterator[IntArray]:
    """The answers for the test part by each strength."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = _moments(points[fold.train])
    train, test = (points[fold.train] - mean) / spread, (points[fold.test] - mean) / spread
    for strength in strengths:
        if len(np.unique(codes[fold.train])) == 1:
            yield np.full(len(fold.test), codes[fold.train][0])
            continue
        model: Any = LogisticRegression(C=strength, max_iter=MAX_STEPS)
        yield np.asarray(model.fit(train, codes[fold.train]).predict(test))


def _moments(points: Points) -> tuple[FloatArray, FloatArray]:
    mean, spread = points.mean(axis=0), points.std(axis=0)
    return np.asarray(mean), np.where(spread > 0, spread, 1.0)
