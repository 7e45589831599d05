"""What a search for neighbours costs on the workers of an engine: measured here, and foretold for more points and workers.

    python benchmarks/engine_costs.py measure --points 5000 10000 20000 50000 --workers 2 --out measured.json
    python benchmarks/engine_costs.py foretell measured.json --points 1000000 10000000 --workers 2 16 64 256

`measure` searches real-like points (see `benchmarks/neighbors.py`) with Dask on this machine, one thread per worker, and notes
the seconds of each stage, its tasks, and the bytes of its answers. `foretell` fits the seconds of one worker,

    pairs     a n^2 d / 2 + c n S + t tasks        S stretches, S (S + 1) / 2 tasks
    decisions b n k d + t S

to these (none of a, b, c, t below 0), leaves out the largest measurement once to see how well it is foretold, and then
simulates: tasks of each stage go to whichever worker is free, a worker reads the stretches of a task from a shared disk, and
all answers come through the network of the driver. What was measured is simulated with points in memory, as they were.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from heapq import heapify, heapreplace
from math import ceil, inf
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from neighbors import real_like

from dimscope.engines import Engine, open_engine
from dimscope.knn.spread import search, stretch_height
from dimscope.pipeline.costs import fit_costs

NETWORK = 1.25e9
"""Bytes per second of the driver's network: 10 Gbit/s."""
DISK = 0.5e9
"""Bytes per second at which each worker reads from a shared disk."""
ITEM = 4
"""Bytes of a feature."""


@dataclass(frozen=True)
class Stage:
    """One `map` of a search: its function, tasks, seconds on the clock, and bytes of its answers."""

    name: str
    tasks: int
    seconds: float
    answer_bytes: int


@dataclass(frozen=True)
class Costs:
    """Seconds of one worker, and bytes.

    Attributes:
        product: seconds of a pair of rows and a feature.
        decision: of a neighbour and a feature.
        row: of a row in a stretch.
        task: of a task.
        row_bytes: bytes of all candidates of one row.
    """

    product: float
    decision: float
    row: float
    task: float
    row_bytes: float


class Counting:
    """An engine that notes what each stage took."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.stages = engine, list[Stage]()
        self.n_workers = engine.n_workers

    def map(self, work: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """As the engine's."""
        started, sizes = perf_counter(), list[int]()
        for place, found in self.engine.map(work, tasks):
            sizes.append(n_bytes(found))
            yield place, found
        self.stages.append(Stage(work.__name__, len(sizes), perf_counter() - started, sum(sizes)))


def n_bytes(found: Any) -> int:
    """Bytes of all arrays in an answer."""
    if isinstance(found, np.ndarray):
        return found.nbytes
    return sum(map(n_bytes, found)) if isinstance(found, tuple | list) else 0


def measure(sizes: Sequence[int], d: int, k: int, workers: int) -> dict[str, Any]:
    """Stages of the search of each size; points are made before the clock starts, and the quicker of two rounds counts."""
    runs = []
    with tempfile.TemporaryDirectory() as folder, open_engine("dask", None, workers) as engine:
        for n in [*sizes, *sizes]:
            path = Path(folder) / f"{n}.npy"
            if not path.exists():
                np.save(path, real_like(n, d, 0))
            counting, started = Counting(engine), perf_counter()
            search(np.load(path, mmap_mode="r"), k, path=path, engine=counting)  # type: ignore[arg-type]
            runs.append({"n": n, "seconds": perf_counter() - started, "stages": [asdict(stage) for stage in counting.stages]})
            print(f"{n} x {d}, k = {k}: {runs[-1]['seconds']:.2f} s", file=sys.stderr)
    return {
        "d": d,
        "k": k,
        "workers": workers,
        "runs": [min(pair, key=lambda run: run["seconds"]) for pair in zip(runs, runs[len(sizes) :], strict=False)],
    }


def fitted(measured: dict[str, Any], runs: Sequence[dict[str, Any]]) -> Costs:
    """The costs that explain these runs."""
    d, k, workers = measured["d"], measured["k"], measured["workers"]
    lines, seconds = [], []
    for run in runs:
        n, stretches = run["n"], stretches_of(run["n"], workers)
        lines.append([n * n * d / 2, 0, n * stretches, stretches * (stretches + 1) / 2])
        seconds.append(workers * sum(stage["seconds"] for stage in run["stages"] if stage["name"] == "collect"))
        lines.append([0, n * k * d, 0, stretches])
        seconds.append(workers * sum(stage["seconds"] for stage in run["stages"] if stage["name"] == "decided"))
    found = fit_costs(lines, seconds).tolist()
    last = runs[-1]
    collected = sum(stage["answer_bytes"] for stage in last["stages"] if stage["name"] == "collect")
    return Costs(*found, row_bytes=collected / last["n"])


def stretches_of(n: int, workers: int) -> int:
    """Stretches into which the rows are cut."""
    return ceil(n / stretch_height(n, workers))


def simulate(n: int, d: int, k: int, workers: int, costs: Costs, disk: float = DISK) -> dict[str, float]:
    """Tasks, bytes and seconds of one search; `disk` is what each worker reads in a second."""
    stretches = stretches_of(n, workers)
    height = n / stretches
    half = costs.product * height**2 * d / 2 + costs.row * height + costs.task
    pair = costs.product * height**2 * d + 2 * costs.row * height + costs.task
    read = height * d * ITEM / disk
    decision = costs.decision * height * k * d + costs.task
    stages = {
        "first": [half + read],
        "sample": [pair + 2 * read] * (stretches - 1),
        "others": [pair + 2 * read] * ((stretches - 1) * (stretches - 2) // 2) + [half + read] * (stretches - 1),
        "decisions": [decision + read] * stretches,
    }
    moved = {"first": 0.0, "sample": 0.0, "others": n * costs.row_bytes, "decisions": n * (costs.row_bytes + 12 * k)}
    seconds = {name: max(scheduled(tasks, workers), moved[name] / NETWORK) for name, tasks in stages.items()}
    return {
        "n": n, "workers": workers, "stretches": stretches, "tasks": sum(map(len, stages.values())),
        "moved": sum(moved.values()), "read": height * d * ITEM * (stretches**2 + stretches), "seconds": sum(seconds.values()),
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
            {"n": run["n"], "seconds": run["seconds"], "fitted": value} for run, value in zip(runs, again, strict=True)
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
    parser.add_argument("what", choices=("measure", "foretell"))
    parser.add_argument("file", nargs="?", type=Path, help="what measure wrote")
    parser.add_argument("--points", type=int, nargs="+", default=[5000, 10_000, 20_000, 50_000])
    parser.add_argument("--features", type=int, default=1280)
    parser.add_argument("--neighbors", type=int, default=50)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args(words)
    if given.what == "measure":
        found = measure(given.points, given.features, given.neighbors, given.workers[0])
    else:
        found = foretell(json.loads(given.file.read_text()), given.points, given.workers)
    text = json.dumps(found, indent=1)
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
