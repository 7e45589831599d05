"""Several checkpoints of one model: each is a run of its own, in a folder below the one that is asked for."""

from dataclasses import replace
from pathlib import Path

from dimscope.config import RunConfig
from dimscope.errors import UsageError, first_of
from dimscope.inputs.arrays import natural
from dimscope.store.folder import folder_name


def split_revisions(config: RunConfig, out: Path) -> list[tuple[RunConfig, Path]]:
    """Each checkpoint with its configuration and its run folder, in the order in which they are named.

    `revision` may name several, with commas between. Of a model on the hub they are branches, tags or commits; of a local
    folder they are its sub-folders, which are all taken, in natural order, where the folder itself is no model and none is
    named. A single model without such a list is run in `out` itself.

    Raises:
        UsageError: a sub-folder that is not there, a revision of a folder that has none, or one name twice.
    """
    names = [] if config.model.revision is None else [word.strip() for word in config.model.revision.split(",")]
    if len(set(names)) < len(names) or "" in names:
        raise UsageError(f"--revision {config.model.revision} names one revision twice, or none between two commas.")
    folder = Path(config.model.name).expanduser()
    if not folder.is_dir():
        if len(names) < 2:
            return [(config, out)]
        return [(_with(config, revision=name), out / folder_name(name)) for name in names]
    models = _checkpoints(folder)
    if not names and (not models or (folder / "config.json").is_file() or any(folder.glob("*.gguf"))):
        return [(config, out)]
    unknown = [name for name in names if name not in models]
    if unknown:
        there = f"its checkpoints are {first_of(models)}" if models else "none of its sub-folders holds a model"
        raise UsageError(f"--revision {unknown[0]} of the folder {folder} means a sub-folder with a model; {there}.")
    chosen = names or models
    return [(_with(config, name=str(folder / name), revision=None), out / folder_name(name)) for name in chosen]


def _checkpoints(folder: Path) -> list[str]:
    found = [path.parent.name for path in folder.glob("*/config.json")]
    return sorted(found, key=natural)


def _with(config: RunConfig, **model: str | None) -> RunConfig:
    return replace(config, model=replace(config.model, **model))  # type: ignore[arg-type]
