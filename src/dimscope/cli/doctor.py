"""`dimscope doctor`: what is installed and what would install the rest."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import click

from dimscope.registry import plugin_packages


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Show versions, devices and extras, with the line that installs what is missing.

    \b
    Examples:
      dimscope doctor
      dimscope doctor --json
    """
    needed = _requirements()
    facts: dict[str, Any] = {
        "dimscope": _version("dimscope"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "packages": {name: _version(name) for name in needed.pop("")},
        "devices": _devices(),
        "plugins": plugin_packages(),
        "extras": {extra: {name: _version(name) for name in names} for extra, names in needed.items()},
    }
    if as_json:
        from dimscope.cli.output import print_json

        print_json(facts)
    else:
        _print(facts)


def _print(facts: dict[str, Any]) -> None:
    click.echo(f"dimscope {facts['dimscope']}, Python {facts['python']}, {facts['platform']}")
    width = max(map(len, facts["packages"]), default=0)
    for name, found in facts["packages"].items():
        click.echo(f"  {name:<{width}}  {found or f'MISSING; install with: pip install {name}'}")
    click.echo(f"devices: {', '.join(facts['devices'])}")
    for name, found in facts["plugins"].items():
        click.echo(f"adds to dimscope's tables: {name} {found}")
    for extra, packages in facts["extras"].items():
        missing = [name for name, found in packages.items() if found is None]
        state = f"{', '.join(missing)} missing; install with: pip install 'dimscope[{extra}]'" if missing else "installed"
        click.echo(f"extra {extra}: {state}")


def _requirements() -> dict[str, list[str]]:
    """Packages that dimscope asks for, by extra; those that it always needs under the empty name."""
    found: dict[str, list[str]] = {"": []}
    for line in requires("dimscope") or []:
        requirement, _, condition = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", condition)
        name = re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0]
        found.setdefault(extra[1] if extra else "", []).append(name)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of another system, or one that is missing
        return [f"none: torch cannot be imported ({error})"]
    found = [f"cpu ({torch.get_num_threads()} threads)"]
    found += [f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())]
    return found + ["mps"] * torch.backends.mps.is_available()
