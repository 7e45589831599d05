"""Options made from the fields of the configuration, so that command line, file and documentation cannot drift apart."""

from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

import click

from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig, config_from, read_config
from dimscope.errors import UsageError

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
NAMES = {("data", "path"): "--data", ("measure", "estimators"): "--estimator"}
"""Fields whose option has another name than the field."""
HEADINGS = {"data": "Input", "model": "Model", "measure": "Measure", "output": "Output"}
OUTPUT_NAMES = ("out", "on_existing", "reports", "strict", "as_json", "quiet", "config_file", "settings")


class AutoInt(click.ParamType[int | None]):
    """A whole number, or `auto`."""

    name = "integer|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or None for `auto`."""
        if value is None or value == "auto":
            return None
        try:
            return int(value)
        except ValueError:
            self.fail(f'"{value}" is neither a whole number nor auto.', param, ctx)


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings, examples first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options under Input, Model, Measure, Output and the rest."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*HEADINGS.values(), "Other")}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections[_heading(parameter.name or "")].append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


def _heading(name: str) -> str:
    part = name.partition("__")[0]
    if part in HEADINGS and "__" in name:
        return HEADINGS[part]
    return HEADINGS["output"] if name in OUTPUT_NAMES else "Other"


def config_options(*parts: str, without: Iterable[str] = ()) -> Decorator:
    """Options for all fields of these parts of the configuration; each is passed as `part__field`, None when not given."""
    kinds = {"data": DataConfig, "model": ModelConfig, "measure": MeasureConfig}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for part in reversed(parts):
            for entry in reversed(fields(kinds[part])):
                if f"{part}.{entry.name}" not in without:
                    function = _option(part, entry)(function)
        return function

    return decorate


def _option(part: str, entry: "Field[Any]") -> Decorator:
    name = NAMES.get((part, entry.name), f"--{entry.name.replace('_', '-')}")
    described = entry.metadata["help"]
    shown = _shown_default(entry)
    options: dict[str, Any] = {"help": f"{described[0].upper()}{described[1:]}.{shown}", "default": None}
    if entry.metadata["choices"]:
        options["type"] = click.Choice(entry.metadata["choices"])
    elif get_origin(entry.type) is tuple:
        options |= {"multiple": True, "metavar": "NAME"}
    elif entry.type is bool:
        options["is_flag"] = True
    else:
        options["type"] = _kind(entry.type)
    if entry.name in ("text", "label", "group", "id"):
        options["metavar"] = "COLUMN"
    return click.option(name, f"{part}__{entry.name}", **options)


def _kind(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return AutoInt() if int in get_args(kind) else click.STRING
    return {int: click.INT, str: click.STRING}[kind]


def _shown_default(entry: "Field[Any]") -> str:
    value = entry.default
    if value in (None, "", False):
        return "  [auto]" if entry.type == int | None else ""
    return f"  [{' '.join(value) if isinstance(value, tuple) else value}]"


def resolve(
    given: dict[str, Any], config_file: Path | None, settings: Iterable[str], base: RunConfig | None = None
) -> RunConfig:
    """The configuration: command line over `--set` over file over `base` or the defaults."""
    flags: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        part, _, field = name.partition("__")
        if field and value is not None and value != () and value is not False:
            flags.setdefault(part, {})[field] = value
    layers = [read_config(config_file)] if config_file is not None else []
    return config_from(_merged([*layers, *map(_parse_setting, settings), flags]), base)


def _merged(layers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Later values over earlier ones; only the outcome is checked, since options depend on each other."""
    values: dict[str, Any] = {}
    for layer in layers:
        for part, options in layer.items():
            known = values.get(part)
            both = isinstance(known, dict) and isinstance(options, dict)
            values[part] = {**known, **options} if both and known is not None else options
    return values


def _parse_setting(setting: str) -> dict[str, dict[str, Any]]:
    import tomllib

    key, equals, text = setting.partition("=")
    part, dot, field = key.strip().partition(".")
    if not equals or not dot:
        raise UsageError(f'--set "{setting}" is not understood; write part.option=value, for example measure.k=64.')
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    return {part: {field: value}}


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options shared by the commands that write a run folder."""
    for decorator in (
        click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
        click.option("--json", "as_json", is_flag=True, help="Print the recommendation as JSON instead of the table."),
        click.option("--strict", is_flag=True, help="Leave with exit code 3 when a check finds an issue."),
        click.option("--reports/--no-report", "reports", default=True, help="Draw figures and write report.html."),
        click.option(
            "--on-existing",
            type=click.Choice(["missing", "redo", "error"]),
            default="missing",
            help="Complete an existing run folder, start over, or stop.  [missing]",
        ),
        click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder.  [runs/<model>-<data>]"),
        click.option("--set", "settings", multiple=True, metavar="PART.OPTION=VALUE", help="Set any configuration option."),
        click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML file with options; flags win."),
    ):
        function = decorator(function)
    return function
