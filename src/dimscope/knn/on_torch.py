"""Exact neighbours on a GPU: a coarse product proposes, float64 differences decide, an inequality proves.

1. The points are centred and scaled in float64 on the host, and stored on the device twice: exactly, and rounded to bfloat16
   (float32 where that is not quick). e_i = |t_i - c_i| is the measured rounding of row i.
2. For a block of rows the product gives D_ij^2 = n_i + n_j - 2 c_i.c_j, accumulated in float32: off by at most
   blur (n_i + n_j), blur = gamma + 8 u, u = 2^-24, gamma = 4 d u / (1 - 4 d u). Products of two bfloat16 are exact; four times
   the bound of rounded sums [Higham 2002, section 3.1] allows for tensor cores, which cut sums off after aligning the terms
   of a few products [Fasi et al. 2021, doi:10.7717/peerj-cs.330].
3. Each pair is scored by S_ij = D_ij^2 - blur (n_i + n_j) - (1 + 1/mix) e_j^2. The m = k + margin smallest are kept, and their
   distances computed again from float64 differences.
4. Certificate: with t the largest kept score of row i and r the k-th distance found, t > (1 + mix)(r + e_i)^2 proves that none
   is missing: a point left out has D_ij^2 > (1 + mix)(r + e_i)^2 + (1 + 1/mix) e_j^2 >= (r + e_i + e_j)^2, so d_ij > r. The
   other rows go through steps 2 to 4 once more with a copy rounded to float32; those that even this does not prove are computed
   again from all float64 distances.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.devices import find_device
from dimscope.knn.centre import centre_of, scale_of
from dimscope.knn.rounding import CERTAIN, LARGEST_NORM, UNIT32
from dimscope.knn.scratch import Scratch, extreme_exponent

BLOCK_ENTRIES = 1 << 28
"""Entries of one block of approximate distances (1 GB in float32)."""
KEPT_ENTRIES = 15
"""Room that a candidate takes, in float32 entries: its score, its place twice, its distance twice, and what sorts them."""
DECIDED_BYTES = 1 << 30
"""Memory of the rows gathered for one step of the decision."""


def search(
    points: Points,
    k: int,
    *,
    rows: IntArray | None = None,
    ranks: tuple[int, ...] = (),
    device: str = "cuda",
    coarse: str = "auto",
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The k nearest other points of every chosen row; see `dimscope.knn.on_tiles.search`.

    Memory on the device: the points exactly and rounded, n d (8 + 2) bytes at most, 4 n d more where bfloat16 does not do for
    some rows, plus about 4 GB.

    Args:
        points: finite, shape (n_rows, d).
        k: 1 to n - 1.
        rows: the chosen rows, ascending; default: all.
        ranks: ranks at which the distance is wanted too.
        device: a torch device.
        coarse: `bfloat16`, `float32`, or `auto`: bfloat16 on a GPU that multiplies it quickly.

    Raises:
        UsageError: PyTorch sees no such device.
    """
    import torch

    target = find_device(device)
    kind = _coarse_dtype(target, coarse)
    with Scratch(points) as scratch, torch.inference_mode():
        exponent = extreme_exponent(points)
        readable = scratch.searchable(points if rows is None else points[rows], exponent)
        exact = torch.tensor(readable, device=target)
        table = _Search(exact, kind, k, ranks)
        with _full_sums():
            found = table.run()
    indices, squares, at_ranks = (part.cpu().numpy() for part in found)
    return indices, np.ldexp(np.sqrt(squares), exponent), np.ldexp(np.sqrt(at_ranks), exponent)


class _Search:
    def __init__(self, exact: Any, kind: Any, k: int, ranks: tuple[int, ...]) -> None:
        import torch

        self.exact, self.k = exact, k
        self.n, self.d = exact.shape
        self.depth = max(k, *ranks) if ranks else k
        self.ranks = torch.tensor([rank - 1 for rank in ranks], dtype=torch.int64, device=exact.device)
        self.kept = min(self.n - 1, self.depth + max(32, self.depth // 2))
        self.coarse = torch.empty((self.n, self.d), dtype=kind, device=exact.device)
        self.norms = torch.empty(self.n, dtype=torch.float64, device=exact.device)
        self.errors = torch.empty(self.n, dtype=torch.float64, device=exact.device)
        self.scale = self._round_rows()
        gamma = 4 * self.d * UNIT32
        self.blur = gamma / (1 - gamma) + 8 * UNIT32
        self.height = max(1, BLOCK_ENTRIES // (self.n + KEPT_ENTRIES * self.kept))
        self.is_readable = bool((self.norms <= LARGEST_NORM**2).all() & self.errors.isfinite().all())
        self.mix = max(1e-7, 2 * float(self.errors.median()))  # near the best weight where neighbours lie at about half a norm
        hidden = (1 + 1 / self.mix) * self.errors**2
        self.offsets = (self.norms - hidden - self.blur * (self.norms + hidden)).float()

    def _round_rows(self) -> float:
        """Fill the coarse copy, its squared norms and its errors, block by block; the power of two that scales it."""
        import torch

        step = max(1, DECIDED_BYTES // (8 * self.d) // 4)
        sample = self.exact[torch.linspace(0, self.n - 1, min(self.n, 4096), device=self.exact.device).long()].double()
        middle, norms = centre_of(sample.cpu().numpy())
        mean = torch.from_numpy(middle).to(self.exact.device)
        scale = scale_of(norms)
        for start in range(0, self.n, step):
            part = slice(start, start + step)
            turned = self.exact[part].double() * scale - mean * scale
            self.coarse[part] = turned.to(self.coarse.dtype)
            rounded = self.coarse[part].double()
            self.norms[part] = (rounded**2).sum(dim=1)
            self.errors[part] = (turned - rounded).norm(dim=1) * CERTAIN + 1e-15
        return scale

    def run(self) -> tuple[Any, Any, Any]:
        """Indices, squared distances, squared distances at the ranks."""
        import torch

        device = self.exact.device
        indices = torch.empty((self.n, self.k), dtype=torch.int64, device=device)
        distances = torch.empty((self.n, self.k), dtype=torch.float64, device=device)
        at_ranks = torch.empty((self.n, len(self.ranks)), dtype=torch.float64, device=device)
        for start in range(0, self.n, self.height):
            rows = torch.arange(start, min(start + self.height, self.n), device=device)
            found, values = self._nearest(rows)
            part = slice(start, start + len(rows))
            indices[part], distances[part], at_ranks[part] = found[:, : self.k], values[:, : self.k], values[:, self.ranks]
        return indices, distances, at_ranks

    def _nearest(self, rows: Any) -> tuple[Any, Any]:
        """Indices and squared distances of the `depth` nearest of some rows."""
        import torch

        thresholds, near = torch.topk(self._scores(rows), self.kept, dim=1, largest=False, sorted=False)
        found, values = self._decide(rows, near)
        proven = self._is_proven(rows, thresholds.amax(dim=1).double(), values[:, -1])
        rest = torch.nonzero(~proven).flatten()
        if len(rest) and self.is_readable and self.coarse.dtype != torch.float32:
            found[rest], values[rest] = self._finer._nearest(rows[rest])
        else:
            for line in rest.tolist():
                found[line], values[line] = self._all(int(rows[line]))
        return found, values

    @cached_property
    def _finer(self) -> "_Search":
        """The same search with a copy in float32."""
        import torch

        return _Search(self.exact, torch.float32, self.k, tuple((self.ranks + 1).tolist()))

    def _scores(self, rows: Any) -> Any:
        import torch

        scores = _product(self.coarse[rows], self.coarse).mul_(-2)
        scores += self.offsets
        scores += (self.norms[rows] * (1 - self.blur)).float()[:, None]
        scores[torch.arange(len(rows), device=rows.device), rows] = torch.inf
        return scores

    def _decide(self, rows: Any, near: Any) -> tuple[Any, Any]:
        """The `depth` nearest of the candidates, by float64 differences, ties by index."""
        import torch

        near = near.sort(dim=1).values
        values = torch.empty(near.shape, dtype=torch.float64, device=near.device)
        step = max(1, DECIDED_BYTES // (8 * self.d * near.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            difference = self.exact[near[part]].double() - self.exact[rows[part]].double()[:, None]
            values[part] = (difference**2).sum(dim=2)
        ordered, order = values.sort(dim=1, stable=True)
        return near.gather(1, order)[:, : self.depth], ordered[:, : self.depth]

    def _is_proven(self, rows: Any, thresholds: Any, last: Any) -> Any:
        if not self.is_readable:
            return last < 0
        if self.kept == self.n - 1:
            return last >= 0
        return thresholds > (1 + self.mix) * (last.sqrt() * self.scale * CERTAIN + self.errors[rows]) ** 2

    def _all(self, row: int) -> tuple[Any, Any]:
        import torch

        values = torch.empty(self.n, dtype=torch.float64, device=self.exact.device)
        step = max(1, DECIDED_BYTES // (8 * self.d))
        for start in range(0, self.n, step):
            difference = self.exact[start : start + step].double() - self.exact[row].double()
            values[start : start + step] = (difference**2).sum(dim=1)
        values[row] = torch.inf
        ordered, order = values.sort(stable=True)
        return order[: self.depth], ordered[: self.depth]


def _product(rows: Any, columns: Any) -> Any:
    """All products of rows with columns, summed in float32."""
    import torch

    if rows.dtype == torch.bfloat16 and _has_out_dtype(rows.device):
        return torch.mm(rows, columns.T, out_dtype=torch.float32)
    return torch.mm(rows.float(), columns.T.float())


@contextmanager
def _full_sums() -> Iterator[None]:
    """Sums of products in float32, none shortened on the way."""
    import torch

    kept = torch.backends.cuda.matmul
    changes = {**_whole_products(), "allow_bf16_reduced_precision_reduction": False}
    before = {name: getattr(kept, name) for name in changes}
    for name, value in changes.items():
        setattr(kept, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(kept, name, value)


def _whole_products() -> dict[str, Any]:
    """The setting against TF32: PyTorch has two, and refuses to read the older one once the newer has been set."""
    import torch

    try:
        _ = torch.backends.cuda.matmul.allow_tf32
    except RuntimeError:
        return {"fp32_precision": "ieee"}
    return {"allow_tf32": False}


def _coarse_dtype(device: Any, coarse: str) -> Any:
    import torch

    if coarse == "float32" or (coarse == "auto" and device.type != "cuda"):
        return torch.float32
    if coarse == "auto":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 and _has_out_dtype(device) else torch.float32
    return torch.bfloat16


@cache
def _has_out_dtype(device: Any) -> bool:
    import torch

    one = torch.ones((16, 16), dtype=torch.bfloat16, device=device)
    try:
        return bool(torch.mm(one, one, out_dtype=torch.float32).dtype == torch.float32)
    except (TypeError, RuntimeError, NotImplementedError):
        return False
