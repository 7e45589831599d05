"""The neighbour explorer of the page: which examples it holds, and their neighbours packed into a few hundred kilobytes."""

import base64
from typing import Any

import numpy as np

from dimscope.arrays import IntArray
from dimscope.plots.theme import shorten
from dimscope.reports.embedded import json_for_page
from dimscope.reports.neighborhoods import Neighborhoods, Shares

BUDGET = 1_000_000
"""Bytes of texts and tables; with the figures of 50 layers the page stays below 3 MB."""
PICTURES = 400_000
"""Further bytes where examples have pictures."""
LISTED = 40
"""Examples in each of the two lists of striking ones."""
LONGEST_TEXT, LONGEST_OF_NEIGHBORS, LONGEST_NAME = 200, 120, 60
"""Characters of the text of an example that can be chosen, of one that is only a neighbour, and of an id or label."""
CANDIDATES = 400
"""Examples with the lowest share of their own label whose vote is counted."""
FRAME, CODE = 2_000, 7
"""Bytes of the names of all parts with the two lists, and of the code of a label with the comma after it."""
NOTHING, UNKNOWN = 65535, 255
"""Stand for no neighbour and for no share in the packed tables."""


def explorer_data(found: Neighborhoods, *, most: int | None = None, seed: int = 0) -> dict[str, Any]:
    """The explorer's content as plain data.

    Examples come first those that can be chosen, then those that are only neighbours. Striking examples are always among
    the first; the rest is a random sample. Both end where the next example would take more bytes than allowed.

    Args:
        found: the neighbourhoods of a run.
        most: bytes in the page; default and limit: `BUDGET`, and `PICTURES` where there are pictures.
        seed: of the sample.

    Returns:
        `ids`, `texts`, `pictures` (`data:` addresses, or none at all), `labels` (codes) and `names` of the labels of all
        examples held; `n_chosen`; `n` of the run; `k`; `shown`; `changing` and `against`: places of the striking ones, most
        striking first; `near`: base64 of uint16 (chosen, layers, shown); `kept` and `agreeing`: base64 of uint8 percent
        (chosen, layers).
    """
    changing, against = most_changing(found), against_their_label(found)
    limit = BUDGET + PICTURES * (found.picture is not None)
    chosen = _sample(found, [*changing, *against], seed, limit if most is None else min(limit, most))
    held = _held(found, chosen)
    place = np.full(len(found.ids) + 1, NOTHING)  # row -1, no neighbour, reads the last entry
    place[held] = np.arange(len(held))
    names = sorted({found.labels[row] for row in held}) if found.labels else []
    codes = {name: code for code, name in enumerate(names)}
    return {
        "n": len(found.ids), "n_chosen": len(chosen), "k": found.k, "shown": found.near.shape[2],
        "ids": [shorten(found.ids[row], LONGEST_NAME) for row in held],
        "texts": [_text(found, row) for row in chosen]
        + [_text(found, row, LONGEST_OF_NEIGHBORS) for row in held[len(chosen) :]],
        "pictures": [_picture(found, row) for row in held] if found.picture is not None else [],
        "labels": [codes[found.labels[row]] for row in held] if found.labels else [],
        "names": [shorten(name, LONGEST_NAME) for name in names],
        "changing": [int(place[row]) for row in changing if place[row] < len(chosen)],
        "against": [int(place[row]) for row in against if place[row] < len(chosen)],
        "near": _packed(place[found.near[:, chosen].transpose(1, 0, 2)], "<u2"),
        "kept": _packed(_percent(found.kept[:, chosen].T), "u1"),
        "agreeing": _packed(_percent(found.agreeing[:, chosen].T), "u1"),
    }  # fmt: skip


def most_changing(found: Neighborhoods) -> IntArray:
    """Rows of the examples that keep the smallest mean share of their neighbours from layer to layer, smallest first."""
    known = np.isfinite(found.kept)
    means = np.where(known, found.kept, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    rows = np.flatnonzero(known.any(axis=0))
    ordered: IntArray = rows[np.argsort(means[rows], kind="stable")][:LISTED]
    return ordered


def against_their_label(found: Neighborhoods) -> IntArray:
    """Rows of the examples whose nearest neighbours carry another label most often, in the layer that agrees best with labels.

    These are likely label errors, or examples that the model does not understand. The nearest `Neighborhoods.near` vote; a
    draw does not count against the example.
    """
    if found.labels is None or not np.isfinite(found.agreeing).any():
        return np.zeros(0, dtype=np.int64)
    layer = int(np.argmax(np.nan_to_num(found.agreeing, nan=-1.0).mean(axis=1)))
    codes = np.unique(found.labels, return_inverse=True)[1]
    ordered = np.argsort(found.agreeing[layer], kind="stable")[:CANDIDATES]
    rows = [int(row) for row in ordered if _is_outvoted(codes, int(row), found.near[layer, row])]
    return np.array(rows[:LISTED], dtype=np.int64)


def _is_outvoted(codes: IntArray, row: int, near: IntArray) -> bool:
    votes = np.bincount(codes[near[near >= 0]], minlength=int(codes.max()) + 1)
    return bool(votes.max() > votes[codes[row]])


def _sample(found: Neighborhoods, first: list[int], seed: int, most: int) -> IntArray:
    """The striking rows, then random ones while texts and tables fit."""
    order = [*first, *np.random.default_rng(seed).permutation(len(found.ids)).tolist()]
    per_row = found.near.shape[0] * (2 * found.near.shape[2] + 2) * 4 // 3 + 1  # base64
    is_held = np.zeros(len(found.ids), dtype=bool)
    chosen: dict[int, None] = {}
    names: set[str] = set()
    size = FRAME
    for row in order:
        if row in chosen:
            continue
        new = np.unique(np.append(found.near[:, row], row))
        new = new[(new >= 0) & ~is_held[new]]
        labels = {found.labels[item] for item in new} - names if found.labels else set()
        size += per_row + _bytes_of(_text(found, row))
        size += sum(_size(found, item) for item in new) + sum(_bytes_of(shorten(name, LONGEST_NAME)) for name in labels)
        if size > most or is_held.sum() + len(new) >= NOTHING:
            break
        is_held[new] = True
        names |= labels
        chosen[row] = None
    return np.array(list(chosen), dtype=np.int64)


def _size(found: Neighborhoods, row: int) -> int:
    """Bytes of an example that is only a neighbour, with the code of its label."""
    words = (shorten(found.ids[row], LONGEST_NAME), _text(found, row, LONGEST_OF_NEIGHBORS), _picture(found, row))
    return sum(_bytes_of(text) for text in words) + CODE


def _bytes_of(text: str) -> int:
    """Bytes of a text as JSON in the page, with the comma after it."""
    return len(json_for_page(text).encode()) + 2


def _held(found: Neighborhoods, chosen: IntArray) -> IntArray:
    """The chosen rows in their order, then their neighbours."""
    near = np.unique(found.near[:, chosen])
    others = np.setdiff1d(near[near >= 0], chosen)
    return np.concatenate([chosen, others]).astype(np.int64)


def _text(found: Neighborhoods, row: int, longest: int = LONGEST_TEXT) -> str:
    return found.texts[row][:longest]


def _picture(found: Neighborhoods, row: int) -> str:
    return "" if found.picture is None else found.picture(int(row))


def _percent(shares: Shares) -> IntArray:
    return np.where(np.isfinite(shares), np.rint(100 * np.nan_to_num(shares)), UNKNOWN).astype(np.int64)


def _packed(numbers: IntArray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype=kind).tobytes()).decode()
