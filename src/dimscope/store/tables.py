"""Neighbour tables on disk: one .npz file per layer, readable with numpy alone."""

from pathlib import Path

import numpy as np

from dimscope.errors import StoreError
from dimscope.files import atomic_path
from dimscope.knn.base import Duplicates, Neighbors


def write_table(path: Path, table: Neighbors) -> None:
    """Store `indices` int32 (n, k), `distances` float64 (n, k), and the map of duplicates, atomically."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(
            handle,
            indices=table.indices.astype(np.int32),
            distances=table.distances,
            rows=table.duplicates.rows,
            representative=table.duplicates.representative,
            multiplicity=table.duplicates.multiplicity,
            facts=np.array([table.duplicates.policy, str(table.duplicates.n_near), table.metric, table.dtype, table.backend]),
        )


def read_table(path: Path) -> Neighbors:
    """The table stored at `path`.

    Raises:
        StoreError: no such file, or damaged.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as found:
            policy, n_near, metric, dtype, backend = (str(fact) for fact in found["facts"])
            duplicates = Duplicates(
                found["representative"], found["multiplicity"], "keep" if policy == "keep" else "merge", int(n_near)
            )
            indices = found["indices"].astype(np.int64)
            return Neighbors(indices, found["distances"], duplicates, metric, dtype, backend)
    except FileNotFoundError:
        raise StoreError(f"no neighbour table at {path}; run `dimscope measure` on the run folder first.") from None
    except Exception as error:  # a damaged zip raises many kinds of errors
        raise StoreError(f"{path} is damaged ({error}); delete it and measure again.") from None
