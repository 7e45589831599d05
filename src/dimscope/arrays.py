"""Names for the arrays that travel through dimscope, and the checks at its edges."""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dimscope.errors import InputError, first_of

Points: TypeAlias = NDArray[np.floating[Any]]
"""One layer: shape (n, d), one row per example."""
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
DuplicatePolicy: TypeAlias = Literal["merge", "keep"]
Site: TypeAlias = Literal["embed", "block", "block_norm", "final_norm", "attention", "mlp", "array"]
"""Where a vector was read; `array` marks points that the user brought along."""


def as_points(points: ArrayLike) -> Points:
    """The input as a finite floating-point array of shape (n, d); integers and long doubles become float64, no other is copied.

    Raises:
        InputError: not two-dimensional, not numeric, no rows or columns, masked, or NaN or Inf inside (the rows are named).
    """
    try:
        array = np.asarray(_readable(points))
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; tensors that numpy cannot read
        hint = "Give rows of equal length; of a tensor, `.detach().float().cpu().numpy()`."
        raise InputError(f"points cannot be read as an array of numbers: {str(error).rstrip('.')}. {hint}") from error
    if np.ma.is_masked(points):
        raise InputError("points hold masked values; remove those rows or fill them first.")
    if array.ndim != 2:
        raise InputError(f"points must have two axes (examples, features), found shape {array.shape}.")
    if array.dtype.kind in "iub" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        with np.errstate(over="ignore"):  # what overflows is refused below
            array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise InputError(f"points must be real numbers, found dtype {array.dtype}.")
    if 0 in array.shape:
        raise InputError(f"points are empty: shape {array.shape}.")
    refuse_non_finite(array)
    return array


def _readable(points: Any) -> Any:
    """Tensors on any device, and bfloat16 numbers, as arrays that numpy reads; bfloat16 becomes float32 without loss."""
    if type(points).__module__.partition(".")[0] == "torch":
        plain = points.detach().cpu()
        return plain.float().numpy() if stored_dtype(points) == "bfloat16" else plain.numpy()
    return points.astype(np.float32) if stored_dtype(points) == "bfloat16" else points


def stored_dtype(points: Any) -> str:
    """Name of the dtype in which the numbers were stored, for example `float16` or `bfloat16`; `float64` for lists."""
    dtype = getattr(points, "dtype", None)
    name = getattr(dtype, "name", str(dtype).removeprefix("torch."))
    return name if name in ("bfloat16", "float16", "float32") else "float64"


def spacing(dtype: str) -> float:
    """Distance from 1 to the next larger number of a floating-point type."""
    return 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)


def refuse_non_finite(array: Points, chunk: int = 4096) -> None:
    """Nothing if every number is finite; reads the rows in chunks so that a memory map stays a memory map.

    Raises:
        InputError: names the number of bad rows and the first of them.
    """
    bad: list[int] = []
    for start in range(0, len(array), chunk):
        finite = np.isfinite(array[start : start + chunk]).all(axis=1)
        bad.extend((start + np.flatnonzero(~finite)).tolist())
    if bad:
        raise InputError(
            f"{len(bad)} of {len(array)} rows hold NaN or Inf (rows {first_of(bad)}). Remove them, or extract them again in a "
            "wider dtype (for example float32)."
        )
