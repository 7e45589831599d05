import json
import tempfile
import webbrowser
from pathlib import Path

import pytest

from dimscope.checks import find_findings
from dimscope.profile import Profile
from dimscope.reports import Report, report
from dimscope.rules import recommend


def test_answer_and_findings_are_computed_when_they_are_not_given(profile: Profile) -> None:
    made = report(profile)
    assert made.recommendation == recommend(profile, profile.provenance["measure"]["rule"])
    assert made.findings == tuple(find_findings(profile))


def test_the_rule_of_the_run_is_used(profile: Profile) -> None:
    other = profile.with_provenance(measure={**profile.provenance["measure"], "rule": "middle"})
    assert report(other).recommendation.rule == "middle"


def test_given_ones_are_kept(profile: Profile) -> None:
    choice = recommend(profile, "last")
    made = report(profile, choice, [])
    assert made.recommendation is choice
    assert made.findings == ()


def test_json_is_what_the_page_holds(made: Report) -> None:
    content = json.loads(made.json())
    assert content["recommendation"]["headline"] == made.recommendation.headline
    assert [finding["code"] for finding in content["findings"]] == [finding.code for finding in made.findings]


@pytest.fixture
def quick(made: Report, page: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The report whose page is not rendered again."""
    monkeypatch.setattr(Report, "html", lambda self: page)
    return made


def test_write_leaves_one_whole_file(quick: Report, page: str, tmp_path: Path) -> None:
    target = quick.write(tmp_path / "deep" / "report.html")
    assert target.read_text(encoding="utf-8") == page
    assert list(target.parent.iterdir()) == [target]


def test_open_shows_a_written_page(quick: Report, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", asked.append)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = quick.open()
    assert target.is_relative_to(tmp_path)
    assert asked == [target.as_uri()]
    assert target.read_text(encoding="utf-8") == page


def test_a_notebook_shows_the_snippet(made: Report) -> None:
    assert made._repr_html_() == made.snippet()
