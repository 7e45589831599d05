import base64
import json
import re
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pandas
import pytest

from dimscope.checks.base import Finding
from dimscope.profile import Profile
from dimscope.reports import Report, report
from dimscope.rules import recommend

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Checker(HTMLParser):
    """Collects tags, attributes and texts, and complains about tags that do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.tags.append((tag, dict(attrs)))
        self.ids += [str(value) for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


def json_in(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def command_in(text: str) -> str:
    """What the button copies."""
    found = re.search(r'<pre id="command"[^>]*><code>(.*?)</code>', text, re.DOTALL)
    assert found is not None
    return unescape(re.sub(r"</?span>", "", found.group(1)))


@pytest.fixture(params=["page", "hostile_page"])
def any_page(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_tags_match_and_ids_are_unique(any_page: str) -> None:
    checker = checked(any_page)
    assert len(checker.ids) == len(set(checker.ids))
    for name in ("aria-labelledby", "for", "aria-describedby"):
        pointed = {str(attributes[name]) for _, attributes in checker.tags if name in attributes}
        assert pointed <= set(checker.ids)
    links = [str(attributes["href"]) for tag, attributes in checker.tags if tag == "a"]
    anchors = {link[1:] for link in links if link.startswith("#")}
    assert anchors <= set(checker.ids)


def test_nothing_is_requested(any_page: str) -> None:
    for tag, attributes in checked(any_page).tags:
        assert not {"src", "srcset", "action", "poster", "background"} & set(attributes), (tag, attributes)
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "image", "img")
        href = attributes.get("href")
        if href is not None:
            allowed = ("#", "data:text/csv", "https://doi.org/", "https://arxiv.org/abs/") if tag == "a" else ("#",)
            assert href.startswith(allowed), (tag, href)
    assert re.findall(r"url\((?!#)[^)]*\)", any_page) == []
    assert "@import" not in any_page


def test_the_policy_of_the_page_allows_its_own_script_only(page: str) -> None:
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(sha256(script[0].encode()).digest()).decode()
    assert len(script) == 1
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert not re.search(r"\son\w+=", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


def test_own_script_is_small() -> None:
    from dimscope.reports.render import SCRIPTS, TEMPLATES

    assert all((TEMPLATES / name).stat().st_size < 8192 for name in SCRIPTS)


def test_hostile_texts_are_shown_as_text(hostile_page: str, hostile: str) -> None:
    checker = checked(hostile_page)
    assert [tag for tag, _ in checker.tags].count("script") == 2
    assert hostile in checker.texts["h1"]
    assert command_in(hostile_page) == f"dimscope run {hostile}"
    assert "<script>alert" not in hostile_page
    assert json_in(hostile_page)["provenance"]["model"]["name"] == hostile


def test_json_equals_the_profile(page: str, profile: Profile) -> None:
    content = json_in(page)
    for name in profile.quantities:
        found = [np.nan if value is None else value for value in content["quantities"][name]]
        np.testing.assert_array_equal(found, profile.values(name))
    assert content["recommendation"]["layers"] == list(recommend(profile).layers)
    assert content["provenance"] == profile.provenance


def test_csv_equals_the_profile(page: str, profile: Profile) -> None:
    found = re.search(r'download="profile.csv" href="data:text/csv;charset=utf-8;base64,([^"]+)"', page)
    assert found is not None
    table = pandas.read_csv(StringIO(base64.b64decode(found.group(1)).decode()), dtype=str)
    expected = profile.to_dataframe()  # read by Python: pandas 2 misses the last digit of some numbers
    pandas.testing.assert_frame_equal(table.astype(expected.dtypes.to_dict()), expected, check_dtype=False, check_exact=True)


def test_fifty_layers_fit_in_a_megabyte(deep_profile: Profile) -> None:
    assert len(report(deep_profile).html().encode()) < 1_000_000


def test_same_content_same_page(made: Report, page: str) -> None:
    assert made.html() == page


def test_a_clear_answer_comes_first(page: str, profile: Profile) -> None:
    choice = recommend(profile)
    text = re.sub(r"<[^>]+>", "", page[page.index("<main>") : page.index("<figure>")])
    assert f"Use {choice.layers[0]} to {choice.layers[-1]}" in text
    assert f"Try {choice.best} first" in text
    assert f"{choice.stability:.0%} of the bootstrap replicates" in text
    assert choice.regret is not None
    assert f"{choice.regret.chosen - choice.regret.last:+.3f}" in text
    marked = re.findall(r'<tr data-layer="([^"]+)" class="chosen">', page)
    assert marked == list(choice.layers)


def test_no_clear_choice_is_said_and_marks_nothing(hostile_page: str) -> None:
    text = hostile_page[hostile_page.index("<main>") :]
    assert "No clear choice of layer." in text
    assert "it has no peak after which to look for a minimum" in text
    assert 'class="chosen"' not in text
    assert "recommended</text>" not in text


def test_without_labels_there_is_no_word_of_them(hostile_page: str) -> None:
    assert 'id="label_overlap"' not in hostile_page
    assert "kNN accuracy" not in hostile_page


def test_every_layer_is_in_every_panel_and_in_the_table(page: str, profile: Profile) -> None:
    # ribbon + table + two sizes of: dimension (with and without published curves), label overlap, overlap, scale,
    # and five panels of the spectrum
    for layer in profile.layers:
        assert page.count(f'data-layer="{layer.name}"') == 2 + 2 * 10


def test_findings_show_code_text_and_remedy(profile: Profile) -> None:
    found = Finding("P001", "Many <duplicates>", "issue", "Seen: 5 & 6.", "Remove them.")
    page = report(Profile(profile.dataset[["dimension", "dimension_err"]]), findings=[found]).html()
    for text in ("P001", "Many &lt;duplicates&gt;", "Seen: 5 &amp; 6.", "Remove them.", '<a href="#findings">1 finding</a>'):
        assert text in page


def test_the_command_and_the_configuration_are_there(page: str, profile: Profile) -> None:
    assert command_in(page) == profile.provenance["command"]
    assert "Full configuration" in page
    assert '<a href="https://doi.org/10.1145/219717.219748">' in page


def test_a_profile_without_provenance_makes_a_page(profile: Profile) -> None:
    bare = profile.dataset[["dimension", "dimension_err"]].assign_attrs(provenance="{}")
    page = report(Profile(bare), findings=[]).html()
    checked(page)
    assert "This profile does not say how it was made." in page
    assert "health checks are silent" in page
    assert 'id="command"' not in page


def test_a_profile_with_gaps_makes_a_page(profile: Profile) -> None:
    data = profile.dataset.copy(deep=True)
    for name in profile.quantities:
        if data[name].dtype.kind == "f" and name != "dimension_scale":
            data[name].values[3] = np.nan
    page = report(Profile(data)).html()
    checked(page)
    assert "NaN" not in page[page.index("<main>") : page.index("<script>")]
    json_in(page)


def test_figures_are_described(page: str) -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", page, re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        assert figure.count("<figcaption>") == 1
        drawings = 4 if "published" in figure else 2
        assert len(re.findall(r'<svg [^>]*role="img"[^>]*aria-label="[^"]{40,}', figure)) == drawings


def test_the_snippet_stands_alone(made: Report, profile: Profile) -> None:
    text = made.snippet()
    checker = checked(text)
    assert not {"script", "style", "link", "html"} & {tag for tag, _ in checker.tags}
    assert made.recommendation.headline in text
    other = report(profile.with_provenance(seed=4)).snippet()
    assert other == text  # the same numbers, the same ids
