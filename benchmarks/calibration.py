"""Bias of every dimension estimator, and coverage of its stated 95 % interval, on data of known dimension.

python benchmarks/calibration.py                          the tables of docs/calibration.md, about five minutes of one core
python benchmarks/calibration.py --repeats 0.1 --out -    a look
"""

import argparse
import platform
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from scipy.spatial import cKDTree

from dimscope.checks import CHECKS
from dimscope.dimensions import make_estimator
from dimscope.dimensions.base import Estimator
from dimscope.estimates import Estimate
from dimscope.knn import neighbors
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.profile import Layer, Profile
from dimscope.version import __version__

K = 100
NORMAL = 1.96
LEAST = 0.9
"""Coverage from which an interval of 95 % is called right."""
TELLING = ("P004", "P010", "P011", "P016")
"""Checks that speak of the height of a value; the others speak of the data or compare layers."""
TOLD_REPEATS = 10
"""Data sets of a case on which the checks are tried."""
RANKS = (2, 4, 8, 16, 32, 64)
CHOSEN = ("twonn", "gride 2", "gride 8", "gride 32", "mle", "mada", "mom", "binomial", "correlation", "abide")
"""What a run can read its profile by: default options, Gride at the rank of `--scale`."""
PAGE = Path(__file__).parents[1] / "docs" / "calibration.md"
ESTIMATORS: dict[str, Estimator] = {
    "twonn": make_estimator("twonn", {}),
    "twonn ml": make_estimator("twonn", {"method": "ml"}),
    "gride 2": make_estimator("gride", {"ranks": 2}),
    "gride 8": make_estimator("gride", {"ranks": 8}),
    "gride 32": make_estimator("gride", {"ranks": 32}),
    "mle": make_estimator("mle", {}),
    "mle mean": make_estimator("mle", {"combine": "mean"}),
    "mle mean unbiased": make_estimator("mle", {"combine": "mean", "unbiased": True}),
    "mle median": make_estimator("mle", {"combine": "median"}),
    "mada": make_estimator("mada", {}),
    "mada unbiased": make_estimator("mada", {"unbiased": True}),
    "mom": make_estimator("mom", {}),
    "binomial": make_estimator("binomial", {}),
    "correlation": make_estimator("correlation", {}),
    "abide": make_estimator("abide", {}),
}


@dataclass(frozen=True)
class Case:
    """Data of a known dimension, `repeats` times with n points each."""

    name: str
    d: int
    n: int
    repeats: int
    make: Callable[[int, int, np.random.Generator], Neighbors]


@dataclass(frozen=True, eq=False)
class Result:
    """Values and errors of one estimator on one case, shape (repeats,), and the checks that spoke in most repeats."""

    case: Case
    values: np.ndarray
    errors: np.ndarray
    told: tuple[str, ...] = ()

    @property
    def bias(self) -> float:
        """Relative, of the mean."""
        return float(np.nanmean(self.values) / self.case.d - 1)

    @property
    def coverage(self) -> float:
        """Share of the intervals value +- 1.96 errors that hold the dimension."""
        return float((np.abs(self.values - self.case.d) <= NORMAL * self.errors).mean())

    @property
    def ratio(self) -> float:
        """Scatter of the values over the mean stated error; 1 where the error is right, whatever the bias."""
        return float(self.values.std(ddof=1) / self.errors.mean())


def periodic(d: int, n: int, rng: np.random.Generator) -> Neighbors:
    """Uniform in a box whose opposite faces are joined: constant density, no boundary, no curvature."""
    points = rng.random((n, d))
    distances, indices = cKDTree(points, boxsize=1).query(points, K + 1)
    return Neighbors(indices[:, 1:], distances[:, 1:], Duplicates(np.arange(n), np.ones(n, dtype=np.int64)))


def embedded(
    draw: Callable[[int, int, np.random.Generator], np.ndarray], d: int, n: int, rng: np.random.Generator
) -> Neighbors:
    """The table of points in their ambient space."""
    return neighbors(draw(d, n, rng), min(K, n - 1))


def normal(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Normal in a random d-dimensional plane of 2 d + 10 dimensions."""
    plane = np.linalg.qr(rng.standard_normal((2 * d + 10, d)))[0]
    return rng.standard_normal((n, d)) @ plane.T


def cube(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform in a cube, with its boundary."""
    return rng.random((n, d))


def sphere(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform on a d-dimensional sphere."""
    points = rng.standard_normal((n, d + 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def torus(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """A product of d circles in 2 d dimensions."""
    angles = 2 * np.pi * rng.random((n, d))
    return np.hstack([np.cos(angles), np.sin(angles)])


def swiss_roll(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """A rolled-up plane."""
    assert d == 2
    angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([angle * np.cos(angle), 21 * rng.random(n), angle * np.sin(angle)], axis=1)


def curved(d: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Normal in d dimensions through one layer of 64 tanh units."""
    return np.tanh(rng.standard_normal((n, d)) @ rng.standard_normal((d, 64)) / np.sqrt(d))


def noisy(d: int, n: int, rng: np.random.Generator, level: float) -> np.ndarray:
    """`normal` with noise of `level` in each of its ambient dimensions."""
    points = normal(d, n, rng)
    return points + level * rng.standard_normal(points.shape)


def cases(repeats: float) -> list[Case]:
    """All cases, with this factor on their numbers of repeats."""

    def times(number: int) -> int:
        return max(2, round(number * repeats))

    flat = [Case("periodic box", d, n, times(r), periodic) for n, r in ((500, 400), (2000, 150)) for d in (1, 2, 3, 5)]
    shapes: list[tuple[str, Callable[..., np.ndarray], Sequence[int]]] = [
        ("normal", normal, (1, 2, 5, 10, 20, 50)),
        ("cube", cube, (5, 10, 20)),
        ("sphere", sphere, (2, 5, 10, 20)),
        ("torus", torus, (2, 5, 10)),
        ("swiss roll", swiss_roll, (2,)),
        ("tanh layer", curved, (2, 5, 10, 20)),
        ("normal + noise .01", partial(noisy, level=0.01), (2, 5)),
        ("normal + noise .1", partial(noisy, level=0.1), (2, 5)),
    ]
    rest = [Case(name, d, 2000, times(10), partial(embedded, draw)) for name, draw, sizes in shapes for d in sizes]
    small = [Case("normal", d, 500, times(20), partial(embedded, normal)) for d in (5, 20, 50)]
    large = [Case("normal", d, 20000, times(2), partial(embedded, normal)) for d in (5, 20, 50)]
    return [*flat, *small, *rest, *large]


def run(case: Case) -> dict[str, Result]:
    """Every estimator on the same data."""
    found: dict[str, list[Estimate]] = {name: [] for name in ESTIMATORS}
    spoke: dict[str, Counter[str]] = {name: Counter() for name in ESTIMATORS}
    for repeat in range(case.repeats):
        table = case.make(case.d, case.n, np.random.default_rng([repeat, case.d, case.n]))
        for name, estimator in ESTIMATORS.items():
            found[name].append(estimator.estimate(table))
        if repeat < TOLD_REPEATS:
            scales = {rank: make_estimator("gride", {"ranks": rank}).estimate(table) for rank in RANKS}
            for name in CHOSEN:
                spoke[name].update(telling(name, found[name][-1], scales, case.n))
    most = min(case.repeats, TOLD_REPEATS) / 2
    return {
        name: Result(
            case,
            np.array([estimate.value for estimate in estimates]),
            np.array([estimate.stderr for estimate in estimates]),
            tuple(code for code in TELLING if spoke[name][code] > most),
        )
        for name, estimates in found.items()
    }


def telling(name: str, estimate: Estimate, scales: Mapping[int, Estimate], n: int) -> list[str]:
    """The checks that speak in a run whose profile has this value."""
    columns: dict[str, list[float]] = {
        "dimension": [estimate.value],
        "dimension_err": [estimate.stderr],
        "dimension_scale": [estimate.scale[1]],
    }
    for rank, found in scales.items():
        columns |= {f"gride_{rank}": [found.value], f"gride_{rank}_err": [found.stderr]}
    columns |= {"n": [n], "n_unique": [n]}
    provenance = {"measure": {"estimators": [name.partition(" ")[0]]}}
    profile = Profile.from_columns([Layer("points", "block", 0, 0.0)], columns, np.empty((1, 0)), provenance)
    return [code for code in TELLING if CHECKS.load(code)().look(profile) is not None]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def flat_table(results: list[dict[str, Result]]) -> str:
    """Bias, scatter over stated error, and coverage where the assumptions hold."""
    header = ["estimator", *(f"d={found['twonn'].case.d}, n={found['twonn'].case.n}" for found in results)]
    rows = []
    for name in ESTIMATORS:
        cells = [found[name] for found in results]
        rows.append([f"`{name}`", *(f"{r.bias:+.1%}, {r.ratio:.2f}, {100 * r.coverage:.0f}" for r in cells)])
    return table(header, rows)


def shape_table(results: list[dict[str, Result]]) -> str:
    """Mean values with the coverage, one row per case."""
    names = [name for name in ESTIMATORS if name not in ("mle mean", "mle median", "twonn ml", "mada")]
    rows = []
    for found in results:
        case = found["twonn"].case
        cells = [_value(found[name]) for name in names]
        rows.append([case.name, str(case.d), str(case.n), *cells])
    return table(["data", "d", "n", *(f"`{name}`" for name in names)], rows)


def _value(result: Result) -> str:
    if np.isnan(result.values).any():
        return "-"
    return f"{result.values.mean():.3g} ({100 * result.coverage:.0f})"


def told_table(results: list[dict[str, Result]]) -> str:
    """The checks that speak of each cell; `silent` where none speaks of an interval that covers too little."""
    rows = []
    for found in results:
        case = found["twonn"].case
        rows.append([case.name, str(case.d), str(case.n), *(_told(found[name]) for name in CHOSEN)])
    return table(["data", "d", "n", *(f"`{name}`" for name in CHOSEN)], rows)


def told_summary(results: list[dict[str, Result]]) -> str:
    """How often a check speaks where it should, and where it need not."""
    cells = [found[name] for found in results for name in CHOSEN if not np.isnan(found[name].values).any()]
    short = [cell for cell in cells if cell.coverage < LEAST]
    right = [cell for cell in cells if cell.coverage >= LEAST]
    spoken = [sum(bool(cell.told) for cell in part) for part in (short, right)]
    return (
        f"Of {len(short)} cells below {LEAST:.0%} a check speaks of {spoken[0]}; of {len(right)} cells that cover as stated, "
        f"in {spoken[1]}."
    )


def _told(result: Result) -> str:
    if np.isnan(result.values).any():
        return ""
    return ", ".join(result.told) or ("silent" if result.coverage < LEAST else "-")


def page(results: list[dict[str, Result]], seconds: float, command: str) -> str:
    """The page with both tables."""
    flat = [found for found in results if found["twonn"].case.name == "periodic box"]
    rest = [found for found in results if found["twonn"].case.name != "periodic box"]
    text = (Path(__file__).parent / "calibration_page.md").read_text(encoding="utf-8")
    return text.format(
        flat=flat_table(flat),
        shapes=shape_table(rest),
        told=told_table(results),
        summary=told_summary(results),
        command=command,
        version=__version__,
        python=platform.python_version(),
        numpy=np.__version__,
        seconds=round(seconds),
        k=K,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=float, default=1.0, help="factor on the number of repeats of each case")
    parser.add_argument("--out", default=str(PAGE), help="the page to write; - prints it")
    options = parser.parse_args(arguments)
    started = process_time()
    results = []
    for case in cases(options.repeats):
        results.append(run(case))
        print(f"{case.name}, d={case.d}, n={case.n}: {process_time() - started:.0f} s", file=sys.stderr)
    command = "python benchmarks/calibration.py" + (f" --repeats {options.repeats:g}" if options.repeats != 1 else "")
    text = page(results, process_time() - started, command)
    if options.out == "-":
        print(text)
    else:
        Path(options.out).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
