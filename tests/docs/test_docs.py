import re
import sys
from pathlib import Path

import pytest

import dimscope
from dimscope.checks import CHECKS
from dimscope.cli.main import COMMANDS
from dimscope.dimensions import ESTIMATORS
from dimscope.overlaps import MEASURES
from dimscope.plots import PLOTS
from dimscope.rules import RULES, minimum
from loading import loaded

ROOT = Path(__file__).parents[2]
GENERATED = ("cli.md", "checks.md", "registries.md", "config.md", "api.md")
WRITTEN = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SKIPPED = "<!-- not run"
"""Stands above a Python block that needs a model."""


@pytest.fixture(scope="module")
def script():
    with loaded("scripts/make_docs.py", "make_docs") as module:
        yield module


@pytest.fixture(scope="module")
def everything():
    """All pages but the list of public names, which says nothing about their use."""
    return "\n".join(path.read_text(encoding="utf-8") for path in WRITTEN if path.name != "api.md")


def test_generated_pages_say_what_the_code_says(script):
    assert script.stale_pages() == [], "run: make docs"


def test_generated_pages_are_all_known(script):
    assert tuple(script.PAGES) == GENERATED
    marked = {path.name for path in (ROOT / "docs").glob("*.md") if script.NOTE in path.read_text(encoding="utf-8")}
    assert marked == set(GENERATED)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help_in_the_docs(command):
    assert f"\n## dimscope {command}\n" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_has_its_section_with_a_remedy(code):
    section = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8").split(f"\n## {code}\n")[1].split("\n## ")[0]
    assert "What to do: " in section


@pytest.mark.parametrize("name", [*ESTIMATORS, *MEASURES])
def test_every_measure_is_explained(name):
    assert f"`{name}`" in (ROOT / "docs" / "measures.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*RULES, *PLOTS])
def test_every_rule_and_plot_is_listed(name):
    assert f"| `{name}` |" in (ROOT / "docs" / "registries.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", dimscope.__all__)
def test_every_public_name_is_in_the_docs(name, everything):
    assert re.search(rf"dimscope\.{name}\b|`{name}`", everything), f"{name} is in no page of docs/"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_relative_links_resolve(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            missing.append(link)
    assert missing == []


def _anchors(page):
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def python_blocks(page):
    """The blocks of a page that are to be run, and all of them for a look at the syntax."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"([^\n]*)\n```python\n(.*?)```", text, flags=re.S)
    return [code for line, code in found if not line.startswith(SKIPPED)], [code for _, code in found]


@pytest.mark.parametrize("page", [page for page in WRITTEN if python_blocks(page)[1]], ids=lambda page: page.name)
def test_python_on_the_pages_runs(page, own_run, monkeypatch):
    monkeypatch.chdir(own_run)
    run, all_blocks = python_blocks(page)
    for code in all_blocks:
        compile(code, page.name, "exec")
    module = f"page_{page.stem}"
    monkeypatch.setitem(sys.modules, module, type(sys)(module))  # dataclasses look their module up
    names = sys.modules[module].__dict__
    for code in run:
        exec(compile(code, page.name, "exec"), names)


def test_run_folder_page_names_every_column(own_run):
    import pandas

    text = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    columns = [name for name in pandas.read_csv(own_run / "runs" / "mine" / "profile.csv").columns if "gride" not in name]
    plain = [name for name in columns if not name.endswith(("_err", "_chance"))]
    assert [name for name in plain if f"`{name}`" not in text] == []


def test_recommendation_page_has_the_constants_of_the_rule():
    text = (ROOT / "docs" / "recommendation.md").read_text(encoding="utf-8")
    constants = {name: value for name, value in vars(minimum).items() if name.isupper()}
    assert len(constants) >= 7
    stale = [f"`{name}` = {value:g}" for name, value in constants.items() if f"`{name}` = {value:g}" not in text]
    assert stale == []
