"""The tables of `recommendation.py`, as Markdown."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dimscope.rules import RULES

YARDSTICKS = ("label_overlap", "knn_accuracy", "linear_probe")


def rules_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One row per rule: in how many cases it chooses, and what it reaches of the best layer, on average over these."""
    lines = [
        "| rule | cases with a choice | label overlap | kNN accuracy | linear probe | worst label overlap |",
        "| --- " * 6 + "|",
    ]
    for rule in RULES:
        answers = [found[rule] for found in results.values() if found[rule]["layer"] is not None]
        means = [_percent([answer[name] for answer in answers if name in answer], np.mean) for name in YARDSTICKS]
        worst = _percent([answer["label_overlap"] for answer in answers], np.min)
        lines.append(f"| `{rule}` | {len(answers)} of {len(results)} | {' | '.join(means)} | {worst} |")
    return "\n".join(lines)


def cases_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One row per case: the best layer by label overlap, and percent of it (with the layer) per rule; * marks a weak answer."""
    lines = [
        f"| case | examples | best layer | {' | '.join(f'`{rule}`' for rule in RULES)} |",
        "| --- " * (len(RULES) + 3) + "|",
    ]
    for case, found in results.items():
        cells = [_cell(found[rule]) for rule in RULES]
        lines.append(f"| {case} | {found['examples']} | {short(found['best']['label_overlap'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(answer: Mapping[str, Any]) -> str:
    if answer["layer"] is None:
        return "-"
    return f"{100 * answer['label_overlap']:.0f} ({short(answer['layer'])}){'*' if answer['is_weak'] else ''}"


def _percent(shares: list[float], reduce: Any) -> str:
    return f"{100 * reduce(shares):.0f} %" if shares else "-"


def short(layer: str) -> str:
    """The number in the name of a layer."""
    return str(int(layer.rpartition("_")[2]))
