import base64
import json

import pytest

from dimscope.profile import Profile
from dimscope.reports.embedded import csv_link, json_for_page, json_text


def test_json_cannot_end_its_element() -> None:
    text = json_for_page({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}


def test_a_number_that_json_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})
    assert json.loads(json_text({"a": [1.5, None, "é"]})) == {"a": [1.5, None, "é"]}


def test_the_link_holds_the_file(profile: Profile) -> None:
    head, _, body = csv_link(profile).partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(body).decode() == profile.to_dataframe().to_csv(index=False, lineterminator="\n")
