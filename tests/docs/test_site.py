"""The site: all pages have a place in it, commands on the pages exist, and it builds without a warning."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

import dimscope
from dimscope.cli.main import HELP_NAMES, cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LOADED = re.compile(r'<(?:script|img|iframe)[^>]* src="https?:[^"]+"|<link[^>]* rel="stylesheet"[^>]* href="https?:[^"]+"')
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))


def test_every_page_has_its_place_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    assert sorted(re.findall(r"[\w-]+\.md", text)) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_api_page_has_every_public_name():
    found = re.findall(r"^::: dimscope\.(?:\w+\.)*(\w+)$", (DOCS / "api.md").read_text(encoding="utf-8"), flags=re.M)
    assert sorted(found) == dimscope.__all__


def commands_on(page):
    """Every line of a block of commands that calls dimscope, without comments and continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"```(?:text|bash)\n(.*?)```", text, flags=re.S)
    return [line for block in blocks for line in block.splitlines() if re.match(r"dimscope [a-z]+ (?!\[|…)", line)]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "cli.md" and commands_on(page)], ids=lambda page: page.stem
)
def test_commands_on_the_pages_exist_with_their_options(page):
    for line in commands_on(page):
        words = shlex.split(line, comments=True)[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words.pop(0))
            assert found is not None, line
            command = found
        # an unknown option, a wrong word or a missing one raises here; click keeps the names of the first context
        command.make_context("dimscope", words, help_option_names=HELP_NAMES)


def test_the_site_builds_without_a_warning_and_asks_no_other_host(tmp_path):
    pytest.importorskip("mkdocs", reason="`pip install --group docs` brings the tools of the site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = sorted((tmp_path / "site").glob("*.html"))
    assert {page.stem for page in pages} == {"404", *(page.stem for page in DOCS.glob("*.md"))}
    for page in pages:
        assert LOADED.findall(page.read_text(encoding="utf-8")) == [], page.name
