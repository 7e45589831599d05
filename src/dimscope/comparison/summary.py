"""One row of numbers per run."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.comparison.runs import ComparedRun
from dimscope.errors import StoreError
from dimscope.profile import Profile, format_number
from dimscope.rules import recommend
from dimscope.rules.base import curve_of
from dimscope.rules.plateau import find_plateau

if TYPE_CHECKING:
    import pandas

NUMBERS = {
    "peak dimension": "peak",
    "best label overlap": "label_overlap",
    "chance": "label_overlap_chance",
    "label overlap of last layer": "last_label_overlap",
}
"""Heading of the printed table -> column of the full one, most with a standard error beside it."""


def summary_table(runs: Sequence[ComparedRun]) -> "pandas.DataFrame":
    """One row per run at full precision.

    Columns: run, examples, layers, peak (largest dimension without the final norm), peak_err, peak_layer, peak_depth;
    plateau_layers, plateau_low and plateau_high (longest stretch of nearly constant dimension below the peak, see the rule
    `plateau`), label_overlap with its error, layer and chance (the highest of all layers), last_label_overlap with its
    error, recommended (the stored answer of the run) and best_layer. What a run does not have is NaN or an empty text.
    """
    import pandas

    return pandas.DataFrame([_row(run) for run in runs])


def printed_table(table: "pandas.DataFrame") -> "pandas.DataFrame":
    """The same for people: texts, with as many digits as the standard errors support."""
    import pandas

    shown: dict[str, list[str]] = {"run": table["run"].tolist(), "recommended": _texts(table["recommended"])}
    for heading, column in NUMBERS.items():
        shown[heading] = [_cell(row, column) for _, row in table.iterrows()]
    shown["peak depth"] = ["-" if np.isnan(depth) else f"{depth:.2f}" for depth in table["peak_depth"]]
    shown["plateau"] = _texts(table["plateau_layers"])
    return pandas.DataFrame(shown)


def _cell(row: Any, column: str) -> str:
    """A value with its error and, where it was chosen among layers, its layer."""
    if f"{column}_err" not in row:
        return "-" if np.isnan(row[column]) else f"{row[column]:.2g}"
    number = format_number(float(row[column]), float(row[f"{column}_err"]))
    layer = row.get(f"{column}_layer")
    return f"{number} ({layer})" if layer else number


def _texts(values: Any) -> list[str]:
    return [str(value) or "-" for value in values]


def _row(run: ComparedRun) -> dict[str, Any]:
    profile = run.profile
    n_examples = int(profile.values("n").max()) if profile.has("n") else None
    head = {"run": run.name, "examples": n_examples, "layers": len(profile.layers)}
    return {**head, **_peak(profile), **_plateau(profile), **_labels(profile), **_answer(run)}


def _peak(profile: Profile) -> dict[str, Any]:
    curve = curve_of(profile)
    if not len(curve.values):
        return {"peak": np.nan, "peak_err": np.nan, "peak_layer": "", "peak_depth": np.nan}
    top = int(curve.values.argmax())
    layer = curve.layers[top]
    return {
        "peak": float(curve.values[top]),
        "peak_err": float(curve.errors[top]),
        "peak_layer": layer.name,
        "peak_depth": layer.depth,
    }


def _plateau(profile: Profile) -> dict[str, Any]:
    curve = curve_of(profile)
    found = find_plateau(curve.values, np.array([layer.depth for layer in curve.layers]))
    if found is None:
        return {"plateau_layers": "", "plateau_low": np.nan, "plateau_high": np.nan}
    part = curve.values[found[0] : found[1] + 1]
    span = f"{curve.layers[found[0]].name} to {curve.layers[found[1]].name}"
    return {"plateau_layers": span, "plateau_low": float(part.min()), "plateau_high": float(part.max())}


def _labels(profile: Profile) -> dict[str, Any]:
    values = profile.values("label_overlap") if profile.has("label_overlap") else np.array([np.nan])
    names = ("label_overlap", "label_overlap_err", "label_overlap_chance", "last_label_overlap", "last_label_overlap_err")
    if not np.isfinite(values).any():
        return {**dict.fromkeys(names, np.nan), "label_overlap_layer": ""}
    top = int(np.nanargmax(values))
    errors, chance = profile.values("label_overlap_err"), profile.values("label_overlap_chance")
    found = (values[top], errors[top], chance[top], values[-1], errors[-1])
    return {**dict(zip(names, map(float, found), strict=True)), "label_overlap_layer": profile.layers[top].name}


def _answer(run: ComparedRun) -> dict[str, Any]:
    """The stored answer, or that of the default rule where none was stored."""
    path = run.folder.recommendation
    if path.is_file():
        try:
            content = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise StoreError(f"{path} is damaged; write it again with `dimscope recommend {run.folder.path}`.") from None
    else:
        content = recommend(run.profile).to_dict()
    layers = list(content.get("layers") or ())
    span = "no clear choice" if not layers else layers[0] if len(layers) == 1 else f"{layers[0]} to {layers[-1]}"
    return {"recommended": span, "best_layer": content.get("best") or ""}
