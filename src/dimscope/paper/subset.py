"""Which images the paper read: 300 classes of ImageNet, the first 300 images of each."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError, first_of
from dimscope.paper.legacy import IMAGENET, read_array

SPLITS = {"train": "tr", "valid": "va", "test": "te"}
"""Name of a split -> its letters in the names of OpenAI's arrays."""
LABEL_ROWS = 4096
"""Rows of one-hot labels that are read at a time."""


def class_ids() -> list[int]:
    """The 300 class ids of the paper, 1 to 993, in its order: columns of the one-hot labels of OpenAI's arrays, from 0."""
    text = files("dimscope.paper").joinpath("data", "imagenet_classes.csv").read_text(encoding="utf-8")
    return [int(line) for line in text.split()[1:]]


def read_class_ids(path: Path) -> list[int]:
    """Class ids from a text file, one per line; a first line that is no number is a header.

    Raises:
        InputError: no such file, lines that are no whole numbers, or ids that repeat.
    """
    try:
        lines = path.read_text(encoding="utf-8").split()
        found = [int(line) for line in lines[not lines[:1] or not lines[0].isdecimal() :]]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as class ids, one whole number per line ({error}).") from None
    if not found or len(set(found)) < len(found):
        raise InputError(f"{path} holds {len(found)} class ids, {len(set(found))} of them different; each is listed once.")
    return found


def locate_images(place: Path) -> tuple[Path, str]:
    """The folder and the data set that `--data-path` names: a folder is that of `imagenet_trX.npy`, ..., as in the paper's
    `run.py`; anything else is the start of the names, as `data/cifar10` in its older script.

    Raises:
        InputError: no files begin so.
    """
    if place.is_dir():
        return place, IMAGENET
    there = datasets_in(place.parent)
    if place.name in there:
        return place.parent, place.name
    hint = f" There are arrays of {', '.join(there)} in {place.parent}." if there else ""
    raise InputError(f"{place} is no folder, and no {place}_trX.npy, {place}_vaX.npy or {place}_teX.npy exists.{hint}")


def datasets_in(folder: Path) -> list[str]:
    """Data sets whose images stand in a folder: the words before `_trX.npy`, `_vaX.npy` and `_teX.npy`."""
    ends = tuple(f"_{letters}X.npy" for letters in SPLITS.values())
    return sorted({path.name[: -len(ends[0])] for path in folder.glob("*_??X.npy") if path.name.endswith(ends)})


def open_images(folder: Path, split: str, dataset: str = IMAGENET) -> tuple[np.ndarray, IntArray]:
    """Images (n, pixels) as a memory map, and their class ids (n,) from one-hot or plain labels.

    Raises:
        InputError: missing or foreign files, or another number of labels than images.
    """
    letters = SPLITS[split]
    path = folder / f"{dataset}_{letters}X.npy"
    there = datasets_in(folder)
    if there and dataset not in there:
        raise InputError(f"{path} does not exist; for the images of {there[0]} give --data-path {folder / there[0]}.")
    images = read_array(path, 2)
    path = folder / f"{dataset}_{letters}Y.npy"
    if not path.is_file():
        raise InputError(f"{path} does not exist; the labels choose the images, so both arrays are needed.")
    labels = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(labels) != len(images) or labels.ndim > 2:
        raise InputError(f"{path} has shape {labels.shape} for {len(images)} images; one label, or one one-hot row, each.")
    return images, _plain(labels, path)


def _plain(labels: np.ndarray, path: Path) -> IntArray:
    if labels.ndim == 1:
        return np.asarray(labels, np.int64)
    found = np.empty(len(labels), np.int64)
    for start in range(0, len(labels), LABEL_ROWS):
        rows = np.asarray(labels[start : start + LABEL_ROWS])
        bad = np.flatnonzero((rows != 0).sum(axis=1) != 1)
        if len(bad):
            raise InputError(f"{path}: {len(bad)} rows are not one-hot (rows {first_of(start + bad)}, counted from 0).")
        found[start : start + len(rows)] = rows.argmax(axis=1)
    return found


def choose_rows(labels: IntArray, classes: Sequence[int], per_class: int) -> IntArray:
    """Rows of the first `per_class` images of each class, class by class in the given order.

    Raises:
        InputError: no image of any class, or classes without one (they are named).
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts, ends = np.searchsorted(ordered, classes, "left"), np.searchsorted(ordered, classes, "right")
    empty = [name for name, start, end in zip(classes, starts, ends, strict=True) if start == end]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(classes)} classes have no image (ids {first_of(empty)}); give the ids that are there with "
            "--classes FILE."
        )
    return np.concatenate([order[start : min(end, start + per_class)] for start, end in zip(starts, ends, strict=True)])
