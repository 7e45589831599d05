"""Names for the arrays that travel through dimscope, and the checks at its edges."""

from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dimscope.errors import InputError, UsageError, first_of

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
        raise InputError(f"points must have two axes (examples, features), found {_form_of(points, array)}.")
    if array.dtype.kind in "iub" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        with np.errstate(over="ignore"):  # what overflows is refused below
            array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise InputError(f"points must be real numbers, found dtype {array.dtype}; leave out or convert what is no number.")
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


def _form_of(given: Any, array: NDArray[Any]) -> str:
    """The shape of an array, or what something is that is none."""
    if array.ndim or array.dtype.kind in "fiub":
        return f"shape {array.shape}"
    remedy = "; give its `.toarray()`" if hasattr(given, "toarray") else ""
    return f"{'nothing (None)' if given is None else f'a {type(given).__name__}'}{remedy}"


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


def as_labels(labels: ArrayLike, what: str = "labels") -> NDArray[Any]:
    """The labels as an array of shape (n,), none of them missing; numbers stay numbers, text stays text.

    Args:
        labels: a list, an array, a column of a table, or a tensor.
        what: their name in messages.

    Raises:
        InputError: more than one axis, numbers among text in a list, masked, or None or NaN inside.
    """
    if np.ma.is_masked(labels):
        raise InputError(f"{what} hold masked values; leave those examples out.")
    array = np.asarray(_readable(labels))
    if array.ndim != 1:
        raise InputError(f"{what} must be one per example, in one axis; found shape {array.shape}.")
    if isinstance(labels, list | tuple) and array.dtype.kind in "US":  # numpy turns 1 and NaN among text into text
        others = sorted({type(label).__name__ for label in labels if not isinstance(label, str | bytes)})
        if others:
            raise _mixed(what, f"{first_of(others)} among text")
    missing = sum(map(_is_missing, array)) if array.dtype.kind in "fOMm" else 0
    if missing:
        raise InputError(f"{missing} of {len(array)} {what} are missing (None or NaN); leave those examples out.")
    return array


def label_codes(labels: ArrayLike, what: str, n_rows: int) -> IntArray:
    """One whole number per input row, equal where the labels are, in the order of the labels.

    Raises:
        InputError: another number of labels than rows, labels that have no order, or what `as_labels` refuses.
    """
    array = as_labels(labels, what)
    if len(array) != n_rows:
        raise InputError(f"{len(array)} {what} were given for {n_rows} examples.")
    try:
        return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int64)
    except TypeError as error:
        raise _mixed(what, str(error)) from error


def whole_number(value: object, name: str, least: int | None = None) -> int:
    """The value as an int.

    Raises:
        UsageError: it is no whole number, or less than `least`.
    """
    if isinstance(value, Integral) and (least is None or int(value) >= least):
        return int(value)
    allowed = "a whole number" if least is None else f"a whole number of at least {least}"
    raise UsageError(f"{name}={value!r} was asked for; it must be {allowed}.")


def real_number(value: object, name: str) -> float:
    """The value as a float.

    Raises:
        UsageError: it is no real number.
    """
    if isinstance(value, Real):
        return float(value)
    raise UsageError(f"{name}={value!r} was asked for; it must be a number.")


def _is_missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA is neither
        return True


def _mixed(what: str, found: str) -> InputError:
    return InputError(f"{what} are not all of one kind ({found}); give text or numbers, and none missing.")


def even_spans(start: int, stop: int, pieces: int) -> list[tuple[int, int]]:
    """First and last (exclusive) place of each of so many pieces, whose lengths differ by at most one; none is empty."""
    cuts = sorted({start + (stop - start) * piece // pieces for piece in range(pieces + 1)})
    return list(pairwise(cuts))
