"""Pages of runs that are unlike the usual one: one layer, no labels, repeated examples, gaps, long names, no clear choice."""

import re
from html import unescape

import numpy as np
import pytest

from dimscope.profile import Profile
from dimscope.reports import report
from dimscope.reports.context import label_facts
from dimscope.reports.render import LONGEST_HEADING

KEPT = ["dimension", "dimension_err", "dimension_status", "dimension_replicates", "n", "n_unique", "n_near", "twonn"]


@pytest.fixture(scope="module")
def bare(profile: Profile) -> Profile:
    """One figure only, so that a page is drawn quickly."""
    return Profile(profile.dataset[KEPT])


def words(page: str, section: str) -> str:
    found = re.search(rf'<section [^>]*id="{section}".*?</section>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", found.group())))


def test_one_layer_says_that_a_choice_needs_several(make_synthetic) -> None:
    page = report(make_synthetic(0)).html()
    answer = words(page, "answer")
    assert "No clear choice of layer." in answer and "One layer was measured; a choice needs several." in answer
    assert "Label overlap of the last layer" not in answer
    assert 'class="ribbon"' not in page
    assert 'id="overlap"' not in page  # there is no next layer
    assert page.count("<tr data-layer=") == 1
    assert "Bar: one standard error." in words(page, "dimension")
    assert "Band: one standard error." in words(page, "scale")


def test_an_open_choice_shows_what_the_labels_say(make_synthetic) -> None:
    profile = make_synthetic(6, curve="monotone")
    page = report(profile).html()
    values, errors = profile.values("label_overlap"), profile.values("label_overlap_err")
    best = int(values.argmax())
    answer = words(page, "answer")
    assert f"Highest label overlap {values[best]:.4f} ± {errors[best]:.4f} at {profile.layers[best].name}" in answer
    assert "chance would give 0.074" in answer
    assert f"Label overlap of the last layer {values[-1]:.4f} ± {errors[-1]:.4f} at final_norm_06" in answer
    assert "let label overlap and kNN accuracy decide" in answer
    assert 'class="ribbon"' not in page


def test_an_open_choice_without_labels_sends_to_a_labeled_sample(bare: Profile) -> None:
    flat = bare.dataset.copy(deep=True)
    flat["dimension"].values[:] = np.linspace(20, 10, 14)
    answer = words(report(Profile(flat)).html(), "answer")
    assert "Compare a few layers on a small labelled sample of your task." in answer
    assert "label overlap" not in answer.lower()


def test_labels_without_a_number_say_nothing(profile: Profile) -> None:
    data = profile.dataset.copy(deep=True)
    data["label_overlap"].values[[0, -1]] = np.nan
    facts = label_facts(Profile(data))
    assert facts is not None
    assert (facts["best"], facts["last_value"]) == ("block_08", "\N{EN DASH}")
    data["label_overlap"].values[:] = np.nan
    assert label_facts(Profile(data)) is None
    no_chance = label_facts(Profile(profile.dataset.drop_vars(["label_overlap_chance"])))
    assert no_chance is not None
    assert list(no_chance.values()) == ["block_08", "0.5470 ± 0.0050", "final_norm_12", "0.3783 ± 0.0050", ""]


def test_repeated_examples_are_a_finding_and_a_column(bare: Profile) -> None:
    data = bare.dataset.copy(deep=True)
    data["n_unique"].values[:] = 1200
    data["n_near"].values[:] = 300
    page = report(Profile(data)).html()
    findings = words(page, "findings")
    assert "P001" in findings and "60.0% of the examples repeat another one" in findings
    assert "P002" in findings and "25.0% of the points" in findings
    assert words(page, "layers").count(" 1200 ") == 14


def test_gaps_are_dashes_with_their_reason(bare: Profile) -> None:
    data = bare.dataset.copy(deep=True)
    data["dimension"].values[[0, 5]] = np.nan
    data["dimension_err"].values[[0, 5]] = np.nan
    statuses = ["too few distinct points" if row in (0, 5) else "ok" for row in range(14)]
    data["dimension_status"] = ("layer", statuses)
    page = report(Profile(data)).html()
    rows = re.findall(r"<tr data-layer=.*?</tr>", page, re.DOTALL)
    for row, text in enumerate(rows):
        assert ("<td>\N{EN DASH}</td>" in text) is (row in (0, 5))
        assert ("too few distinct points" in text) is (row in (0, 5))
    assert not re.search(r"\bnan\b", page[page.index("<main>") : page.index("<script")], re.IGNORECASE)


def test_a_profile_without_any_dimension_is_a_page(bare: Profile) -> None:
    data = bare.dataset.copy(deep=True)
    data["dimension"].values[:] = np.nan
    page = report(Profile(data)).html()
    assert "No clear choice of layer." in page
    assert page.count("no value in any layer") == 2  # wide and narrow


def test_long_names_are_cut_above_the_page_and_whole_in_the_provenance(bare: Profile) -> None:
    name = "organization/" + "x-very-long-" * 40 + "end"
    page = report(bare.with_provenance(model={"name": name})).html()
    heading = re.search(r'<h1 title="([^"]+)" dir="auto">([^<]+)</h1>', page)
    assert heading is not None
    assert heading.group(1) == name
    assert len(heading.group(2)) == LONGEST_HEADING
    assert heading.group(2).startswith("organization/x-very") and heading.group(2).endswith("-end")
    assert f'<dd class="name">{name}</dd>' in page
    assert "<h1 dir=" in report(bare.with_provenance(model={"name": "short"})).html()
