"""Exact neighbours on a GPU: a coarse product proposes, float64 differences decide, an inequality proves.

1. The points are centred and scaled in float64 on the host, and stored on the device twice: exactly, and rounded to bfloat16
   (float32 where that is not quick). e_i = |t_i - c_i| is the measured rounding of row i.
2. For a block of rows the product gives D_ij^2 = n_i + n_j - 2 c_i.c_j, accumulated in float32: off by at most
   blur (n_i + n_j), blur = d u / (1 - d u) + 8 u, u = 2^-24 (Higham 2002, section 3.1; products of two bfloat16 are exact).
3. The m = k + margin smallest D_ij are kept, and their distances computed again from float64 differences.
4. Certificate: d_ij >= sqrt(D_ij^2 - blur (n_i + n_j)) - e_i - e_j. With t the largest kept D_i^2, every point left out lies
   farther than sqrt(t - blur (n_i + max n)) - e_i - max e. If that exceeds the k-th distance found, none is missing; every
   other row is computed again from all float64 distances.
"""

from typing import Any

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.errors import UsageError
from dimscope.knn.scratch import Scratch, extreme_exponent

BLOCK_ENTRIES = 1 << 28
"""Entries of one block of approximate distances (1 GB in float32)."""
DECIDED_BYTES = 1 << 30
"""Memory of the rows gathered for one step of the decision."""
UNIT32 = 2.0**-24
CERTAIN = 1 + 1e-9


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

    Memory on the device: the points exactly and rounded, n d (8 + 2) bytes at most, plus about 4 GB.

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

    target = _device(device)
    kind = _coarse_dtype(target, coarse)
    with Scratch(points) as scratch, torch.inference_mode():
        exponent = extreme_exponent(points)
        readable = scratch.searchable(points if rows is None else points[rows], exponent)
        exact = torch.from_numpy(np.ascontiguousarray(readable)).to(target)
        table = _Search(exact, kind, k, ranks)
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            found = table.run()
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before
    indices, distances, at_ranks = (part.cpu().numpy() for part in found)
    return indices, np.ldexp(distances, exponent), np.ldexp(at_ranks, exponent)


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
        self.blur = self.d * UNIT32 / (1 - self.d * UNIT32) + 8 * UNIT32

    def _round_rows(self) -> float:
        """Fill the coarse copy, its squared norms and its errors, block by block; the power of two that scales it."""
        import torch

        step = max(1, DECIDED_BYTES // (8 * self.d) // 4)
        sample = self.exact[torch.linspace(0, self.n - 1, min(self.n, 4096), device=self.exact.device).long()].double()
        mean = sample.mean(dim=0)
        typical = float((sample - mean).norm(dim=1).median()) or 1.0
        scale = 2.0 ** -int(np.frexp(typical)[1])
        for start in range(0, self.n, step):
            part = slice(start, start + step)
            turned = self.exact[part].double() * scale - mean * scale
            self.coarse[part] = turned.to(self.coarse.dtype)
            rounded = self.coarse[part].double()
            self.norms[part] = (rounded**2).sum(dim=1)
            self.errors[part] = (turned - rounded).norm(dim=1) * CERTAIN + 1e-15
        return scale

    def run(self) -> tuple[Any, Any, Any]:
        """Indices, distances, distances at the ranks."""
        import torch

        device = self.exact.device
        indices = torch.empty((self.n, self.k), dtype=torch.int64, device=device)
        distances = torch.empty((self.n, self.k), dtype=torch.float64, device=device)
        at_ranks = torch.empty((self.n, len(self.ranks)), dtype=torch.float64, device=device)
        height = max(1, BLOCK_ENTRIES // self.n)
        for start in range(0, self.n, height):
            rows = torch.arange(start, min(start + height, self.n), device=device)
            squares = self._squares(rows)
            thresholds, near = torch.topk(squares, self.kept, dim=1, largest=False, sorted=False)
            del squares
            found, values = self._decide(rows, near)
            proven = self._is_proven(rows, thresholds.amax(dim=1).double(), values[:, -1])
            for line in torch.nonzero(~proven).flatten().tolist():
                found[line], values[line] = self._all(int(rows[line]))
            part = slice(start, start + len(rows))
            indices[part], distances[part], at_ranks[part] = found[:, : self.k], values[:, : self.k], values[:, self.ranks]
        return indices, distances, at_ranks

    def _squares(self, rows: Any) -> Any:
        import torch

        here = self.coarse[rows]
        product = torch.mm(here, self.coarse.T, **_float32_output(here))
        squares = product.mul_(-2)
        squares += self.norms.float()
        squares += self.norms[rows].float()[:, None]
        squares[torch.arange(len(rows), device=rows.device), rows] = torch.inf
        return squares

    def _decide(self, rows: Any, near: Any) -> tuple[Any, Any]:
        """The `depth` nearest of the candidates, by float64 differences, ties by index."""
        import torch

        near = near.sort(dim=1).values
        values = torch.empty(near.shape, dtype=torch.float64, device=near.device)
        step = max(1, DECIDED_BYTES // (8 * self.d * near.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            difference = self.exact[near[part]].double() - self.exact[rows[part]].double()[:, None]
            values[part] = (difference**2).sum(dim=2).sqrt()
        ordered, order = values.sort(dim=1, stable=True)
        return near.gather(1, order)[:, : self.depth], ordered[:, : self.depth]

    def _is_proven(self, rows: Any, thresholds: Any, last: Any) -> Any:
        if self.kept == self.n - 1:
            return last >= 0
        hidden = thresholds - self.blur * (self.norms[rows] + self.norms.max())
        reach = hidden.clamp(min=0).sqrt() - self.errors[rows] - self.errors.max()
        return last * self.scale * CERTAIN < reach

    def _all(self, row: int) -> tuple[Any, Any]:
        import torch

        values = torch.empty(self.n, dtype=torch.float64, device=self.exact.device)
        step = max(1, DECIDED_BYTES // (8 * self.d))
        for start in range(0, self.n, step):
            difference = self.exact[start : start + step].double() - self.exact[row].double()
            values[start : start + step] = (difference**2).sum(dim=1).sqrt()
        values[row] = torch.inf
        ordered, order = values.sort(stable=True)
        return order[: self.depth], ordered[: self.depth]


def _float32_output(rows: Any) -> dict[str, Any]:
    """bfloat16 products with float32 results, where torch offers them."""
    import torch

    return {"out_dtype": torch.float32} if rows.dtype == torch.bfloat16 else {}


def _coarse_dtype(device: Any, coarse: str) -> Any:
    import torch

    if coarse == "float32" or (coarse == "auto" and device.type != "cuda"):
        return torch.float32
    if coarse == "auto":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 and _has_out_dtype(device) else torch.float32
    return torch.bfloat16


def _has_out_dtype(device: Any) -> bool:
    import torch

    one = torch.ones((16, 16), dtype=torch.bfloat16, device=device)
    try:
        return bool(torch.mm(one, one, out_dtype=torch.float32).dtype == torch.float32)
    except (TypeError, RuntimeError, NotImplementedError):
        return False


def _device(name: str) -> Any:
    import torch

    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        seen = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        raise UsageError(f'device "{name}" was asked for; PyTorch {torch.__version__} sees: {", ".join(seen)}.') from None
    return device
