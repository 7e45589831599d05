"""Dimension and label overlap over the layers, from the arrays that the paper released or from tables of one's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.errors import InputError
from dimscope.paper.legacy import PAPER_ZERO, file_name, read_array, read_table, without_self

MODELS = {"iGPT-S": "small", "iGPT-M": "medium", "iGPT-L": "large", "ESM-2 35M": "35M", "ESM-2 650M": "650M", "ESM-2 3B": "3B"}
"""Name in the figures -> word in the names of the files."""
OVERLAP_LAYERS = {"small": range(0, 25, 6), "medium": range(0, 37, 6), "large": range(0, 49, 8)}
"""Layers whose neighbour indices were released; the last one is the number of blocks."""
MIN_POINTS = 10


@dataclass(frozen=True)
class Source:
    """Where the numbers come from and how they are computed.

    Attributes:
        data: folder of the released arrays.
        from_distances: results folder of `dimscope paper distances`, read instead of the stored ratios and indices of iGPT.
        split: words after the layer in the names of the tables.
        decimation, repeats, fraction, seed: subsets of the tables, and the share of the ratios that is fitted.
        k: neighbours of the label overlap.
        convention: `exact`, or `paper` for the formulas of the paper's scripts.
    """

    data: Path
    from_distances: Path | None = None
    split: str = "train"
    decimation: int = 32
    repeats: int = 4
    fraction: float = 0.98
    k: int = 10
    convention: str = "exact"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity of one model over its layers.

    Attributes:
        model: name in the figures.
        quantity: `dimension` or `label_overlap`.
        layers: layer numbers.
        depth: layer / last layer, 0 to 1.
        values, errors: the numbers and their standard errors (NaN where there is none).
        kept: share of the points of a subset whose two neighbours the table holds; 1 where it is not limited.
    """

    model: str
    quantity: str
    layers: IntArray
    depth: FloatArray
    values: FloatArray
    errors: FloatArray
    kept: float = 1.0


def slope(ratios: FloatArray, fraction: float) -> float:
    """TwoNN's line fit: slope through 0 of -log(1 - i/N) against the ascending log ratios, i = 1 .. floor(fraction N).

    Facco et al. 2017, doi:10.1038/s41598-017-11873-y.

    Raises:
        InputError: fewer than 10 ratios, or all of them 1.
    """
    n_fitted = int(len(ratios) * fraction)
    if n_fitted < MIN_POINTS:
        raise InputError(f"{n_fitted} ratios remain to be fitted; at least {MIN_POINTS} are needed.")
    x = np.log(np.sort(ratios)[:n_fitted])
    y = -np.log1p(-np.arange(1, n_fitted + 1) / len(ratios))
    squares = float(x @ x)
    if not 0 < squares < np.inf:
        raise InputError("the ratios have no spread, or are infinite within the fitted share; no dimension can be read.")
    return float(x @ y) / squares


def dimension_from_ratios(ratios: FloatArray, fraction: float, convention: str) -> tuple[float, float]:
    """Mean and standard error over repeats of the fitted dimension.

    `exact` leaves out points whose nearest distance was zero (their ratio is NaN or infinite) and divides the spread by
    sqrt(repeats - 1), the unbiased error of a mean; `paper` divides by sqrt(repeats).

    Args:
        ratios: (repeats, N).
    """
    values = [slope(row if convention == "paper" else row[np.isfinite(row)], fraction) for row in np.asarray(ratios, float)]
    repeats = len(values) - (convention == "exact")
    return float(np.mean(values)), float(np.std(values) / repeats**0.5) if repeats else np.nan


def label_overlap(neighbors: IntArray, labels: IntArray, k: int) -> float:
    """Mean share of the k nearest neighbours that carry the point's own label, averaged over classes (DADApy's default).

    Raises:
        InputError: fewer than k neighbours, or another number of labels than points.
    """
    if len(labels) != len(neighbors) or neighbors.shape[1] < k:
        raise InputError(
            f"{neighbors.shape[1]} neighbours of {len(neighbors)} points, {len(labels)} labels, k = {k} do not fit."
        )
    own = (labels[neighbors[:, :k]] == labels[:, None]).mean(axis=1)
    codes = np.unique(labels, return_inverse=True)[1]
    return float(np.mean(np.bincount(codes, own) / np.bincount(codes)))


def all_curves(source: Source) -> tuple[list[Curve], list[str]]:
    """Every curve whose files are there, and one sentence for each that is not."""
    curves: list[Curve] = []
    missing: list[str] = []
    for model, word in MODELS.items():
        for make in _makers(source, model, word):
            try:
                curves.append(make())
            except InputError as error:
                missing.append(f"{model}: {error}")
    return curves, missing


def _makers(source: Source, model: str, word: str) -> Iterator[Callable[[], Curve]]:
    if word not in OVERLAP_LAYERS:
        yield lambda: _given(model, "dimension", [source.data / f"id-esm2-{word}.npy"])
        # The archive misspells one name.
        yield lambda: _given(model, "label_overlap", [source.data / f"no-gt-esm2-{word}{end}.npy" for end in ("", "M")])
    elif source.from_distances is not None:
        yield lambda: _dimension_of_tables(source, model, word)
        yield lambda: _overlap_of_tables(source, model, word)
    else:
        yield lambda: _dimension_of_ratios(source, model, word)
        yield lambda: _overlap_of_indices(source, model, word)


def _curve(model: str, quantity: str, layers: IntArray, last: int, pairs: FloatArray, kept: float = 1.0) -> Curve:
    return Curve(model, quantity, layers, layers / max(1, last), pairs[:, 0], pairs[:, 1], kept)


def _given(model: str, quantity: str, places: list[Path]) -> Curve:
    path = next((place for place in places if place.is_file()), places[0])
    values = np.asarray(read_array(path, 1), float)
    layers = np.arange(len(values))
    return _curve(model, quantity, layers, len(values) - 1, np.column_stack([values, np.full(len(values), np.nan)]))


def _dimension_of_ratios(source: Source, model: str, word: str) -> Curve:
    ratios = read_array(source.data / f"imagenet_train_mus_{word}_dec32_cpt1000_rep4.npy", 3)
    pairs = np.array([dimension_from_ratios(layer, source.fraction, source.convention) for layer in ratios])
    return _curve(model, "dimension", np.arange(len(pairs)), len(pairs) - 1, pairs)


def _overlap_of_indices(source: Source, model: str, word: str) -> Curve:
    labels = np.asarray(read_array(source.data / "imagenet_train_labels.npy", 1))
    layers = np.array(OVERLAP_LAYERS[word])
    paths = [source.data / f"imagenet_train_nb_index_{word}_layer{layer}_k10_cpt1000.npy" for layer in layers]
    values = [label_overlap(without_self(read_array(path, 2)), labels, source.k) for path in paths]
    return _curve(model, "label_overlap", layers, layers[-1], np.column_stack([values, np.full(len(values), np.nan)]))


def _tables(source: Source, word: str) -> tuple[Path, IntArray]:
    assert source.from_distances is not None
    folder = source.from_distances / word / "distance_matrices"
    start, end = f"imagenet_{word}_layer", f"_{source.split}_index.npy"
    names = [path.name for path in folder.glob(f"{start}*{end}")]
    layers = sorted(int(number) for name in names if (number := name.removeprefix(start).removesuffix(end)).isdecimal())
    if not layers:
        raise InputError(f"{folder / file_name(word, 0, source.split, 'index')} does not exist, nor that of another layer.")
    return folder, np.array(layers)


def _dimension_of_tables(source: Source, model: str, word: str) -> Curve:
    folder, layers = _tables(source, word)
    pairs, kept = [], []
    for layer in layers:
        table = read_table(folder, word, int(layer), source.split)
        rng = np.random.default_rng(source.seed)
        rows = [_subset_ratios(table.indices, table.distances, source, rng) for _ in range(source.repeats)]
        values = [slope(ratios, source.fraction) for ratios, _ in rows]
        n_free = source.repeats - (source.convention == "exact")
        pairs.append((np.mean(values), np.std(values) / n_free**0.5 if n_free else np.nan))
        kept.append(float(np.mean([share for _, share in rows])))
    return _curve(model, "dimension", layers, int(layers[-1]), np.array(pairs), min(kept))


def _subset_ratios(indices: IntArray, far: FloatArray, source: Source, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """r2 / r1 within a random subset, for the points whose list holds two of its members, and their share."""
    n = len(indices)
    inside = np.zeros(n, bool)
    inside[rng.permutation(n)[: n // source.decimation]] = True
    chosen = np.flatnonzero(inside)
    member = inside[indices[chosen]]
    usable = member.sum(axis=1) >= 2
    first_two = np.argsort(~member[usable], axis=1, kind="stable")[:, :2]
    r1, r2 = np.take_along_axis(far[chosen[usable]], first_two, axis=1).T
    if source.convention == "paper":
        r1 = np.where(r1 == 0, PAPER_ZERO, r1)
    positive = r1 > 0
    return r2[positive] / r1[positive], float(usable.mean()) if len(usable) else 0.0


def _overlap_of_tables(source: Source, model: str, word: str) -> Curve:
    folder, layers = _tables(source, word)
    assert source.from_distances is not None
    labels = np.asarray(read_array(source.from_distances / word / "imagenet_labels.npy", 1))
    paths = [folder / file_name(word, int(layer), source.split, "index") for layer in layers]
    values = [label_overlap(without_self(read_array(path, 2)), labels, source.k) for path in paths]
    return _curve(model, "label_overlap", layers, int(layers[-1]), np.column_stack([values, np.full(len(values), np.nan)]))
