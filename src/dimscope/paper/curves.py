"""What is asked of `dimscope paper plot`, and what a curve is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.errors import InputError, first_of

MODELS = {"iGPT-S": "small", "iGPT-M": "medium", "iGPT-L": "large", "ESM-2 35M": "35M", "ESM-2 650M": "650M", "ESM-2 3B": "3B"}
"""Name in the figures -> word in the names of the files."""


@dataclass(frozen=True)
class Source:
    """Where the numbers come from and how they are computed.

    Attributes:
        data: folder of the released arrays; None to read tables only.
        from_distances: results folder of `dimscope paper distances`, read instead of the stored ratios and indices of iGPT.
        split: words after the layer in the names of the tables.
        decimation, repeats, fraction, seed: subsets of the tables, and the share of the ratios that is fitted.
        k: neighbours of the label overlap.
        convention: `exact`, or `paper` for the formulas of the paper's scripts.
    """

    data: Path | None
    from_distances: Path | None = None
    split: str = "train"
    decimation: int = 32
    repeats: int = 4
    fraction: float = 0.98
    k: int = 10
    convention: str = "exact"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity of one model over its layers.

    Attributes:
        model: name in the figures.
        quantity: `dimension` or `label_overlap`.
        layers: layer numbers.
        values, errors: the numbers and their standard errors (NaN where there is none).
        last: the deepest layer of the model, whether it is among these or not; 0 where that is not known.
        left_out: one sentence for each layer that could not be read.
        kept: share of the points of a subset whose two neighbours the table holds; 1 where it is not limited.
    """

    model: str
    quantity: str
    layers: IntArray
    values: FloatArray
    errors: FloatArray
    last: int = 0
    left_out: tuple[str, ...] = ()
    kept: float = 1.0

    @property
    def depth(self) -> FloatArray:
        """Layer / last layer, 0 to 1."""
        return np.asarray(self.layers / max(1, self.last, *self.layers))


def curve_of(
    model: str,
    quantity: str,
    layers: Iterable[int],
    measure: Callable[[int], tuple[float, float]],
    *,
    last: int = 0,
    left_out: Sequence[str] = (),
) -> Curve:
    """The curve of `measure`, which gives value and standard error of a layer; a layer whose files are wrong is left out."""
    found: dict[int, tuple[float, float]] = {}
    faults: dict[str, list[int]] = {}
    for layer in layers:
        try:
            found[layer] = measure(layer)
        except InputError as error:
            faults.setdefault(str(error), []).append(layer)
    sentences = [f"layer{'s' * (len(at) > 1)} {first_of(at)}: {fault}" for fault, at in faults.items()]
    values, errors = np.array(list(found.values()), np.float64).reshape(-1, 2).T
    return Curve(model, quantity, np.array(list(found), np.int64), values, errors, last, (*left_out, *sentences))
