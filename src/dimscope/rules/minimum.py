"""The published rule: the first clear minimum of the dimension after its main peak, or the knee of its plateau."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Profile
from dimscope.rules.base import Curve, Recommendation, curve_of, regret_of, spread, unclear

PLATEAU_FACTOR = 1.1
"""Layers up to 1.1 times the minimum belong to the range; on the six published curves the first of them reaches 97 to 100 %
of the best label overlap (Valeriani et al. 2023, digitised)."""
PEAK_RISE = 0.05
"""The peak must stand this share of its height above the start."""
CLEAR_RISE = 0.03
"""A minimum is clear when the curve rises again by this share; digitising noise of the published curves is 1 to 2 %."""
SIGNIFICANT = 2.0
"""... and by this many standard errors of the difference."""
LATEST_KNEE = 0.85
"""A plateau is looked for up to this depth; the last layers turn back towards the input."""
SHORTEST_PLATEAU = 0.15
"""A plateau spans at least this share of the depth (and three layers)."""
LEAST_STABILITY = 0.7
"""The choice is called clear when at least this share of the bootstrap replicates chooses within the range."""


@dataclass(frozen=True)
class Found:
    """Positions on a curve: the main peak, the chosen one, the first and last of the range; and how it was recognised."""

    peak: int
    chosen: int
    first: int
    last: int
    kind: str


class NotFoundError(Exception):
    """There is no clear choice; the message is the reason in plain words."""

    @property
    def sentence(self) -> str:
        """The reason as a sentence of its own."""
        return f"{str(self)[0].upper()}{str(self)[1:]}"


def find_minimum(values: FloatArray, errors: FloatArray, depths: FloatArray) -> Found:
    """The first clear minimum, or the knee of the plateau, after the main peak.

    Args:
        values: dimension along the depth, shape (m,), without final norm.
        errors: its standard errors (zeros when unknown).
        depths: from 0 to 1.

    Raises:
        NotFoundError: with the reason.
    """
    peak = find_peak(values, errors)
    low = peak + 1
    for position in range(peak + 1, len(values)):
        if values[position] < values[low]:
            low = position
        elif values[position] - values[low] >= _clear(values, errors, low, position):
            return _with_range(values, peak, low, "minimum")
    return _find_knee(values, peak, depths)


def find_peak(values: FloatArray, errors: FloatArray) -> int:
    """The position of the main peak after the first layer.

    Raises:
        NotFoundError: too few layers, or no peak that stands out; the message says which.
    """
    if len(values) < 5:
        amount = "1 layer is" if len(values) == 1 else f"{len(values)} layers are"
        raise NotFoundError(f"{amount} too few to see a peak and what follows it.")
    inner = values[1:]  # the embedding takes no part: some models peak there, and it holds no context
    peak = 1 + int(np.argmax(inner))
    start = int(np.argmin(values[:peak]))
    rise = values[peak] - values[start]
    noise = SIGNIFICANT * float(np.hypot(errors[peak], errors[start]))
    if rise < max(PEAK_RISE * values[peak], noise):
        raise NotFoundError(_without_peak(values, peak, start))
    if peak >= len(values) - 2:
        lead = f"below the first layer ({values[0]:.1f}) " if values[0] > values[peak] else ""
        raise NotFoundError(
            f"{lead}the dimension rises to the last layers (from {values[start]:.1f} to {values[peak]:.1f}); nothing follows "
            "its peak."
        )
    return peak


def _without_peak(values: FloatArray, peak: int, start: int) -> str:
    """What a curve does whose highest value after the input, at `peak`, does not stand out of the lowest before it."""
    lowest = np.minimum.accumulate(values)
    top = int(np.argmax(values - lowest))
    if peak > 1 or values[-1] >= values[0]:
        return (
            f"the dimension has no peak that stands out: its highest value after the input is {values[peak]:.1f}, the lowest "
            f"before it {values[start]:.1f}; a peak rises by {PEAK_RISE:.0%} and by {SIGNIFICANT:g} standard errors."
        )
    if values[top] - lowest[top] < PEAK_RISE * values[top]:
        return "the dimension falls from the first layer on; it has no peak after which to look for a minimum."
    return (
        f"the dimension is highest at the first layers ({values[0]:.1f} and {values[1]:.1f}) and stays below them where it "
        f"rises again (from {lowest[top]:.1f} to {values[top]:.1f}); it has no main peak."
    )


def _clear(values: FloatArray, errors: FloatArray, low: int, position: int) -> float:
    return max(CLEAR_RISE * float(values[low]), SIGNIFICANT * float(np.hypot(errors[low], errors[position])))


def _find_knee(values: FloatArray, peak: int, depths: FloatArray) -> Found:
    inner = [row for row in range(peak + 1, len(values) - 1) if depths[row] <= LATEST_KNEE]
    if not inner:
        raise NotFoundError(
            f"the dimension has its peak of {values[peak]:.1f} too near the end for a plateau, and no clear minimum follows it."
        )
    low = min(inner, key=lambda row: float(values[row]))
    fall = f"(from {values[peak]:.1f} to {values[peak:].min():.1f})"
    if PLATEAU_FACTOR * values[low] > values[peak]:
        raise NotFoundError(f"the dimension hardly falls after its peak {fall}; there is no plateau below it.")
    found = _with_range(values, peak, low, "plateau")
    last = min(found.last, inner[-1])
    if last - found.first < 2 or depths[last] - depths[found.first] < SHORTEST_PLATEAU:
        raise NotFoundError(f"the dimension falls after its peak {fall} without a clear minimum or a plateau.")
    return Found(peak, found.first, found.first, last, "plateau")


def _with_range(values: FloatArray, peak: int, low: int, kind: str) -> Found:
    # A value far below belongs to the last layers, which fall back towards the input, and not to this minimum.
    near = (values <= PLATEAU_FACTOR * values[low]) & (values >= values[low] / PLATEAU_FACTOR)
    near[: peak + 1] = False
    first, last = spread(near, low)
    return Found(peak, low, first, last, kind)


@dataclass(frozen=True)
class Minimum:
    """First clear minimum after the main peak, otherwise the start of the plateau, otherwise no clear choice."""

    summary: ClassVar[str] = "first clear minimum or plateau of the dimension after its main peak; the published rule"
    source: ClassVar[str] = "Valeriani et al. 2023, arXiv 2302.00294, made precise: peak, significance, range, stability"

    def recommend(self, profile: Profile) -> Recommendation:
        """The range, or no clear choice, with reasons and stability."""
        curve = curve_of(profile)
        depths = np.array([layer.depth for layer in curve.layers])
        cautions = _cautions(profile)
        try:
            found = find_minimum(curve.values, np.nan_to_num(curve.errors), depths)
        except NotFoundError as reason:
            return unclear(profile, "minimum", reason.sentence, *cautions)
        stability = _stability(curve, found, depths)
        reasons = _reasons(curve, found)
        if not np.isnan(stability) and stability < LEAST_STABILITY:
            why = (
                f"Only {stability:.0%} of the bootstrap replicates choose a layer of this range; "
                f"a clear choice needs {LEAST_STABILITY:.0%}."
            )
            return unclear(profile, "minimum", (*reasons, why), *cautions, stability=stability)
        best = curve.layers[found.chosen].name
        span = tuple(layer.name for layer in curve.layers[found.first : found.last + 1])
        regret = regret_of(profile, best)
        if regret is not None:
            last = "" if np.isnan(regret.last) else f"; the last layer has {regret.last:.3f}"
            reasons.append(
                f"With the labels, which the rule does not use, {best} reaches {regret.chosen:.3f} of the best "
                f"{regret.best:.3f} ({regret.best_layer}){last}."
            )
        return Recommendation("minimum", True, span, best, stability, tuple(reasons), cautions, regret)


def _stability(curve: Curve, found: Found, depths: FloatArray) -> float:
    if not len(curve.replicates):
        return float("nan")
    hits = 0
    for values in curve.replicates:
        if not np.isfinite(values).all():
            continue
        try:
            again = find_minimum(values, np.nan_to_num(curve.errors), depths)
        except NotFoundError:
            continue
        hits += found.first <= again.chosen <= found.last
    return hits / len(curve.replicates)


def _reasons(curve: Curve, found: Found) -> list[str]:
    peak, low = curve.layers[found.peak].name, curve.layers[found.chosen].name
    falls = (
        f"The dimension rises from {curve.values[: found.peak].min():.1f} to its main peak of "
        f"{curve.values[found.peak]:.1f} at {peak}"
    )
    if found.kind == "minimum":
        after = f", then falls to its first clear minimum of {curve.values[found.chosen]:.1f} at {low}."
    else:
        after = f", then falls to a plateau that begins at {low} with {curve.values[found.chosen]:.1f}."
    alike = f"Layers of the range stay within {PLATEAU_FACTOR - 1:.0%} of the lowest value there."
    return [falls + after] if found.first == found.last else [falls + after, alike]


def _cautions(profile: Profile) -> tuple[str, ...]:
    if profile.provenance.get("model", {}).get("is_causal"):
        return (
            "For causal language models later work finds abstraction at the high-dimension peak rather than at a minimum "
            "(Cheng et al. 2025, arXiv 2405.15471); compare both with a small labelled probe.",
        )
    return ()
