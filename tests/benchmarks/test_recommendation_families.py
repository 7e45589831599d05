"""The constant of the rule `turn`, set anew without one family of models."""

import numpy as np
import pytest

from dimscope.rules.turn import BREAK
from profiles import make_profile


@pytest.fixture
def script(benchmark):
    return benchmark("recommendation_families")


def case(script, family, ratio, last):
    """Steps that keep 80 %, but for the last one; the last layer reaches `last` percent, the one before all."""
    steps = np.array([0.5, 0.8, 0.8, 0.8, 0.8, 0.8 * ratio])
    return script.Evidence(family, family, steps, np.linspace(0, 1, 7), np.array([50, 60, 70, 80, 90, 100, last]))


def test_the_layer_before_the_break_and_its_share(script):
    found = case(script, "a", 0.5, 70)
    assert found.last_step == pytest.approx(0.5)
    assert (found.at(BREAK), found.at(0.4), found.at(0.0)) == (100, 70, 70)


def test_constants_that_find_a_harmful_break_and_spare_a_harmless_one(script):
    harmful, harmless = case(script, "a", 0.52, 50), case(script, "b", 0.83, 120)
    assert script.fit([harmful, harmless]) == (0.55, 0.8)
    assert script.fit([harmless]) == (0.05, 0.8)
    assert script.fit([harmful])[0] == 0.55


def test_every_family_counts_the_same(script):
    """Three cases of one family do not outvote another whose loss is greater."""
    spared = [case(script, "a", 0.52, 110)] * 3
    assert script.fit([*spared, case(script, "b", 0.52, 50)])[0] == 0.55
    assert script.fit([*spared, case(script, "b", 0.52, 95)])[1] == 0.5


def test_the_table_tries_the_constant_on_the_family_left_out(script):
    cases = [case(script, "a", 0.52, 50), case(script, "a", 0.62, 70), case(script, "b", 0.83, 120)]
    rows = [line.split(" | ") for line in script.families_table(cases).splitlines()[2:]]
    assert rows[0] == ["| a", "2", "0.52 to 0.62", "0.05 to 0.80", "60 %", "100 %", "60 % |"]
    assert rows[1][:4] == ["| b", "1", "0.83 to 0.83", "0.65 to 0.95"]
    assert rows[1][4:] == ["120 %", "120 %", "120 % |"]


def test_the_final_norm_takes_no_part(script):
    labels, steps = [0.2, 0.3, 0.4, 0.5, 0.4, 0.9], [0.7, 0.8, 0.8, 0.3, 0.99, np.nan]
    profile = make_profile([5.0] * 6, label_overlap=labels, overlap_next=steps, final_norm=True)
    found = script.evidence("case", "family", profile)
    np.testing.assert_allclose(found.percent, [40, 60, 80, 100, 80])
    np.testing.assert_allclose(found.steps, steps[:4])
    np.testing.assert_allclose(found.depths, [0, 0.25, 0.5, 0.75, 1])


def test_published_protein_models_are_one_family(script):
    found = script.published_evidence()
    assert {(one.case, one.family) for one in found} == {
        ("ESM-2 35M, published", "ESM-2"),
        ("ESM-2 650M, published", "ESM-2"),
    }
    (large,) = [one for one in found if "650M" in one.case]
    assert large.last_step == pytest.approx(0.51 / np.median([
        .82, .67, .68, .63, .50, .46, .55, .49, .51, .51, .65, .70, .78, .80, .87, .82, .87, .91, .91, .94, .94, .92, .94, .94,
        .93, .93, .92, .83, .82, .81, .75, .51,
    ]))  # fmt: skip
