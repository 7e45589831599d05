"""The layer rules on the curves of Valeriani et al. 2023, digitised: dimension, overlap and label overlap of six models.

What the paper's figures show is read off them, every layer where the figure allows it (`dimscope.paper`), otherwise landmarks
(`published_landmarks.csv`), between which values are interpolated; about +-0.3 for a dimension and +-0.01 for an overlap.
"""

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.profile import Layer, Profile
from dimscope.rules import RULES
from dimscope.rules.minimum import find_peak

MODELS = ("iGPT-S", "iGPT-M", "iGPT-L", "ESM-2 35M", "ESM-2 650M", "ESM-2 3B")
LANDMARKS = Path(__file__).parent / "published_landmarks.csv"
LABELS = ("label_overlap", "label_overlap_k10")
"""The label overlap, read at landmarks or at every layer; image models at k = 30, protein models at k = 10."""


def read_curves() -> dict[tuple[str, str], dict[int, float]]:
    """(model, quantity) -> layer -> value."""
    curves: dict[tuple[str, str], dict[int, float]] = {}
    shipped = files("dimscope.paper").joinpath("data", "published_curves.csv")
    for text in (shipped.read_text(encoding="utf-8"), LANDMARKS.read_text(encoding="utf-8")):
        for row in csv.DictReader(text.splitlines()):
            curves.setdefault((row["model"], row["quantity"]), {})[int(row["point"])] = float(row["value"])
    return curves


def along(points: dict[int, float], n: int) -> FloatArray:
    """Values at the layers 0 to n - 1, interpolated between those that were read."""
    return np.interp(np.arange(n), list(points), list(points.values()))


def published_profile(model: str) -> Profile:
    """Dimension, label overlap and, where the figure can be read, overlap with the next layer of a published model."""
    curves = read_curves()
    n = max(curves[model, "dimension"]) + 1
    columns = {"dimension": along(curves[model, "dimension"], n), "dimension_err": np.zeros(n)}
    (labels,) = [curves[model, name] for name in LABELS if (model, name) in curves]
    columns["label_overlap"] = along(labels, n)
    if (model, "overlap_next") in curves:
        columns["overlap_next"] = np.r_[along(curves[model, "overlap_next"], n - 1), np.nan]
    layers = [Layer("embed_00", "embed", 0, 0.0)]
    layers += [Layer(f"block_{row:02d}", "block", row, row / (n - 1)) for row in range(1, n)]
    provenance = {"model": {"is_causal": model.startswith("iGPT")}}
    return Profile.from_columns(layers, columns, np.empty((n, 0)), provenance)


def lowest(profile: Profile) -> str:
    """The layer of the lowest dimension after the main peak: the published advice, taken literally."""
    values = profile.values("dimension")
    peak = find_peak(values, np.zeros(len(values)))
    return profile.layers[peak + int(np.argmin(values[peak:]))].name


def reached(profile: Profile, layer: str | None) -> float | None:
    """Label overlap at this layer, in percent of the best one."""
    if layer is None:
        return None
    values = profile.values("label_overlap")
    return float(100 * values[[row.name for row in profile.layers].index(layer)] / values.max())


def published_table() -> str:
    """Percent of the best label overlap at the layer that each rule takes; rules without any answer are left out."""
    profiles = {model: published_profile(model) for model in MODELS}
    lines = [f"| rule | {' | '.join(MODELS)} |", "| --- " * (len(MODELS) + 1) + "|"]
    chosen = {f"`{rule}`": [RULES.load(rule)().recommend(profile) for profile in profiles.values()] for rule in RULES}
    rows = {rule: [answer.best for answer in answers] for rule, answers in chosen.items()}
    rows["lowest value after the peak"] = [lowest(profile) for profile in profiles.values()]
    for rule, layers in rows.items():
        if any(layers):
            cells = [_cell(profile, layer) for profile, layer in zip(profiles.values(), layers, strict=True)]
            lines.append(f"| {rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(profile: Profile, layer: str | None) -> str:
    percent = reached(profile, layer)
    return "-" if percent is None or layer is None else f"{percent:.0f} ({int(layer.rpartition('_')[2])})"
