"""Filters of 8-bit integers: one or two digits per coordinate, tiles through torch's integer product.

Each row is turned (a Householder reflection over the blocks, then a signed Hadamard transform within each), which spreads
single large coordinates, and divided by a step of its own. With u = 2^-24 the float32 rounding of centring and rotation is at
most (levels + 2 blocks + 8) u |t| [each stage is orthogonal up to a factor, and adds at most the rounding of its own operations
to the norm of the error].

* `Int8Filter`: q are integers in -127..127; their products are exact in int32 (d below 133 000).
* `Int16Filter`: q = 254 h + l with digits h and l in -127..127, so q.q' = 254^2 h.h' + 254 (h.l' + l.h') + l.l'. The last term
  is left out: with f the step it is at most f f' |l||l'| <= (f^2 |l|^2 + f'^2 |l'|^2) / 2, and f^2 |l|^2 is at most `LOW_SHARE`
  of the row's squared norm (a row in which it is not loses its l, whose norm then counts as error). Three integer products, a
  quarter less work than one of float32 where integers are four times as fast, at an error 254 times smaller than 8 bits have.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.compiled import compiled, compiled_sum
from dimscope.knn.filters import BLOCK_ROWS, FAR_COORDINATE, LOST, Each, Frame, Rows
from dimscope.knn.rounding import UNIT32
from dimscope.knn.scratch import Scratch

SMALLEST_STEP = np.float32(1e-25)
"""Rows all of whose coordinates are below half of this become zeros; nothing underflows in the products of the others."""
LARGEST_CODE = np.float32(127)
LARGEST_PAIR = np.float32(32384)
"""254 * 127 + 126: the nearest multiple of 254 is at most 127 of them, and at most 127 away."""
LOW_SHARE = 1.5e-4
"""(254 / sqrt(12))^2 over (32384 / 5.4)^2: normal coordinates stay below it unless one is beyond 5.4 standard deviations."""


class Int8Filter:
    """Rows as 8-bit integers with a factor each. Arguments as `Float32Filter`; the rotation needs the signs of the frame."""

    def __init__(self, points: Points, places: IntArray, labels: IntArray, frame: Frame, scratch: Scratch, each: Each) -> None:
        self.codes = scratch.empty((len(places), len(frame.signs)), np.int8)
        self.rows = _fill(quantize, self.codes, points, places, labels, frame, each)._replace(blur=8 * UNIT32)

    def tile(self, start: int, stop: int, other: Any, first: int, last: int, room: np.ndarray) -> np.ndarray:
        """int32 products, exact."""
        return _multiply(self.codes[start:stop], other.codes[first:last], room)


class Int16Filter:
    """Rows as pairs of 8-bit digits with a factor each, stored as (h, l, h)."""

    def __init__(self, points: Points, places: IntArray, labels: IntArray, frame: Frame, scratch: Scratch, each: Each) -> None:
        self.codes = scratch.empty((len(places), 3 * len(frame.signs)), np.int8)
        blur = LOW_SHARE + 12 * UNIT32
        self.rows = _fill(quantize_pairs, self.codes, points, places, labels, frame, each)._replace(blur=blur)

    def tile(self, start: int, stop: int, other: Any, first: int, last: int, room: np.ndarray) -> np.ndarray:
        """254^2 h.h' + 254 (h.l' + l.h') in float32; `room` holds two tiles."""
        width, size = self.codes.shape[1] // 3, (stop - start) * (last - first)
        leading = _multiply(self.codes[start:stop, :width], other.codes[first:last, :width], room)
        mixed = _multiply(self.codes[start:stop, : 2 * width], other.codes[first:last, width:], room[size:])
        tile: np.ndarray = leading.view(np.float32)
        combine(leading, mixed, tile)
        return tile


def _fill(
    rounding: Callable[..., None],
    codes: np.ndarray,
    points: Points,
    places: IntArray,
    labels: IntArray,
    frame: Frame,
    each: Each,
) -> Rows:
    n, width = len(places), len(frame.signs)
    factors, norms, errors = np.empty(n, np.float32), np.empty(n), np.empty(n)
    block = width & -width

    def fill(start: int) -> None:
        part = slice(start, start + BLOCK_ROWS)
        rounding(
            points, places[part], frame.scale, frame.mean, frame.signs, block,
            codes[part], factors[part], norms[part], errors[part],
        )  # fmt: skip

    each(fill, range(0, n, BLOCK_ROWS))
    return Rows(factors, np.empty(0, np.float32), norms, errors, labels, frame.scale, 1.0, 0.0)


def _multiply(rows: np.ndarray, columns: np.ndarray, room: np.ndarray) -> np.ndarray:
    import torch

    out = torch.from_numpy(room[: len(rows) * len(columns)].view(np.int32).reshape(len(rows), len(columns)))
    torch._int_mm(torch.from_numpy(rows), torch.from_numpy(columns).t(), out=out)
    return np.asarray(out.numpy())


@compiled
def combine(leading: Any, mixed: Any, tile: Any) -> None:
    """254^2 leading + 254 mixed, in float32; `tile` may be the memory of `leading`."""
    for i in range(tile.shape[0]):
        for j in range(tile.shape[1]):
            tile[i, j] = np.float32(64516) * np.float32(leading[i, j]) + np.float32(254) * np.float32(mixed[i, j])


@compiled
def quantize(
    points: Any, places: Any, scale: Any, mean: Any, signs: Any, block: Any,
    codes: Any, factors: Any, norms: Any, errors: Any,
) -> None:  # fmt: skip
    """Fill codes, factors, norms and errors of a block of rows."""
    width = codes.shape[1]
    turned, spare = np.zeros(width, np.float32), np.empty(width, np.float32)
    lost = _lost(width, block)
    for i in range(places.shape[0]):
        x = points[places[i]]
        top = _turn(x, scale, mean, signs, block, turned, spare)
        if top == np.inf:
            codes[i], factors[i], norms[i], errors[i] = 0, 1, 0, _far_error(x, scale, mean)
            continue
        step = max(top / LARGEST_CODE, SMALLEST_STEP)
        energy, rest = _round(turned, step, codes[i])
        factors[i] = step
        norms[i] = energy * np.float64(step) ** 2
        left = np.sqrt(np.float64(rest)) * (1 + (width + 4) * UNIT32)
        errors[i] = left + 1.01 * lost * (np.sqrt(norms[i]) + left) + LOST


@compiled
def quantize_pairs(
    points: Any, places: Any, scale: Any, mean: Any, signs: Any, block: Any,
    codes: Any, factors: Any, norms: Any, errors: Any,
) -> None:  # fmt: skip
    """Fill digits (high, low, high), factors, norms and errors of a block of rows."""
    width = codes.shape[1] // 3
    turned, spare = np.zeros(width, np.float32), np.empty(width, np.float32)
    lost = _lost(width, block)
    for i in range(places.shape[0]):
        x = points[places[i]]
        top = _turn(x, scale, mean, signs, block, turned, spare)
        if top == np.inf:
            codes[i], factors[i], norms[i], errors[i] = 0, 1, 0, _far_error(x, scale, mean)
            continue
        step = max(top / LARGEST_PAIR, SMALLEST_STEP)
        energy, high, low, rest = _round_pairs(turned, step, codes[i, :width], codes[i, width : 2 * width])
        left = np.sqrt(np.float64(rest)) * (1 + (width + 4) * UNIT32)
        if low > LOW_SHARE * energy:
            codes[i, width : 2 * width] = 0
            energy = np.float64(64516) * high
            left += np.sqrt(np.float64(low)) * np.float64(step)
        codes[i, 2 * width :] = codes[i, :width]
        factors[i] = step
        norms[i] = energy * np.float64(step) ** 2
        errors[i] = left + 1.01 * lost * (np.sqrt(norms[i]) + left) + LOST


@compiled
def _lost(width: Any, block: Any) -> Any:
    return (np.log2(np.float64(block)) + 2 * (width // block) + 8) * UNIT32


@compiled
def _far_error(x: Any, scale: Any, mean: Any) -> Any:
    square = 0.0
    for t in range(x.shape[0]):
        square += (np.float64(x[t]) * scale - mean[t]) ** 2
    return 1.01 * np.sqrt(square)


@compiled
def _turn(x: Any, scale: Any, mean: Any, signs: Any, block: Any, turned: Any, spare: Any) -> Any:
    """Fill `turned` with the row in the frame of the filter; its largest coordinate, or infinity for a row far out."""
    d, width = x.shape[0], turned.shape[0]
    for t in range(d):
        turned[t] = np.float32((np.float64(x[t]) * scale - mean[t]) * signs[t])
    turned[d:] = 0
    if _largest(turned) > FAR_COORDINATE:
        return np.float32(np.inf)
    _rotate(turned, block, spare)
    shrink = np.float32(1 / np.sqrt(np.float64(block)))
    for t in range(width):
        turned[t] *= shrink
    return _largest(turned)


@compiled
def _largest(values: Any) -> Any:
    """The largest absolute value. (Positive floats have the order of their bits; a maximum of integers runs in many lanes.)"""
    bits, found = values.view(np.int32), np.zeros(1, np.int32)
    top = np.int32(0)
    for t in range(bits.shape[0]):
        top = max(top, np.int32(bits[t] & np.int32(0x7FFFFFFF)))
    found[0] = top
    return found.view(np.float32)[0]


@compiled_sum
def _round(turned: Any, step: Any, codes: Any) -> Any:
    energy, rest = np.int32(0), np.float32(0)
    inverse = np.float32(1) / step
    for t in range(turned.shape[0]):
        q = min(max(np.rint(turned[t] * inverse), -LARGEST_CODE), LARGEST_CODE)
        z = turned[t] - q * step
        rest += z * z
        whole = np.int32(q)
        energy += whole * whole
        codes[t] = np.int8(whole)
    return energy, rest


@compiled_sum
def _round_pairs(turned: Any, step: Any, highs: Any, lows: Any) -> Any:
    """Fill both digits of a row; the exact sums of q^2, h^2 and l^2, and the squared norm of what rounding leaves over."""
    energy, high, low, rest = 0.0, np.int32(0), np.int32(0), np.float32(0)
    inverse, share = np.float32(1) / step, np.float32(1) / np.float32(254)
    for t in range(turned.shape[0]):
        q = min(max(np.rint(turned[t] * inverse), -LARGEST_PAIR), LARGEST_PAIR)
        z = turned[t] - q * step
        rest += z * z
        whole, upper = np.int32(q), np.int32(np.rint(q * share))
        lower = whole - np.int32(254) * upper
        energy += np.float64(whole * whole)
        high += upper * upper
        low += lower * lower
        highs[t], lows[t] = np.int8(upper), np.int8(lower)
    return energy, high, low, rest


@compiled
def _rotate(turned: Any, block: Any, spare: Any) -> None:
    """A Householder reflection over the blocks, then a Hadamard transform (up to a factor) within each.

    All blocks are transformed at once. Each level of the transform adds and subtracts the two numbers whose places differ in
    the last bit, and moves that bit to the front: after all levels every bit has had its turn, and place h of block b has
    become h n_blocks + b, in every row alike. `spare` is as long as `turned`.
    """
    if turned.shape[0] > block:
        _reflect(turned, block, spare)
    left = block
    while left >= 4:
        _add_and_subtract(turned, spare)
        _add_and_subtract(spare, turned)
        left //= 4
    if left == 2:
        _add_and_subtract(turned, spare)
        turned[:] = spare


@compiled
def _add_and_subtract(source: Any, target: Any) -> None:
    half = source.shape[0] // 2
    for t in range(half):
        a, b = source[2 * t], source[2 * t + 1]
        target[t], target[t + half] = a + b, a - b


@compiled
def _reflect(turned: Any, block: Any, spare: Any) -> None:
    n_blocks, total = turned.shape[0] // block, spare[:block]
    total[:] = 0
    for b in range(n_blocks):
        _add_multiple(total, turned[b * block : (b + 1) * block], np.float32(1))
    for b in range(n_blocks):
        _add_multiple(turned[b * block : (b + 1) * block], total, np.float32(-2.0 / n_blocks))


@compiled
def _add_multiple(target: Any, source: Any, factor: Any) -> None:
    for t in range(target.shape[0]):
        target[t] += source[t] * factor
