import json

import numpy as np
import pytest

from dimscope.profile import Profile
from dimscope.reports.context import (
    NOTHING,
    cell_of,
    header_facts,
    model_name,
    plain,
    report_context,
    table_columns,
    table_rows,
)
from dimscope.rules import recommend
from dimscope.rules.base import Recommendation

OPEN = Recommendation("minimum", False, (), None, float("nan"), ("why",))


def test_the_context_holds_every_number_in_full(profile: Profile) -> None:
    context = report_context(profile, OPEN, [])
    assert [layer["name"] for layer in context["layers"]] == [layer.name for layer in profile.layers]
    for name in profile.quantities:
        found = [np.nan if value is None else value for value in context["quantities"][name]]
        np.testing.assert_array_equal(found, profile.values(name))
    assert context["provenance"] == profile.provenance
    assert context["recommendation"]["stability"] is None


def test_plain_data_survives_strict_json() -> None:
    odd = {1: float("nan"), "b": (np.float32(0.5), np.int64(3), float("inf")), "c": {np.str_("x")}, "d": object, "e": True}
    found = json.loads(json.dumps(plain(odd), allow_nan=False))
    assert found == {"1": None, "b": [0.5, 3, None], "c": ["x"], "d": str(object), "e": True}


def test_rows_show_the_summary_and_mark_the_recommended(profile: Profile) -> None:
    choice = recommend(profile)
    rows = table_rows(profile, choice)
    assert [row["name"] for row in rows if row["is_recommended"]] == list(choice.layers)
    assert [row["name"] for row in rows if row["is_best"]] == [choice.best]
    assert [heading for heading, _ in table_columns(profile)][:2] == ["dimension", "overlap with next"]
    for row, text in zip(rows, profile.summary()["dimension"], strict=True):
        assert str(row["cells"][0]).replace("±", "+-") == text


def test_an_open_choice_marks_nothing(profile: Profile) -> None:
    assert not any(row["is_recommended"] or row["is_best"] for row in table_rows(profile, OPEN))


def test_numbers_without_error_share_their_decimals(profile: Profile) -> None:
    rows = table_rows(profile, OPEN)
    headings = [heading for heading, _ in table_columns(profile)]
    ranks = [row["cells"][headings.index("effective rank")].value for row in rows]
    assert {len(text.partition(".")[2]) for text in ranks} == {1}
    np.testing.assert_allclose([float(text) for text in ranks], profile.values("effective_rank"), atol=0.05)
    points = [row["cells"][headings.index("distinct points")].value for row in rows]
    assert set(points) == {"2998"}


def test_a_status_is_shown_where_there_is_no_number(profile: Profile) -> None:
    data = profile.dataset.copy(deep=True)
    data["dimension"].values[2] = np.nan
    data["dimension_status"] = ("layer", ["ok", "ok", "too few distinct points", *["ok"] * 11])
    rows = table_rows(Profile(data), OPEN)
    assert (rows[2]["status"], rows[2]["cells"][0].value) == ("too few distinct points", NOTHING)
    assert rows[1]["status"] == ""


def test_header_says_what_was_run(profile: Profile) -> None:
    assert model_name(profile) == "org/model-a"
    assert header_facts(profile) == ["3\u202f000 examples", "15 labels", "12 blocks", "width 384", "mean pooling"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("org/model-a", "org/model-a"),
        ("/home/ada/models/small/", "models/small"),
        ("./small", "./small"),
        ("C:\\models\\small", "models/small"),
    ],
)
def test_folders_are_named_by_their_end(profile: Profile, name: str, shown: str) -> None:
    assert model_name(profile.with_provenance(model={"name": name})) == shown


def test_header_does_without_provenance(profile: Profile) -> None:
    bare = Profile(profile.dataset.assign_attrs(provenance='{"model": "a text, not a table"}'))
    assert model_name(bare) == "Layer profile"
    assert header_facts(bare) == ["3\u202f000 examples", "12 blocks", "width 384"]


def test_cells_are_split_at_the_error() -> None:
    assert tuple(cell_of("16.52 +- 0.31")) == ("16.52", "0.31")
    assert tuple(cell_of("-")) == (NOTHING, "")
    assert tuple(cell_of("-3.1")) == ("\N{MINUS SIGN}3.1", "")
    assert str(cell_of("1.0 +- 0.2")) == "1.0 ± 0.2"
