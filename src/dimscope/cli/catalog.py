"""`dimscope list`: what can be chosen."""

import ast
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from dimscope.cli.options import NearChoice


def _entries(registry: Any) -> list[dict[str, str]]:
    found = []
    for name, entry in registry.items():
        facts = {
            "name": name,
            "summary": entry.summary,
            "source": getattr(entry, "source", ""),
            "package": registry.origin(name),
        }
        found.append({fact: text for fact, text in facts.items() if text})
    return found


def _estimators() -> list[dict[str, str]]:
    from dimscope.dimensions import ESTIMATORS

    return _entries(ESTIMATORS)


def _measures() -> list[dict[str, str]]:
    from dimscope.overlaps import MEASURES

    return _entries(MEASURES)


def _rules() -> list[dict[str, str]]:
    from dimscope.rules import RULES

    return _entries(RULES)


def _plots() -> list[dict[str, str]]:
    from dimscope.plots import PLOTS

    return _entries(PLOTS)


def _checks() -> list[dict[str, str]]:
    from dimscope.checks import CHECKS

    return [{**entry, "severity": CHECKS.load(entry["name"]).severity} for entry in _entries(CHECKS)]


def _models() -> list[dict[str, str]]:
    from dimscope.models.families import FAMILIES

    known = [
        {"name": name, "summary": f"blocks: {family.blocks}; last norm: {family.final_norm or 'none'}"}
        for name, family in sorted(FAMILIES.items())
    ]
    rule = "any transformers text model whose blocks stand in one list; its last norm is declared after them"
    return [*known, {"name": "(others)", "summary": rule}]


def _backends() -> list[dict[str, str]]:
    from dimscope.knn import BACKENDS

    return _unloaded(BACKENDS)


def _engines() -> list[dict[str, str]]:
    from dimscope.engines import ENGINES

    return _unloaded(ENGINES)


def _demos() -> list[dict[str, str]]:
    from dimscope.demos import DEMOS

    return _unloaded(DEMOS)


def _unloaded(registry: Any) -> list[dict[str, str]]:
    """The entries of a table by what their modules say, without importing them."""
    return [{"name": name, "summary": _says(place.partition(":")[0])} for name, place in registry.places.items()]


def _says(module: str) -> str:
    """The first line of a module's docstring; it is not imported, because its library may be slow or missing."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    first = text.partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]


TABLES: dict[str, Callable[[], list[dict[str, str]]]] = {
    "models": _models,
    "estimators": _estimators,
    "measures": _measures,
    "rules": _rules,
    "checks": _checks,
    "plots": _plots,
    "backends": _backends,
    "engines": _engines,
    "demos": _demos,
}


@click.command(name="list")
@click.argument("what", type=NearChoice(list(TABLES)), metavar="WHAT")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def catalog(what: str, model: str | None, as_json: bool) -> None:
    """List what can be chosen, with one line of meaning and its source.

    WHAT is one of: models, estimators, measures, rules, checks, plots, backends, engines, demos. `models MODEL` says where the
    blocks and norms of that model were found, from its configuration alone.

    \b
    Examples:
      dimscope list estimators
      dimscope list checks --json
      dimscope list models ./my-model
    """
    if model is not None:
        _print_model(what, model, as_json)
        return
    entries = TABLES[what]()
    if as_json:
        from dimscope.cli.output import print_json

        print_json(entries)
        return
    width = max(len(entry["name"]) for entry in entries)
    for entry in entries:
        severity = f"{entry['severity']:<7}" if "severity" in entry else ""
        click.echo(f"{entry['name']:<{width}}  {severity}{entry['summary']}")
        if entry.get("source"):
            click.echo(f"{'':<{width}}  {entry['source']}")
        if entry.get("package"):
            click.echo(f"{'':<{width}}  from {entry['package']}")


def _print_model(what: str, model: str, as_json: bool) -> None:
    from dimscope.cli.output import print_json
    from dimscope.errors import UsageError
    from dimscope.models.describe import describe_model

    if what != "models":
        raise UsageError(f'"{model}" was given after {what}; only `dimscope list models` takes a model.')
    found = describe_model(model)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        click.echo(f"{name:<11} {', '.join(value) if isinstance(value, list) else value}")
