"""From images to the distance tables of every layer, in one streamed pass."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.errors import InputError, UsageError
from dimscope.files import hash_file, write_text
from dimscope.paper import igpt
from dimscope.paper.bundle import Bundle, find_prefix
from dimscope.paper.legacy import IMAGENET, RANKS, file_name, labels_name, tables, write_array
from dimscope.paper.space import require_space
from dimscope.paper.subset import choose_rows, class_ids, locate_images, open_images, read_class_ids
from dimscope.progress import Progress, Silent
from dimscope.store.states import StateStore

BLOCK_ROWS = 1024
"""Images between two savings; a killed run loses at most these."""
WITHOUT_INFLUENCE = ("device", "batch_size", "to", "data_path", "ckpt_path", "classes")
"""Options on which the files do not depend, or only through what they name."""
LAST_STEP = "1000000"
"""The step of OpenAI's final checkpoints, which file names leave out."""


@dataclass(frozen=True)
class Request:
    """What `dimscope paper distances` was asked for.

    Attributes:
        data_path: folder of `imagenet_trX.npy`, `imagenet_trY.npy`, ..., or the start of such names, as `data/cifar10`.
        to: results folder; the files stand in `<to>/<model>/distance_matrices` and `/activations`.
        ckpt_path: TensorFlow 1 checkpoint or ImageGPT folder; None only with `untrained`.
        model: `small`, `medium` or `large`, or the word for another model in the file names; None takes it from the checkpoint.
        step: training step of the checkpoint; None takes it from its name.
        split: `train`, `valid` or `test`.
        layers: layers to read; empty for all.
        logits: the mean logits as one layer more, the last point of the published curves.
        images_per_class, classes: the first so many images of each class in this file; None for the paper's list, or, of
            other images than ImageNet's, for all of their classes.
        maxk: neighbours in the tables besides the point itself.
        batch_size: images per forward pass.
        activations: keep the states, too.
        untrained: fresh weights of `seed`, drawn as OpenAI's training starts.
        convention: `exact` or `paper`, see `dimscope.paper.legacy.tables`.
        device: where model and neighbours are computed.
        dataset: the first word of file names; `distances` takes it from `data_path`.
    """

    data_path: Path
    to: Path
    ckpt_path: Path | None = None
    model: str | None = None
    step: str | None = None
    split: str = "train"
    layers: tuple[int, ...] = ()
    logits: bool = False
    images_per_class: int = 300
    classes: Path | None = None
    maxk: int = 50
    batch_size: int = 8
    activations: bool = False
    untrained: bool = False
    seed: int = 42
    convention: str = "exact"
    device: str = "auto"
    dataset: str = IMAGENET

    @property
    def name(self) -> str:
        """The word for the model in file names; `model` must be known."""
        assert self.model is not None
        return self.model

    @property
    def description(self) -> str:
        """Split and state of training in file names; a checkpoint other than the last one is named."""
        if self.untrained:
            return f"{self.split}_untrained"
        return f"{self.split}_cpt{self.step}" if self.step not in (None, LAST_STEP) else self.split


def distances(request: Request, progress: Progress | None = None) -> list[Path]:
    """Write the tables of all layers; what is finished is kept, and a second call does nothing.

    States go to disk block by block (float32, n x width per layer); then one layer at a time is searched, so that memory holds
    one layer. The states are removed at the end unless `activations` asks for them.

    Returns:
        The files, in the order of layers.

    Raises:
        InputError: missing or foreign arrays, classes without images, or fewer than maxk + 1 images.
        ModelError: no usable checkpoint.
        UsageError: options that do not fit each other or the checkpoint.
        StoreError: not enough disk space.
    """
    progress = progress or Silent()
    folder, dataset = locate_images(request.data_path)
    request = replace(request, data_path=folder, dataset=dataset)
    images, labels = open_images(folder, request.split, dataset)
    rows = choose_rows(labels, _classes(request, labels), request.images_per_class)
    if request.maxk >= len(rows):
        raise InputError(f"--maxk {request.maxk} was asked for; {len(rows)} images have at most {len(rows) - 1} neighbours.")
    request = named(request)
    home = request.to / request.name
    record = home / f"{dataset}_{request.name}_{request.description}.json"
    key = _key(request, rows, images)
    done = finished(record, key)
    if done is not None:
        return done
    store = _extract(request, _model_folder(request, progress), images, rows, home, key, progress)
    write_array(home / labels_name(dataset), labels[rows])
    written = _write_layers(request, store, home, progress)
    shutil.rmtree(store.folder)
    write_record(record, key, request, written)
    return written


def _classes(request: Request, labels: IntArray) -> Sequence[int]:
    if request.classes is not None:
        return read_class_ids(request.classes)
    return class_ids() if request.dataset == IMAGENET else [int(name) for name in np.unique(labels)]


def named(request: Request) -> Request:
    """The request with the word for its model and its training step, from the checkpoint where they are not given.

    Raises:
        InputError: no usable checkpoint.
        UsageError: there is neither a model nor a checkpoint.
    """
    source = request.ckpt_path
    if source is None and not request.untrained:
        raise UsageError("no --ckpt-path was given; name a checkpoint or an ImageGPT folder, or ask for --untrained.")
    if request.logits and request.untrained:
        raise UsageError(
            "--logits and --untrained: fresh weights have an output matrix of zeros, so that all logits are equal."
        )
    if source is None and request.model is None:
        raise UsageError("--untrained needs --model, or a --ckpt-path whose size is taken.")
    if source is None:
        return request
    shape = _shape(source)
    if request.model in igpt.SIZES:
        igpt.check_size(shape, request.model, str(source))
    return replace(request, model=request.model or shape.name, step=request.step or _step(source))


def _step(source: Path) -> str | None:
    """The number at the end of the checkpoint's name; of a converted folder, of the checkpoint that it was made from."""
    is_folder = (source / "config.json").is_file()
    name = igpt.origin_of_folder(source).get("checkpoint", "") if is_folder else Bundle(source).prefix.name
    number = name.rpartition("-")[2]
    return number if number.isdecimal() else None


def _key(request: Request, rows: IntArray, images: np.ndarray) -> str:
    """What the files depend on: options, weights, and the images themselves, wherever they stand."""
    facts = {name: str(value) for name, value in asdict(request).items() if name not in WITHOUT_INFLUENCE}
    source = request.ckpt_path
    if source is not None:
        facts["checkpoint"] = repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _weights(source)])
    digest = sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(rows).tobytes())
    for start in range(0, len(rows), BLOCK_ROWS):
        digest.update(np.ascontiguousarray(images[rows[start : start + BLOCK_ROWS]]).tobytes())
    return digest.hexdigest()


def _weights(source: Path) -> list[Path]:
    """The files of a model folder or a checkpoint, without what else stands beside a checkpoint, as images or other steps."""
    if (source / "config.json").is_file():
        return sorted(source.iterdir())
    prefix = find_prefix(source)
    return sorted(prefix.parent.glob(f"{prefix.name}.*"))


def finished(record: Path, key: str) -> list[Path] | None:
    """The files of a finished call with the same key, when each is as it was written."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        files = {record.parent / name: checksum for name, checksum in found["files"].items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    if found.get("key") != key:
        return None
    return list(files) if all(path.is_file() and hash_file(path) == checksum for path, checksum in files.items()) else None


def write_record(record: Path, key: str, request: Request, written: Sequence[Path]) -> None:
    """Store what was asked and a hash of every file."""
    hashes = {str(path.relative_to(record.parent)): hash_file(path) for path in written}
    options = {name: str(value) for name, value in asdict(request).items()}
    write_text(record, json.dumps({"key": key, "options": options, "files": hashes}, indent=1))


def _model_folder(request: Request, progress: Progress) -> Path:
    source, home = request.ckpt_path, request.to / request.name
    if request.untrained:
        shape = igpt.SIZES[request.name] if source is None else _shape(source)
        folder = home / f"fresh-weights-{shape.n_layer}x{shape.n_embd}-seed{request.seed}"
        igpt.write_folder(igpt.fresh(shape, request.seed), shape, folder, {"seed": str(request.seed)}, progress)
        return folder
    assert source is not None
    if (source / "config.json").is_file():
        return source
    bundle = Bundle(source)
    tag = sha256(repr((bundle.prefix.resolve(), bundle.index.stat().st_mtime_ns)).encode()).hexdigest()[:8]
    folder = home / f"{bundle.prefix.name}-{tag}"
    igpt.convert(source, folder, progress=progress)
    return folder


def _shape(source: Path) -> igpt.Shape:
    """The shape of the model in an ImageGPT folder or a checkpoint."""
    return igpt.shape_of_folder(source) if (source / "config.json").is_file() else igpt.shape_of(Bundle(source))


def _extract(
    request: Request, folder: Path, images: np.ndarray, rows: IntArray, home: Path, key: str, progress: Progress
) -> StateStore:
    from dimscope.models.imagegpt import ImageReader

    reader = ImageReader(folder, request.layers or None, request.device, logits=request.logits)
    n_layers = len(reader.layers) + request.logits
    require_space(home, _bytes_needed(request, len(rows), reader.width, n_layers), "states and tables")
    store = StateStore(home / f"states-{request.dataset}-{request.description}", key, len(rows), BLOCK_ROWS)
    with progress.stage("extract", len(rows)) as task:
        for number, (start, stop) in enumerate(store.blocks):
            if not store.is_done(number):
                store.write_block(number, _read_block(reader, images, rows[start:stop], request.batch_size))
            task.advance(stop - start)
    return store


def _bytes_needed(request: Request, n_images: int, width: int, n_layers: int) -> int:
    """States of all layers, twice when they are kept, and tables: distances and ratios of 8 bytes, indices of 4."""
    states = 4 * width * (1 + request.activations)
    return n_images * n_layers * (states + 12 * (request.maxk + 1) + 8 * (len(RANKS) - 1))


def _read_block(reader: "object", images: np.ndarray, rows: IntArray, batch_size: int) -> dict[str, Points]:
    found: dict[int, list[Points]] = {}
    for start in range(0, len(rows), batch_size):
        states = reader.read(images[rows[start : start + batch_size]])  # type: ignore[attr-defined]
        for layer, values in states.items():
            found.setdefault(layer, []).append(values)
    return {str(layer): np.concatenate(parts) for layer, parts in found.items()}


def _write_layers(request: Request, store: StateStore, home: Path, progress: Progress) -> list[Path]:
    layers = sorted(int(path.stem) for path in store.folder.glob("*.npy"))
    written: list[Path] = []
    with progress.stage("measure", len(layers)) as task:
        for layer in layers:
            written += write_layer(request, store.read(str(layer)), layer, home)
            task.advance()
    return [*written, home / labels_name(request.dataset)]


def write_layer(request: Request, points: Points, layer: int, home: Path) -> list[Path]:
    """Write the files of one layer; returns their paths."""
    found = tables(points, request.maxk, convention=request.convention, device=request.device)
    if request.activations:
        found["act"] = points
    written = []
    for kind, array in found.items():
        part = "activations" if kind == "act" else "distance_matrices"
        path = home / part / file_name(request.name, layer, request.description, kind, dataset=request.dataset)
        write_array(path, array)
        written.append(path)
    return written
