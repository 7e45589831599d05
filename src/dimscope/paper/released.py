"""Curves from the arrays that the paper released."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.overlaps import label_overlap
from dimscope.paper.curves import Curve, Source, curve_of
from dimscope.paper.fit import dimension_from_ratios
from dimscope.paper.legacy import read_array, without_self

OVERLAP_LAYERS = {"small": range(0, 25, 6), "medium": range(0, 37, 6), "large": range(0, 49, 8)}
"""Layers whose neighbour indices were released; the last one is the number of blocks."""


def esm_curve(folder: Path, model: str, word: str, quantity: str) -> Curve:
    """A curve of ESM-2 as it was released.

    Raises:
        InputError: the array is not there or of another form.
    """
    # The archive misspells the name of one overlap, so that both spellings are looked for.
    names = {"dimension": [f"id-esm2-{word}.npy"], "label_overlap": [f"no-gt-esm2-{word}.npy", f"no-gt-esm2-{word}M.npy"]}
    places = [folder / name for name in names[quantity]]
    values = np.asarray(read_array(next((place for place in places if place.is_file()), places[0]), 1), np.float64)
    return Curve(model, quantity, np.arange(len(values)), values, np.full(len(values), np.nan))


def igpt_dimension(source: Source, folder: Path, model: str, word: str) -> Curve:
    """Dimension of an iGPT from its stored ratios (layers, repeats, N); layers whose ratios cannot be fitted are left out.

    Raises:
        InputError: the array is not there or of another form.
    """
    stored = read_array(folder / f"imagenet_train_mus_{word}_dec32_cpt1000_rep4.npy", 3)

    def measure(layer: int) -> tuple[float, float]:
        return dimension_from_ratios(stored[layer], source.fraction, source.convention)

    return curve_of(model, "dimension", range(len(stored)), measure, last=len(stored) - 1)


def igpt_overlap(source: Source, folder: Path, model: str, word: str) -> Curve:
    """Label overlap of an iGPT from the stored indices of a few layers.

    Raises:
        UsageError: fewer than `source.k` neighbours were stored.
    """
    layers = OVERLAP_LAYERS[word]
    paths = {layer: folder / f"imagenet_train_nb_index_{word}_layer{layer}_k10_cpt1000.npy" for layer in layers}
    return overlap_curve(model, paths, folder / "imagenet_train_labels.npy", source.k, last=layers[-1])


def overlap_curve(model: str, paths: Mapping[int, Path], labels: Path, k: int, *, last: int = 0) -> Curve:
    """Label overlap (mean over points) from the array of indices of each layer.

    An array that is not there or of another form, or that does not fit the labels, leaves its layer out; without labels all
    layers are left out.

    Raises:
        UsageError: the tables hold fewer than `k` neighbours.
    """

    def measure(layer: int) -> tuple[float, float]:
        found = label_overlap(_index_table(paths[layer]), codes, k)
        return found.value, found.stderr

    try:
        codes = np.asarray(read_array(labels, 1))
    except InputError as error:
        absent = [f"{path} does not exist." for path in paths.values() if not path.is_file()]
        return curve_of(model, "label_overlap", (), measure, left_out=(str(error), *absent))
    return curve_of(model, "label_overlap", paths, measure, last=last)


def _index_table(path: Path) -> Neighbors:
    """A table whose distances are unknown: zero, so that the order of the indices counts."""
    indices: IntArray = without_self(read_array(path, 2))
    rows = np.arange(len(indices))
    return Neighbors(indices, np.zeros(indices.shape), Duplicates(rows, np.ones_like(rows), "keep"))
