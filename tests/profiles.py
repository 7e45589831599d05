"""Profiles written by hand, and the curves of Valeriani et al. 2023 (digitised)."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dimscope.profile import Layer, Profile

CURVES = Path(__file__).parent / "data" / "published_curves.csv"

# Of two models only the landmarks of the figure were read: first point, dip, peak, first minimum, second peak, end.
LANDMARKS = {
    "iGPT-S": (26, [(0, 10.9), (1, 10.0), (8, 25.0), (12, 21.1), (20, 21.6), (23, 18.0), (24, 12.0), (25, 11.2)]),
    "iGPT-M": (38, [(0, 10.5), (1, 9.9), (11, 28.9), (16, 22.2), (30, 25.2), (35, 23.0), (36, 12.0), (37, 11.3)]),
}


def make_profile(
    dimension: Sequence[float],
    *,
    replicates: np.ndarray | None = None,
    provenance: dict[str, Any] | None = None,
    final_norm: bool = False,
    **columns: Any,
) -> Profile:
    """A profile of blocks with these columns; errors that are not given are 0."""
    m = len(dimension)
    n_blocks = m - 2 if final_norm else m - 1
    layers = [Layer("embed_00", "embed", 0, 0.0)]
    layers += [Layer(f"block_{row:02d}", "block", row, row / max(1, n_blocks)) for row in range(1, n_blocks + 1)]
    if final_norm:
        layers.append(Layer(f"final_norm_{n_blocks:02d}", "final_norm", n_blocks, 1.0))
    table: dict[str, Any] = {"dimension": list(dimension), "dimension_err": [0.0] * m}
    table |= {name: values if isinstance(values, list) else [values] * m for name, values in columns.items()}
    empty = np.empty((m, 0)) if replicates is None else replicates
    return Profile.from_columns(layers[:m], table, empty, provenance or {})


def published(model: str, quantity: str = "dimension") -> np.ndarray:
    """One digitised curve, in the order of the layers."""
    if model in LANDMARKS and quantity == "dimension":
        n, points = LANDMARKS[model]
        return np.interp(np.arange(n), *zip(*points, strict=True))
    with CURVES.open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if (row["model"], row["quantity"]) == (model, quantity)]
    assert [int(row["point"]) for row in rows] == list(range(len(rows)))
    return np.array([float(row["value"]) for row in rows])
