import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from dimscope.reports.explorer import LISTED, LONGEST_TEXT, NOTHING, UNKNOWN, against_their_label, explorer_data, most_changing
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
    whole, small = explorer_data(hoods), explorer_data(hoods, budget=12_000)
    assert 0 < small["n_chosen"] < len(small["ids"]) < whole["n_chosen"]
    assert len(json.dumps(small)) < 2 * 12_000
    changing = [int(name.removeprefix("id-")) for name in small["ids"][: small["n_chosen"]]]
    assert changing == most_changing(hoods)[: len(changing)].tolist()
    assert max(small["changing"]) < small["n_chosen"]
    assert explorer_data(hoods, seed=1, budget=40_000) == explorer_data(hoods, seed=1, budget=40_000)


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


@pytest.mark.parametrize("n_layers", [50])
def test_fifty_layers_of_ten_thousand_examples_stay_in_the_budget(n_layers: int) -> None:
    rng, n = np.random.default_rng(0), 10_000
    texts = tuple("\N{GREEK SMALL LETTER ALPHA}" * 200 for _ in range(n))
    shares = rng.random((n_layers, n))
    found = Neighborhoods(
        tuple(f"block_{place:02d}" for place in range(n_layers)), tuple(map(str, range(n))), texts,
        tuple("ab"[row % 2] for row in range(n)), 30, rng.integers(n, size=(n_layers, n, 5)), shares, shares, None,
    )  # fmt: skip
    size = len(json.dumps(explorer_data(found), ensure_ascii=False).encode())
    assert 500_000 < size < 1_500_000


def test_pictures_are_held_for_every_example_and_cost_their_size(hoods: Neighborhoods) -> None:
    drawn = replace(hoods, picture=lambda row: f"data:image/webp;base64,{row}" + "A" * 2000 if row % 2 else "")
    found = explorer_data(drawn)
    assert len(found["pictures"]) == len(found["ids"])
    for name, picture in zip(found["ids"], found["pictures"], strict=True):
        row = int(name.removeprefix("id-"))
        assert picture.startswith(f"data:image/webp;base64,{row}A") if row % 2 else picture == ""
    assert explorer_data(hoods)["pictures"] == []
    monotone = [explorer_data(drawn, budget=budget)["n_chosen"] for budget in (-380_000, -300_000, 0)]
    assert monotone == sorted(monotone) and monotone[0] < monotone[-1]


def test_pictures_go_with_the_texts(hoods: Neighborhoods) -> None:
    assert replace(hoods, picture=lambda row: "data:,").without_texts().picture is None
