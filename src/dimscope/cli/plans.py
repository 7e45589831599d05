"""What `--dry-run` prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dimscope.cli.output import print_cautions, print_json, shown
from dimscope.cli.places import but_states, stand_in
from dimscope.sizes import size_text

if TYPE_CHECKING:
    from dimscope.config import RunConfig
    from dimscope.pipeline.plan import Plan, Scope
    from dimscope.progress import Progress

COUNTED = {
    "distinct": "distinct", "labels": "labels", "dropped": "dropped", "tokens": "tokens", "median_tokens": "median",
    "longest": "longest", "truncated": "truncated",
}  # fmt: skip
"""Counts of a plan -> the word that is shown behind them."""


def plan_checkpoints(config: "RunConfig", out: Path | None, scope: "Scope", progress: "Progress", *, as_json: bool) -> None:
    """Plan the run of each checkpoint, and print the plans."""
    from dimscope.pipeline.checkpoints import split_revisions
    from dimscope.pipeline.planning import plan_run
    from dimscope.pipeline.run import default_folder

    places = split_revisions(config, out or default_folder(config.model.name, config.data.path))
    plans = [plan_run(own, stand_in(place, writes=False, wanted=but_states), scope, progress) for own, place in places]
    if as_json:
        print_json(plans[0].to_dict() if len(plans) == 1 else {"plans": [plan.to_dict() for plan in plans]})
        return
    for plan in plans:
        print_plan(plan, as_json=False)
    if len(plans) > 1:
        click.echo(f"\nAll {len(plans)} checkpoints, one by one: {time_text(sum(plan.seconds for plan in plans))}")


def print_plan(plan: "Plan", *, as_json: bool) -> None:
    """The plan as a table, or as JSON."""
    if as_json:
        print_json(plan.to_dict())
        return
    click.echo(f"{shown(Path(plan.folder))}: a dry run, nothing was written.\n")
    for name, text in _facts(plan).items():
        click.echo(f"{name:<11} {text}")
    click.echo()
    width = max(len(stage.name) for stage in plan.stages)
    for stage in plan.stages:
        click.echo(f"{stage.name:<{width}}  {time_text(stage.seconds):>8}  {stage.basis}")
    click.echo(f"{'together':<{width}}  {time_text(plan.seconds):>8}")
    print_cautions(plan.notes)


def _facts(plan: "Plan") -> dict[str, str]:
    model, disk, memory = plan.model, plan.disk, plan.memory
    widths = sorted({layer.width for layer in plan.layers})
    named = plan.layers[0].name, plan.layers[-1].name
    facts = {
        "model": f"{model['class']}, {_number(model['parameters'])} parameters, {model['dtype']} on {model['device']}"
        if model
        else "none, the points are given",
        "examples": _counts(plan.examples),
        "layers": f"{len(plan.layers)} of width {', '.join(map(str, widths))}: {' to '.join(dict.fromkeys(named))}",
        "disk": f"states {size_text(disk['states'])}"
        + (f", neighbour tables {size_text(disk['neighbors'])}" if "neighbors" in disk else "")
        + f"; {size_text(disk['free'])} are free",
        "memory": ", ".join(f"{name} {size_text(size)}" for name, size in memory.items() if name != "mapped")
        + (f" and {size_text(memory['mapped'])} of mapped files" if "mapped" in memory else ""),
        "operations": ", ".join(f"{name} {_number(value)}" for name, value in plan.operations.items()),
    }
    return facts | ({"machines": f"{plan.workers} like this one"} if plan.workers > 1 else {})


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{counts[name]} {word}" for name, word in COUNTED.items() if counts.get(name)]
    rows = f"; {counts['rows']} rows" if counts["rows"] != counts["examples"] else ""
    return f"{counts['examples']}" + (f" ({', '.join(shown)})" if shown else "") + rows


def _number(value: Any) -> str:
    return f"{value:.2g}" if value >= 1e6 else str(value)


def time_text(seconds: float) -> str:
    """Seconds in the unit that suits them.

    Examples:
        >>> time_text(0.42), time_text(75), time_text(9000), time_text(400_000)
        ('0.4 s', '1.2 min', '2.5 h', '4.6 days')
    """
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
