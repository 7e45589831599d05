"""Curves from neighbour tables in the files of the paper's scripts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import InputError
from dimscope.knn.base import Neighbors
from dimscope.paper.curves import Curve, Source
from dimscope.paper.fit import mean_and_error, slope
from dimscope.paper.legacy import file_name, ratios, read_table, with_paper_zeros
from dimscope.paper.released import overlap_curve

TABLES = "distance_matrices"


def words_with_tables(results: Path, split: str) -> list[str]:
    """Models (words in file names) that have a table of this split in a results folder."""
    return [word for word, splits in _tables_in(results).items() if split in splits]


def _tables_in(results: Path) -> dict[str, set[str]]:
    """Model -> the splits of which it has tables."""
    homes = sorted(path for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
    return {home.name: _splits(_folder(results, home.name), home.name) for home in homes}


def tabled_dimension(source: Source, results: Path, model: str, word: str) -> Curve:
    """TwoNN on random subsets of the tables; `kept` is the smallest share of points that could be used in a layer.

    Raises:
        InputError: no table, a foreign one, or too few points in a subset.
    """
    folder, layers = _tables(source, results, word)
    pairs, kept = [], []
    for layer in layers:
        value, error, share = _dimension(read_table(folder, word, layer, source.split), source)
        pairs.append((value, error))
        kept.append(share)
    values, errors = np.array(pairs).T
    return Curve(model, "dimension", np.array(layers), values, errors, min(kept))


def tabled_overlap(source: Source, results: Path, model: str, word: str) -> Curve:
    """Label overlap of the tables.

    Raises:
        InputError: no table, no labels, or foreign ones.
        UsageError: the tables hold fewer than `source.k` neighbours.
    """
    folder, layers = _tables(source, results, word)
    paths = [folder / file_name(word, layer, source.split, "index") for layer in layers]
    return overlap_curve(model, layers, paths, results / word / "imagenet_labels.npy", source.k)


def _folder(results: Path, word: str) -> Path:
    """Where the tables of a model stand; the older scripts wrote them one folder higher."""
    home = results / word
    return home / TABLES if (home / TABLES).is_dir() else home


def _layers(folder: Path, word: str, split: str) -> list[int]:
    start, end = f"imagenet_{word}_layer", f"_{split}_index.npy"
    names = [path.name for path in folder.glob(f"{start}*{end}")]
    return sorted(int(number) for name in names if (number := name.removeprefix(start).removesuffix(end)).isdecimal())


def _splits(folder: Path, word: str) -> set[str]:
    names = [path.name for path in folder.glob(f"imagenet_{word}_layer*_index.npy")]
    return {name.removeprefix(f"imagenet_{word}_layer").removesuffix("_index.npy").partition("_")[2] for name in names}


def _tables(source: Source, results: Path, word: str) -> tuple[Path, list[int]]:
    folder = _folder(results, word)
    layers = _layers(folder, word, source.split)
    if not layers:
        there = [f"{model} {split}" for model, splits in _tables_in(results).items() for split in sorted(splits)]
        hint = f" There are tables of: {', '.join(there)} (--split)." if there else ""
        wanted = folder / file_name(word, 0, source.split, "index")
        raise InputError(f"{wanted} does not exist, nor that of another layer.{hint}")
    return folder, layers


def _dimension(table: Neighbors, source: Source) -> tuple[float, float, float]:
    """Dimension, standard error and usable share of one table."""
    rng = np.random.default_rng(source.seed)
    found = [_subset_ratios(table, source, rng) for _ in range(source.repeats)]
    value, error = mean_and_error(np.array([slope(subset, source.fraction) for subset, _ in found]), source.convention)
    return value, error, float(np.mean([share for _, share in found]))


def _subset_ratios(table: Neighbors, source: Source, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """r2 / r1 within a random subset, for the points whose list holds two of its members, and their share.

    `exact` draws from the distinct points, so that repeated rows are neither points nor neighbours.
    """
    pool: Sequence[int] | np.ndarray = np.arange(table.n) if source.convention == "paper" else table.duplicates.first_rows
    inside = np.zeros(table.n, bool)
    inside[rng.permutation(pool)[: len(pool) // source.decimation]] = True
    chosen = np.flatnonzero(inside)
    member = inside[table.indices[chosen]]
    usable = member.sum(axis=1) >= 2
    first_two = np.argsort(~member[usable], axis=1, kind="stable")[:, :2]
    nearest = np.take_along_axis(table.distances[chosen[usable]], first_two, axis=1)
    found = ratios(with_paper_zeros(nearest) if source.convention == "paper" else nearest)
    return found[:, 0], float(usable.mean()) if len(usable) else 0.0
