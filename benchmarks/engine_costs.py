"""What a search for neighbours costs on the workers of an engine: measured here, and foretold for more points and workers.

    python benchmarks/engine_costs.py measure --points 5000 10000 20000 50000 --workers 2 --out measured.json
    python benchmarks/engine_costs.py memory --points 20000 --workers 2
    python benchmarks/engine_costs.py foretell measured.json --points 1000000 10000000 --workers 2 16 64 256

`measure` searches real-like points (see `benchmarks/neighbors.py`) with Dask on this machine, one thread per worker, and notes
of each task its kind, its seconds on the worker and the bytes of its answer. A first search loads what is compiled; the quicker
one of four further searches, of other points than before, counts. `memory` notes the largest resident memory of a driver that
does nothing else and of its workers, before and after one search; pages of the points, which are mapped, are part of it.

`foretell` fits the seconds of one task,

    start, pair   a p d + c r d + t        p pairs of rows that it multiplies, r rows
    decision      b r k d + t

to these (none of a, b, c, t below 0), leaves out the largest measurement once to see how well it is foretold, and then
simulates: tasks of each kind go to whichever worker is free, each worker reads the points once from a shared disk, and all
answers come through the network of the driver. What was measured is simulated with points in memory, as they were.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from heapq import heapify, heapreplace
from itertools import combinations
from math import inf
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from neighbors import real_like

from dimscope.arrays import even_spans
from dimscope.engines import Engine, open_engine
from dimscope.knn.handover import Laid
from dimscope.knn.parts import Decision, Found, Pair, Start
from dimscope.knn.spread import cut_of, pieces_of, regions_of, search
from dimscope.pipeline.costs import fit_costs

NETWORK = 1.25e9
"""Bytes per second of the driver's network: 10 Gbit/s."""
DISK = 0.5e9
"""Bytes per second at which each worker reads from a shared disk."""
ITEM = 4
"""Bytes of a feature."""


@dataclass(frozen=True)
class Done:
    """One task: its kind, the pairs of rows that it multiplies, its rows, its seconds on a worker, and bytes.

    Attributes:
        answer_bytes: what came back to the driver, in the answer or, decided rows, by way of the folder.
        folder_bytes: candidates that the task left in the folder.
    """

    kind: str
    pairs: float
    rows: int
    seconds: float
    answer_bytes: int
    folder_bytes: int


@dataclass(frozen=True)
class Costs:
    """Seconds of one worker, and bytes.

    Attributes:
        product: seconds of a pair of rows and a feature.
        decision: of a neighbour and a feature.
        row: of a row and a feature in a start or a pair.
        task: of a task.
        row_bytes: bytes of all candidates of one row.
    """

    product: float
    decision: float
    row: float
    task: float
    row_bytes: float


class Counting:
    """An engine that notes what each task took."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.done = engine, list[Done]()
        self.n_workers = engine.n_workers

    def map(self, work: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """As the engine's."""
        given = list[Any]()

        def noted() -> Iterator[Any]:
            for task in tasks:
                if task is not None:
                    given.append(task)
                yield task

        for place, (seconds, found) in self.engine.map(partial(timed, work), noted()):
            self.done.append(done(given[place], seconds, found))
            yield place, found


def timed(work: Callable[[Any], Any], task: Any) -> tuple[float, Any]:
    """Seconds and answer of a task, on the worker."""
    started = perf_counter()
    found = work(task)
    return perf_counter() - started, found


def done(task: Any, seconds: float, found: Any) -> Done:
    """What is noted of a task."""
    kind, pairs, rows = "other", 0.0, 0
    if isinstance(task, Start):
        (_, sample), (first, last) = task.search.span(0), task.search.span(task.stretch)
        kind, pairs, rows = "start", pairs_of_start(sample, last - first), sample + last - first
    elif isinstance(task, Pair):
        lengths = [last - first for first, last in (task.rows, task.search.span(task.stretches[1]))]
        kind, pairs, rows = "pair", float(lengths[0] * lengths[1]), sum(lengths)
    elif isinstance(task, Decision):
        kind, rows = "decision", len(task.rows)
    left = [part.lists for part in found.candidates] if isinstance(found, Found) else []
    folder = sum(n_bytes_of_form(form) for lists in left if isinstance(lists, Laid) for form in lists.forms)
    answered = sum(map(n_bytes_of_form, found.forms)) if isinstance(found, Laid) else n_bytes(found)
    return Done(kind, pairs, rows, seconds, answered, folder)


def pairs_of_start(sample: int, height: int) -> float:
    """Pairs of rows that a start multiplies: the sample and the stretch with the sample, the stretch with itself."""
    return sample * (sample / 2 + height) + height**2 / 2


def n_bytes(found: Any) -> int:
    """Bytes of all arrays in an answer."""
    if isinstance(found, np.ndarray):
        return found.nbytes
    return sum(map(n_bytes, found)) if isinstance(found, tuple | list) else 0


def n_bytes_of_form(form: Any) -> int:
    """Bytes of an array in a file."""
    return int(np.prod(form.shape) * np.dtype(form.dtype).itemsize)


def measure(sizes: Sequence[int], d: int, k: int, workers: int) -> dict[str, Any]:
    """Tasks of the search of each size."""
    runs = []
    with tempfile.TemporaryDirectory() as folder, open_engine("dask", None, workers) as engine:
        for n in sizes:
            paths = [Path(folder) / f"{n}-{seed}.npy" for seed in (0, 1)]
            for seed, path in enumerate(paths):
                np.save(path, real_like(n, d, seed))
            rounds = [_searched(paths[place % 2], k, engine) for place in range(5)]
            found = min(rounds[1:], key=lambda one: float(one["seconds"]))
            runs.append({"n": n, **found})
            print(f"{n} x {d}, k = {k}: {found['seconds']:.2f} s", file=sys.stderr)
    return {"d": d, "k": k, "workers": workers, "runs": runs}


def memory(n: int, d: int, k: int, workers: int) -> dict[str, Any]:
    """Megabytes before and after a search; another process makes the points."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{size}.npy" for size in (5000, n)]
        for size, path in zip((5000, n), paths, strict=True):
            maker = get_context("spawn").Process(target=save_points, args=(path, size, d))
            maker.start()
            maker.join()
        found: dict[str, Any] = {"n": n, "d": d, "k": k, "points": n * d * ITEM / 1e6}
        with open_engine("dask", None, workers) as engine:
            for when, path in zip(("before", "after"), paths, strict=True):
                _searched(path, k, engine)
                peaks = engine.client.run(peak_megabytes).values()  # type: ignore[attr-defined]
                found |= {f"driver {when}": peak_megabytes(), f"workers {when}": sorted(peaks)}
    return found


def save_points(path: Path, n: int, d: int) -> None:
    """Real-like points in a file."""
    np.save(path, real_like(n, d, 0))


def peak_megabytes() -> float:
    """The largest resident memory that this process had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _searched(path: Path, k: int, engine: Engine) -> dict[str, Any]:
    counting, started = Counting(engine), perf_counter()
    search(np.load(path, mmap_mode="r"), k, path=path, engine=counting)  # type: ignore[arg-type]
    return {"seconds": perf_counter() - started, "tasks": [asdict(one) for one in counting.done]}


def fitted(measured: dict[str, Any], runs: Sequence[dict[str, Any]]) -> Costs:
    """The costs that explain the tasks of these runs."""
    d, k = measured["d"], measured["k"]
    lines, seconds = [], []
    for run in runs:
        for task in (task for task in run["tasks"] if task["kind"] != "other"):
            is_decision = task["kind"] == "decision"
            decided, rows = (task["rows"] * k * d, 0) if is_decision else (0, task["rows"] * d)
            lines.append([task["pairs"] * d, decided, rows, 1])
            seconds.append(task["seconds"])
    product, decision, row, task_seconds = fit_costs(lines, seconds).tolist()
    in_folder = sum(task["folder_bytes"] for task in runs[-1]["tasks"])
    return Costs(product, decision, row, task_seconds, in_folder / runs[-1]["n"])


def lengths_of(n: int, d: int, k: int, workers: int) -> dict[str, list[tuple[float, int]]]:
    """Pairs of rows, and rows, of the tasks of each kind."""
    sample, height = cut_of(n, d, k, workers)
    spans = [(first, min(first + height, n)) for first in range(sample, n, height)]
    couples = list(combinations(range(len(spans)), 2))
    pieces = pieces_of(len(couples), workers)
    cut = [
        (last - first, spans[other][1] - spans[other][0])
        for one, other in couples
        for first, last in even_spans(*spans[one], pieces)
    ]
    regions, groups = regions_of(n, workers)
    return {
        "start": [(pairs_of_start(sample, last - first), sample + last - first) for first, last in spans],
        "pair": [(one * other, one + other) for one, other in cut],
        "decision": [(0, last - first) for region in regions for first, last in even_spans(*region, groups)],
    }


def simulate(n: int, d: int, k: int, workers: int, costs: Costs, disk: float = DISK) -> dict[str, float]:
    """Tasks, bytes and seconds of one search; `disk` is what each worker reads in a second."""
    lengths = lengths_of(n, d, k, workers)
    stages = {
        kind: [
            costs.product * pairs * d + costs.task
            + (costs.decision * rows * k * d if kind == "decision" else costs.row * rows * d)
            for pairs, rows in found
        ]
        for kind, found in lengths.items()
    }  # fmt: skip
    moved = {"start": 24.0 * n, "pair": 8.0 * sum(rows for _, rows in lengths["pair"]), "decision": n * (12.0 * k + 8)}
    seconds = {kind: max(scheduled(tasks, workers), moved[kind] / NETWORK) for kind, tasks in stages.items()}
    read = n * d * ITEM / disk
    return {
        "n": n, "workers": workers, "stretches": len(lengths["start"]), "tasks": sum(map(len, stages.values())),
        "moved": sum(moved.values()), "folder": n * costs.row_bytes, "seconds": sum(seconds.values()) + read,
    }  # fmt: skip


def scheduled(tasks: Sequence[float], workers: int) -> float:
    """When the last task ends, each taken by the worker that is free first."""
    free = [0.0] * workers
    heapify(free)
    for task in tasks:
        heapreplace(free, free[0] + task)
    return max(free)


def foretell(measured: dict[str, Any], sizes: Sequence[int], workers: Sequence[int]) -> dict[str, Any]:
    """Costs, how well the largest measurement is foretold by the others, and the simulation of what was asked."""
    d, k, own, runs = measured["d"], measured["k"], measured["workers"], measured["runs"]
    costs, without = fitted(measured, runs), fitted(measured, runs[:-1])
    again = [simulate(run["n"], d, k, own, costs, inf)["seconds"] for run in runs]
    return {
        "costs": asdict(costs),
        "measured": [
            {"n": run["n"], "seconds": run["seconds"], "fitted": value, "tasks": len(run["tasks"])}
            for run, value in zip(runs, again, strict=True)
        ],
        "left out": {
            "n": runs[-1]["n"], "measured": runs[-1]["seconds"],
            "foretold": simulate(runs[-1]["n"], d, k, own, without, inf)["seconds"],
        },
        "simulated": [simulate(n, d, k, number, costs) for n in sizes for number in workers],
    }  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    """Parse the command line and print or write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "memory", "foretell"))
    parser.add_argument("file", nargs="?", type=Path, help="what measure wrote")
    parser.add_argument("--points", type=int, nargs="+", default=[5000, 10_000, 20_000, 50_000])
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--neighbors", type=int, default=50)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(words)
    if given.what == "measure":
        found = measure(given.points, given.features, given.neighbors, given.workers[0])
    elif given.what == "memory":
        found = memory(given.points[0], given.features, given.neighbors, given.workers[0])
    else:
        found = foretell(json.loads(given.file.read_text()), given.points, given.workers)
    text = json.dumps(found, indent=1)
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
