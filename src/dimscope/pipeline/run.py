"""A whole run: the stages in order over one folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from dimscope.checks.base import Finding
from dimscope.config import RunConfig
from dimscope.dimensions import ESTIMATORS
from dimscope.engines import HERE, Engine
from dimscope.errors import UsageError, unknown_name
from dimscope.files import hash_file
from dimscope.inputs.examples import with_own_labels
from dimscope.pipeline.controls import add_controls, refuse_impossible_controls
from dimscope.pipeline.extract import extract
from dimscope.pipeline.extras import add_extras, refuse_impossible_extras
from dimscope.pipeline.finish import answer, illustrate, remove_illustrations
from dimscope.pipeline.log import log_event
from dimscope.pipeline.measure import measure
from dimscope.pipeline.pools import split_pools
from dimscope.profile import Profile
from dimscope.progress import Progress, Silent
from dimscope.rules import RULES, Recommendation
from dimscope.store.folder import RunFolder, check_same_request, folder_name, remove_leftovers
from dimscope.store.manifest import Manifest
from dimscope.version import __version__

ON_EXISTING = ("missing", "redo", "error")
"""What to do with an output folder that is there: complete what is missing, start over, or stop."""


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run leaves behind: folder, profile, answer, what the checks found, and the same of further poolings."""

    folder: RunFolder
    profile: Profile
    recommendation: Recommendation
    findings: list[Finding]
    others: tuple["RunResult", ...] = ()


def run_stages(
    config: RunConfig,
    out: Path,
    *,
    on_existing: str = "missing",
    with_report: bool = True,
    command: str = "",
    credits: Sequence[str] = (),
    title: str = "",
    progress: Progress | None = None,
    engine: Engine = HERE,
) -> RunResult:
    """Extract, measure, recommend and report.

    Args:
        config: what to do.
        out: the run folder.
        on_existing: `missing` completes an interrupted run, `redo` starts over, `error` stops.
        with_report: also draw figures and write the page.
        command: how to repeat the run, for the record.
        credits: who made model and data, for the record.
        title: heading of the page; the model's name when empty.
        progress: told of every stage; silent by default.
        engine: where the work is done; the results are the same.

    Raises:
        UsageError: the folder holds another configuration, or is not a run folder.
        DimscopeError: whatever the stages raise.
    """
    progress = progress or Silent()
    config = replace(config, data=with_own_labels(config.data))
    folders = prepare_folders(config, out, on_existing, ("data", "model", "measure"))
    extract(config, folders[0], progress, redo=on_existing == "redo", engine=engine)
    results: list[RunResult] = []
    for own, folder in split_pools(config, folders[0]):
        note_origin(folder, command, credits, title)
        if results:
            progress.message(f"pooling: {own.model.pool}")
        results.append(finish_run(own, folder, progress, with_report=with_report, engine=engine))
    return replace(results[0], others=tuple(results[1:]))


def finish_run(
    config: RunConfig,
    folder: RunFolder,
    progress: Progress,
    *,
    with_report: bool = True,
    command: str = "",
    engine: Engine = HERE,
) -> RunResult:
    """Measure, recommend and report over a folder that has its states.

    Without a report, figures and page of an earlier call are removed where they show other numbers. A `command` that is not
    the one that made the run is noted after it.
    """
    refuse_impossible_measures(config)
    before = _hash_of(folder.profile)
    profile = add_extras(config, folder, measure(config, folder, progress, engine), progress, engine)
    profile = add_controls(config, folder, profile, progress, engine)
    recommendation, findings = answer(config, folder, profile)
    Manifest(folder.path).note_later(command)
    if with_report:
        progress.message("drawing figures and the report")
        illustrate(folder, profile, recommendation, findings, engine=engine)
    elif _hash_of(folder.profile) != before:
        remove_illustrations(folder)
    log_event(folder.log, "done", headline=recommendation.headline, findings=[finding.code for finding in findings])
    return RunResult(folder, profile, recommendation, findings)


def prepare_folders(config: RunConfig, out: Path, on_existing: str, parts: tuple[str, ...]) -> list[RunFolder]:
    """The run folder of each pooling, the first one `out` itself; see `check_folder`."""
    return [prepare_folder(own, folder.path, on_existing, parts) for own, folder in split_pools(config, RunFolder(out))]


def prepare_folder(config: RunConfig, out: Path, on_existing: str, parts: tuple[str, ...]) -> RunFolder:
    """The run folder of `check_folder`, without what killed processes left there; nothing is created yet."""
    folder = check_folder(config, out, on_existing, parts)
    remove_leftovers(folder)
    return folder


def check_folder(config: RunConfig, out: Path, on_existing: str, parts: tuple[str, ...]) -> RunFolder:
    """The run folder, if `on_existing` allows its use; nothing is created or removed.

    Raises:
        UsageError: an unknown mode, estimator or rule, an estimator that reads more than k neighbours, groups that are asked
            for and not named, a folder of another configuration, or one that is not a run.
    """
    if on_existing not in ON_EXISTING:
        raise unknown_name("--on-existing", on_existing, ON_EXISTING)
    refuse_impossible_measures(config)
    if config.measure.exclude_group and config.data.group is None and config.model.pool != "tokens":
        raise UsageError("--exclude-group was asked for, but the examples have no groups; name their column with --group.")
    folder = RunFolder(out)
    if on_existing == "error" and out.exists():
        raise UsageError(f"{out} exists and --on-existing error was asked for; choose another -o.")
    if on_existing != "redo" or not folder.config.exists():
        check_same_request(folder, config, parts)
    return folder


def refuse_impossible_measures(config: RunConfig) -> None:
    """Nothing when estimators, rule, controls and measures fit the options.

    Raises:
        UsageError: the first that does not.
    """
    for name in config.measure.estimators:
        kind, k = ESTIMATORS.load(name), config.measure.k
        if not kind.readings(k):
            least = next(more for more in count(k) if kind.readings(more))
            raise UsageError(f"--estimator {name} reads at least {least} neighbours; --k {k} was asked for, raise it.")
    RULES.load(config.measure.rule)
    refuse_impossible_controls(config)
    refuse_impossible_extras(config)


def note_origin(folder: RunFolder, command: str, credits: Sequence[str] = (), title: str = "") -> None:
    """Record version, time, command, credits and title in the manifest, the first time only."""
    manifest = Manifest(folder.path)
    if "created" not in manifest.content:
        manifest.write(
            dimscope=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=command,
            credits=list(credits),
            **({"title": title} if title else {}),
        )


def _hash_of(path: Path) -> str | None:
    return hash_file(path) if path.is_file() else None


def default_folder(model: str, data: str) -> Path:
    """`runs/<model>-<data>` with the last parts of both names, safe for a file system."""
    names = (Path(model).name, Path(data).stem)  # the dot of Llama-3.2-1B begins no ending
    return Path("runs") / "-".join(folder_name(name).lower() for name in names)
