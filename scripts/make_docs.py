"""Writes the pages of docs/ that are made from the code, and fills the README with the results of a real demo run.

python scripts/make_docs.py                      all generated pages
python scripts/make_docs.py --check              only say which are stale (exit code 1)
python scripts/make_docs.py --demo runs/demo     table, answer and picture of the README
"""

import argparse
import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import click
import numpy as np
import tomli_w

import dimscope
from dimscope.checks import CHECKS
from dimscope.cli.main import COMMANDS, cli
from dimscope.cli.options import NAMES
from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig
from dimscope.demos import DEMOS
from dimscope.dimensions import ESTIMATORS
from dimscope.engines import ENGINES
from dimscope.knn import BACKENDS
from dimscope.overlaps import MEASURES
from dimscope.plots import PLOTS, plot_overview
from dimscope.plots.theme import INK, PAPER
from dimscope.profile import Profile
from dimscope.registry import Registry
from dimscope.reports.context import table_rows
from dimscope.reports.figures import COLORS
from dimscope.reports.render import TEMPLATES
from dimscope.rules import DEFAULT, RULES, recommend

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
WIDTH = 100
"""Columns of the help texts."""
NOTE = "<!-- Made by `make docs` from the code; edit the code, not this page. -->"
MARKS = ("<!-- demo-table -->", "<!-- /demo-table -->")
README_COLUMNS = ("dimension", "overlap_next", "label_overlap", "knn_accuracy", "effective_rank", "r1_median")
"""What fits beside each other in the README; the printed table has a few more."""
NIGHT = "#0d1117"
"""The ground of pages on GitHub in the dark."""
PICTURE = """<picture>
<source media="(prefers-color-scheme: dark)" srcset="docs/images/demo-dark.svg">
<img src="docs/images/demo-light.svg" width="100%" alt="Three curves over the layers: dimension, overlap, label overlap">
</picture>"""
API_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Runs and profiles": ("api", "config", "profile", "exports"),
    "Neighbors": ("knn",),
    "Dimension": ("dimensions", "estimates"),
    "Overlaps and labels": ("overlaps", "clusters", "comparison"),
    "Spectrum": ("spectra",),
    "Answer": ("rules", "checks"),
    "Figures and report": ("plots", "reports"),
    "Errors": ("errors",),
}
"""Heading of the page of the API -> the modules whose public names stand below it."""
REMEDY = 4
"""Position of the remedy among the arguments of `Finding`."""


def cli_page() -> str:
    """The help text of every command."""
    parts = [
        "# Command line",
        NOTE,
        "Results go to stdout; progress and messages go to stderr. Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 "
        "done with issues under `--strict`, 130 interrupted and resumable. `--debug` before the command shows the traceback "
        "of an error. The same options can stand in a file, see [configuration](config.md).",
        _fenced(_help(cli, "dimscope")),
    ]
    top = click.Context(cli, info_name="dimscope")
    for name in COMMANDS:
        command = cli.get_command(top, name)
        assert command is not None
        parts += _command_parts(command, f"dimscope {name}", "##")
    return _joined(parts)


def _command_parts(command: click.Command, name: str, heading: str) -> list[str]:
    """Heading and help of a command, and of each command below it one level deeper."""
    parts = [f"{heading} {name}", _fenced(_help(command, name))]
    if isinstance(command, click.Group):
        for word, inner in command.commands.items():
            parts += _command_parts(inner, f"{name} {word}", f"{heading}#")
    return parts


def _help(command: click.Command, name: str) -> str:
    with click.Context(command, info_name=name, terminal_width=WIDTH, help_option_names=["-h", "--help"]) as context:
        return command.get_help(context)


def checks_page() -> str:
    """Code, meaning, thresholds and remedy of every check."""
    rows = [(f"[{code}](#{code.lower()})", check.title, check.severity, check.summary) for code, check in CHECKS.items()]
    parts = [
        "# Health checks",
        NOTE,
        "Each check reads the profile and is silent unless it has something to say. An `issue` means that numbers are limited "
        "or wrong, and `--strict` turns it into exit code 3 (`--ignore CODE` leaves a check out of that); a `tip` is worth "
        "knowing. Findings are in `findings.json`, in the report, and in Python from `dimscope.find_findings(profile)`.",
        _table(("code", "title", "severity", "speaks when"), rows),
    ]
    for code, check in CHECKS.items():
        facts = [(f"`{entry.name}`", _shown(entry)) for entry in fields(check)]
        parts += [
            f"## {code}",
            f"**{check.title}** ({check.severity})",
            _prose(check),
            _table(("threshold", "value"), facts) if facts else "No threshold.",
            f"What to do: {_remedy(check)}",
        ]
    return _joined(parts)


def _remedy(check: type) -> str:
    """The remedy, read from the one place where it is written: the call of `Finding`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(check)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding"]
    for call in calls:
        named = [keyword.value for keyword in call.keywords if keyword.arg == "remedy"]
        value = named[0] if named else call.args[REMEDY]
        if isinstance(value, ast.Constant):
            return str(value.value)
    sys.exit(f"{check.__name__}: its remedy is not a plain text in a call of Finding, so the page cannot show it.")


def registries_page() -> str:
    """Every table of names."""
    sections: list[tuple[str, str, Registry]] = [
        ("Estimators", "`dimscope list estimators`; `dimscope.dimension(points, NAME, ...)`; `--estimator NAME`.", ESTIMATORS),
        ("Measures", "`dimscope list measures`.", MEASURES),
        ("Rules", "`dimscope list rules`; `dimscope.recommend(profile, NAME)`; `--rule NAME`.", RULES),
        ("Plots", "`dimscope list plots`; `dimscope.plot_NAME(profile)`.", PLOTS),
    ]
    parts = [
        "# What can be chosen",
        NOTE,
        "Each table has one entry per name; [extending](extending.md) says how to add one. What the measures mean is in "
        "[measures](measures.md).",
    ]
    for title, how, registry in sections:
        parts += [f"## {title}", how, _table(*_entries(registry))]
    parts += [
        "## Backends",
        "Exact nearest neighbours; `dimscope list backends`. The number of points and the device choose.",
        _table(("name", "place"), [(f"`{name}`", f"`{place}`") for name, place in BACKENDS.places.items()]),
        "## Engines",
        "Where the work of a run is done; `dimscope list engines`; `--engine NAME`.",
        _table(("name", "place"), [(f"`{name}`", f"`{place}`") for name, place in ENGINES.places.items()]),
        "## Demos",
        "`dimscope demo --case NAME`.",
        _table(("name", "place"), [(f"`{name}`", f"`{place}`") for name, place in DEMOS.places.items()]),
        "## Checks",
        "See [health checks](checks.md).",
    ]
    return _joined(parts)


def _entries(registry: Registry) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    rows = []
    for name, entry in registry.items():
        is_configurable = isinstance(entry, type) and is_dataclass(entry)
        options = ", ".join(f"`{field.name}={_shown(field)}`" for field in fields(entry)) if is_configurable else ""
        rows.append((f"`{name}`", str(entry.summary), "" if "=required" in options else options, getattr(entry, "source", "")))
    heads = ("name", "meaning", "options", "source")
    used = [column for column in range(len(heads)) if any(row[column] for row in rows)]
    return [heads[column] for column in used], [tuple(row[column] for column in used) for row in rows]


def config_page() -> str:
    """Every option of the configuration, from its dataclasses."""
    parts = [
        "# Configuration",
        NOTE,
        "Command line over `--set part.option=value` over the file of `--config FILE` over these defaults. The file is TOML "
        "with the tables `[data]`, `[model]` and `[measure]`; an unknown option is an error that names the nearest one. The "
        "resolved configuration is written to `config.toml` in the run folder and can be used as such a file. In Python: "
        "`dimscope.run(..., config=...)` takes a dict of such tables, a TOML file, or a `dimscope.RunConfig`.",
    ]
    for part, kind in (("data", DataConfig), ("model", ModelConfig), ("measure", MeasureConfig)):
        rows = [_option(part, entry) for entry in fields(kind)]
        parts += [f"## [{part}]", _first_line(kind), _table(("option", "command line", "type", "default", "meaning"), rows)]
    parts += ["## The defaults as a file", _fenced(tomli_w.dumps(RunConfig().to_dict()).strip(), "toml")]
    return _joined(parts)


def _option(part: str, entry: "Field[Any]") -> tuple[str, ...]:
    flag = NAMES.get((part, entry.name), f"--{entry.name.replace('_', '-')}")
    shown = "MODEL (argument)" if (part, entry.name) == ("model", "name") else f"`{flag}`"
    choices = entry.metadata["choices"]
    kind = ", ".join(f"`{choice}`" for choice in choices) if choices else _kind(entry.type)
    return (f"`{entry.name}`", shown, kind, _shown(entry), entry.metadata["help"])


def _kind(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_kind(choice) for choice in get_args(kind) if choice is not type(None)) + ", or unset"
    if get_origin(kind) is tuple:
        return "list of texts"
    return {int: "whole number", str: "text", bool: "true or false"}[kind]


def _shown(entry: "Field[Any]") -> str:
    if entry.default is MISSING:
        return "required"
    if entry.default is None:
        return "unset"
    return json.dumps(entry.default)


def _prose(entry: type) -> str:
    """The docstring without its sections, ready for Markdown: formulas keep their stars."""
    text = inspect.cleandoc(entry.__doc__ or "").split("\nAttributes:")[0]
    return re.sub(r"(?<!`)\*", r"\\*", text).strip()


def _first_line(kind: Any) -> str:
    return inspect.cleandoc(kind.__doc__ or "").splitlines()[0]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def api_page() -> str:
    """Every public name, for mkdocstrings to fill in; the tables stand alone where the page is read as Markdown."""
    parts = [
        "# Python API",
        NOTE,
        "Every name below is imported with `import dimscope`, which loads neither torch nor matplotlib. Without the site, "
        "`help(dimscope.NAME)` shows the same texts.",
    ]
    for title, places in API_GROUPS.items():
        names = [name for name, place in dimscope._PLACES.items() if place in places]
        rows = [(f"`{name}`", _first_line(getattr(dimscope, name))) for name in names]
        parts += [f"## {title}", _table(("name", "gives"), rows), *(f"::: {_place_of(name)}" for name in names)]
    unknown = {place for place in dimscope._PLACES.values() if place not in sum(API_GROUPS.values(), ())}
    if unknown:
        sys.exit(f"API_GROUPS in scripts/make_docs.py lacks {', '.join(sorted(unknown))}.")
    return _joined(parts)


def _place_of(name: str) -> str:
    """Where mkdocstrings finds a public name; a module of the same name would hide it from a reader of the source."""
    module = getattr(dimscope, name).__module__
    return f"{module}.{name}" if module.endswith(f".{name}") else f"dimscope.{name}"


def _fenced(text: str, language: str = "text") -> str:
    body = "\n".join(line.rstrip() for line in text.splitlines())
    return f"```{language}\n{body}\n```"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "checks.md": checks_page,
    "registries.md": registries_page,
    "config.md": config_page,
    "api.md": api_page,
}


def stale_pages() -> list[str]:
    """Names of the generated pages that are missing or differ from what the code says now."""
    return [
        name for name, make in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]  # fmt: skip


def write_pages() -> None:
    """Write the stale pages."""
    DOCS.mkdir(exist_ok=True)
    for name in stale_pages():
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")


def fill_readme(run: Path) -> None:
    """Put picture, table and answer of a finished demo run into the README; the picture is drawn into docs/images."""
    profile = Profile.load(run / "profile.nc")
    answer = json.loads((run / "recommendation.json").read_text(encoding="utf-8"))
    said = [f"**{answer['headline']}**", *answer["reasons"], *answer["cautions"]]
    parts = [PICTURE, layer_table(profile), _reading(profile), "The answer at the top of the report:", _quoted(said)]
    text = "\n\n".join(parts)
    before, rest = README.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    README.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")
    draw_picture(profile)


def layer_table(profile: Profile) -> str:
    """The numbers of the report's table that fit beside each other, with spaces that never break."""
    names = [str(name) for name in profile.summary().columns if name != "layer"]
    shown = [name for name in README_COLUMNS if name in names]
    rows = [
        [row["name"], *(str(row["cells"][names.index(name)]).replace(" ", "&nbsp;") for name in shown)]
        for row in table_rows(profile, recommend(profile, "last"))
    ]
    return _table(["layer", *(name.replace("_", " ") for name in shown)], rows)


def draw_picture(profile: Profile) -> None:
    """The profile at a glance as two files, for light and for dark pages."""
    rule = str(profile.provenance.get("measure", {}).get("rule") or DEFAULT)
    light = plot_overview(profile, recommendation=recommend(profile, rule)).svg()
    images = DOCS / "images"
    images.mkdir(parents=True, exist_ok=True)
    (images / "demo-light.svg").write_text(light, encoding="utf-8")
    (images / "demo-dark.svg").write_text(in_dark(light), encoding="utf-8")


def in_dark(svg: str) -> str:
    """The picture in the colors that the report has in the dark."""
    block = re.search(r':root\[data-theme="dark"\] {(.*?)}', (TEMPLATES / "report.css").read_text(encoding="utf-8"), re.S)
    assert block is not None
    dark = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block.group(1)))
    names = {color: variable[4:].split(",")[0].lstrip("-") for color, variable in COLORS.items() if variable.startswith("var(")}
    colors = {color: dark[name] for color, name in names.items()} | {INK: dark["ink"], PAPER: NIGHT}
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: colors.get(match.group(), match.group()), svg)


def _reading(profile: Profile) -> str:
    """What the numbers say, one sentence per measure."""
    names = [layer.name for layer in profile.layers]
    first, last = profile.values("dimension")[[0, -1]]
    said = [f"- The examples spread over {first:.1f} dimensions at {names[0]} and {last:.1f} at {names[-1]}."]
    if profile.has("overlap_next"):
        low = int(np.nanargmin(profile.values("overlap_next")))
        kept = f"{profile.values('overlap_next')[low]:.0%} of the nearest neighbours stay"
        said.append(f"- The step from {names[low]} to {names[low + 1]} rearranges most: {kept}.")
    if profile.has("label_overlap"):
        top = int(np.nanargmax(profile.values("label_overlap")))
        said.append(
            f"- {profile.values('label_overlap')[top]:.0%} of the nearest neighbours carry the example's own label at "
            f"{names[top]}, the highest share; chance would give {profile.values('label_overlap_chance')[top]:.0%}."
        )
    return "\n".join(said)


def _quoted(lines: Sequence[str]) -> str:
    return "\n>\n".join(f"> {line}" for line in lines)


def main() -> None:
    """Parse the command line and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; leave with 1 when a page is stale")
    parser.add_argument("--demo", type=Path, metavar="RUN", help="fill the README from this finished demo run")
    given = parser.parse_args()
    if given.demo is not None:
        fill_readme(given.demo)
    elif given.check:
        stale = stale_pages()
        sys.exit(f"stale: {', '.join(stale)}; run make docs" if stale else 0)
    else:
        write_pages()


if __name__ == "__main__":
    main()
