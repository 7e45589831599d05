"""Options made from the fields of the configuration, so that command line, file and documentation cannot drift apart."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

import click

from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig, config_from, read_config
from dimscope.errors import UsageError, near_match

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
NAMES = {("data", "path"): "--data", ("measure", "estimators"): "--estimator", ("measure", "measures"): "--measure"}
"""Fields whose option has another name than the field."""
METAVARS = {
    "path": "PATH", "text": "COLUMN", "label": "COLUMN", "group": "COLUMN", "id": "COLUMN", "revision": "NAME",
    "clusters": "FILE",
    "pool": "POOL", "blocks": "PATH", "final_norm": "PATH",
    "layers": "SPEC", "device": "NAME", "estimators": "NAME", "rule": "NAME", "measures": "NAME", "further_k": "N,N",
    "max_tokens": "N|auto", "batch_size": "N|auto",
}  # fmt: skip
"""What the help shows for the value of a field; whole numbers are N."""
NO_DATA = (
    "no data were named; add --data PATH (.txt .csv .tsv .jsonl .parquet .fasta .npy .npz, a folder of images or sound, or a "
    "saved data set)."
)
"""What is said when a model was named, but no examples."""
HEADINGS = {"data": "Input", "model": "Model", "measure": "Measure", "output": "Output", "engine": "Engine"}
INPUT_NAMES = ("labels", "case")
MODEL_NAMES = ("preset",)
ENGINE_NAMES = ("engine", "address", "workers")
OUTPUT_NAMES = (
    "config_file", "settings", "out", "on_existing", "reports", "strict", "ignored", "as_json", "quiet", "dry_run",
)  # fmt: skip


class _Auto:
    """Stands for an `auto` on the command line, which wins over the number in a file; an option not given is None."""


AUTO = _Auto()


class AutoInt(click.ParamType[int | _Auto]):
    """A whole number, or `auto`."""

    name = "integer|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or `AUTO`."""
        if value in ("auto", AUTO):
            return AUTO
        try:
            return int(value)
        except ValueError:
            self.fail(f'"{value}" is neither a whole number nor auto.', param, ctx)


class NearChoice(click.Choice[str]):
    """One of some words; the error names the nearest one."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """The sentence for a word that is not among them."""
        del ctx
        return f'"{value}" is unknown.{near_match(str(value), self.choices)}  All: {", ".join(self.choices)}'


class GroupedCommand(click.Command):
    """A command whose help shows its options under headings, examples first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options under Input, Model, Measure, Output and the rest."""
        sections: dict[str, list[tuple[str, str]]] = {heading: [] for heading in (*HEADINGS.values(), "Other")}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
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
    if name in INPUT_NAMES:
        return HEADINGS["data"]
    if name in MODEL_NAMES:
        return HEADINGS["model"]
    if name in ENGINE_NAMES:
        return HEADINGS["engine"]
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
        options |= {"type": NearChoice(entry.metadata["choices"]), "multiple": _is_many(entry)}
        options |= {"metavar": METAVARS[entry.name]} if entry.name in METAVARS else {}
    elif entry.type is bool:
        options["is_flag"] = True
    else:
        options |= {"type": _kind(entry.type), "metavar": METAVARS.get(entry.name, "N"), "multiple": _is_many(entry)}
    return click.option(name, f"{part}__{entry.name}", **options)


def _is_many(entry: "Field[Any]") -> bool:
    return get_origin(entry.type) is tuple


def _kind(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return AutoInt() if int in get_args(kind) else click.STRING
    return click.INT if kind is int else click.STRING


def _shown_default(entry: "Field[Any]") -> str:
    value = entry.default
    if value is None or value is False or value in ("", ()):
        return "  [auto]" if entry.type == int | None else ""
    return f"  [{' '.join(value) if isinstance(value, tuple) else value}]"


def resolve(
    given: dict[str, Any], config_file: Path | None, settings: Iterable[str], base: RunConfig | None = None
) -> RunConfig:
    """The configuration: command line over `--set` over file over `base` or the defaults.

    What is given is put together before it is checked, so that options which only fit together may come from several places.
    """
    values: dict[str, Any] = read_config(config_file) if config_file is not None else {}
    for setting in settings:
        part, field, value = _parse_setting(setting)
        _put(values, part, field, value)
    for name, value in given.items():
        part, _, field = name.partition("__")
        if field and value is not None and value != () and value is not False:
            _put(values, part, field, None if value is AUTO else value)
    return config_from(values, base)


def _put(values: dict[str, Any], part: str, field: str, value: Any) -> None:
    options = values.setdefault(part, {})
    if isinstance(options, dict):  # a file may hold anything under the name of a part: `config_from` refuses it
        options[field] = value


def preset_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--preset NAME`, passed as `preset`."""
    text = "Options of a published study, which others given here win over: igpt or esm."
    return click.option("--preset", "preset", metavar="NAME", help=text)(function)


def engine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--engine`, `--address` and `--workers`, passed under these names to `open_engine`."""
    where = "Where the work is done: local = this process; dask = the workers of a Dask cluster. The results are the same."
    for option in (
        click.option("--workers", type=click.INT, metavar="N", help="Processes that dask starts here.  [one per processor]"),
        click.option("--address", metavar="URL", help="Scheduler of a running cluster, such as tcp://10.0.0.1:8786."),
        click.option("--engine", metavar="NAME", default="local", help=f"{where}  [local]"),
    ):
        function = option(function)
    return function


def preset_base(name: str | None) -> RunConfig | None:
    """The configuration that a preset starts from, or None without one.

    Raises:
        UsageError: no preset has this name.
    """
    from dimscope.models.presets import preset_config

    return None if name is None else preset_config(name)


def typed_command() -> str:
    """The command line under way, as one would type it."""
    words: list[str] = click.get_current_context().find_root().obj
    return shlex.join(["dimscope", *words])


def _parse_setting(setting: str) -> tuple[str, str, Any]:
    import tomllib

    key, equals, text = setting.partition("=")
    part, dot, field = key.strip().partition(".")
    if not equals or not dot:
        raise UsageError(f'--set "{setting}" is not understood; write part.option=value, for example measure.k=64.')
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    return part, field, value


def output_options(*names: str, default_out: str = "runs/<model>-<data>") -> Decorator:
    """The options of these names (all of `OUTPUT_NAMES` when none is named) of commands that write a run folder."""
    made = {
        "out": click.option(
            "-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help=f"Run folder.  [{default_out}]"
        ),
        "on_existing": click.option(
            "--on-existing",
            type=NearChoice(["missing", "redo", "error"]),
            default="missing",
            help="Complete an existing run folder, start over, or stop.  [missing]",
        ),
        "reports": click.option("--reports/--no-report", default=True, help="Draw figures and write report.html.  [reports]"),
        "strict": click.option("--strict", is_flag=True, help="Leave with exit code 3 when a check finds an issue."),
        "ignored": click.option(
            "--ignore",
            "ignored",
            multiple=True,
            metavar="CODE",
            help="A check that does not count for --strict, such as P004; may be given several times.",
        ),
        "as_json": click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON instead of the table."),
        "quiet": click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
        "dry_run": click.option(
            "--dry-run",
            type=click.IntRange(min=1),
            is_flag=False,
            flag_value=1,
            metavar="[N]",
            help="Write nothing: say what it would need and take on this machine, or on N machines like it.",
        ),
        "config_file": click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="TOML file with options; flags win.",
        ),
        "settings": click.option(
            "--set", "settings", multiple=True, metavar="PART.OPTION=VALUE", help="Set any configuration option."
        ),
    }

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names or OUTPUT_NAMES):
            function = made[name](function)
        return function

    return decorate
