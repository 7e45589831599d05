"""The script that copies the pictures of the gallery, and the page that shows them."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loading import loaded

ROOT = Path(__file__).parents[2]
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def script():
    with loaded("scripts/make_gallery.py", "make_gallery") as module:
        yield module


def test_numbers_are_cut_to_a_hundredth_and_nothing_else(script):
    before = '<path d="M 12.345678 -0.001 L 7.5 3.999" id="m1.2345x" style="stroke: #0072b2; opacity: 0.5"/>'
    after = '<path d="M 12.35 -0 L 7.5 4" id="m1.23x" style="stroke: #0072b2; opacity: 0.5"/>'
    assert script.short_numbers(before) == after


def test_missing_pictures_are_named_and_nothing_is_written(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "IMAGES", tmp_path / "images")
    with pytest.raises(SystemExit, match=r"lacks demo/figures/overview\.svg, digits/.*; docs/gallery.md has the commands"):
        script.copy_pictures(tmp_path)
    assert not (tmp_path / "images").exists()


def test_every_picture_is_copied_under_its_name(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "IMAGES", tmp_path / "images")
    for number, place in enumerate(script.PICTURES.values()):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f'<svg x="{number}.123"/>', encoding="utf-8")
    for number, path in enumerate(script.copy_pictures(tmp_path)):
        assert path.read_text(encoding="utf-8") == f'<svg x="{number}.12"/>'


def test_the_page_shows_every_picture_with_words_and_the_command(script):
    text = script.PAGE.read_text(encoding="utf-8")
    shown = dict(re.findall(r"!\[([^\]]+)\]\(images/([^)]+)\)", text))
    assert sorted(shown.values()) == sorted(script.PICTURES)
    assert all(len(words) > 20 for words in shown)
    folders = {place.partition("/")[0] for place in script.PICTURES.values()}
    assert [name for name in folders if f"-o runs/{name}\n" not in text] == []


def test_pictures_are_drawings_that_need_no_font_and_are_small(script):
    for name in script.PICTURES:
        drawing = (script.IMAGES / name).read_text(encoding="utf-8")
        ElementTree.fromstring(drawing)
        assert "<text" not in drawing
        assert "<image" not in drawing
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()) < MOST_BYTES
