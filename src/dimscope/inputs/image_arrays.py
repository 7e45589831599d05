"""Arrays with one image, or the token ids of one example, per row."""

from pathlib import Path

import numpy as np

from dimscope.config import DataConfig
from dimscope.errors import InputError, UsageError, near_match
from dimscope.files import hash_file, is_numpy_file
from dimscope.inputs.arrays import UNREADABLE, label_texts, read_labels
from dimscope.inputs.base import Examples, draw_sample
from dimscope.inputs.contents import ArrayContents
from dimscope.inputs.images import rgb_of

ARRAY_ENDINGS = (".npy", ".npz")
CHANNELS = (1, 3, 4)
"""Grey, RGB, RGB with alpha."""


def read_array_examples(config: DataConfig) -> Examples:
    """One example per row: images (n, height, width) or (n, height, width, channels), uint8, or token ids (n, length).

    Whole numbers of another dtype with three axes are token ids too, row by row of each image. A .npy file is a memory map and
    has its labels in a file that `label` names (.npy, also one-hot, or .txt); the entries of a .npz archive have names, which
    `text`, `label` and `group` are.

    Raises:
        InputError: the file is damaged, the array is of another form (with a hint for the frequent ones), or an entry or label
            file does not fit.
        UsageError: options of tables.
    """
    path = Path(config.path).expanduser()
    if config.id is not None:
        raise UsageError(f"--id names a column of a table; {path} holds arrays. Leave it out.")
    try:
        array, labels, groups = _read_archive(config, path) if path.suffix.lower() == ".npz" else _read_file(config, path)
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as numpy arrays: {error}.") from None
    kind = kind_of(array, path)
    n_rows = len(array)
    for role, column in (("label", labels), ("group", groups)):
        if column is not None and len(column) != n_rows:
            raise InputError(f"{path}: {len(column)} values of --{role} for {n_rows} examples.")
    contents = ArrayContents(array, np.arange(n_rows), rgb_of if kind == "image" else np.ravel)
    ids = [str(row) for row in range(n_rows)]
    examples = Examples(ids, [""] * n_rows, labels, groups, 0, hash_file(path), kind, contents)
    return draw_sample(examples, config.points, config.seed)


def read_clusters(path: Path) -> np.ndarray:
    """The array of a file with colour clusters.

    Raises:
        InputError: no such file, or no .npy file.
    """
    if not path.expanduser().is_file():
        raise InputError(f"no colour clusters at {path} (looked in {Path.cwd()}).")
    try:
        if not is_numpy_file(path.expanduser()):
            raise ValueError("it does not begin like a .npy file")
        found: np.ndarray = np.load(path.expanduser(), allow_pickle=False)
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as colour clusters: {error}.") from None
    return found


def label_sibling(path: Path) -> Path | None:
    """The labels that stand beside an array in OpenAI's naming: `imagenet_trY.npy` for `imagenet_trX.npy`."""
    found = path.with_name(f"{path.stem[:-1]}Y{path.suffix}")
    return found if path.suffix.lower() == ".npy" and path.stem.endswith("X") and found.is_file() else None


def kind_of(array: np.ndarray, path: Path) -> str:
    """`image` or `tokens`.

    Raises:
        InputError: neither.
    """
    whole, n_axes = array.dtype.kind in "iu", array.ndim
    if len(array.shape) < 2 or 0 in array.shape:
        raise _other_form(array, path, "")
    if whole and (n_axes == 2 or (n_axes == 3 and array.dtype != np.uint8)):
        return "tokens"
    if n_axes == 2:
        raise _other_form(array, path, " These look like points: dimscope measure reads them.")
    if n_axes == 4 and array.shape[3] not in CHANNELS:
        hint = " The channels seem to stand second; move them to the end." if array.shape[1] in CHANNELS else ""
        raise _other_form(array, path, hint)
    if array.dtype != np.uint8 or n_axes > 4:
        raise _other_form(array, path, " Save 8-bit values (0 to 255) as uint8." if n_axes in (3, 4) else "")
    return "image"


def _other_form(array: np.ndarray, path: Path, hint: str) -> InputError:
    return InputError(
        f"{path} holds an array of shape {array.shape} and dtype {array.dtype}; images (n, height, width) or (n, height, "
        f"width, channels) of uint8, or token ids (n, length) of whole numbers, are expected.{hint}"
    )


def _read_file(config: DataConfig, path: Path) -> tuple[np.ndarray, list[str] | None, list[str] | None]:
    if config.text is not None:
        raise UsageError(f"--text names a column of a table or an entry of a .npz; {path} holds one array. Leave it out.")
    if not is_numpy_file(path):
        raise ValueError("it does not begin like a .npy file")
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    n_rows = len(array) if array.ndim else 0
    labels, groups = (
        read_labels(Path(name).expanduser(), n_rows) if name is not None else None for name in (config.label, config.group)
    )
    return array, labels, groups


def _read_archive(config: DataConfig, path: Path) -> tuple[np.ndarray, list[str] | None, list[str] | None]:
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
        entries = {name: archive[name] for name in archive.files}
    several = [name for name, array in entries.items() if array.ndim > 1]
    if config.text is None and len(several) != 1:
        raise InputError(
            f"{path} holds {len(several)} arrays with rows; say which one with --text.  Entries: {_named(entries)}"
        )
    array = _entry(entries, several[0] if config.text is None else config.text, "text", path)
    labels, groups = (
        label_texts(_entry(entries, name, role, path)) if name is not None else None
        for role, name in (("label", config.label), ("group", config.group))
    )
    return array, labels, groups


def _entry(entries: dict[str, np.ndarray], name: str, role: str, path: Path) -> np.ndarray:
    if name not in entries:
        raise InputError(f'{path} has no entry "{name}" for --{role}.{near_match(name, entries)}  Entries: {_named(entries)}')
    return entries[name]


def _named(entries: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {array.shape}" for name, array in entries.items()) or "none"
