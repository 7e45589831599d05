"""The public functions that run whole jobs: the same words as the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dimscope.arrays import whole_number
from dimscope.config import RunConfig, as_config, config_from
from dimscope.engines import open_engine
from dimscope.errors import UsageError
from dimscope.profile import Profile
from dimscope.progress import Progress
from dimscope.store.folder import open_folder
from dimscope.store.staging import placed


def run(
    model: str | Path,
    data: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    out: str | Path | None = None,
    points: int = 10_000,
    seed: int = 0,
    layers: str = "all",
    pool: str = "mean",
    k: int = 100,
    device: str = "auto",
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
    config: RunConfig | Mapping[str, Mapping[str, Any]] | str | Path | None = None,
    on_existing: str = "missing",
    with_report: bool = True,
    progress: Progress | None = None,
) -> Profile:
    """The profile of a model on a data set; everything is also written to the run folder, and an interrupted run resumes.

    Args:
        model: a folder, a hub name or a GGUF file.
        data: a .txt, .csv, .tsv, .jsonl, .parquet or FASTA file, a saved data set, a folder of images or sound, or arrays.
        text: column with the text; default: `text`, or the only column.
        label: column with one label per example.
        group: column with one group per example.
        out: the run folder, a path or a URL such as `s3://bucket/run`; default `runs/<model>-<data>`.
        points: use at most this many examples, drawn at random.
        seed: seed of every random choice.
        layers: `all`, or numbers and ranges such as `0:12:2`.
        pool: `mean`, `last`, `cls` or `tokens`; of several, such as `mean,last`, the first one's profile is returned.
        k: neighbours kept of each example.
        device: `auto`, `cpu`, `cuda`, ...
        engine: where the work is done: `local` (this process) or `dask`; the results have the same bits.
        address: of a running Dask scheduler.
        workers: processes that `dask` starts on this machine when no address is given.
        config: further options: nested values such as `{"measure": {"measures": ["cka"]}}`, a TOML file, or a `RunConfig`; the
            arguments above win over it where they differ from their defaults.
        on_existing: `missing`, `redo` or `error`.
        with_report: also draw figures and write report.html.
        progress: told of every stage; silent by default.

    Raises:
        DimscopeError: with one clear sentence.

    Examples:
        >>> profile = run("path/to/model", "texts.csv", label="topic")  # doctest: +SKIP
    """
    from dimscope.pipeline.run import default_folder, run_stages  # loads torch and transformers, which `load` does not need

    for name, place in (("model", model), ("data", data)):
        if not isinstance(place, str | Path):
            raise UsageError(f"{name} is a path or a name, found a {type(place).__name__}; write what is in memory to a file.")
    given: dict[str, dict[str, Any]] = {
        "data": {"path": str(data), "text": text, "label": label, "group": group, "points": points, "seed": seed},
        "model": {"name": str(model), "layers": layers, "pool": pool, "device": device},
        "measure": {"k": k},
    }
    plain = RunConfig()
    changed = {
        part: {name: value for name, value in options.items() if value != getattr(getattr(plain, part), name)}
        for part, options in given.items()
    }
    resolved = config_from(changed, as_config(config))
    folder = Path(out) if out is not None else default_folder(str(model), str(data))
    workers = None if workers is None else whole_number(workers, "workers")
    with open_engine(engine, address, workers) as there, placed(folder) as here:
        result = run_stages(resolved, here, on_existing=on_existing, with_report=with_report, progress=progress, engine=there)
    return result.profile


def load(path: str | Path) -> Profile:
    """The profile of a finished run folder, a path or a URL, or of a profile.nc file.

    Raises:
        StoreError: there is no run, or it is damaged or made by a newer version.
    """
    with placed(Path(path), writes=False, wanted=lambda name: name in ("config.toml", "profile.nc")) as place:
        return Profile.load(place if place.is_file() else open_folder(place).profile)
