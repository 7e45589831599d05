"""The answer and the page."""

import json
import re
from xml.etree import ElementTree

import pytest

from dimscope.checks import find_findings
from dimscope.config import config_from
from dimscope.errors import UsageError
from dimscope.pipeline.extract import extract
from dimscope.pipeline.finish import FIGURE_ENDINGS, answer, illustrate, remove_illustrations
from dimscope.pipeline.measure import measure
from dimscope.pipeline.run import note_origin
from dimscope.plots import PLOTS
from dimscope.plots.theme import SIZES
from dimscope.progress import Silent
from dimscope.rules import recommend
from dimscope.store.folder import RunFolder


@pytest.fixture
def measured(small, bert, tmp_path):
    folder, config = RunFolder(tmp_path / "run"), small(bert)
    extract(config, folder, Silent())
    return config, folder, measure(config, folder, Silent())


def test_the_answer_is_stored_as_it_is_returned(measured):
    config, folder, profile = measured
    recommendation, findings = answer(config, folder, profile)
    assert json.loads(folder.recommendation.read_text()) == json.loads(json.dumps(recommend(profile).to_dict()))
    assert json.loads(folder.findings.read_text()) == [
        json.loads(json.dumps(finding.to_dict())) for finding in find_findings(profile)
    ]
    assert recommendation.to_dict() == recommend(profile).to_dict()
    assert [finding.code for finding in findings] == [finding.code for finding in find_findings(profile)]


def test_another_rule_gives_another_answer(measured):
    config, folder, profile = measured
    last, _ = answer(config_from({"measure": {"rule": "last"}}, config), folder, profile)
    assert last.best == profile.layers[-1].name
    assert json.loads(folder.recommendation.read_text())["rule"] == "last"


def test_an_unknown_rule_is_refused_with_the_nearest(measured):
    config, folder, profile = measured
    with pytest.raises(UsageError, match=r'unknown .*rule.* "minimun".*Did you mean "minimum"'):
        answer(config_from({"measure": {"rule": "minimun"}}, config), folder, profile)
    assert not folder.recommendation.exists()


def test_every_figure_that_can_be_drawn_is_there_in_both_forms(measured):
    config, folder, profile = measured
    illustrate(folder, profile, *answer(config, folder, profile))
    drawable = [name for name, kind in PLOTS.items() if kind.is_drawable(profile)]
    assert {path.name for path in folder.figures.iterdir()} == {f"{name}{end}" for name in drawable for end in FIGURE_ENDINGS}
    for path in folder.figures.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")


def test_figures_have_the_size_and_forms_that_were_asked_for(measured):
    config, folder, profile = measured
    illustrate(folder, profile, *answer(config, folder, profile), size="column", endings=(".svg", ".pdf"))
    assert {path.suffix for path in folder.figures.iterdir()} == {".svg", ".pdf"}
    root = ElementTree.parse(folder.figures / "dimension.svg").getroot()
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(72 * SIZES["column"].width)
    assert (folder.figures / "dimension.pdf").read_bytes().startswith(b"%PDF")


def test_no_picture_of_earlier_numbers_stays(measured):
    config, folder, profile = measured
    illustrate(folder, profile, *answer(config, folder, profile), endings=(".svg", ".pdf"))
    (folder.figures / "mine.svg").write_text("of the user")
    first = (folder.figures / "dimension.pdf").read_bytes()
    other = profile.without(["label_overlap", "label_overlap_balanced", "knn_accuracy"])
    other = other.with_columns({"dimension": 2 * profile.values("dimension")})
    illustrate(folder, other, *answer(config, folder, other))
    names = {path.name for path in folder.figures.iterdir()}
    assert not [name for name in names if name.startswith("label_overlap")]
    assert {"mine.svg", "dimension.svg", "dimension.png", "dimension.pdf"} <= names
    assert (folder.figures / "dimension.pdf").read_bytes() != first
    remove_illustrations(folder)
    assert {path.name for path in folder.figures.iterdir()} == {"mine.svg"}
    assert not folder.report.exists()
    assert not folder.overlap.exists()


def test_the_page_tells_title_command_and_credits(measured):
    config, folder, profile = measured
    note_origin(folder, "dimscope run here <now>", ["Made by somebody"], "A title of its own")
    illustrate(folder, profile, *answer(config, folder, profile))
    page = folder.report.read_text(encoding="utf-8")
    words = re.sub(r"<[^>]*>", "", page)
    for text in ("A title of its own", "dimscope run here &lt;now&gt;", "Made by somebody"):
        assert text in words
    assert not re.findall(r'(?:\bsrc|<link[^>]*href)="(?:https?:)?//', page)  # links for readers are no dependency
