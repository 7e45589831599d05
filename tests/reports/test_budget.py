import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dimscope.overlaps.matrix import OverlapMatrix
from dimscope.profile import CONTROLS, Profile
from dimscope.reports import report
from dimscope.reports.budget import FRAME_PER_LAYER, MOST_BYTES, Content, fit, frame_of_explorer
from dimscope.reports.neighborhoods import Neighborhoods
from dimscope.reports.sections import Drawn


@pytest.fixture
def content() -> Content:
    """200 bytes of published curves, 30 of table, 110 of narrow drawings."""
    drawn = Drawn("a", "A", "lead", "caption", True, "w" * 1000, "n" * 100, published=("p" * 150, "p" * 50))
    return Content([drawn, drawn._replace(key="b", published=(), svg_narrow="\N{GREEK SMALL LETTER MU}" * 5)], "c" * 30)


@pytest.mark.parametrize(
    ("room", "left", "n_left_out"),
    [(0, 0, 0), (7, 7, 0), (-1, 199, 1), (-200, 0, 1), (-201, 29, 2), (-231, 109, 3), (-400, -60, 3)],
)
def test_parts_go_in_order_until_the_rest_fits(content: Content, room: int, left: int, n_left_out: int) -> None:
    fitted, found = fit(content, room)
    assert found == left
    assert len(fitted.left_out) == n_left_out
    assert found - room == content.size() - fitted.size()
    assert bool(fitted.figures[0].published) == (n_left_out < 1)
    assert bool(fitted.csv_href) == (n_left_out < 2)
    assert bool(fitted.figures[1].svg_narrow) == (n_left_out < 3)
    assert [figure.svg for figure in fitted.figures] == ["w" * 1000] * 2


def test_what_is_not_there_is_not_left_out(content: Content) -> None:
    bare = content._replace(figures=[figure._replace(published=()) for figure in content.figures])
    assert len(fit(bare, -1)[0].left_out) == 1


def everything(make_synthetic: Any, n_layers: int) -> Profile:
    """All controls, overlaps and retrieval at six k, probes and companions in every layer."""
    profile: Profile = make_synthetic(n_layers - 2, has_scaling=True)
    rng, columns = np.random.default_rng(0), {}
    names = [f"{base}_{name}" for base in ("dimension", "overlap_next", "label_overlap") for name in CONTROLS]
    names += [
        f"{base}_k{k}" for base in ("overlap_next", "label_overlap", "retrieval_accuracy") for k in (1, 5, 10, 30, 50, 99)
    ]
    names += ["probe_accuracy", "mle_20", "pca_99", "von_neumann_entropy", "cka_next", "information_imbalance_next"]
    for name in names:
        columns |= {name: rng.random(n_layers), f"{name}_err": rng.random(n_layers), f"{name}_chance": rng.random(n_layers)}
    return profile.with_columns(columns)


def neighborhoods(profile: Profile, n: int) -> Neighborhoods:
    """Neighbours drawn at random, which is the dearest case, pictures, and texts of 500 letters of two bytes."""
    rng, layers = np.random.default_rng(1), tuple(layer.name for layer in profile.layers)
    values = rng.random((len(layers), len(layers)))
    overlap = OverlapMatrix(values, values / 50, values / 100, np.full(values.shape, n), 30)
    shares = rng.random((len(layers), n), dtype=np.float32)
    return Neighborhoods(
        layers, tuple(f"folder/image-{row}.png" for row in range(n)), ("\N{GREEK SMALL LETTER MU}" * 500,) * n,
        tuple(f"class {row % 300}" for row in range(n)), 30, rng.integers(n, size=(len(layers), n, 5), dtype=np.int32),
        shares, shares, overlap, lambda row: "data:image/webp;base64," + "A" * 700,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n_layers", "n", "left_out"),
    [
        (50, 10_000, 0),
        pytest.param(100, 10_000, 2, marks=pytest.mark.slow),
        pytest.param(200, 2_000, 4, marks=pytest.mark.slow),
    ],
)
def test_a_page_with_everything_stays_below_three_megabytes(make_synthetic: Any, n_layers: int, n: int, left_out: int) -> None:
    profile = everything(make_synthetic, n_layers)
    found = neighborhoods(profile, n)
    text = report(profile, neighborhoods=found).html()
    assert len(text.encode()) <= MOST_BYTES == 3_000_000
    footer = text[text.index("<footer>") : text.index("</footer>")]
    assert footer.count(";") + footer.count("To stay below 3 MB it is without") == left_out
    if left_out < 4:
        chosen = re.search(rf"(\d+) of {n} examples can be chosen here, as many as the page has room for", text)
        assert chosen is not None and int(chosen.group(1)) >= 1


def test_the_frame_of_the_explorer_is_no_larger_than_is_said(profile: Profile, hoods: Neighborhoods) -> None:
    with_it = report(profile, neighborhoods=hoods).html()
    section = re.search(r'<section id="neighbors".*?</section>', with_it, re.DOTALL)
    assert section is not None
    size = len(section.group().encode()) + 100  # and the element around its data
    assert size <= frame_of_explorer(len(profile.layers))
    columns = re.findall(r'<li data-layer=".*?<ol></ol>\s*</li>', section.group(), re.DOTALL)
    assert max(map(len, columns)) <= FRAME_PER_LAYER
    assert "examples can be chosen here, as many" not in with_it  # all are there
    assert replace(hoods, notice="a" * 300).notice in report(profile, neighborhoods=replace(hoods, notice="a" * 300)).html()
