"""Neighbours by the workers of an engine beside the threads of one process, interleaved; the tables must be equal bit by bit.

    python benchmarks/engines.py --points 20000 --features 1280 --neighbors 100 --workers 2

Start-up (processes, imports, the first search of each worker) is told apart: a run pays it once for all layers.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from neighbors import real_like

from dimscope.engines import Engine, open_engine
from dimscope.knn import spread
from dimscope.knn.duplicates import find_duplicates
from dimscope.knn.on_tiles import search


class Timed:
    """An engine that adds up the seconds of each kind of task, waiting of the driver included."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.seconds, self.n_tasks = engine, defaultdict(float), defaultdict(int)
        self.n_workers = engine.n_workers

    def map(self, work: Any, tasks: Any) -> Any:
        """As that of the engine."""
        started = perf_counter()
        for answer in self.engine.map(work, tasks):
            self.n_tasks[work.__name__] += 1
            yield answer
        self.seconds[work.__name__] += perf_counter() - started


def time_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    started = perf_counter()
    found = work()
    return perf_counter() - started, found


def compare(points: np.ndarray, path: Path, options: argparse.Namespace, engine: Engine) -> dict[str, Any]:
    """Seconds of both, round by round."""
    rows, k = find_duplicates(points).rows, options.neighbors
    here, there, stages = [], [], []
    first, expected = time_of(lambda: search(points, k, rows=rows, threads=options.workers))
    cold, _ = time_of(lambda: spread.search(points, k, path=path, engine=engine, rows=rows))
    for _ in range(options.rounds):
        seconds, found = time_of(lambda: search(points, k, rows=rows, threads=options.workers))
        here.append(seconds)
        timed = Timed(engine)
        seconds, found = time_of(lambda timed=timed: spread.search(points, k, path=path, engine=timed, rows=rows))
        there.append(seconds)
        stages.append(dict(timed.seconds))
        assert np.array_equal(found[0], expected[0]), "other neighbours"
        assert np.array_equal(found[1].view(np.int64), expected[1].view(np.int64)), "other distances"
    return {
        "n": len(rows), "d": points.shape[1], "k": k, "workers": options.workers, "tasks": sum(timed.n_tasks.values()),
        "threads_s": here, "engine_s": there, "ratio": median(there) / median(here),
        "first_threads_s": first, "first_engine_s": cold,
        "stages_s": {name: median(one[name] for one in stages) for name in stages[0]},
    }  # fmt: skip


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"points": 20_000, "features": 1280, "neighbors": 100, "workers": 2, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.npy"
        np.save(path, real_like(options.points, options.features, 0))
        seconds, engine = time_of(lambda: open_engine("dask", workers=options.workers))
        with engine:
            found = compare(np.load(path, mmap_mode="r"), path, options, engine)
    print(json.dumps({"open_s": seconds, **found}, indent=1))


if __name__ == "__main__":
    main()
