"""Controls: the same measures where there is nothing to find, each in a run folder of its own below `controls/`."""

import shutil
from dataclasses import replace
from time import perf_counter
from typing import NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, Points
from dimscope.config import RunConfig
from dimscope.engines import HERE, Engine
from dimscope.engines.shared import share
from dimscope.errors import InputError, UsageError
from dimscope.files import atomic_path
from dimscope.knn.base import Duplicates
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps.labels import permuted_label_overlap
from dimscope.pipeline.columns import Setting, columns_of
from dimscope.pipeline.extract import extract
from dimscope.pipeline.log import log_event
from dimscope.pipeline.measure import exchange_columns, measure, measured_layers
from dimscope.profile import CONTROLLED, CONTROLS, Layer, Profile
from dimscope.progress import Progress
from dimscope.spectra import CHUNK
from dimscope.store.folder import RunFolder, write_config
from dimscope.store.lending import Lender, LentTable, carried, each, open_table
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states

NEED_A_MODEL = ("untrained", "shuffled")
GAUSSIAN_STREAM = 2
"""Keeps the normal numbers apart from other uses of the same seed."""
REPEATS = 100
"""Permutations of the labels; their mean is known to a tenth of their spread."""


def refuse_impossible_controls(config: RunConfig) -> None:
    """Nothing when every control that is asked for can be made.

    Raises:
        UsageError: a control that needs a model without one, or one that needs labels without them.
    """
    asked = config.measure.control
    needing = [name for name in NEED_A_MODEL if name in asked]
    if needing and not config.model.name:
        raise UsageError(
            f"--control {needing[0]} runs the model again, but these are arrays without one; --control gaussian and, with "
            "labels, --control permuted need none."
        )
    if "permuted" in asked and config.data.label is None:
        raise UsageError("--control permuted deals labels anew, but there are none; name their column with --label.")


def add_controls(config: RunConfig, folder: RunFolder, profile: Profile, progress: Progress, engine: Engine = HERE) -> Profile:
    """The profile with the columns of the controls that are asked for, and of no others; stored when they changed.

    Finished controls are read from `controls/`, those of an interrupted run go on where they were.

    Raises:
        InputError: the data changed since the run was extracted.
        DimscopeError: what `extract` and `measure` raise.
    """
    columns: dict[str, FloatArray] = {}
    started = perf_counter()
    for name in config.measure.control:
        if name == "permuted":
            columns |= _permuted(config, folder, profile, engine)
        else:
            columns |= _measured(config, folder, profile, name, progress, engine)
    stale = [f"{quantity}_{name}{end}" for quantity in CONTROLLED for name in CONTROLS for end in ("", "_err")]
    return exchange_columns(config, folder, profile, stale, columns, perf_counter() - started)


def _measured(
    config: RunConfig, folder: RunFolder, profile: Profile, name: str, progress: Progress, engine: Engine
) -> dict[str, FloatArray]:
    """The columns of a control that has states of its own."""
    own = RunFolder(folder.controls / name)
    scale = "paper" if config.measure.scale == "paper" else "first"
    alone = replace(config.measure, control=(), measures=(), further_k="", replicates=0, scale=scale)
    options = replace(config, measure=alone)
    progress.message(f"control: {name}")
    log_event(folder.log, "control", name=name)
    if name == "gaussian":
        _draw_gaussian(options, folder, own)
    else:
        extract(options, own, progress, control=name, engine=engine)
        _refuse_other_data(folder, own)
    found = measure(options, own, progress, engine)
    source = "dimension" if config.measure.scale != "auto" else f"gride_{_common_rank(profile)}"
    # Normal points of different layers share nothing, and they have no labels: their overlaps would be chance by construction.
    pairs = (
        {"dimension": source} if name == "gaussian" else {quantity: quantity for quantity in CONTROLLED} | {"dimension": source}
    )
    return {
        f"{quantity}_{name}{end}": found.values(f"{column}{end}")
        for quantity, column in pairs.items()
        for end in ("", "_err")
        if found.has(f"{column}{end}")
    }


def _common_rank(profile: Profile) -> int:
    return int(np.nanmax(profile.values("dimension_scale")))


def _refuse_other_data(folder: RunFolder, own: RunFolder) -> None:
    hashes = [Manifest(place.path).content["data"]["hash"] for place in (folder, own)]
    if hashes[0] != hashes[1]:
        raise InputError(
            f"the data changed since {folder.path} was extracted; a control of other data says nothing. Run again with "
            "--on-existing redo."
        )


class PermutedTask(NamedTuple):
    """The label overlap of the layer `place` when the labels are dealt anew."""

    setting: Setting
    place: int
    table: LentTable


def permuted(task: PermutedTask) -> tuple[float, float]:
    """Mean and spread of it."""
    columns, config = columns_of(task.setting), task.setting.config
    assert columns.labels is not None
    null = permuted_label_overlap(
        open_table(task.table),
        columns.labels,
        config.measure.overlap_k,
        exclude=columns.groups,
        repeats=REPEATS,
        seed=config.data.seed,
    )
    return null.mean, null.spread


def _permuted(config: RunConfig, folder: RunFolder, profile: Profile, engine: Engine) -> dict[str, FloatArray]:
    """Mean and spread of the label overlap of each layer that has one."""
    setting, lender = Setting(config, share(folder.points), by_prompt=False), Lender(engine)
    layers, k = measured_layers(Manifest(folder.path)), config.measure.overlap_k
    values = np.full((2, len(layers)), np.nan)
    widths = profile.values("k") if profile.has("k") else values[0]  # NaN where a layer has no table
    if len(set(columns_of(setting).labels or ())) >= 2:
        tasks = (
            PermutedTask(setting, place, lender.table(folder.table_of(layer.name)))
            for place, (layer, width) in enumerate(zip(layers, widths, strict=True))
            if width >= k
        )
        for task, answer in each(engine, permuted, tasks, carried):
            values[:, task.place] = answer
    return {"label_overlap_permuted": values[0], "label_overlap_permuted_err": values[1]}


def _draw_gaussian(config: RunConfig, folder: RunFolder, own: RunFolder) -> None:
    """Fill the states of `own` with normal points, layer by layer."""
    source = Manifest(folder.path).content
    key = f"{source['stages']['extract']['key']}-gaussian-{config.data.seed}-{config.measure.duplicates}"
    layers = measured_layers(Manifest(folder.path))
    started = perf_counter()
    own.states.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(own.path)
    if manifest.is_stage_done("extract", key):
        return
    write_config(own, config)
    with atomic_path(own.points) as temporary:
        shutil.copyfile(folder.points, temporary)
    for layer in layers:
        _draw_layer(config, folder, own, layer, key)
    manifest = Manifest(own.path)
    manifest.write(**{name: source[name] for name in ("layers", "model", "data")}, control="gaussian")
    files = [own.points, *(own.states / f"{layer.name}.npy" for layer in layers)]
    manifest.finish_stage("extract", key, perf_counter() - started, files)


def _draw_layer(config: RunConfig, folder: RunFolder, own: RunFolder, layer: Layer, key: str) -> None:
    manifest, path, started = Manifest(own.path), own.states / f"{layer.name}.npy", perf_counter()
    if manifest.is_stage_done(f"states/{layer.name}", key):
        return
    points = open_states(folder.states / path.name)
    duplicates = find_duplicates(points, "keep" if config.measure.duplicates == "keep" else "merge")
    rng = np.random.default_rng([config.data.seed, GAUSSIAN_STREAM, layer.index, len(layer.site)])
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, gaussian_like(points, duplicates, rng))
    manifest.finish_stage(f"states/{layer.name}", key, perf_counter() - started, [path])


def gaussian_like(points: Points, duplicates: Duplicates, rng: np.random.Generator) -> Points:
    """Normal points with the mean and the covariance of the distinct points, as many of them and of the same dtype.

    Rows that are equal in `points` are equal in the result. O(n d min(n, d)), memory O(n d) in float64.
    """
    rows = duplicates.first_rows
    distinct = np.asarray(points[rows], dtype=np.float64)
    mean = distinct.mean(axis=0)
    factor = np.linalg.qr(distinct - mean, mode="r")  # factor.T @ factor = n covariance
    del distinct
    drawn = np.empty(points.shape, dtype=points.dtype)
    place = np.searchsorted(rows, duplicates.representative)
    normal = rng.standard_normal((len(rows), len(factor)))
    for start in range(0, len(points), CHUNK):
        block = normal[place[start : start + CHUNK]] @ factor
        drawn[start : start + CHUNK] = block / np.sqrt(len(rows)) + mean
    return drawn
