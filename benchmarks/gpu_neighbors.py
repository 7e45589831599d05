"""Exact neighbours on a GPU: seconds per layer, and the whole of the paper's three models by extrapolation over their layers.

    python benchmarks/gpu_neighbors.py --points 90000 --features 512 1024 1536
    python benchmarks/gpu_neighbors.py --points 1000000 --features 1024 --repeats 1
    python benchmarks/gpu_neighbors.py --device cpu            (small defaults: to try it without a GPU)

Each width is timed as `dimscope.knn.on_torch.search` runs it: points from the memory of the host, tables back to it. Parts of
the time are the upload, one bare product in the dtype of the filter, and the rows that had to be computed again. Sampled rows
are checked against float64 differences on the host.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from dimscope.knn import on_torch

LAYERS = {512: 25, 1024: 37, 1536: 49}
"""States per model of iGPT small, medium and large: the blocks and the input of the first."""
CHECKED_ROWS = 50
LATENT = 20


def states(n: int, d: int, seed: int) -> np.ndarray:
    """Float32 points like those of a layer: a curved sheet of low dimension with noise, far from the origin, made in blocks."""
    rng = np.random.default_rng(seed)
    first, second = rng.standard_normal((LATENT, 256)).astype(np.float32), rng.standard_normal((256, d)).astype(np.float32)
    first *= np.float32(0.8 / np.sqrt(LATENT))
    second *= (np.arange(1, 257, dtype=np.float32) ** -0.5)[:, None]
    points = np.empty((n, d), np.float32)
    for start in range(0, n, 65536):
        rows = min(65536, n - start)
        sheet = np.tanh(rng.standard_normal((rows, LATENT), dtype=np.float32) @ first) @ second
        points[start : start + rows] = sheet + np.float32(0.01) * rng.standard_normal((rows, d), dtype=np.float32) + 3
    return points


def seconds_of(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """The median over repeats; the device is waited for."""
    times = []
    for _ in range(repeats):
        started = perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - started)
    return median(times)


def bare_product(points: torch.Tensor, rows: int) -> None:
    """All products of the points with themselves, a block of rows at a time, none of which is kept."""
    for start in range(0, len(points), rows):
        torch.mm(points[start : start + rows], points.T)


def largest_error(points: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> tuple[int, float]:
    """On sampled rows: how many neighbours differ from those of all float64 differences, and the largest relative error."""
    wrong, error, k = 0, 0.0, distances.shape[1]
    for row in np.random.default_rng(1).choice(len(points), min(CHECKED_ROWS, len(points)), replace=False):
        blocks = range(0, len(points), 16384)
        squares = [((points[start : start + 16384].astype(np.float64) - points[row]) ** 2).sum(axis=1) for start in blocks]
        true = np.sqrt(np.concatenate(squares))
        true[row] = np.inf
        order = np.argsort(true, kind="stable")[:k]
        wrong += int((order != indices[row]).sum())
        error = max(error, float((np.abs(distances[row] - true[order]) / true[order]).max()))
    return wrong, error


def measure(points: np.ndarray, options: Any) -> None:
    """Print one line for one width."""
    n, d = points.shape
    device = torch.device(options.device)
    again = [0]
    original = on_torch._Search._all

    def counted(self: Any, row: int) -> Any:
        again[0] += 1
        return original(self, row)

    on_torch._Search._all = counted  # type: ignore[method-assign]
    try:
        answers: list[Any] = []
        found = seconds_of(
            lambda: answers.append(on_torch.search(points, options.neighbors, device=options.device, coarse=options.coarse)),
            device,
            options.repeats + 1,
        )
    finally:
        on_torch._Search._all = original  # type: ignore[method-assign]
    upload = seconds_of(lambda: torch.from_numpy(points).to(device), device, options.repeats)
    kind = on_torch._coarse_dtype(device, options.coarse)
    coarse = torch.from_numpy(points).to(device).to(kind)
    product = seconds_of(lambda: bare_product(coarse, max(1, on_torch.BLOCK_ENTRIES // n)), device, options.repeats)
    indices, distances, _ = answers[-1]
    wrong, error = largest_error(points, distances, indices)
    peak = f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GB" if device.type == "cuda" else "-"
    share = again[0] / n / len(answers)
    model = f"; {LAYERS[d]} layers {LAYERS[d] * found:.0f} s" if d in LAYERS else ""
    print(
        f"n={n} d={d} k={options.neighbors}: {found:.3f} s (upload {upload:.3f}, bare {str(kind)[6:]} product {product:.3f}; "
        f"{100 * share:.2f} % of the rows computed again; device memory {peak}){model}; "
        f"checked {CHECKED_ROWS} rows: {wrong} neighbours differ, largest error {error:.0e}",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> None:
    """Read the options and run."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--points", type=int, default=4000, help="rows, default 4000")
    made.add_argument("--features", type=int, nargs="+", default=[512], help="widths, default 512")
    made.add_argument("--neighbors", type=int, default=50, help="default 50")
    made.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    made.add_argument("--coarse", choices=["auto", "bfloat16", "float32"], default="auto", help="dtype of the filter")
    made.add_argument("--repeats", type=int, default=3, help="default 3; medians are printed")
    made.add_argument("--seed", type=int, default=0)
    options = made.parse_args(arguments)
    name = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else "processor"
    print(f"torch {torch.__version__} on {options.device} ({name})")
    for d in options.features:
        measure(states(options.points, d, options.seed), options)


if __name__ == "__main__":
    main()
