import base64
from dataclasses import replace

import numpy as np
import pytest

from dimscope.reports.embedded import json_for_page
from dimscope.reports.explorer import (
    BUDGET,
    LISTED,
    LONGEST_OF_NEIGHBORS,
    LONGEST_TEXT,
    NOTHING,
    PICTURES,
    UNKNOWN,
    against_their_label,
    explorer_data,
    most_changing,
)  # fmt: skip
from dimscope.reports.neighborhoods import Neighborhoods


def table(content: dict, name: str) -> np.ndarray:
    shape = (content["n_chosen"], -1)
    if name != "near":
        return np.frombuffer(base64.b64decode(content[name]), "u1").reshape(shape)
    return np.frombuffer(base64.b64decode(content[name]), "<u2").reshape(*shape, content["shown"])


def test_packed_tables_lead_back_to_the_neighbors(hoods: Neighborhoods) -> None:
    content = explorer_data(hoods)
    assert (content["n"], content["n_chosen"]) == (120, 120)
    rows = [int(name.removeprefix("id-")) for name in content["ids"]]
    assert sorted(rows) == list(range(120))
    near = np.array(rows)[table(content, "near").astype(int)]
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(near[place], hoods.near[:, row])
        np.testing.assert_allclose(table(content, "kept")[place, :-1], 100 * hoods.kept[:-1, row], atol=0.5)
        np.testing.assert_allclose(table(content, "agreeing")[place], 100 * hoods.agreeing[:, row], atol=0.5)
        assert content["names"][content["labels"][place]] == hoods.labels[row]
        assert content["texts"][place] == hoods.texts[row][:LONGEST_TEXT]
    assert (table(content, "kept")[:, -1] == UNKNOWN).all()


def test_the_budget_limits_the_page_and_keeps_the_striking_first(hoods: Neighborhoods) -> None:
    whole, small = explorer_data(hoods), explorer_data(hoods, most=16_000)
    assert 0 < small["n_chosen"] < len(small["ids"]) < whole["n_chosen"]
    lengths = [len(text) for text in small["texts"]]
    assert max(lengths[: small["n_chosen"]]) <= LONGEST_TEXT
    assert max(lengths[small["n_chosen"] :]) <= LONGEST_OF_NEIGHBORS
    changing = [int(name.removeprefix("id-")) for name in small["ids"][: small["n_chosen"]]]
    assert changing == most_changing(hoods)[: len(changing)].tolist()
    assert max(small["changing"]) < small["n_chosen"]
    assert explorer_data(hoods, seed=1, most=40_000) == explorer_data(hoods, seed=1, most=40_000)


def test_changing_most_is_keeping_least(hoods: Neighborhoods) -> None:
    means = hoods.kept[:-1].mean(axis=0)
    found = most_changing(hoods)
    assert len(found) == LISTED
    assert (np.diff(means[found]) >= 0).all()
    assert means[found].max() <= np.delete(means, found).min()


def test_a_wrong_label_is_found(hoods: Neighborhoods) -> None:
    before = set(against_their_label(hoods).tolist())
    layer = int(hoods.agreeing.mean(axis=1).argmax())
    sure = int(np.flatnonzero(hoods.agreeing[layer] == 1)[0])
    assert sure not in before
    labels = list(hoods.labels or ())
    labels[sure] = next(name for name in sorted(set(labels)) if name != labels[sure])
    agreeing = np.array([[np.mean([labels[o] == labels[r] for o in row]) for r, row in enumerate(rows)] for rows in hoods.near])
    found = against_their_label(replace(hoods, labels=tuple(labels), agreeing=agreeing))
    assert sure in found[:LISTED].tolist()


def test_without_labels_nothing_is_against_them(hoods: Neighborhoods) -> None:
    bare = replace(hoods, labels=None, agreeing=np.full_like(hoods.agreeing, np.nan))
    content = explorer_data(bare)
    assert (content["against"], content["labels"], content["names"]) == ([], [], [])
    assert (table(content, "agreeing") == UNKNOWN).all()


def test_gaps_are_no_neighbors(hoods: Neighborhoods) -> None:
    near = hoods.near.copy()
    near[3] = -1
    content = explorer_data(replace(hoods, near=near))
    assert (table(content, "near")[:, 3] == NOTHING).all()
    assert (table(content, "near")[:, 2] != NOTHING).all()


EXPENSIVE = ("<&>" * 100, '"\\' * 150, "\0" * 300, "\N{GRINNING FACE}" * 300)
"""Texts that take more bytes in the page than they have characters."""


@pytest.mark.parametrize("most", [0, 3_000, 20_000, 60_000, 10_000_000])
@pytest.mark.parametrize("text", ["word " * 60, *EXPENSIVE])
def test_the_page_holds_what_was_allowed_and_not_much_less(hoods: Neighborhoods, text: str, most: int) -> None:
    labels = tuple(f"{text}{row}" for row in range(120))
    costly = replace(hoods, texts=(text,) * 120, ids=labels, labels=labels, picture=lambda row: "data:," + "A" * (10 * row))
    content = explorer_data(costly, most=most)
    size = len(json_for_page(content).encode())
    assert size <= most or (most < 2_000 and content["n_chosen"] == 0)
    if 0 < content["n_chosen"] < 120:
        assert size > 0.3 * most
    assert (content["n_chosen"] == 120) == (most > 1_000_000)


def test_only_labels_that_are_shown_are_named(hoods: Neighborhoods) -> None:
    content = explorer_data(replace(hoods, labels=tuple(f"label {row}" for row in range(120))), most=16_000)
    assert sorted(content["names"]) == sorted(f"label {name.removeprefix('id-')}" for name in content["ids"])


@pytest.mark.parametrize("n", [10_000, 1_000_000])
def test_many_examples_stay_in_the_budget(n: int) -> None:
    rng, n_layers = np.random.default_rng(0), 5 if n > 10_000 else 50
    shares = rng.random((n_layers, n), dtype=np.float32)
    texts = ("\N{GREEK SMALL LETTER ALPHA}" * 500,) * n
    found = Neighborhoods(
        tuple(f"block_{place:02d}" for place in range(n_layers)), tuple(map(str, range(n))), texts,
        None, 30, rng.integers(n, size=(n_layers, n, 5), dtype=np.int32), shares, np.full_like(shares, np.nan), None,
        lambda row: "data:image/webp;base64," + "A" * 700,
    )  # fmt: skip
    size = len(json_for_page(explorer_data(found)).encode())
    assert 0.7 * (BUDGET + PICTURES) < size <= BUDGET + PICTURES


def test_pictures_are_held_for_every_example_and_cost_their_size(hoods: Neighborhoods) -> None:
    drawn = replace(hoods, picture=lambda row: f"data:image/webp;base64,{row}" + "A" * 2000 if row % 2 else "")
    found = explorer_data(drawn)
    assert len(found["pictures"]) == len(found["ids"])
    for name, picture in zip(found["ids"], found["pictures"], strict=True):
        row = int(name.removeprefix("id-"))
        assert picture.startswith(f"data:image/webp;base64,{row}A") if row % 2 else picture == ""
    assert explorer_data(hoods)["pictures"] == []
    monotone = [explorer_data(drawn, most=most)["n_chosen"] for most in (30_000, 100_000, 400_000)]
    assert monotone == sorted(monotone) and monotone[0] < monotone[-1]


def test_pictures_go_with_the_texts(hoods: Neighborhoods) -> None:
    assert replace(hoods, picture=lambda row: "data:,").without_texts().picture is None
