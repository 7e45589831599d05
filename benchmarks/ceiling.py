"""What TwoNN reads from n normal points of dimension d: the numbers in src/dimscope/checks/p010_ceiling.py.

python benchmarks/ceiling.py
"""

import numpy as np

from dimscope import dimension

POINTS = (300, 1000, 3000, 10000, 30000)
DIMENSIONS = (5, 10, 15, 20, 30, 50, 100, 200)
ROWS = 20_000
"""Points per cell, over all repeats."""


def read(n: int, d: int) -> float:
    """The mean over repeats, at most 20."""
    repeats = min(20, max(2, ROWS // n))
    return float(
        np.mean([dimension(np.random.default_rng([n, d, seed]).standard_normal((n, d))).value for seed in range(repeats)])
    )


if __name__ == "__main__":
    for n in POINTS:
        print(n, [round(read(n, d), 1) for d in DIMENSIONS], flush=True)
