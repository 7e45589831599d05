"""The neighbour table of each layer of a run: found where there is none yet, in this process or by workers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

from dimscope.arrays import Points, refuse_non_finite
from dimscope.config import MeasureConfig, RunConfig
from dimscope.engines import Engine
from dimscope.errors import InputError
from dimscope.knn import FEW_POINTS, search_distinct
from dimscope.knn.base import Backend, Duplicates, Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline.columns import Setting
from dimscope.pipeline.tasks import SearchTask, policy_of, searched
from dimscope.profile import Layer
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder
from dimscope.store.lending import Lender, LentTable, carried, each
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states
from dimscope.store.tables import write_table


@dataclass(frozen=True, eq=False)
class Job:
    """One measuring as the process that started it sees it."""

    setting: Setting
    folder: RunFolder
    manifest: Manifest
    engine: Engine
    lender: Lender

    @property
    def options(self) -> MeasureConfig:
        """Which measures."""
        return self.setting.config.measure

    def key(self, k: int) -> str:
        """What a table of k neighbours depends on."""
        return table_key(str(self.manifest.content["stages"]["extract"]["key"]), self.setting.config, k)

    @property
    def has_points(self) -> bool:
        """False where only neighbour tables were given."""
        return bool(self.manifest.content["data"].get("has_points", True))

    def size_of(self, layer: Layer) -> tuple[int, int, int]:
        """Rows, features (0 where only tables were given) and neighbours of a layer."""
        if not self.has_points:
            return int(self.manifest.content["data"]["n_examples"]), 0, self.options.k
        n, d = open_states(self.states_of(layer)).shape
        return n, d, self.options.k

    def states_of(self, layer: Layer) -> Path:
        """The file of its points."""
        return self.folder.states / f"{layer.name}.npy"

    def k_of(self, duplicates: Duplicates) -> int:
        """Neighbours kept: where many rows are equal fewer exist than were asked for; the column `k` says how many."""
        return min(self.options.k, len(duplicates.rows) - 1)


def find_tables(job: Job, layers: Sequence[Layer], progress: Progress) -> Iterator[LentTable | None]:
    """The table of each layer, in their order; None where fewer than three rows differ.

    In this process each is found when it is asked for. By workers all are found first, as a search has all of them for itself.
    """
    return _tables_first(job, layers, progress) if job.engine.is_remote else _tables(job, layers)


def _tables(job: Job, layers: Sequence[Layer]) -> Iterator[LentTable | None]:
    for layer in layers:
        found, path = _find(job, layer), job.folder.table_of(layer.name)
        yield None if found is None else job.lender.table(path, found if isinstance(found, Neighbors) else None)


def _tables_first(job: Job, layers: Sequence[Layer], progress: Progress) -> Iterator[LentTable | None]:
    _search_few(job, layers)
    paths = []
    with progress.stage("neighbors", len(layers)) as task:
        for layer in layers:
            paths.append(None if _find(job, layer) is None else job.folder.table_of(layer.name))
            task.advance()
    return (None if path is None else job.lender.table(path) for path in paths)


def _find(job: Job, layer: Layer) -> Neighbors | Path | None:
    """The table of a layer: as it was found now, or where it is stored already; None where fewer than three rows differ."""
    path = job.folder.table_of(layer.name)
    if not job.has_points:  # the tables were given
        return path
    points, duplicates = _checked(job, layer)
    if duplicates.n_unique < 3:
        return None
    k = job.k_of(duplicates)
    if job.manifest.is_stage_done(f"neighbors/{layer.name}", job.key(k)):
        return path
    started = perf_counter()
    device, tiles = job.setting.config.model.device, _by_workers(job.engine, job.states_of(layer))
    device = "cpu" if tiles and device == "auto" else search_device(device)
    table = search_distinct(points, k, duplicates, device=device, tiles=tiles)
    _store(job, layer, table, k, perf_counter() - started)
    return table


def _search_few(job: Job, layers: Sequence[Layer]) -> None:
    """Find the tables of layers of few points, each by one worker; the search of many points is cut into tasks itself."""
    if not job.has_points or job.setting.config.model.device not in ("auto", "cpu"):
        return

    def tasks() -> Iterator[SearchTask]:
        for place, layer in enumerate(layers):
            if len(open_states(job.states_of(layer))) > FEW_POINTS:
                continue
            _, duplicates = _checked(job, layer)
            k = job.k_of(duplicates)
            if duplicates.n_unique >= 3 and not job.manifest.is_stage_done(f"neighbors/{layer.name}", job.key(k)):
                yield SearchTask(place, job.lender.points(job.states_of(layer)), k, duplicates.policy, "cpu")

    started = perf_counter()
    for task, table in each(job.engine, searched, tasks(), carried):
        _store(job, layers[task.place], table, task.k, perf_counter() - started)
        started = perf_counter()


def _checked(job: Job, layer: Layer) -> tuple[Points, Duplicates]:
    """The points of a layer and which of them are equal."""
    points = open_states(job.states_of(layer))
    try:
        refuse_non_finite(points)
    except InputError as error:
        raise InputError(f"layer {layer.name}: {error}") from None
    return points, find_duplicates(points, policy_of(job.options.duplicates))


def _store(job: Job, layer: Layer, table: Neighbors, k: int, seconds: float) -> None:
    path = job.folder.table_of(layer.name)
    write_table(path, table)
    job.manifest.finish_stage(f"neighbors/{layer.name}", job.key(k), seconds, [path])


def search_device(device: str) -> str:
    """Where the neighbours of a model on this device, or first on this one, are searched: mps has no float64."""
    first = device.split(",")[0].strip()
    return "cpu" if first == "mps" else first


def _by_workers(engine: Engine, states: Path) -> Backend | None:
    """The search by the workers of an engine, where it has some."""
    if not engine.is_remote:
        return None
    from dimscope.knn.spread import search  # compiles: only where it is used

    return partial(search, path=states, engine=engine)


def table_key(states_key: str, config: RunConfig, k: int) -> str:
    """What the neighbour table of a layer depends on."""
    return f"{states_key}-{k}-{config.measure.duplicates}"
