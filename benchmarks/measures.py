"""What the measures of one layer cost beside its neighbour table, in one interleaved run.

    python benchmarks/measures.py --points 20000 --features 1280 --neighbors 100
    python benchmarks/measures.py --points 20000 --features 1280 --threads 1
    python benchmarks/measures.py --points 5000 --features 384 --requested

Two layers of points like those of a transformer (the second is the first with noise), ten labels. Each line is one part of the
measure stage as `dimscope run` computes it, in seconds per layer, as a share of the neighbour table, and as a share of one bare
float32 matrix product of all points, which does not depend on how well the table is made. With --requested the measures of
`--measure` follow, once each. With one thread processor time counts, with more the time on the clock.
"""

import argparse
from collections.abc import Callable
from functools import partial
from importlib import util
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from dimscope.config import MeasureConfig
from dimscope.knn import search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates, row_norms, row_peaks
from dimscope.overlaps.labels import label_measures
from dimscope.pipeline.layers import measure_points, measure_step, readings, replicate_dimension
from dimscope.pipeline.requested import REQUESTS, Place
from dimscope.spectra import spectrum

NOISE = 0.3
"""Of the second layer, as a share of the spread of the first in each coordinate."""
TABLE, PRODUCT = "neighbour table", "float32 product"


class Layers(NamedTuple):
    """Two layers with their tables."""

    points: np.ndarray
    following: np.ndarray
    table: Neighbors
    next_table: Neighbors
    labels: list[str]


def neighbors_benchmark() -> ModuleType:
    """The benchmark beside this one, for its points, its product and its limit of threads."""
    spec = util.spec_from_file_location("neighbors_benchmark", Path(__file__).with_name("neighbors.py"))
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_table(points: np.ndarray, k: int) -> Neighbors:
    """The table as the measure stage makes it, duplicates included."""
    return search_distinct(points, k, find_duplicates(points))


def make_layers(points: np.ndarray, k: int, seed: int) -> Layers:
    """The layers and what is computed once."""
    rng = np.random.default_rng(seed)
    spread = points.std(axis=0)
    following = points + NOISE * spread * rng.standard_normal(points.shape, dtype=np.float32)
    labels = [f"label {number}" for number in rng.integers(0, 10, len(points))]
    return Layers(points, following, find_table(points, k), find_table(following, k), labels)


def parts(layers: Layers, config: MeasureConfig) -> dict[str, Callable[[], Any]]:
    """The parts of the measure stage of one layer that come after its table, in the order of the stage."""
    duplicates, table = layers.table.duplicates, layers.table
    return {
        "spectrum": lambda: spectrum(layers.points, rows=duplicates.first_rows),
        "norms": lambda: row_norms(layers.points, peaks=row_peaks(layers.points)),
        **{name: partial(chosen.estimate, table) for name, chosen in readings(config, config.k).items()},
        "labels": lambda: label_measures(table, layers.labels, config.overlap_k),
        "overlap": lambda: measure_step(table, layers.next_table, config.overlap_k),
        "replicates": lambda: replicate_dimension(table, config, 0),
    }


def timed(work: Callable[[], Any], threads: int) -> float:
    """Seconds of one call: of the processor with one thread, on the clock with more."""
    clock = process_time if threads == 1 else perf_counter
    started = clock()
    work()
    return clock() - started


def compare(points: np.ndarray, config: MeasureConfig, threads: int, repeats: int) -> dict[str, float]:
    """Median seconds of each part, of the table and of the product; everything is compiled before."""
    other = neighbors_benchmark()
    with other.limited(threads):
        layers = make_layers(points, config.k, 0)
        task = other.Task(config.k, (), threads)
        cases = {
            PRODUCT: lambda: other.product(points, task),
            TABLE: lambda: find_table(points, config.k),
            **parts(layers, config),
        }
        measure_points(points, layers.table.duplicates)
        seconds: dict[str, list[float]] = {name: [] for name in cases}
        for repeat in range(repeats + 1):
            for name, work in cases.items():
                used = timed(work, threads)
                if repeat:  # the first round compiles and fills caches
                    seconds[name].append(used)
    return {name: median(found) for name, found in seconds.items()}


def show(found: dict[str, float]) -> None:
    """Print the table."""
    print(f"{'':18}{'seconds':>9}{'/table':>9}{'/product':>10}")
    rest = {name: value for name, value in found.items() if name not in (TABLE, PRODUCT)}
    for name, value in [*found.items(), ("all but the table", sum(rest.values()))]:
        print(f"{name:18}{value:9.3f}{value / found[TABLE]:9.3f}{value / found[PRODUCT]:10.3f}")


def show_requested(points: np.ndarray, config: MeasureConfig, threads: int) -> None:
    """Print the seconds of each measure of `--measure` at one layer, or between the two layers."""
    with neighbors_benchmark().limited(threads):
        layers = make_layers(points, config.k, 0)
        here = Place(layers.table, layers.points, layers.labels, None, config.overlap_k, 0)
        after = Place(layers.next_table, layers.following, layers.labels, None, config.overlap_k, 0)
        for name, request in REQUESTS.items():
            started = perf_counter()
            if request.of_layer is not None:
                request.of_layer(here)
            if request.of_step is not None:
                request.of_step(here, after)
            print(f"{name:24}{perf_counter() - started:9.2f} s", flush=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--points", type=int, default=20_000)
    made.add_argument("--features", type=int, default=1280)
    made.add_argument("--neighbors", type=int, default=100)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--repeats", type=int, default=3)
    made.add_argument("--requested", action="store_true", help="also time the measures of --measure, once each")
    return made


def main(arguments: list[str] | None = None) -> None:
    """Make the points, time, print."""
    asked = parser().parse_args(arguments)
    config = MeasureConfig(k=asked.neighbors, overlap_k=min(30, asked.neighbors))
    points = neighbors_benchmark().real_like(asked.points, asked.features, 0)
    print(f"n={asked.points} d={asked.features} k={asked.neighbors} threads={asked.threads}, median of {asked.repeats}")
    show(compare(points, config, asked.threads, asked.repeats))
    if asked.requested:
        show_requested(points, config, asked.threads)


if __name__ == "__main__":
    main()
