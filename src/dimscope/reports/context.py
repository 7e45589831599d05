"""A profile, its recommendation and its findings as plain data: what the page shows and what its JSON holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from dimscope.checks.base import Finding
from dimscope.profile import Profile, format_number
from dimscope.rules.base import Recommendation

SCHEMA = 1
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
NOTHING = "\N{EN DASH}"
MOST_SPREAD = 1000.0
"""Columns that span more than this factor keep four digits per number instead of common decimals."""
HEADINGS = {
    "dimension": ("dimension", "intrinsic dimension, with its standard error"),
    "dimension_untrained": ("fresh weights", "dimension of the same model with fresh weights, a control"),
    "dimension_shuffled": ("shuffled tokens", "dimension when the tokens of each example are shuffled, a control"),
    "dimension_gaussian": ("normal points", "dimension of as many normal points of the same covariance, a control"),
    "label_overlap_untrained": ("fresh weights", "label overlap of the same model with fresh weights, a control"),
    "label_overlap_shuffled": ("shuffled tokens", "label overlap when the tokens of each example are shuffled, a control"),
    "label_overlap_permuted": ("permuted labels", "label overlap when the labels are dealt anew, and its spread"),
    "overlap_next": ("overlap with next", "shared fraction of the nearest neighbours with the next layer"),
    "label_overlap": ("label overlap", "share of the nearest neighbours with the same label"),
    "label_overlap_balanced": ("balanced", "label overlap, mean over classes"),
    "knn_accuracy": ("kNN accuracy", "share of examples whose neighbours vote for their label"),
    "effective_rank": ("effective rank", "exponential of the entropy of the singular values"),
    "participation_ratio": ("participation ratio", "number of directions that share the variance"),
    "anisotropy": ("anisotropy", "share of the variance along the first direction"),
    "von_neumann_entropy": ("entropy", "entropy of the eigenvalues of the covariance, in nats"),
    "pca_99": ("PCA 99 %", "directions that hold 99 % of the variance"),
    "norm_median": ("norm", "median Euclidean norm of the vectors"),
    "r1_median": ("nearest distance", "median distance to the nearest neighbour"),
    "n_unique": ("distinct points", "examples whose vector differs from all others"),
}
"""Quantity -> heading of its column, and what it means."""


class Cell(NamedTuple):
    """One number to show: its text, and its error's text or nothing."""

    value: str
    error: str

    def __str__(self) -> str:
        return f"{self.value} {PLUS_MINUS} {self.error}" if self.error else self.value


def report_context(profile: Profile, recommendation: Recommendation, findings: Sequence[Finding]) -> dict[str, Any]:
    """Everything that the report knows, as plain data; numbers in full precision, NaN and infinity as None."""
    statuses = [str(text) for text in profile.dataset["dimension_status"].values] if profile.has("dimension_status") else []
    context = {
        "schema": SCHEMA,
        "title": model_name(profile),
        "layers": [asdict(layer) for layer in profile.layers],
        "quantities": {name: profile.values(name) for name in profile.quantities},
        "dimension_status": statuses,
        "recommendation": recommendation.to_dict(),
        "findings": [finding.to_dict() for finding in findings],
        "provenance": profile.provenance,
    }
    found: dict[str, Any] = plain(context)
    return found


def plain(value: Any) -> Any:
    """The same content in dicts, lists, texts, numbers, booleans and None, as JSON allows them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def model_name(profile: Profile) -> str:
    """The name to call the run by: its title, its model or its data; the last two parts of a path on this machine."""
    provenance = profile.provenance
    if provenance.get("title"):
        return str(provenance["title"])
    name = _part(provenance, "model").get("name") or _part(provenance, "data").get("path")
    if not name:
        return "Layer profile"
    is_local = str(name).startswith(("/", "~", ".", "\\")) or str(name)[1:3] == ":\\"
    parts = [part for part in re.split(r"[/\\]", str(name)) if part]
    return "/".join(parts[-2:]) if is_local and parts else str(name)


def label_facts(profile: Profile) -> dict[str, str] | None:
    """What the labels say without any rule: the layer of the highest overlap, the last layer, chance; None without labels."""
    if not profile.has("label_overlap") or not np.isfinite(profile.values("label_overlap")).any():
        return None
    values = profile.values("label_overlap")
    best, last = int(np.nanargmax(values)), len(values) - 1
    chance = profile.values("label_overlap_chance")[best] if profile.has("label_overlap_chance") else float("nan")
    return {
        "best": profile.layers[best].name,
        "best_value": quantity_text(profile, "label_overlap", best),
        "last": profile.layers[last].name,
        "last_value": quantity_text(profile, "label_overlap", last),
        "chance": f"{chance:.3f}" if np.isfinite(chance) else "",
    }


def header_facts(profile: Profile) -> list[str]:
    """Size and kind of the run in a few words each."""
    model, data = _part(profile.provenance, "model"), _part(profile.provenance, "data")
    blocks = sum(layer.site in ("block", "block_norm", "attention", "mlp") for layer in profile.layers)
    facts = [
        _counted(data.get("n_tokens"), "token"),
        _counted(data.get("n_examples") or _largest(profile, "n"), "example"),
        _counted(data.get("n_labels"), "label"),
        _counted(blocks or len(profile.layers), "block" if blocks else "layer"),
        f"width {_largest(profile, 'width')}" if _largest(profile, "width") else "",
        f"{model['pool']} pooling" if model.get("pool") else "",
    ]
    return [fact for fact in facts if fact]


def table_columns(profile: Profile) -> list[tuple[str, str]]:
    """Heading and meaning of every column of the table, without the layer."""
    return [HEADINGS.get(str(name), (str(name), str(name))) for name in profile.summary().columns if name != "layer"]


def table_rows(profile: Profile, recommendation: Recommendation) -> list[dict[str, Any]]:
    """One row per layer: name, site, depth, cells with honest digits, its part in the recommendation, its status."""
    summary = profile.summary()
    names = [str(name) for name in summary.columns if name != "layer"]
    columns = [_column_cells(profile, name, [str(text) for text in summary[name]]) for name in names]
    statuses = profile.dataset["dimension_status"].values if profile.has("dimension_status") else ["ok"] * len(summary)
    return [
        {
            "name": layer.name,
            "site": layer.site,
            "depth": f"{layer.depth:.2f}",
            "cells": [column[row] for column in columns],
            "is_recommended": layer.name in recommendation.layers,
            "is_best": recommendation.is_clear and layer.name == recommendation.best,
            "status": "" if statuses[row] in ("ok", "") else str(statuses[row]),
            "text": f"{layer.name}\ndimension {quantity_text(profile, 'dimension', row)}",
        }
        for row, layer in enumerate(profile.layers)
    ]


def quantity_text(profile: Profile, quantity: str, row: int) -> str:
    """One number of a layer in words, with as many digits as its error supports."""
    error = profile.values(f"{quantity}_err")[row] if profile.has(f"{quantity}_err") else float("nan")
    return str(cell_of(format_number(float(profile.values(quantity)[row]), float(error))))


def cell_of(text: str) -> Cell:
    """The text of a number, split at its error."""
    value, _, error = text.partition(" +- ")
    if value == "-":
        return Cell(NOTHING, "")
    return Cell(f"\N{MINUS SIGN}{value[1:]}" if value.startswith("-") else value, error)


def _column_cells(profile: Profile, name: str, texts: list[str]) -> list[Cell]:
    """The cells of one column; numbers without an error get the same number of decimals, so that they can be compared."""
    cells = [cell_of(text) for text in texts]
    if any(cell.error for cell in cells) or not profile.has(name):
        return cells
    values = profile.values(name)
    known = np.abs(values[np.isfinite(values)])
    if not len(known) or (known == known.round()).all() or known.min() < known.max() / MOST_SPREAD:
        return cells
    decimals = max(0, 3 - int(np.floor(np.log10(known.max()))))
    return [Cell(f"{value:.{decimals}f}" if np.isfinite(value) else NOTHING, "") for value in values]


def thousands(number: float) -> str:
    """A count with thin spaces between groups of three digits."""
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _counted(number: Any, noun: str) -> str:
    if not isinstance(number, (int, float)) or number <= 0:
        return ""
    return f"{thousands(number)} {noun}{'' if number == 1 else 's'}"


def _largest(profile: Profile, quantity: str) -> int:
    if not profile.has(quantity):
        return 0
    values = profile.values(quantity)
    finite = values[np.isfinite(values)]
    return int(finite.max()) if len(finite) else 0


def _part(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = provenance.get(name)
    return part if isinstance(part, Mapping) else {}
