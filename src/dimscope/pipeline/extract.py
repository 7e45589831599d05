"""Stage 1: from a model and a data set to one array of states per layer."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.config import RunConfig
from dimscope.engines import HERE, Engine
from dimscope.files import hash_file
from dimscope.inputs.base import Examples
from dimscope.inputs.examples import read_examples
from dimscope.models.load import LoadedModel
from dimscope.models.prepared import Prepared
from dimscope.models.reader import Reader
from dimscope.pipeline.filling import Filling, read_here
from dimscope.pipeline.limits import check_disk
from dimscope.pipeline.log import log_event
from dimscope.pipeline.points import write_example_rows, write_token_rows
from dimscope.pipeline.pools import split_pools, with_pool
from dimscope.pipeline.reading import open_reading
from dimscope.pipeline.shards import read_by
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder, clear_results, write_config
from dimscope.store.manifest import Manifest
from dimscope.store.states import StateStore, is_whole

BLOCK_ROWS = 512
"""Examples per row block: the work that a kill can cost, and the window in which lengths are sorted."""


@dataclass(frozen=True, eq=False)
class _Target:
    """One pooling and the run folder that it fills."""

    config: RunConfig
    folder: RunFolder
    key: str

    @property
    def pool(self) -> str:
        return self.config.model.pool


def extract(
    config: RunConfig,
    folder: RunFolder,
    progress: Progress,
    *,
    redo: bool = False,
    control: str = "",
    engine: Engine = HERE,
) -> None:
    """Fill `states/` and `points.parquet`; finished row blocks of an interrupted run are kept, unless `redo` is asked for.

    Several poolings are read in one pass, the first into the folder, the others below its `pools/`. Everything that can be
    wrong with data, model and options is found before the first file is written or removed. With `control` the weights are
    fresh (`untrained`) or the tokens of each text are in random order (`shuffled`). The workers of an `engine` read row blocks,
    which are stored here; the model is loaded here too, to see that it can be read.

    Raises:
        InputError, ModelError, UsageError, StoreError, EngineError: see the functions called.
    """
    started = perf_counter()
    examples = read_examples(config.data)
    places = split_pools(config, folder)
    every = [_Target(own, place, extraction_key(own, examples.source_hash, control)) for own, place in places]
    targets = every if redo else [target for target in every if not is_extracted(target.folder, target.key)]
    if not targets:
        progress.message(f"states of {len(examples)} examples are there already")
        return
    config = with_pool(config, ",".join(target.pool for target in targets))
    reading = open_reading(config, examples, progress, block_rows=BLOCK_ROWS, control=control)
    check_disk([target.folder for target in targets], sum(reading.state_bytes.values()) * len(targets), reading.size)
    reader, tokens, plan = reading.reader, reading.tokens, reading.plan
    if redo:
        clear_results(folder)
    for target in targets:
        _open_target(target, examples, tokens, reading.loaded)
        log_event(target.folder.log, "extract", examples=len(examples), model=reading.loaded.facts, engine=engine.facts)
    stores = {target.pool: StateStore(target.folder.states, target.key, plan.n_rows, plan.store_block) for target in targets}
    read = read_by(engine, reading, config, control, BLOCK_ROWS) if engine.is_remote else read_here(reading)
    Filling(reading, stores).run(read, progress)
    for target in targets:
        _finish_target(target, reader, {**_data_facts(config, examples, tokens), **plan.facts}, control, started)


def is_extracted(folder: RunFolder, key: str) -> bool:
    """True when all states are there, made from what `key` stands for, and their bytes are those that were written."""
    return Manifest(folder.path).is_stage_done("extract", key) and is_whole(folder.states, key)


def extraction_key(config: RunConfig, data_hash: str, control: str = "") -> str:
    """What the states depend on: options, data, control, content of a cluster file, size and time of the files of a model."""
    folder = Path(config.model.name).expanduser()
    found = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    found = [folder] if folder.is_file() else found
    weights = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found]
    clusters = [Path(config.model.clusters).expanduser()] if config.model.clusters is not None else []
    colors = [hash_file(path) for path in clusters if path.is_file()]  # one that is missing is refused when it is read
    parts = (config.key("data", "model"), data_hash, weights, *([control] if control else []), *colors)
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _open_target(target: _Target, examples: Examples, tokens: Prepared, loaded: LoadedModel) -> None:
    folder = target.folder
    write_config(folder, target.config)
    Manifest(folder.path).write(stages={})  # whatever was measured from other states, or from damaged ones, is not kept
    if target.pool == "tokens":
        write_token_rows(folder, examples, tokens, loaded.tokenizer)
    else:
        write_example_rows(folder, examples, tokens)


def _finish_target(target: _Target, reader: Reader, data: dict[str, Any], control: str, started: float) -> None:
    folder, model = target.folder, target.config.model
    manifest = Manifest(folder.path)
    pooling = {"pool": target.pool, "special_tokens": model.special_tokens, "site": model.site}
    manifest.write(
        layers=[{**asdict(name), "name": str(name), "depth": name.index / reader.n_layers} for name in reader.layers],
        model={**reader.loaded.facts, "n_layers": reader.n_layers, **reader.found, **pooling},
        **({"control": control} if control else {}),
        data=data,
    )
    files = [folder.points, *(folder.states / f"{name}.npy" for name in reader.layers)]
    manifest.finish_stage("extract", target.key, perf_counter() - started, files)


def _data_facts(config: RunConfig, examples: Examples, tokens: Prepared) -> dict[str, Any]:
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
