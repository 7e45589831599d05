"""`dimscope list`: what can be chosen."""

from collections.abc import Callable
from typing import Any

import click


def _entries(registry: Any) -> list[dict[str, str]]:
    return [
        {"name": name, "summary": getattr(entry, "summary", ""), "source": getattr(entry, "source", "")}
        for name, entry in registry.items()
    ]


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

    return [{"name": code, "summary": check.summary, "source": check.severity} for code, check in CHECKS.items()]


def _models() -> list[dict[str, str]]:
    from dimscope.models.families import FAMILIES

    known = [
        {"name": name, "summary": f"blocks: {family.blocks}", "source": f"last norm: {family.final_norm or 'none'}"}
        for name, family in sorted(FAMILIES.items())
    ]
    rule = "any transformers text model whose blocks stand in one list: found by rule"
    return [*known, {"name": "(others)", "summary": rule, "source": "last norm: the norm declared after the blocks"}]


def _engines() -> list[dict[str, str]]:
    from dimscope.knn import BACKENDS

    return [
        {"name": name, "summary": f"exact neighbours: {place}", "source": "local"} for name, place in BACKENDS.places.items()
    ]


TABLES: dict[str, Callable[[], list[dict[str, str]]]] = {
    "models": _models,
    "estimators": _estimators,
    "measures": _measures,
    "rules": _rules,
    "checks": _checks,
    "plots": _plots,
    "engines": _engines,
}


@click.command(name="list")
@click.argument("what", type=click.Choice(list(TABLES)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def catalog(what: str, as_json: bool) -> None:
    """List what can be chosen, with one line of meaning and its source.

    \b
    Examples:
      dimscope list estimators
      dimscope list checks --json
    """
    entries = TABLES[what]()
    if as_json:
        from dimscope.cli.output import print_json

        print_json(entries)
        return
    width = max(len(entry["name"]) for entry in entries)
    for entry in entries:
        click.echo(f"{entry['name']:<{width}}  {entry['summary']}")
        if entry["source"]:
            click.echo(f"{'':<{width}}  {entry['source']}")
