"""What is written of points or neighbour tables that the user already has."""

from collections.abc import Sequence
from hashlib import sha256

from dimscope.config import RunConfig
from dimscope.pipeline.points import write_plain_rows
from dimscope.store.folder import RunFolder, write_config
from dimscope.store.manifest import Manifest


def given_key(source_hash: str, labels: Sequence[str] | None, *more: int) -> str:
    """What the results depend on: the data, their labels, and whatever else is named."""
    label_hash = sha256("\n".join(labels).encode()).hexdigest() if labels else ""
    return sha256(repr((source_hash, label_hash, *more)).encode()).hexdigest()[:16]


def open_given(config: RunConfig, folder: RunFolder, n_rows: int, labels: Sequence[str] | None) -> Manifest:
    """The manifest of the run, after configuration and points.parquet were written.

    Whatever was measured before, of other data or of damaged ones, is no longer listed.
    """
    write_config(folder, config)
    manifest = Manifest(folder.path)
    manifest.write(stages={})
    write_plain_rows(folder, n_rows, labels)
    return manifest


def given_name(row: int) -> str:
    """What a run calls the layer at this place in the order of depth."""
    return f"array_{row:02d}"


def write_given_facts(
    manifest: Manifest, config: RunConfig, names: Sequence[str], n_rows: int, labels: Sequence[str] | None, source_hash: str,
    **more: bool,
) -> None:  # fmt: skip
    """Describe layers and data in the manifest.

    Args:
        manifest: of the run.
        config: its `data.path` is noted.
        names: of the layers at their source, in the order of depth.
        n_rows: points.
        labels: one per point, or None.
        source_hash: of the data.
        more: further facts of the data.
    """
    depth = 1 / max(1, len(names) - 1)
    layers = [
        {"name": given_name(row), "site": "array", "index": row, "depth": row * depth, "module": name}
        for row, name in enumerate(names)
    ]
    data = {"path": config.data.path, "hash": source_hash, "n_examples": n_rows, "n_labels": len(set(labels or [])), **more}
    manifest.write(layers=layers, model={}, data=data)
