"""Neighbours by workers of an engine beside the threads of one process, interleaved; the tables must be equal bit by bit.

    python benchmarks/engines.py --points 20000 --features 1280 --neighbors 50 --workers 2

Each round searches other points than the one before, as a run does with its layers: nothing that workers keep of the last
points serves the next ones. Start-up (processes, imports, the first search of each worker) is told apart: a run pays it once.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
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


def time_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    started = perf_counter()
    found = work()
    return perf_counter() - started, found


def compare(paths: Sequence[Path], options: argparse.Namespace, engine: Engine) -> dict[str, Any]:
    """Seconds of both, round by round; the first round is not counted."""
    layers = [np.load(path, mmap_mode="r") for path in paths]
    rows, k, here, there = [find_duplicates(points).rows for points in layers], options.neighbors, [], []
    for place in range(1 + options.rounds):
        points, path, own = layers[place % 2], paths[place % 2], rows[place % 2]
        seconds, expected = time_of(partial(search, points, k, rows=own, threads=options.workers))
        here.append(seconds)
        seconds, found = time_of(partial(spread.search, points, k, path=path, engine=engine, rows=own))
        there.append(seconds)
        assert np.array_equal(found[0], expected[0]), "other neighbours"
        assert np.array_equal(found[1].view(np.int64), expected[1].view(np.int64)), "other distances"
    return {
        "n": len(rows[0]), "d": layers[0].shape[1], "k": k, "workers": options.workers,
        "threads_s": here[1:], "engine_s": there[1:],
        "ratio": median(there[1:]) / median(here[1:]),
        "median_of_ratios": median(two / one for one, two in zip(here[1:], there[1:], strict=True)),
        "first_threads_s": here[0], "first_engine_s": there[0],
    }  # fmt: skip


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"points": 20_000, "features": 1280, "neighbors": 50, "workers": 2, "rounds": 8}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{seed}.npy" for seed in (0, 1)]
        for seed, path in enumerate(paths):
            np.save(path, real_like(options.points, options.features, seed))
        seconds, engine = time_of(lambda: open_engine("dask", workers=options.workers))
        with engine:
            found = compare(paths, options, engine)
    print(json.dumps({"open_s": seconds, **found}, indent=1))


if __name__ == "__main__":
    main()
