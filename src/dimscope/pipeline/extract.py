"""Stage 1: from a model and a data set to one array of states per layer."""

import shutil
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.arrays import Points
from dimscope.config import RunConfig
from dimscope.errors import InputError, StoreError
from dimscope.files import atomic_path
from dimscope.inputs.base import Examples
from dimscope.inputs.text import read_examples
from dimscope.models.controls import with_fresh_weights, with_shuffled_tokens
from dimscope.models.load import load_model
from dimscope.models.positions import choose_tokens
from dimscope.models.reader import Reader
from dimscope.models.residues import spell_residues
from dimscope.models.tokens import TokenizedTexts, tokenize
from dimscope.pipeline.log import log_event
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder, clear_results, write_config
from dimscope.store.manifest import Manifest
from dimscope.store.states import StateStore

BLOCK_ROWS = 512
"""Examples per row block: the work that a kill can cost, and the window in which lengths are sorted."""
SNIPPET = 200
"""Characters of each text kept in points.parquet."""


def extract(config: RunConfig, folder: RunFolder, progress: Progress, *, redo: bool = False, control: str = "") -> None:
    """Fill `states/` and `points.parquet`; finished row blocks of an interrupted run are kept, unless `redo` is asked for.

    Everything that can be wrong with data, model and options is found before the first file is written or removed. With
    `control` the weights are fresh (`untrained`) or the tokens of each text are in random order (`shuffled`).

    Raises:
        InputError, ModelError, UsageError, StoreError: see the functions called.
    """
    started = perf_counter()
    examples = read_examples(config.data)
    key = extraction_key(config, examples.source_hash, control)
    if not redo and is_extracted(folder, key, len(examples)):
        progress.message(f"states of {len(examples)} examples are there already")
        return
    refuse_few(len(examples), config.measure.k, "examples")
    progress.message(f"loading {config.model.name}")
    loaded = load_model(config.model)
    texts = examples.texts if examples.kind == "text" else spell_residues(loaded.tokenizer, examples.texts)
    tokens = tokenize(loaded, texts, examples.ids, config.model.special_tokens, config.model.pool)
    tokens = choose_tokens(tokens, examples.ids, config.model.pool, config.model.skip_first)
    if control == "untrained":
        loaded = with_fresh_weights(loaded, config.data.seed)
    elif control == "shuffled":
        tokens = with_shuffled_tokens(tokens, config.data.seed)
    refuse_few(len(np.unique(tokens.duplicate_of)), config.measure.k, "distinct texts")
    reader = Reader(loaded, tokens, examples.ids, config.model)
    widths = reader.probe()
    n_bytes = 4 * len(examples) * sum(widths.values())
    check_disk(folder, n_bytes, f"{len(examples)} examples, {len(widths)} layers")
    if redo:
        clear_results(folder)
    write_config(folder, config)
    manifest = Manifest(folder.path)
    manifest.write(stages={})  # whatever was measured from other states, or from damaged ones, is not kept
    log_event(folder.log, "extract", examples=len(examples), model=loaded.facts)
    _write_points(folder, examples, tokens)
    store = StateStore(folder.states, key, len(examples), BLOCK_ROWS)
    with progress.stage("extract", len(examples)) as task:
        for number, (start, stop) in enumerate(store.blocks):
            if store.is_done(number):
                task.advance(stop - start)
            else:
                store.write_block(number, _read_block(reader, tokens, store, start, stop, task.advance))
    manifest.write(
        layers=[{**asdict(name), "name": str(name), "depth": name.index / reader.n_layers} for name in reader.layers],
        model={**loaded.facts, "n_layers": reader.n_layers, **reader.found, **_pooling_facts(config)},
        **({"control": control} if control else {}),
        data=_data_facts(config, examples, tokens),
    )
    files = [folder.points, *(store.path(str(name)) for name in reader.layers)]
    manifest.finish_stage("extract", key, perf_counter() - started, files)


def is_extracted(folder: RunFolder, key: str, n_rows: int) -> bool:
    """True when all states are there, made from what `key` stands for, and their bytes are those that were written."""
    manifest = Manifest(folder.path)
    return manifest.is_stage_done("extract", key) and StateStore(folder.states, key, n_rows, BLOCK_ROWS).is_complete


def extraction_key(config: RunConfig, data_hash: str, control: str = "") -> str:
    """What the states depend on: options, data, control, and for a model folder the size and time of its files."""
    folder = Path(config.model.name).expanduser()
    weights = []
    if folder.is_dir():
        found = sorted(path for path in folder.iterdir() if path.is_file())
        weights = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found]
    parts = (config.key("data", "model"), data_hash, weights, *([control] if control else []))
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _read_block(
    reader: Reader, tokens: TokenizedTexts, store: StateStore, start: int, stop: int, advance: Any
) -> dict[str, Points]:
    rows = np.arange(start, stop)
    first = tokens.duplicate_of[rows]
    fresh = rows[first == rows]
    states = reader.read(fresh, advance) if len(fresh) else {}
    advance(len(rows) - len(fresh))
    line = {int(row): number for number, row in enumerate(fresh)}
    block = {}
    for name in (str(layer) for layer in reader.layers):
        earlier = store.read(name) if start else None
        vectors = [
            states[name][line[int(row)]] if int(row) in line else earlier[row]  # type: ignore[index]
            for row in first
        ]
        block[name] = np.stack(vectors)
    return block


def refuse_few(found: int, k: int, what: str) -> None:
    """Nothing when k neighbours of each of `found` points can be told from all points (k + 2 or more).

    Raises:
        InputError: too few; names the largest k that works.
    """
    if found == 1:
        raise InputError(f"all {what} are equal, or there is only one; there is no geometry to measure.")
    if found < k + 2:
        raise InputError(
            f"{found} {what} were found, but --k {k} needs at least {k + 2}. "
            + (f"Give more examples, or choose --k {found - 2} or less." if found > 4 else "Give more examples.")
        )


def check_disk(folder: RunFolder, needed: int, what: str) -> None:
    """Nothing when the states of a run fit on the disk beside what is there.

    Args:
        folder: the run.
        needed: bytes of all states.
        what: how many of what, for the message.

    Raises:
        StoreError: too little space; nothing was written.
    """
    existing = next(path for path in (folder.path.absolute(), *folder.path.absolute().parents) if path.exists())
    there = sum(file.stat().st_size for file in folder.states.glob("*.npy")) if folder.states.is_dir() else 0
    free = shutil.disk_usage(existing).free + there
    if needed > free:
        raise StoreError(
            f"the states need {needed / 1e9:.2f} GB ({what}), {free / 1e9:.2f} GB are free at {existing}. Free some space, "
            "choose another place with -o, or fewer examples or layers."
        )


def _write_points(folder: RunFolder, examples: Examples, tokens: TokenizedTexts) -> None:
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table(
        {
            "id": examples.ids,
            "label": examples.labels if examples.labels is not None else pyarrow.nulls(len(examples), pyarrow.string()),
            "group": examples.groups if examples.groups is not None else pyarrow.nulls(len(examples), pyarrow.string()),
            "text": [text[:SNIPPET] for text in examples.texts],
            "n_tokens": tokens.lengths,
            "truncated": tokens.truncated,
            "duplicate_of": [examples.ids[first] for first in tokens.duplicate_of],
        }
    )
    with atomic_path(folder.points) as temporary:
        parquet.write_table(table, temporary)


def _data_facts(config: RunConfig, examples: Examples, tokens: TokenizedTexts) -> dict[str, Any]:
    return {
        "path": config.data.path,
        "hash": examples.source_hash,
        "n_examples": len(examples),
        "n_dropped": examples.n_dropped,
        "n_truncated": int(tokens.truncated.sum()),
        "n_duplicate_texts": int((tokens.duplicate_of != np.arange(len(examples))).sum()),
        "n_labels": len(set(examples.labels)) if examples.labels is not None else 0,
        "text": config.data.text,
        "label": config.data.label,
    }


def _pooling_facts(config: RunConfig) -> dict[str, Any]:
    return {"pool": config.model.pool, "special_tokens": config.model.special_tokens, "site": config.model.site}
