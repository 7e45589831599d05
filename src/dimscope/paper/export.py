"""A run folder in the files of the paper's scripts."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError, StoreError
from dimscope.paper.distances import Request, write_layer
from dimscope.paper.legacy import labels_name, write_array
from dimscope.progress import Progress, Silent
from dimscope.store.folder import RunFolder, open_folder
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states


def export_run(run: Path, request: Request, progress: Progress | None = None) -> tuple[list[Path], list[str]]:
    """The states of a run folder in the files of the paper's scripts, with its labels as whole numbers where it has them.

    Layer numbers are the places in the order of depth; the word for the model is the name of the folder when `request` has
    none. `request.data_path` and the choice of images are not used.

    Returns:
        The files, and one sentence for each layer without neighbours, as one whose points are all equal.

    Raises:
        StoreError: no run folder, or one without states.
        InputError: no layer has neighbours, or there are fewer than maxk + 1 examples.
    """
    folder = open_folder(run)
    request = request if request.model else replace(request, model=_word(run))
    home = request.to / request.name
    written: list[Path] = []
    left_out: list[str] = []
    layers = [str(layer["name"]) for layer in Manifest(folder.path).content.get("layers", [])]
    if not layers:
        raise StoreError(f"{run} holds no states yet; run `dimscope extract` first.")
    with (progress or Silent()).stage("measure", len(layers)) as task:
        for number, name in enumerate(layers):
            try:
                written += write_layer(request, open_states(folder.states / f"{name}.npy"), number, home)
            except InputError as error:
                left_out.append(f"layer {number} ({name}): {error}")
            task.advance()
    if not written:
        raise InputError(left_out[0])
    labels = _label_numbers(folder)
    if labels is not None:
        write_array(home / labels_name(), labels)
        written.append(home / labels_name())
    return written, left_out


def _word(run: Path) -> str:
    """The name of the folder with nothing but letters, digits, dots and hyphens."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", run.resolve().name).strip("-.") or "run"


def _label_numbers(folder: RunFolder) -> IntArray | None:
    from pyarrow import parquet

    labels = parquet.read_table(folder.points, columns=["label"]).to_pydict()["label"]
    if any(label is None for label in labels):
        return None
    if all(str(label).isdecimal() for label in labels):
        return np.array([int(label) for label in labels])
    return np.unique(np.array(labels, dtype=str), return_inverse=True)[1].astype(np.int64)
