"""Curves from neighbour tables in the files of the paper's scripts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import InputError
from dimscope.knn.base import Neighbors
from dimscope.paper.curves import Curve, Source, curve_of
from dimscope.paper.fit import mean_and_error, slope
from dimscope.paper.igpt import blocks_of
from dimscope.paper.legacy import IMAGENET, file_name, labels_name, ratios, read_table, with_paper_zeros
from dimscope.paper.released import overlap_curve

FOLDER = "distance_matrices"


@dataclass(frozen=True, order=True)
class Tables:
    """The tables of one model on one data set and split in a results folder.

    Attributes:
        results: the folder.
        word: the model, as in the names of files.
        dataset: the first word of these names.
        split: `train`, ..., with what follows it in them.
    """

    results: Path
    word: str
    dataset: str = IMAGENET
    split: str = "train"

    @property
    def folder(self) -> Path:
        """Where the tables stand; the older scripts wrote them one folder higher."""
        return _folder(self.results / self.word)

    @property
    def labels(self) -> Path:
        """The file with the class of every image."""
        return self.results / self.word / labels_name(self.dataset)

    @property
    def layers(self) -> list[int]:
        """Layers with indices."""
        start, end = f"{self.dataset}_{self.word}_layer", f"_{self.split}_index.npy"
        names = [path.name for path in self.folder.glob(f"{start}*{end}")]
        return sorted(int(number) for name in names if (number := name.removeprefix(start).removesuffix(end)).isdecimal())

    def path(self, layer: int, kind: str) -> Path:
        """The file of one layer."""
        return self.folder / file_name(self.word, layer, self.split, kind, dataset=self.dataset)


def tables_in(results: Path) -> list[Tables]:
    """All tables in a results folder; none where there is no such folder."""
    homes = sorted(path for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
    found = set()
    for home in homes:
        pattern = re.compile(rf"(.+)_{re.escape(home.name)}_layer\d+_(.+)_index\.npy")
        matches = (pattern.fullmatch(path.name) for path in _folder(home).glob("*_index.npy"))
        found |= {Tables(results, home.name, match[1], match[2]) for match in matches if match}
    return sorted(found)


def results_of(data: Path) -> Path:
    """The results folder that belongs to a folder of released arrays: this folder, or the one it is in, which has tables."""
    return next((folder for folder in (data, data.absolute().parent) if tables_in(folder)), data)


def _folder(home: Path) -> Path:
    return home / FOLDER if (home / FOLDER).is_dir() else home


def tabled_dimension(source: Source, tables: Tables, model: str) -> Curve:
    """TwoNN on random subsets of the tables; `kept` is the smallest share of points that could be used in a layer.

    A layer with a missing or foreign table, or too few points in a subset, is left out.

    Raises:
        InputError: no table at all.
    """
    kept = [1.0]

    def measure(layer: int) -> tuple[float, float]:
        table = read_table(tables.folder, tables.word, layer, tables.split, dataset=tables.dataset)
        value, error, share = _dimension(table, source)
        kept.append(share)
        return value, error

    curve = curve_of(model, "dimension", _layers(tables), measure, last=blocks_of(tables.word))
    return replace(curve, kept=min(kept))


def tabled_overlap(source: Source, tables: Tables, model: str) -> Curve:
    """Label overlap of the tables, see `overlap_curve`.

    Raises:
        InputError: no table at all.
        UsageError: the tables hold fewer than `source.k` neighbours.
    """
    paths = {layer: tables.path(layer, "index") for layer in _layers(tables)}
    return overlap_curve(model, paths, tables.labels, source.k, last=blocks_of(tables.word))


def _layers(tables: Tables) -> list[int]:
    layers = tables.layers
    if layers:
        return layers
    there = [f"{other.word} {other.split} of {other.dataset}" for other in tables_in(tables.results)]
    hint = f" There are tables of: {', '.join(there)} (--split)." if there else ""
    raise InputError(f"{tables.path(0, 'index')} does not exist, nor that of another layer.{hint}")


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
