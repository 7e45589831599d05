"""Layer-by-layer overlap of two finished runs, with examples matched by id."""

from dataclasses import dataclass
from pathlib import Path

from dimscope.errors import InputError, StoreError
from dimscope.knn.base import Neighbors
from dimscope.overlaps.matrix import OverlapMatrix, overlap_matrix
from dimscope.store.folder import RunFolder, open_folder
from dimscope.store.manifest import Manifest
from dimscope.store.tables import read_table


@dataclass(frozen=True, eq=False)
class RunOverlap:
    """The overlap matrix of two runs, with the names of its rows and columns.

    Attributes:
        matrix: shape (layers of a, layers of b).
        layers_a: names of the rows.
        layers_b: names of the columns.
        n_items: examples that both runs hold.
        caution: what limits the trust, in one sentence; empty for examples that were matched by a name or text of their own.
    """

    matrix: OverlapMatrix
    layers_a: tuple[str, ...]
    layers_b: tuple[str, ...]
    n_items: int
    caution: str = ""


def run_overlap(run_a: str | Path, run_b: str | Path, k: int = 30) -> RunOverlap:
    """The overlap of every layer of one run with every layer of another; widths and numbers of layers may differ.

    Examples are matched by the `id` column of points.parquet. Where these ids are mere row numbers and a run has no texts that
    could be compared, as with arrays, nothing shows that the rows are the same examples: that is said in `caution`, and runs
    with different rows are refused. Layers without a neighbour table (fewer than 3 distinct rows) are left out. Cost as
    `overlap_matrix`.

    Raises:
        StoreError: no finished run at one of the places, or a table is damaged.
        InputError: ids that repeat, texts that differ under the same id, different row numbers, or no common id.
        UsageError: a table holds fewer than k neighbours.
    """
    folders = open_folder(Path(run_a)), open_folder(Path(run_b))
    items = [_items(folder) for folder in folders]
    common = items[0].keys() & items[1].keys()
    texts = {name: (items[0][name], items[1][name]) for name in common}
    changed = sorted(name for name, (one, other) in texts.items() if one is not None and other is not None and one != other)
    if changed:
        raise InputError(
            f"{len(changed)} ids stand for different texts in the two runs (for example {changed[0]!r}); an overlap needs the "
            "same examples. Give ids of your own with --id."
        )
    caution = _caution(folders, items)
    layers = [_tables(folder) for folder in folders]
    matrix = overlap_matrix(
        [table for _, table in layers[0]],
        [table for _, table in layers[1]],
        k,
        items_a=list(items[0]),
        items_b=list(items[1]),
    )
    names = [tuple(name for name, _ in side) for side in layers]
    return RunOverlap(matrix, names[0], names[1], len(common), caution)


def _caution(folders: tuple[RunFolder, RunFolder], items: list[dict[str, str | None]]) -> str:
    """What to say where rows of the two runs are matched by nothing but their number."""
    are_numbers = all(name.isdecimal() for side in items for name in side)
    have_texts = all(text is not None for side in items for text in side.values())
    if not are_numbers or have_texts or _same_file(folders):
        return ""
    if items[0].keys() != items[1].keys():
        raise InputError(
            f"{folders[0].path} has {len(items[0])} rows and {folders[1].path} has {len(items[1])}, with other numbers and no "
            "ids or texts that could be matched; an overlap needs the same examples in the same order."
        )
    labels = [_labels(folder) for folder in folders]
    n_different = sum(labels[0][name] != labels[1][name] for name in items[0])
    both = all(value is not None for side in labels for value in side.values())
    words = f"; their labels differ in {n_different}" if both and n_different else "; their labels agree" if both else ""
    return f"The {len(items[0])} rows were matched by their number alone, nothing else shows that they are the same{words}."


def _same_file(folders: tuple[RunFolder, RunFolder]) -> bool:
    """True when both runs read the same data file, whose rows are then the same."""
    hashes = [Manifest(folder.path).content.get("data", {}).get("hash") for folder in folders]
    return hashes[0] is not None and hashes[0] == hashes[1]


def _labels(folder: RunFolder) -> dict[str, str | None]:
    from pyarrow import parquet

    columns = parquet.read_table(folder.points, columns=["id", "label"]).to_pydict()
    return dict(zip(map(str, columns["id"]), columns["label"], strict=True))


def _items(folder: RunFolder) -> dict[str, str | None]:
    """The id of every example and the beginning of its text, where it has one."""
    from pyarrow import parquet

    if not folder.points.is_file():
        raise StoreError(f"{folder.path} has no points.parquet; run `dimscope run` or `dimscope measure` first.")
    columns = parquet.read_table(folder.points).to_pydict()
    ids = [str(name) for name in columns["id"]]
    if len(set(ids)) < len(ids):
        raise InputError(f"{len(ids) - len(set(ids))} ids of {folder.path} repeat another; examples cannot be matched by id.")
    return dict(zip(ids, columns.get("text") or [None] * len(ids), strict=True))


def _tables(folder: RunFolder) -> list[tuple[str, Neighbors]]:
    names = [layer["name"] for layer in Manifest(folder.path).content.get("layers", [])]
    found = [(name, read_table(folder.table_of(name))) for name in names if folder.table_of(name).is_file()]
    if not found:
        raise StoreError(f"{folder.path} has no neighbour tables; run `dimscope measure {folder.path}` first.")
    return found
